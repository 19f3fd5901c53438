//! A film in the making, a few frames at a time, so that nothing waits for it.

use super::edits::Edits;
use super::queue::Portion;
use super::sampler::Sampler;
use super::scene::Scene;
use super::uploads::Uploads;
use super::wish::{State, Wish};
use crate::film::usual_zoom;
use crate::gif::Gif;
use candle_core::Tensor;
use image::RgbImage;
use std::ops::Range;
use std::sync::Arc;
use stylegan_core::latent::lerp;
use stylegan_core::picture::enlarge;

/// The most pixels of all frames of a film.
const MAX_PIXELS: u64 = 64 << 20;

/// A film that is being made.
pub(super) struct Filming {
    pub(super) page: u64,
    pub(super) wish: Arc<Wish>,
    /// The number of the network that makes it.
    network: u64,
    /// Style rows `[n, num_ws, w_dim]` that it goes through, and from the last to the first.
    stops: Tensor,
    /// What chooses the fresh noise, one for all frames: another for each would flicker.
    index: u64,
    zoom: u32,
    gif: Gif<Vec<u8>>,
}

impl Filming {
    /// Begins the film that a portion asks for; `network` is the number of the open one.
    ///
    /// # Errors
    /// When the scene does not fit the network, or the film would be too large.
    pub(super) fn begin(
        portion: &Portion,
        network: u64,
        sampler: &Sampler,
        edits: &mut Edits,
        uploads: &Uploads,
    ) -> anyhow::Result<Self> {
        let state = &portion.wish.state;
        let State::Film { look, scene, fps, .. } = state else { anyhow::bail!("this is no film") };
        let [h, w] = sampler.model().generator().spec().img_size;
        let zoom = usual_zoom([h, w]);
        let [h, w] = [h as u32 * zoom, w as u32 * zoom];
        let most = MAX_PIXELS / (u64::from(h) * u64::from(w)).max(1);
        if state.cells() as u64 > most {
            anyhow::bail!(
                "a film of {} frames of {w}x{h} pixels is more than the studio makes: {most} fit; `stylegan interpolate` \
                 and `stylegan edit --strip` make longer ones",
                state.cells()
            );
        }
        let (stops, index) = match scene {
            Scene::Walk { seeds } => (sampler.styles(seeds, look)?, 0),
            Scene::Edit { source, moves } => edits.ends(sampler, look, source, moves, uploads)?,
        };
        let gif = Gif::new(Vec::new(), [h, w], *fps)?;
        Ok(Self { page: portion.page, wish: portion.wish.clone(), network, stops, index, zoom, gif })
    }

    /// Whether it is the one that a portion goes on with, by the open network of this number.
    pub(super) fn is_of(&self, portion: &Portion, network: u64) -> bool {
        self.page == portion.page && Arc::ptr_eq(&self.wish, &portion.wish) && self.is_by(network)
    }

    /// Whether the open network of this number makes it.
    pub(super) fn is_by(&self, network: u64) -> bool {
        self.network == network
    }

    /// The next frames, which are added to the film.
    ///
    /// # Errors
    /// When a picture is not finite.
    pub(super) fn frames(&mut self, sampler: &Sampler, frames: Range<usize>) -> anyhow::Result<Vec<RgbImage>> {
        let State::Film { look, .. } = &self.wish.state else { anyhow::bail!("this is no film") };
        let rows = frames.clone().map(|frame| self.place(frame)).collect::<anyhow::Result<Vec<_>>>()?;
        let pictures = sampler.pictures(&Tensor::cat(&rows, 0)?, &vec![self.index; frames.len()], look)?;
        for picture in &pictures {
            self.gif.push(&enlarge(picture, self.zoom))?;
        }
        Ok(pictures)
    }

    /// The film with all that was added.
    ///
    /// # Errors
    /// When its end cannot be written.
    pub(super) fn finish(self) -> anyhow::Result<Vec<u8>> {
        self.gif.finish()
    }

    /// Style rows `[1, num_ws, w_dim]` of a frame.
    fn place(&self, frame: usize) -> anyhow::Result<Tensor> {
        let State::Film { scene, steps, .. } = &self.wish.state else { anyhow::bail!("this is no film") };
        let (leg, step) = (frame / steps, frame % steps);
        let t = step as f64 / *steps as f64;
        let t = match scene {
            Scene::Walk { .. } => t,
            // It comes to rest at both ends.
            Scene::Edit { .. } => (1. - (std::f64::consts::PI * t).cos()) / 2.,
        };
        let stops = self.stops.dims()[0];
        let stop = |at: usize| self.stops.narrow(0, at % stops, 1);
        Ok(lerp(&stop(leg)?, &stop(leg + 1)?, &[t])?)
    }
}
