//! A film in the making, a few frames at a time, so that nothing waits for it.

use super::edits::{Edits, text};
use super::queue::Portion;
use super::scene::Scene;
use super::style_network::StyleNetwork;
use super::task::Task;
use super::uploads::Uploads;
use super::wish::State;
use crate::film::usual_zoom;
use crate::gif::Gif;
use crate::interpolate::{Space, about};
use crate::numbers::Numbers;
use candle_core::Tensor;
use image::RgbImage;
use std::ops::Range;
use stylegan_core::latent::lerp;
use stylegan_core::picture::enlarge;

/// The most pixels of all frames of a film.
const MAX_PIXELS: u64 = 64 << 20;

/// A film that is being made.
pub(super) struct Filming {
    pub(super) task: Task,
    /// Style rows `[n, num_ws, w_dim]` that it goes through, and from the last to the first.
    stops: Tensor,
    /// What chooses the fresh noise, one for all frames: another for each would flicker.
    index: u64,
    zoom: u32,
    gif: Gif<Vec<u8>>,
}

impl Filming {
    /// Begins the film that a portion asks for; `number` is the number of the open one.
    ///
    /// # Errors
    /// When the scene does not fit the network, or the film would be too large.
    pub(super) fn begin(
        portion: &Portion,
        number: u64,
        network: &StyleNetwork,
        edits: &mut Edits,
        uploads: &Uploads,
    ) -> anyhow::Result<Self> {
        let state = &portion.wish.state;
        let State::Film { look, scene, steps, fps } = state else { anyhow::bail!("this is no film") };
        let [h, w] = network.model().generator().spec().img_size;
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
        let (stops, index, text) = match scene {
            Scene::Walk { seeds } => {
                let mut text = network.text(look);
                text.extend(about(&Numbers(seeds.clone()), Space::W, *steps));
                (network.styles(seeds, look)?, 0, text)
            }
            Scene::Edit { source, moves } => {
                let (ends, index, words) = edits.ends(network, look, source, moves, uploads)?;
                let mut text = text(network, look, source);
                text.push(("stylegan:edit", words));
                (ends, index, text)
            }
        };
        let gif = Gif::new(Vec::new(), [h, w], *fps, &text)?;
        Ok(Self { task: Task::of(portion, number), stops, index, zoom, gif })
    }

    /// The next frames, which are added to the film.
    ///
    /// # Errors
    /// When a picture is not finite.
    pub(super) fn frames(&mut self, network: &StyleNetwork, frames: Range<usize>) -> anyhow::Result<Vec<RgbImage>> {
        let State::Film { look, .. } = self.task.state() else { anyhow::bail!("this is no film") };
        let rows = frames.clone().map(|frame| self.place(frame)).collect::<anyhow::Result<Vec<_>>>()?;
        let pictures = network.pictures(&Tensor::cat(&rows, 0)?, &vec![self.index; frames.len()], look)?;
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
        let State::Film { scene, steps, .. } = self.task.state() else { anyhow::bail!("this is no film") };
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
