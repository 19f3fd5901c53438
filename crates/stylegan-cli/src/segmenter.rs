//! `stylegan segmenter`: trains a segmenter of a set's label maps.

use crate::destination;
use crate::device::DeviceArgs;
use crate::exit::{Ending, Outcome};
use crate::file_run::{self, Trained};
use crate::numbers::whole;
use crate::pictures::path_alone;
use crate::status::print;
use std::path::PathBuf;
use std::sync::Arc;
use stylegan_core::NetworkConfig;
use stylegan_core::checkpoint::prefix;
use stylegan_train::data::Dataset;
use stylegan_train::recipe::segmenter::{SegmenterTrainConfig, TrainedSegmenter, classes_of};

/// What its files say that it is.
const SOURCE: &str = "segmenter of label maps";

/// Train a segmenter of a set's label maps, to judge networks that paint them
///
/// `stylegan eval --network RUN --metrics miou,accuracy --segmenter FILE` asks how much of its maps a
/// network's pictures show, as the SPADE paper does. One picture of ten is kept from training; the mean
/// intersection over union and the accuracy on those are printed and kept in the file. The run itself
/// is in the folder FILE.run (log.txt, stats.jsonl, the last checkpoint): Ctrl-C saves there, the same
/// command goes on.
///
/// Example:
///   stylegan data build earth --size 64 --out earth-64.zip
///   stylegan segmenter --data earth-64.zip --out earth-segmenter.safetensors
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Pictures with their label maps: a folder or a ZIP file.
    #[arg(long, value_name = "SET")]
    data: PathBuf,

    /// The checkpoint to write.
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,

    /// Thousands of pictures shown.
    #[arg(long, value_name = "N", default_value_t = 50.0)]
    kimg: f64,

    /// Channels at full resolution; 8 times as many at the smallest.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = whole::<u16>(1..=1024))]
    channels: u16,

    /// Seed of weights and order.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Outcome {
    let device = args.device.chosen()?;
    path_alone(&args.data)?;
    let dataset = Arc::new(Dataset::open(&args.data)?);
    destination::file(&args.out, &[&args.data])?;
    let config = SegmenterTrainConfig {
        kimg: args.kimg,
        channels: args.channels.into(),
        seed: args.seed,
        ..SegmenterTrainConfig::new(classes_of(&dataset)?)
    };
    let checkpoint = match file_run::train(&config, &dataset, &device, &args.out, &args.data, SOURCE)? {
        Trained::Checkpoint(checkpoint) => checkpoint,
        Trained::Interrupted(ending) => return Ok(ending),
    };
    let trained = TrainedSegmenter::load(&config, &dataset, &checkpoint, &device)?;
    let measured = [("miou", trained.miou), ("accuracy", trained.accuracy)];
    let mut metadata = file_run::metadata(&checkpoint, SOURCE, &measured)?;
    if let Some(table) = dataset.class_table() {
        metadata.set_classes(&table.names());
    }
    file_run::write(&args.out, prefix::S, NetworkConfig::Segmenter(trained.network), &trained.params, metadata)?;
    print(&format!(
        "{}: mIoU {:.1} % on the held-out pictures, names {:.1} % of their pixels right; the most frequent class is {:.1} %\n",
        args.out.display(),
        100. * trained.miou,
        100. * trained.accuracy,
        100. * trained.chance
    ))?;
    Ok(Ending::Done)
}
