//! `stylegan classifier`: trains a classifier of a set's labels.

use crate::destination;
use crate::exit::{Ending, Outcome};
use crate::status::{Stages, print};
use std::path::PathBuf;
use stylegan_core::checkpoint::{Kind, Metadata, prefix, save};
use stylegan_core::{DiscriminatorConfig, NetworkConfig};
use stylegan_train::classifier::{ClassifierConfig, train_classifier};
use stylegan_train::data::Dataset;

/// Train a classifier of a set's labels, for linear separability
///
/// `stylegan eval --metrics ls --classifier FILE` asks how well a hyperplane of latents tells the
/// classes apart. One picture of ten is kept from training; the accuracy on those is printed and
/// kept in the file.
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
}

pub(crate) fn run(args: Args) -> Outcome {
    let dataset = Dataset::open(&args.data)?;
    destination::file(&args.out, &[&args.data])?;
    let config = ClassifierConfig {
        kimg: args.kimg,
        channel_base: args.channel_base,
        seed: args.seed,
        ..ClassifierConfig::default()
    };
    let mut stages = Stages::new();
    let trained =
        train_classifier(&config, &dataset, &mut |done, total| stages.show("training", done as usize, total as usize))?;
    drop(stages);
    let network = NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan1(trained.network));
    let metadata = Metadata {
        kind: Kind::Release,
        networks: [(prefix::D.to_owned(), network)].into(),
        images: (args.kimg * 1000.).round() as u64,
        seed: args.seed,
        dataset_hash: Some(dataset.hash()?.to_owned()),
        source: Some("classifier of labels, stylegan-rs".into()),
        extra: [("accuracy".to_owned(), trained.accuracy.to_string())].into(),
        ..Metadata::default()
    };
    let tensors: Vec<_> =
        trained.params.vars().into_iter().map(|(name, var)| (format!("D.{name}"), var.as_detached_tensor())).collect();
    save(&args.out, &metadata, &tensors)?;
    print(&format!(
        "{}: names {:.1} % of the held-out pictures right; the most frequent class is {:.1} %\n",
        args.out.display(),
        100. * trained.accuracy,
        100. * trained.chance
    ))?;
    Ok(Ending::Done)
}
