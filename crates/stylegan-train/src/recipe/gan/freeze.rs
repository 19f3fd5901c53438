//! Freeze-D: layers of a discriminator that a transfer leaves as they are (Mo et al. 2020).

use std::collections::BTreeSet;
use stylegan_core::Params;

/// The kinds of a discriminator's layers at one resolution, from the images on.
const LAYERS: [&str; 7] = ["fromrgb", "conv0", "conv1", "skip", "conv", "fc", "out"];

/// Names of the parameters of the first `layers` layers of a discriminator, counted from the images.
pub(super) fn frozen(d: &Params, layers: usize) -> BTreeSet<String> {
    let place = |name: &str| {
        let (block, rest) = name.split_once('.')?;
        let resolution: usize = block.strip_prefix('b')?.parse().ok()?;
        let kind = LAYERS.iter().position(|kind| rest.split('.').next() == Some(kind))?;
        Some((usize::MAX - resolution, kind))
    };
    let names: Vec<String> = d.parameters().into_iter().map(|(name, _)| name).collect();
    let order: BTreeSet<_> = names.iter().filter_map(|name| place(name)).collect();
    let first: BTreeSet<_> = order.into_iter().take(layers).collect();
    names.into_iter().filter(|name| place(name).is_some_and(|place| first.contains(&place))).collect()
}
