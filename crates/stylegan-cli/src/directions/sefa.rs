//! `stylegan directions sefa`.

use super::common::{Common, SpreadArgs};
use crate::exit::Outcome;
use stylegan_core::directions::style_weights;
use stylegan_metrics::directions::closed_form;

/// In closed form from the network's weights (SeFa): no pictures, no labels, seconds
///
/// Names are sefa-0 (what changes most), sefa-1 and so on. With --rows the layers of these style rows
/// alone are looked at, and these rows alone are moved.
///
/// Example:
///   stylegan directions sefa --network runs/faces --rows 2-5 --out shape.safetensors
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(flatten)]
    spread: SpreadArgs,
}

pub(super) fn run(args: Args) -> Outcome {
    let (common, count, styles) = Common::with_styles(&args.spread)?;
    let weights = style_weights(common.network.model())?;
    common.finish(closed_form(&weights, &common.rows, &styles, count)?)
}
