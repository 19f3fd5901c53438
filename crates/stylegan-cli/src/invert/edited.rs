//! Inverted pictures, moved along directions (`--direction`).

use super::Args;
use super::picture::Picture;
use crate::edit::moves::{Moves, Styled};
use crate::exit::wrong;
use crate::latents::Latents;
use crate::network::Network;
use candle_core::Tensor;
use stylegan_core::picture::{to_pictures, write_png};
use stylegan_core::{Model, StyleOffsets, SynthesisOptions};

/// The edit of all pictures.
pub(super) struct Edit {
    moves: Moves,
}

impl Edit {
    /// What the arguments ask for, if they do.
    pub(super) fn of(args: &Args, network: &Network) -> anyhow::Result<Option<Self>> {
        if args.direction.is_empty() {
            return Ok(None);
        }
        let moves = Moves::find(network, &args.directions, &args.direction, &[], None)?;
        if moves.vary() {
            wrong!("--direction needs a strength, NAME=2; `stylegan edit --latents` varies one over a strip");
        }
        Ok(Some(Self { moves }))
    }

    /// The edit as it is typed.
    pub(super) fn typed(&self) -> String {
        self.moves.text("")
    }

    /// Writes what the network, or the copy that was tuned to a picture, makes of the moved styles of each.
    pub(super) fn write(&self, network: &Network, pictures: &[Picture], is_tuned: bool) -> anyhow::Result<()> {
        for pictures in pictures.chunks(if is_tuned { 1 } else { network.batch() }) {
            let styled = |picture: &Picture| -> anyhow::Result<Styled> {
                self.moves.apply(&Latents::open(&picture.files.styles, network)?.styles(network, 0, 1)?, 0.)
            };
            let styled = pictures.iter().map(styled).collect::<anyhow::Result<Vec<_>>>()?;
            let ws = Tensor::cat(&styled.iter().map(|one| &one.ws).collect::<Vec<_>>(), 0)?;
            let offsets = StyleOffsets::of_batch(&styled.iter().map(|one| &one.offsets).collect::<Vec<_>>())?;
            let indices = vec![0; pictures.len()];
            let tuned = match pictures {
                [picture] if is_tuned => Some(Model::load(&picture.files.network, network.model().params().device())?),
                _ => None,
            };
            let images = match &tuned {
                Some(tuned) => {
                    let options = SynthesisOptions { offsets: Some(&offsets), ..SynthesisOptions::default() };
                    tuned.sampler().images_with(&ws, &indices, options)?
                }
                None => network.synthesize_moved(&ws, &offsets, &indices)?,
            };
            for (picture, image) in pictures.iter().zip(to_pictures(&images)?) {
                let mut text = picture.text(network, tuned.as_ref());
                text.extend(self.moves.about(""));
                write_png(&picture.files.edited, &image, &text)?;
            }
        }
        Ok(())
    }
}
