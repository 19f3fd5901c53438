//! What the metrics of sets make of each picture.

use crate::features::{FeatureNetwork, NetworkId};

use crate::sliced_wasserstein::SlicedWasserstein;
use crate::{Error, Result, ms_ssim};
use candle_core::{DType, Tensor};

/// Turns pictures into rows of numbers.
#[derive(Clone, Copy)]
pub(crate) enum Extractor<'a> {
    /// A row of features of each picture.
    Features(&'a dyn FeatureNetwork),
    /// A row of patches of each picture, drawn from this seed.
    Patches(&'a SlicedWasserstein, u64),
    /// The similarity of each picture of even number and the next.
    Pairs,
    /// The classes of each label map's pixels.
    Labels,
}

/// Which pictures a look is at.
pub(crate) struct Place<'a> {
    /// Number of the first picture.
    pub(crate) first: usize,
    /// Pictures that count; those behind them only fill the chunk.
    pub(crate) n: usize,
    /// The batch they came in.
    pub(crate) batch: usize,
    /// The set they are of.
    pub(crate) set: &'a str,
}

impl Extractor<'_> {
    /// What looks, as reports and caches know it.
    pub(crate) fn id(&self) -> NetworkId {
        let of = |name: &str, hash: &str, definition: &str| NetworkId {
            name: name.into(),
            hash: hash.into(),
            definition: definition.into(),
        };
        match self {
            Self::Features(network) => of(network.name(), network.hash(), network.definition()),
            Self::Patches(swd, seed) => {
                let SlicedWasserstein { patches, side, directions: _ } = swd;
                let definition = format!(
                    "{patches} patches of {side}x{side} pixels of each level of each picture's Laplacian pyramid, at places \
                     drawn from seed {seed}"
                );
                of(PIXELS, "", &definition)
            }
            Self::Pairs => of(PIXELS, "", "each picture of even number with the next"),
            Self::Labels => of(LABEL_MAPS, "", "grey levels are class numbers"),
        }
    }

    /// Whether rows are worth a place in the cache: patches are many times larger than their pictures.
    pub(crate) fn worth_keeping(&self) -> bool {
        matches!(self, Self::Features(_) | Self::Pairs)
    }

    /// Rows that `pictures` pictures make.
    pub(crate) fn rows_of(&self, pictures: usize) -> usize {
        if matches!(self, Self::Pairs) { pictures / 2 } else { pictures }
    }

    /// Pictures that made `rows` rows.
    pub(crate) fn pictures_of(&self, rows: usize) -> usize {
        if matches!(self, Self::Pairs) { 2 * rows } else { rows }
    }

    /// The rows of the first pictures of `chunk` `[n, 3, h, w]`, one after the other. `kept` is the picture
    /// that waits for its partner.
    pub(crate) fn rows(&self, chunk: &Tensor, place: &Place, kept: &mut Option<Tensor>) -> Result<Vec<f32>> {
        let &Place { first, n, batch, set } = place;
        match self {
            Self::Features(network) => {
                let features = network.features(chunk)?;
                let expected = [chunk.dim(0)?, network.dim()];
                if features.dims() != expected {
                    let (left, right) = (format!("{expected:?}"), format!("{:?}", features.dims()));
                    return Err(Error::Mismatch { what: "shape of the features", left, right });
                }
                let features = features.narrow(0, 0, n)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
                if features.iter().any(|v| !v.is_finite()) {
                    return Err(Error::NotFinite { what: "features", unit: "batch", index: batch, set: set.into() });
                }
                Ok(features)
            }
            Self::Patches(swd, seed) => swd.patches(&chunk.narrow(0, 0, n)?, first as u64, *seed),
            Self::Pairs => {
                let mut rows = Vec::new();
                for i in 0..n {
                    let picture = chunk.narrow(0, i, 1)?;
                    match kept.take() {
                        Some(even) => rows.extend(ms_ssim::pairs(&even, &picture)?.into_iter().map(|s| s as f32)),
                        None => *kept = Some(picture),
                    }
                }
                Ok(rows)
            }
            Self::Labels => labels(&chunk.narrow(0, 0, n)?, first),
        }
    }
}

/// The name of metrics that look at pixels themselves.
pub(crate) const PIXELS: &str = "pixels";
/// The name of metrics of label maps.
pub(crate) const LABEL_MAPS: &str = "label maps";

/// The classes of maps `[n, 3, h, w]`.
fn labels(maps: &Tensor, first: usize) -> Result<Vec<f32>> {
    let (_, _, h, w) = maps.dims4()?;
    let levels = ((maps + 1.)? * 127.5)?.round()?.flatten_all()?.to_vec1::<f32>()?;
    let mut rows = Vec::with_capacity(levels.len() / 3);
    for (i, map) in levels.chunks_exact(3 * h * w).enumerate() {
        let (red, others) = map.split_at(h * w);
        if others.chunks_exact(h * w).any(|channel| channel != red) {
            return Err(Error::Parameter {
                parameter: "a label map",
                found: format!("coloured (picture {})", first + i),
                expected: "grey, with the number of a pixel's class as its level",
            });
        }
        rows.extend(red);
    }
    Ok(rows)
}
