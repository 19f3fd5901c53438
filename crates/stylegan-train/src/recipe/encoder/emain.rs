//! `Emain`: the encoder along its loss, on the pictures of the set or on drawn ones.

use super::{Psp, RUNNING};
use crate::Result;
use crate::recipe::{GRADIENT, gradient, values};
use crate::shards::ShardSums;
use candle_core::{DType, Tensor};
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
        let mut sums = ShardSums::default();
        let mut total: Option<Tensor> = None;
        for (name, term) in terms {
            sums.stats.extend(&format!("Loss/E/{name}"), values(&term)?);
            total = Some(match total {
                Some(total) => (total + term)?,
                None => term,
            });
        }
        self.finish(sums, total, running)
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
        let mut sums = ShardSums::default();
        sums.stats.extend("Loss/E/w", values(&loss)?);
        self.finish(sums, Some(loss), running)
    }

    fn encode(&self, input: &Tensor) -> Result<Encoded> {
        let updates = BufferUpdates::default();
        let offsets = self.networks.encoder.forward(input, Mode::Train(&updates))?;
        let mut notes = updates.notes();
        notes.sort_by(|(a, _), (b, _)| a.cmp(b));
        // A sum over samples, as all that a shard hands on: the mean of the batch is the statistic again.
        let n = input.dim(0)? as f32;
        let mut running = vec![];
        for (_, note) in notes {
            running.extend(note.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|x| x * n));
        }
        Ok(Encoded { offsets, running })
    }

    fn finish(&self, mut sums: ShardSums, total: Option<Tensor>, running: Vec<f32>) -> Result<ShardSums> {
        if let Some(total) = total {
            sums.stats.extend("Loss/E/loss", values(&total)?);
            sums.named.set(GRADIENT, gradient(&self.optimizer, &total)?);
        }
        sums.named.set(RUNNING, running);
        Ok(sums)
    }
}
