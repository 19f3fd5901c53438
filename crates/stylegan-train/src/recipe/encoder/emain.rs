//! `Emain`: the encoder along its loss, on the pictures of the set or on drawn ones.

use super::Psp;
use crate::Result;
use crate::recipe::running::{self, RUNNING};
use crate::recipe::sum_of_terms;
use crate::shards::ShardSums;
use candle_core::Tensor;
use stylegan_core::layers::{BufferUpdates, Mode};
use stylegan_core::{NoiseMode, SynthesisOptions};
use stylegan_kernels::resize_area;

/// Pictures, and what the encoder is shown of them.
#[derive(Debug, Clone)]
pub struct Example {
    /// What is shown, `[n, img_channels, h, w]`, in the element type of the parameters.
    pub input: Tensor,
    /// The pictures that are to be made again, `[n, 3, h', w']` in [-1, 1], of any size.
    pub target: Tensor,
}

/// What a pass in training mode gives.
struct Encoded {
    /// Rows `[n, num_ws, w_dim]`, less the average.
    offsets: Tensor,
    /// The running statistics that the pass leaves, by the order of their names, times the pictures.
    running: Vec<f32>,
}

impl Psp {
    /// A batch's part in `Emain`: pictures are made of the rows that the encoder finds, brought to the size of the target by
    /// means of pixels, and compared with it (Richardson et al. 2021, section 3.2).
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn emain(&self, example: &Example, noise: NoiseMode) -> Result<ShardSums> {
        let Encoded { offsets, running } = self.encode(&example.input)?;
        let ws = offsets.broadcast_add(&self.networks.average)?;
        let images = self.networks.generator.synthesis(&ws, &SynthesisOptions::with_noise(noise))?;
        let (_, _, h, w) = example.target.dims4()?;
        let terms = self.losses.terms(&resize_area(&images, h, w)?, &example.target, &offsets)?;
        self.finish(terms.iter().map(|(name, term)| (name.as_str(), term.clone())), running)
    }

    /// A batch's part in `Emain` on pictures that the generator drew of styles `w` `[n, w_dim]`: the squared distance of all
    /// rows from them, mean over their numbers.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn pretrain(&self, input: &Tensor, w: &Tensor) -> Result<ShardSums> {
        let Encoded { offsets, running } = self.encode(input)?;
        let rows = offsets.broadcast_add(&self.networks.average)?;
        let loss = rows.broadcast_sub(&w.detach().unsqueeze(1)?)?.sqr()?.flatten_from(1)?.mean(1)?;
        self.finish([("w", loss)], running)
    }

    fn encode(&self, input: &Tensor) -> Result<Encoded> {
        let updates = BufferUpdates::default();
        let offsets = self.networks.encoder.forward(input, Mode::Train(&updates))?;
        let running = running::left(&updates, input.dim(0)?)?;
        Ok(Encoded { offsets, running })
    }

    fn finish<'a>(&self, terms: impl IntoIterator<Item = (&'a str, Tensor)>, running: Vec<f32>) -> Result<ShardSums> {
        let mut sums = sum_of_terms("E", &self.optimizer, terms)?;
        sums.named.set(RUNNING, running);
        Ok(sums)
    }
}
