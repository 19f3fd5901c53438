//! `stylegan directions channels`.

use super::common::{Common, CommonArgs, rgb, typable};
use crate::class_number::class_number;
use crate::exit::{Outcome, wrong};
use crate::network::check_exists;
use crate::numbers::whole;
use crate::status::Progress;
use std::path::PathBuf;
use stylegan_core::directions::channel_weights;
use stylegan_core::latent::StreamKey;
use stylegan_core::{Condition, printable};
use stylegan_metrics::directions::ChannelEffects;
use stylegan_metrics::features::MapJudge;

/// Styles that the deviations of channels are measured on.
const SPREAD: usize = 100_000;

/// Single channels of style space that change one class of a label map and little else
///
/// Styles are what layers make of style rows, a number for each of their channels (StyleSpace). A
/// segmenter says which pixels of the network's pictures are of which class; of each class the
/// channels are kept whose effect on pictures lies inside it most. Names are the class and a number:
/// hair-0, hair-1 and so on. `stylegan edit` moves such a channel by itself.
///
/// Example:
///   stylegan segmenter --data avatars-64.zip --out segmenter.safetensors
///   stylegan directions channels --network avatars-64 --segmenter segmenter.safetensors
///       --out channels.safetensors
///   stylegan edit --network avatars-64 --directions channels.safetensors
///       --direction class-8-0 --strip -10..10 --out hair.png
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// A segmenter of `stylegan segmenter`, of pictures of the network's size.
    #[arg(long, value_name = "FILE")]
    segmenter: PathBuf,

    /// Names of the segmenter's classes, from class 0 on [default: those that it was trained with, else class-0, class-1, …]
    ///
    /// Example: --names background,rearHair,body,head,clothes,mouth,eyes,eyebrows,hair,beard
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    names: Vec<String>,

    /// The classes to look at, by name or number [default: all that are seen]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    classes: Vec<String>,

    /// Channels of each class.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole::<u16>(1..=u64::from(u16::MAX)))]
    count: u16,

    /// Pictures that are looked at.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = whole::<u32>(1..=u64::from(u32::MAX)))]
    samples: u32,
}

pub(super) fn run(args: Args) -> Outcome {
    check_exists(&args.segmenter)?;
    let common = Common::of(&args.common, &[args.segmenter.as_path()])?;
    let (network, model) = (&common.network, common.network.model());
    let judge = MapJudge::open(&args.segmenter, model.params().device())?;
    let names = names(&args, &judge)?;
    let chosen = chosen(&args.classes, &names)?;
    let [h, w] = network.size();
    if judge.size() != [h, w] {
        let [of_h, of_w] = judge.size();
        wrong!(
            "--segmenter {}: it looks at pictures of {of_w}x{of_h} pixels, the network makes {w}x{h}; train one on pictures of \
             that size",
            args.segmenter.display()
        );
    }
    // Of a StyleGAN2 the last row is that of an RGB layer.
    let layers = channel_weights(model)?.len();
    let rows: Vec<usize> = common.rows.iter().copied().filter(|row| *row < layers).collect();
    if rows.is_empty() {
        wrong!("--rows: no convolution reads these style rows; choose of 0 to {}", layers - 1);
    }
    let mut effects = ChannelEffects::new(model, &rows, names.len())?;
    let (samples, key) = (u64::from(args.samples), StreamKey::new(args.common.seed, "styles", 1));
    let progress = Progress::new("looking at pictures", samples as usize);
    for first in (0..samples).step_by(network.batch()) {
        let indices: Vec<u64> = (first..samples.min(first + network.batch() as u64)).collect();
        let sampler = model.sampler();
        let labels = network.labels(indices.len())?;
        let ws = sampler.styles(&sampler.latents(&key, &indices, 0)?, Condition::from(labels.as_ref()))?;
        effects.add(&ws.contiguous()?, args.common.seed, |images| judge.found(&rgb(images)?))?;
        progress.advance(indices.len());
    }
    drop(progress);
    let styles = common.styles(SPREAD, args.common.seed)?;
    let found = effects.directions(&chosen, &styles, args.count.into());
    if found.is_empty() {
        wrong!("the segmenter sees none of these classes in the network's pictures; choose others with --classes");
    }
    common.finish(found)
}

/// The names of the segmenter's classes.
fn names(args: &Args, judge: &MapJudge) -> anyhow::Result<Vec<String>> {
    let n = judge.classes();
    if !args.names.is_empty() && args.names.len() != n {
        wrong!("--names gives {}, the segmenter tells {n} classes apart", args.names.len());
    }
    let known = if args.names.is_empty() { judge.class_names() } else { &args.names[..] };
    let name = |class: usize| match known.get(class) {
        Some(name) => typable(name),
        None => format!("class-{class}"),
    };
    Ok((0..n).map(name).collect())
}

/// The classes to look at, each with its name.
fn chosen(typed: &[String], names: &[String]) -> anyhow::Result<Vec<(usize, String)>> {
    if typed.is_empty() {
        return Ok(names.iter().cloned().enumerate().collect());
    }
    let one = |typed: &String| match class_number(typed, names, names.len()) {
        Some(class) => Ok((class, names[class].clone())),
        None => wrong!("--classes {typed}: there are {} (0 to {})", printable(&names.join(", ")), names.len() - 1),
    };
    typed.iter().map(one).collect()
}
