//! Pictures of maps in training mode, and what discriminators say of them.

use crate::Result;
use crate::data::{Batch, semantic_map};
use crate::recipe::{running, sign, values};
use candle_core::Tensor;
use stylegan_core::layers::{BufferUpdates, Mode, SemanticMap};
use stylegan_core::spade::{GaussianCode, SpadeEncoder};
use stylegan_core::{Condition, Discriminator, DiscriminatorOutput, Generator, Params, SynthesisOptions, broadcast_ws};

/// Real pictures with their label maps.
#[derive(Debug, Clone)]
pub struct Example {
    /// Pictures `[n, c, h, w]` in [-1, 1], in the element type of the parameters.
    pub images: Tensor,
    /// Their maps.
    pub map: SemanticMap,
}

impl Example {
    /// The pictures and maps of a batch, for networks of these classes on these parameters.
    ///
    /// # Errors
    /// When there are no maps, or one holds a class that the networks do not know.
    pub(super) fn of(batch: &Batch, classes: &Classes, params: &Params) -> Result<Self> {
        let images = batch.images.to_dtype(params.dtype())?.to_device(params.device())?;
        let Some(maps) = &batch.maps else {
            return Err(crate::Error::Config {
                place: "this phase".into(),
                problem: "looks at label maps, which the run's settings leave out; set `maps` there".into(),
            });
        };
        Ok(Self { images, map: classes.read(maps, batch.edges.as_ref())? })
    }
}

/// The classes that the networks of a run know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classes {
    pub(super) count: usize,
    /// That of pixels without one.
    pub(super) none: Option<usize>,
    /// Whether the networks read edges between instances.
    pub(super) edges: bool,
}

impl Classes {
    /// Label maps `[n, h, w]` and edges as the networks read them.
    pub(super) fn read(&self, maps: &Tensor, edges: Option<&Tensor>) -> Result<SemanticMap> {
        semantic_map(maps, edges, self.count, self.none)
    }
}

/// Generated pictures of a pass in training mode.
pub(super) struct Painted {
    /// `[n, c, h, w]`.
    pub(super) images: Tensor,
    /// What the encoder said of the real pictures, where there is one.
    pub(super) code: Option<GaussianCode>,
    /// The running statistics that the pass leaves, by the order of their names, times the pictures.
    pub(super) running: Vec<f32>,
}

/// Pictures of the maps, in the styles that the encoder finds in the real ones; `noise` `[n, z_dim]` is
/// what it adds, or the latents themselves where there is no encoder.
pub(super) fn paint(
    generator: &dyn Generator,
    encoder: Option<&SpadeEncoder>,
    example: &Example,
    noise: &Tensor,
) -> Result<Painted> {
    let mut noise = noise.to_dtype(example.images.dtype())?;
    // Networks that start from the map alone take no noise, and a GPU has no memory of no bytes.
    if noise.elem_count() > 0 {
        noise = noise.to_device(example.images.device())?;
    }
    let code = encoder.map(|encoder| encoder.forward(&example.images)).transpose()?;
    let z = code.as_ref().map_or_else(|| Ok(noise.clone()), |code| code.sample(&noise))?;
    let updates = BufferUpdates::default();
    let condition = Condition::Map(&example.map);
    let options = SynthesisOptions { condition, mode: Mode::Train(&updates), ..SynthesisOptions::default() };
    let ws = broadcast_ws(&generator.mapping(&z, condition)?, generator.spec().num_ws)?;
    let images = generator.synthesis(&ws, &options)?;
    let running = running::left(&updates, example.images.dim(0)?)?;
    Ok(Painted { images, code, running })
}

/// What a discriminator says of pictures with their maps.
pub(super) fn judge(d: &dyn Discriminator, images: &Tensor, map: &SemanticMap) -> Result<DiscriminatorOutput> {
    Ok(d.forward(images, Condition::Map(map), 0.)?)
}

/// The logits of each scale.
pub(super) fn logits(said: &DiscriminatorOutput) -> Vec<Tensor> {
    said.scales.iter().map(|scale| scale.logits.clone()).collect()
}

/// The features of each scale.
pub(super) fn features(said: &DiscriminatorOutput) -> Vec<Vec<Tensor>> {
    said.scales.iter().map(|scale| scale.features.clone()).collect()
}

/// The signs of all logits: how often patches are taken for real.
pub(super) fn signs(said: &DiscriminatorOutput) -> Result<Vec<f64>> {
    let mut signs = vec![];
    for scale in &said.scales {
        signs.extend(values(&scale.logits)?.into_iter().map(sign));
    }
    Ok(signs)
}
