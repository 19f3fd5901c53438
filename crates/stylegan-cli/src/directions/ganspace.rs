//! `stylegan directions ganspace`.

use super::common::{Common, CommonArgs, count_of};
use crate::exit::Outcome;
use stylegan_metrics::directions::components;

/// The principal components of styles (GANSpace), from their exact covariance
///
/// Names are pc-0 (along which styles deviate most), pc-1 and so on.
///
/// Example:
///   stylegan directions ganspace --network runs/faces --samples 1000000 --out components.safetensors
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    common: CommonArgs,

    /// Directions to keep [default: 10]
    #[arg(long, value_name = "N")]
    count: Option<usize>,

    /// Styles that are looked at.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    samples: usize,
}

pub(super) fn run(args: Args) -> Outcome {
    let common = Common::of(&args.common, &[])?;
    let count = count_of(args.count, &common.network)?;
    let styles = common.styles(args.samples, args.common.seed)?;
    common.finish(components(&styles, &common.rows, count)?)
}
