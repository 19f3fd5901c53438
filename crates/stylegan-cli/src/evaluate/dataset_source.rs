//! Pictures and labels of a data set, for measuring.

use crate::exit::wrong;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use stylegan_core::Precision;
use stylegan_core::latent::StreamKey;
use stylegan_metrics::evaluate::ImageSet;
use stylegan_metrics::protocol::Protocol;
use stylegan_train::data::{Dataset, Files, label_map_kind};

/// The labels that pictures are drawn for: those of the real pictures, each as often as there.
pub(super) fn labels(network: &Path, dataset: Option<&Dataset>, classes: usize) -> anyhow::Result<Vec<Vec<f32>>> {
    if classes == 0 {
        return Ok(Vec::new());
    }
    match dataset {
        Some(dataset) if dataset.label_dim() == classes => {
            let row = |i| {
                let mut row = Vec::with_capacity(classes);
                dataset.labels().push_row(i, &mut row);
                row
            };
            Ok((0..dataset.len()).map(row).collect())
        }
        Some(dataset) => wrong!(
            "{} has {classes} classes, the pictures have {}; evaluate with the labels it was trained with",
            network.display(),
            dataset.label_dim()
        ),
        // Where no set is known each class is as likely.
        None => Ok((0..classes).map(|class| (0..classes).map(|i| f32::from(u8::from(i == class))).collect()).collect()),
    }
}

/// All pictures in an order of chance, the same each time and for all sets of as many pictures.
pub(super) fn order(dataset: &Dataset) -> Vec<usize> {
    let mut order: Vec<usize> = (0..dataset.len()).collect();
    let mut stream = StreamKey::new(0, "evaluation order", 0).stream(0, 0);
    for i in (1..order.len()).rev() {
        order.swap(i, stream.below(i as u64 + 1) as usize);
    }
    order
}

/// All pictures in this order.
pub(super) fn images<'a>(dataset: &'a Dataset, name: &str) -> anyhow::Result<ImageSet<'a>> {
    let order = order(dataset);
    let images = move |numbers: Range<usize>| Some(dataset.batches(order.get(numbers)?).next()?.map_err(Into::into));
    let (count, hash) = (dataset.len(), Some(dataset.identity()?));
    Ok(ImageSet { name: name.into(), images: Box::new(images), count, hash, precision: Precision::F32 })
}

/// Refuses two sets whose pictures do not have equal names: what compares pairs would compare strangers.
/// Label maps are grey.
pub(super) fn check_pairs(
    protocol: &Protocol,
    [generated, real]: [&Dataset; 2],
    paths: &[PathBuf],
) -> anyhow::Result<()> {
    let metric = &protocol.id;
    if protocol.needs().label_maps {
        if generated.channels().max(real.channels()) > 1 {
            wrong!(
                "--images: {metric} compares label maps, grey pictures whose levels are class numbers; these are coloured"
            );
        }
        paths.iter().try_for_each(|path| check_maps(path))?;
    }
    let stem = |name: &String| Path::new(name).with_extension("");
    let lost = |one: &Dataset, other: &Dataset| {
        let known: BTreeSet<_> = other.names().iter().map(stem).collect();
        one.names().iter().find(|name| !known.contains(&stem(name))).cloned()
    };
    let lost = [lost(generated, real), lost(real, generated)].into_iter().zip(paths);
    let alone: Vec<String> =
        lost.filter_map(|(name, path)| Some(format!("{} is in {} alone", name?, path.display()))).collect();
    if !alone.is_empty() {
        wrong!("--images: {metric} compares pictures of equal names in both folders; {}", alone.join(", "));
    }
    // They meet in the order of their names, endings and all.
    if let Some((a, b)) = generated.names().iter().zip(real.names()).find(|(a, b)| stem(a) != stem(b)) {
        wrong!(
            "--images: {metric} compares pictures in the order of their names, in which {a} meets {b}; name both alike"
        );
    }
    Ok(())
}

/// Refuses maps whose levels are not those in the file once they are decoded.
pub(super) fn check_maps(path: &Path) -> anyhow::Result<()> {
    let files = Files::open(path)?;
    for name in files.names() {
        let fault = files.read(name).and_then(|bytes| label_map_kind(&bytes)).err();
        if let Some(problem) = fault {
            wrong!("{}/{name}: {problem}; {}", path.display(), problem.remedy());
        }
    }
    Ok(())
}
