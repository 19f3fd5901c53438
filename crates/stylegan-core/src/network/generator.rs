//! What every generator of the family can do.

use super::condition::Condition;
use super::spec::GeneratorSpec;
use super::style_offsets::StyleOffsets;
use crate::Result;
use crate::error::bad_argument;
use crate::latent::StreamKey;
use crate::layers::Mode;
use candle_core::Tensor;
use std::ops::Range;
use stylegan_kernels::{PackedWeights, Precision, in_precision};

/// A generator: a mapping from latents to styles, and a synthesis from styles to images.
///
/// Latent codes `z` `[n, z_dim]` are standard normal; style codes `w` `[n, w_dim]`; style rows `ws` `[n, num_ws, w_dim]`, one row per layer, so
/// that truncation cutoffs, mixing and W+ are all just `ws`.
pub trait Generator: Send + Sync {
    /// Its constants.
    fn spec(&self) -> &GeneratorSpec;

    /// The moving average of styles `[w_dim]`, the centre of truncation.
    fn w_avg(&self) -> Option<&Tensor>;

    /// Latents `[n, z_dim]` (and labels `[n, c_dim]`) to styles `[n, w_dim]`; no truncation.
    ///
    /// # Errors
    /// When shapes do not fit, or the condition is missing or of another kind.
    fn mapping(&self, z: &Tensor, condition: Condition) -> Result<Tensor>;

    /// Style rows `[n, num_ws, w_dim]` to images `[n, img_channels, h, w]`, about in [-1, 1].
    ///
    /// # Errors
    /// When shapes do not fit, the condition is missing or of another kind, or `lod` lies outside `0..=max_lod`.
    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor>;

    /// How precise the convolutions of its synthesis are where the options leave them in f32, as they do by default.
    fn precision(&self) -> Precision {
        Precision::F32
    }
}

/// Options of [`Generator::synthesis`].
#[derive(Debug, Clone, Default)]
pub struct SynthesisOptions<'a> {
    /// The condition of the images. Synthesis reads maps; labels have had their effect in the mapping.
    pub condition: Condition<'a>,
    /// Where the noise comes from.
    pub noise: NoiseMode<'a>,
    /// Which layers receive noise.
    pub noise_layers: NoiseLayers,
    /// Level of detail of a growing network, in `0..=max_lod`: 0 is full size; at 1.25 three
    /// quarters of the picture at half size are blended with a quarter of that at a quarter size.
    pub lod: f64,
    /// Whether to return pictures at the size that was computed, `size / 2^floor(lod)`, instead of
    /// repeating their pixels up to full size. [`Discriminator`](crate::Discriminator)s take
    /// either, with the same result; training saves the way up and down again.
    pub native_size: bool,
    /// Which statistics batch normalisations use; networks without do not ask.
    pub mode: Mode<'a>,
    /// What is added to single channels of styles; StyleGAN and StyleGAN2 read it.
    pub offsets: Option<&'a StyleOffsets>,
    /// How precise the products of convolutions are, and those of their gradients; anything else is computed in f32.
    pub precision: Precision,
    /// Shown the picture so far at each size on the way, by networks whose picture is the sum of those of all sizes
    /// (StyleGAN2 with skip connections, Figure 7 b); others show nothing.
    pub coarse: Option<Coarse<'a>>,
    /// Where weights in another precision than f32 are kept for the next pass, by a caller who knows that they do not
    /// change until then; they are computed in each pass for none. What is tracked for gradients is never kept.
    pub packed: Option<&'a PackedWeights>,
}

impl<'a> SynthesisOptions<'a> {
    /// The defaults with this noise.
    pub fn with_noise(noise: NoiseMode<'a>) -> Self {
        Self { noise, ..Self::default() }
    }

    /// The style `[n, channels]` of row `row` with what is added to it.
    pub(crate) fn moved(&self, row: usize, style: Tensor) -> Result<Tensor> {
        match self.offsets {
            Some(offsets) => offsets.add(row, style),
            None => Ok(style),
        }
    }

    /// Runs `synthesis` with convolutions in the chosen precision.
    pub(crate) fn in_precision<T>(&self, synthesis: impl FnOnce() -> Result<T>) -> Result<T> {
        in_precision(self.precision, self.packed, synthesis)
    }
}

/// Takes pictures `[n, img_channels, h, w]`, about in [-1, 1], of less than full size: see [`SynthesisOptions::coarse`].
#[derive(Clone, Copy)]
pub struct Coarse<'a>(pub &'a dyn Fn(&Tensor) -> Result<()>);

impl std::fmt::Debug for Coarse<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Coarse(_)")
    }
}

/// Where the noise inputs come from.
#[derive(Debug, Clone, Copy, Default)]
pub enum NoiseMode<'a> {
    /// The maps stored in the network: the same for every picture.
    #[default]
    Const,
    /// Fresh maps for each sample, from its random streams.
    Random(&'a NoiseKeys),
    /// No noise.
    None,
}

/// The random streams of the noise of a batch: sample `i` of the batch draws the map of layer `l`
/// from the stream `(indices[i], l)`.
#[derive(Debug, Clone)]
pub struct NoiseKeys {
    /// The family of streams.
    pub key: StreamKey,
    /// The global index of each sample; equal indices receive equal noise.
    pub indices: Vec<u64>,
}

impl NoiseKeys {
    /// Noise for the samples `indices`.
    pub fn new(key: StreamKey, indices: impl IntoIterator<Item = u64>) -> Self {
        Self { key, indices: indices.into_iter().collect() }
    }
}

/// Which layers receive noise; the others run as if their noise were zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NoiseLayers {
    /// All.
    #[default]
    All,
    /// Layers of this range, two per resolution: 0 to 7 are the coarse ones (StyleGAN, Figure 5 d), 8 and up the
    /// fine ones, from 64 pixels (Figure 5 c).
    Range(Range<usize>),
}

impl NoiseLayers {
    /// Whether layer `layer` (two per resolution, from 0) receives noise.
    pub fn contains(&self, layer: usize) -> bool {
        match self {
            NoiseLayers::All => true,
            NoiseLayers::Range(range) => range.contains(&layer),
        }
    }
}

/// One style for all layers: `[n, w_dim]` to `[n, num_ws, w_dim]`.
///
/// # Errors
/// When `w` is not `[n, w_dim]`.
pub fn broadcast_ws(w: &Tensor, num_ws: usize) -> Result<Tensor> {
    let [n, w_dim] = w.dims() else {
        bad_argument!("broadcast_ws: styles have shape {:?}, expected [n, w_dim]", w.dims())
    };
    Ok(w.unsqueeze(1)?.broadcast_as((*n, num_ws, *w_dim))?)
}
