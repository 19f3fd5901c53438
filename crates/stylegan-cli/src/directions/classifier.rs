//! `stylegan directions classifier`.

use super::common::{Common, CommonArgs, check_names, rgb, typable};
use super::planes::Scored;
use crate::exit::{Outcome, wrong};
use crate::status::Progress;
use candle_core::DType;
use std::path::{Path, PathBuf};
use stylegan_metrics::directions::{Separation, Sides};
use stylegan_metrics::feature_table::FeatureTable;
use stylegan_metrics::features::Classifier;
use stylegan_metrics::generator_source::GeneratorSource;

/// What a classifier sees in the network's pictures: a direction for each of its attributes
///
/// Pictures of random styles are classified, and a hyperplane is fitted between the styles of those
/// that have an attribute most surely and those that have it least (InterFaceGAN), by the measure of
/// linear separability. How many samples that were held back lie on their right side is printed: about
/// 50 % means that there is no such direction. `stylegan edit --keep` leaves other attributes as they
/// are.
///
/// Example:
///   stylegan classifier --data hair.zip --out hair.safetensors
///   stylegan directions classifier --network runs/faces --classifier hair.safetensors
///       --out hair-directions.safetensors
///   stylegan directions classifier --network runs/faces
///       --classifier mouth.safetensors beard.safetensors
///       --attributes mouth-4=smile,beard-2=beard
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// A classifier of `stylegan classifier`, or one of the StyleGAN paper; several are given one after the other.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    classifier: Vec<PathBuf>,

    /// Attributes that directions are kept of, by the names that are printed, and what they are called instead
    /// [default: all]
    ///
    /// Example: --attributes mouth-4=smile,beard-2
    #[arg(long, value_name = "NAME[=AS]", value_delimiter = ',')]
    attributes: Vec<String>,

    /// Pictures that are classified.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    samples: usize,

    /// The part of the samples that is taken from each end: the paper takes 0.02 of half a million.
    #[arg(long, value_name = "PART", default_value_t = 0.25)]
    surest: f64,
}

pub(super) fn run(args: Args) -> Outcome {
    if !(args.surest > 0. && args.surest <= 0.5) {
        wrong!("--surest {}: expected a part above 0 and up to 0.5, such as 0.25", args.surest);
    }
    if args.samples < 40 {
        wrong!("--samples {}: give at least 40, commonly 10000", args.samples);
    }
    let inputs: Vec<&Path> = args.classifier.iter().map(PathBuf::as_path).collect();
    let common = Common::of(&args.common, &inputs)?;
    let device = common.network.model().params().device();
    let open = |file| Ok(Classifier::open(file, device)?);
    let classifiers = args.classifier.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let names = classifiers.iter().flat_map(|classifier| classifier.attributes()).map(|name| typable(name)).collect();
    let chosen = chosen(&args.attributes, names)?;
    check_names(chosen.iter().map(|(_, name)| name), "give one classifier of it, or write --attributes NAME=AS")?;
    let scored = classified(&common, &classifiers, &chosen, args.samples, &args.common)?;
    let separation = Separation { sides: Sides::Extremes(args.surest), ..Separation::default() };
    common.finish(scored.directions(separation, &common.rows)?)
}

/// The attributes that were typed, or all: their numbers among `names`, and what they are called.
fn chosen(typed: &[String], names: Vec<String>) -> anyhow::Result<Vec<(usize, String)>> {
    if typed.is_empty() {
        return Ok(names.into_iter().enumerate().collect());
    }
    let mut chosen: Vec<(usize, String)> = Vec::with_capacity(typed.len());
    for one in typed {
        let (name, called) = one.split_once('=').unwrap_or((one, one));
        let Some(number) = names.iter().position(|known| known == name) else {
            wrong!("--attributes {one}: the classifiers have no attribute {name}, but {}", names.join(", "));
        };
        if called.is_empty() || chosen.iter().any(|(_, other)| other == called) {
            wrong!("--attributes {one}: each needs a name of its own; write NAME=AS");
        }
        chosen.push((number, called.to_owned()));
    }
    Ok(chosen)
}

/// Styles and what the classifiers say of their pictures, of the chosen attributes.
fn classified(
    common: &Common,
    classifiers: &[Classifier],
    chosen: &[(usize, String)],
    n: usize,
    args: &CommonArgs,
) -> anyhow::Result<Scored> {
    let generator = common.network.generator();
    let (w_dim, classes) = (generator.spec().w_dim, generator.spec().condition.label_dim());
    let labels: Vec<Vec<f32>> = match (&args.class, classes) {
        (_, 0) => vec![],
        (Some(_), _) => common.network.labels(1)?.map(|label| label.to_vec2()).transpose()?.unwrap_or_default(),
        (None, classes) => (0..classes).map(|k| (0..classes).map(|j| f32::from(u8::from(j == k))).collect()).collect(),
    };
    let source = GeneratorSource { labels: &labels, ..GeneratorSource::new(generator) };
    let (mut styles, mut scores) = (Vec::with_capacity(n * w_dim), vec![Vec::with_capacity(n); chosen.len()]);
    let progress = Progress::new("classifying pictures", n);
    for batch in source.batches_from(args.seed, 0) {
        let batch = batch?;
        let taken = batch.w.dim(0)?.min(n - scores[0].len());
        let images = rgb(&batch.images)?;
        let logits = Classifier::logits_of_all(classifiers, &images)?.narrow(0, 0, taken)?;
        for row in logits.to_vec2::<f32>()? {
            scores.iter_mut().zip(chosen).for_each(|(scores, (number, _))| scores.push(row[*number]));
        }
        styles.extend(batch.w.narrow(0, 0, taken)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?);
        progress.advance(taken);
        if scores[0].len() >= n {
            break;
        }
    }
    Ok(Scored {
        styles: FeatureTable::new(styles, w_dim)?,
        attributes: chosen.iter().map(|(_, name)| name.clone()).zip(scores).collect(),
        by: "a classifier".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_chosen_and_renamed() -> anyhow::Result<()> {
        let names = || ["mouth-0", "mouth-1", "beard-0"].map(str::to_owned).to_vec();
        let typed = |words: &[&str]| chosen(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), names());
        assert_eq!(typed(&[])?.len(), 3);
        assert_eq!(typed(&["beard-0=beard", "mouth-1"])?, [(2, "beard".to_owned()), (1, "mouth-1".to_owned())]);
        for wrong in [&["smile"][..], &["mouth-0="], &["mouth-0=a", "mouth-1=a"]] {
            assert!(typed(wrong).is_err(), "{wrong:?}");
        }
        Ok(())
    }
}
