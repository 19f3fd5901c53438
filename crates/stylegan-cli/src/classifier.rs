//! `stylegan classifier`: trains a classifier of a set's labels.

use crate::destination;
use crate::device::DeviceArgs;
use crate::exit::{Ending, Outcome};
use crate::file_run::{self, Trained};
use crate::pictures::path_alone;
use crate::status::print;
use std::path::PathBuf;
use std::sync::Arc;
use stylegan_core::checkpoint::prefix;
use stylegan_core::{DiscriminatorConfig, NetworkConfig};
use stylegan_train::data::Dataset;
use stylegan_train::recipe::classifier::{ClassifierTrainConfig, TrainedClassifier};

/// What its files say that it is.
const SOURCE: &str = "classifier of labels";

/// Train a classifier of a set's labels, for linear separability
///
/// `stylegan eval --metrics ls --classifier FILE` asks how well a hyperplane of latents tells the
/// classes apart. One picture of ten is kept from training; the accuracy on those is printed and
/// kept in the file. The run itself is in the folder FILE.run (log.txt, stats.jsonl, the last
/// checkpoint): Ctrl-C saves there, the same command goes on.
///
/// Example:
///   stylegan data build avatars --size 32 --label background --out backgrounds.zip
///   stylegan classifier --data backgrounds.zip --out backgrounds.safetensors --kimg 20
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Pictures with a class each: a folder or a ZIP file with dataset.json.
    #[arg(long, value_name = "SET")]
    data: PathBuf,

    /// The checkpoint to write.
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,

    /// Thousands of pictures shown; the CelebA-HQ classifiers of the StyleGAN paper saw 150.
    #[arg(long, value_name = "N", default_value_t = 150.0)]
    kimg: f64,

    /// Channels at resolution r are this number over r, at most 512; the paper's have 16384.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    channel_base: usize,

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
    let config = ClassifierTrainConfig {
        kimg: args.kimg,
        channel_base: args.channel_base,
        seed: args.seed,
        ..ClassifierTrainConfig::default()
    };
    let checkpoint = match file_run::train(&config, &dataset, &device, &args.out, &args.data, SOURCE)? {
        Trained::Checkpoint(checkpoint) => checkpoint,
        Trained::Interrupted(ending) => return Ok(ending),
    };
    let trained = TrainedClassifier::load(&config, &dataset, &checkpoint, &device)?;
    let network = NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan1(trained.network));
    let measured = [("accuracy", trained.accuracy), ("most_frequent", trained.chance)];
    let metadata = file_run::metadata(&checkpoint, SOURCE, &measured)?;
    file_run::write(&args.out, prefix::D, network, &trained.params, metadata)?;
    print(&format!(
        "{}: names {:.1} % of the held-out pictures right; the most frequent class is {:.1} %\n",
        args.out.display(),
        100. * trained.accuracy,
        100. * trained.chance
    ))?;
    Ok(Ending::Done)
}
