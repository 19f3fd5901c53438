//! `stylegan directions ganspace`.

use super::common::{Common, SpreadArgs};
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
    spread: SpreadArgs,
}

pub(super) fn run(args: Args) -> Outcome {
    let (common, count, styles) = Common::with_styles(&args.spread)?;
    common.finish(components(&styles, &common.rows, count)?)
}
