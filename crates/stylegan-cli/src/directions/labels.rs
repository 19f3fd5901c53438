//! `stylegan directions labels`.

use super::common::{Common, CommonArgs, check_names};
use super::planes::Scored;
use crate::exit::{Outcome, wrong};
use crate::network::check_exists;
use candle_core::{DType, Tensor};
use std::path::{Path, PathBuf};
use stylegan_core::Condition;
use stylegan_core::import::state_dict;
use stylegan_core::latent::StreamKey;
use stylegan_metrics::directions::{Separation, Sides};
use stylegan_metrics::feature_table::FeatureTable;

/// Between labelled styles: the classes of the network, or scores that you bring
///
/// A network with classes gets a direction towards each of them. For others --latents names a
/// safetensors or NumPy file with w [n, w_dim] (or z [n, z_dim]) and scores [n, k], or n of them: a
/// number for each style and attribute, above 0 where it has the attribute; numpy.savez("labelled.npz",
/// w=w, scores=scores) writes one.
///
/// Examples:
///   stylegan directions labels --network runs/pets --out classes.safetensors
///   stylegan directions labels --network runs/faces --latents labelled.npz --names smile,age
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// Labelled latents [default: the network's own classes]
    #[arg(long, value_name = "FILE")]
    latents: Option<PathBuf>,

    /// Names of the attributes of --latents, separated by commas [default: score-0, score-1, …]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "latents")]
    names: Vec<String>,

    /// Styles of each class of the network.
    #[arg(long, value_name = "N", default_value_t = 2000, conflicts_with = "latents")]
    samples: usize,
}

pub(super) fn run(args: Args) -> Outcome {
    let inputs: Vec<&Path> = args.latents.as_deref().into_iter().collect();
    check_names(&args.names, "give each attribute one of its own with --names")?;
    let common = Common::of(&args.common, &inputs)?;
    let scored = match &args.latents {
        Some(path) => read(&common, path, &args.names)?,
        None => classes(&common, args.samples, &args.common)?,
    };
    let separation = Separation { sides: Sides::All, ..Separation::default() };
    common.finish(scored.directions(separation, &common.rows)?)
}

/// Styles of every class.
fn classes(common: &Common, samples: usize, args: &CommonArgs) -> anyhow::Result<Scored> {
    let (generator, model) = (common.network.generator(), common.network.model());
    let names = common.network.classes();
    if args.class.is_some() {
        wrong!("--class: a direction is found for each class; leave it out");
    }
    if names.len() < 2 {
        wrong!("{} has no classes; bring labelled latents with --latents", common.network.file().display());
    }
    check_names(&names, "name the classes apart with `stylegan convert --classes`")?;
    if samples < 20 {
        wrong!("--samples {samples}: give at least 20 of each class, commonly 2000");
    }
    let indices: Vec<u64> = (0..samples as u64).collect();
    let mut styles = Vec::new();
    for class in 0..names.len() {
        let z = model.sampler().latents(&StreamKey::new(args.seed, "styles", class as u64), &indices, 0)?;
        let labels = model.labels(class, samples)?;
        let w = generator.mapping(&z, Condition::from(labels.as_ref()))?;
        styles.extend(w.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?);
    }
    let scores = |class: usize| {
        let of = |k: usize| vec![if k == class { 1. } else { -1. }; samples];
        (0..names.len()).flat_map(of).collect::<Vec<f32>>()
    };
    let attributes = names.iter().enumerate().map(|(class, name)| (name.clone(), scores(class))).collect();
    let styles = FeatureTable::new(styles, generator.spec().w_dim)?;
    Ok(Scored { styles, attributes, by: "the network's classes".into() })
}

/// Styles and scores of a file.
fn read(common: &Common, path: &Path, names: &[String]) -> anyhow::Result<Scored> {
    check_exists(path)?;
    let (generator, file) = (common.network.generator(), path.display());
    let tensors = state_dict(path)?;
    let find = |name: &str| tensors.iter().find(|(key, _)| key == name).map(|(_, tensor)| tensor);
    let (w, z, scores) = (find("w"), find("z"), find("scores"));
    let (rows, scores) = match (w, z, scores) {
        (Some(w), None, Some(scores)) => (w.clone(), scores),
        (None, Some(z), Some(scores)) => {
            let (n, dim) = (z.dim(0)?, generator.spec().z_dim);
            if z.dims() != [n, dim] {
                wrong!("--latents {file}: z has shape {:?}, this network takes [n, {dim}]", z.dims());
            }
            let labels = common.network.labels(n)?;
            let z = z.to_dtype(common.network.dtype())?;
            (generator.mapping(&z, Condition::from(labels.as_ref()))?, scores)
        }
        _ => wrong!("--latents {file} must hold one of w and z, and scores; name them so"),
    };
    let (n, dim) = (rows.dim(0)?, generator.spec().w_dim);
    let scores = if scores.rank() == 1 { scores.unsqueeze(1)? } else { scores.clone() };
    if rows.dims() != [n, dim] || scores.rank() != 2 || scores.dim(0)? != n || scores.dim(1)? == 0 {
        wrong!(
            "--latents {file}: w and scores have shapes {:?} and {:?}, expected [n, {dim}] and [n, attributes]",
            rows.dims(),
            scores.dims()
        );
    }
    let k = scores.dim(1)?;
    if !names.is_empty() && names.len() != k {
        wrong!("--names gives {}, {file} has scores of {k} attributes", names.len());
    }
    let column = |j: usize| -> anyhow::Result<(String, Vec<f32>)> {
        let name = names.get(j).cloned().unwrap_or_else(|| format!("score-{j}"));
        Ok((name, values(&scores.narrow(1, j, 1)?)?))
    };
    let attributes = (0..k).map(column).collect::<anyhow::Result<Vec<_>>>()?;
    if attributes.iter().any(|(_, scores)| scores.iter().any(|score| score.is_nan())) {
        wrong!("--latents {file}: there are scores that are no numbers");
    }
    Ok(Scored { styles: FeatureTable::new(values(&rows)?, dim)?, attributes, by: format!("scores of {file}") })
}

fn values(tensor: &Tensor) -> anyhow::Result<Vec<f32>> {
    Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}
