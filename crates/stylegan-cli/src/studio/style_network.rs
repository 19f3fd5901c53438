//! The studio's view of a network of styles or latents.

use super::wish::Look;
use crate::network::BATCH_PIXELS;
use crate::picture_settings::first_not_finite;
use crate::writer::Text;
use anyhow::Context;
use candle_core::Tensor;
use image::RgbImage;
use serde_json::{Value, json};
use stylegan_core::picture::to_pictures;
use stylegan_core::{Coarse, Model, SynthesisOptions, broadcast_ws};

/// The longer side of what is shown of a larger picture while that is computed.
const PREVIEW: usize = 256;

/// Takes what is shown of a large picture while that is computed, and says whether the picture is still wanted.
pub(super) type Preview<'a> = &'a dyn Fn(RgbImage) -> bool;

/// Shows nothing.
pub(super) const UNSEEN: Preview = &|_| true;

/// An open network that makes pictures of styles, or of latents.
pub(super) struct StyleNetwork {
    model: Model,
}

impl StyleNetwork {
    /// The network of an open file.
    pub(super) fn new(model: Model) -> Self {
        Self { model }
    }

    /// The generator with its weights.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// What a page needs to know of the network to offer the right controls.
    pub(super) fn description(&self) -> Value {
        let generator = self.model.generator();
        let [h, w] = generator.spec().img_size;
        json!({
            "architecture": self.model.config().title(),
            "styles": generator.spec().mapping,
            "height": h,
            "width": w,
            "num_ws": generator.spec().num_ws,
            "truncation": generator.w_avg().is_some(),
            "classes": generator.spec().condition.label_dim(),
            "class_names": self.model.classes(),
            "hash": self.model.content_hash(),
        })
    }

    /// What its weights are known by.
    pub(super) fn hash(&self) -> &str {
        self.model.content_hash().unwrap_or_default()
    }

    /// Pictures that are computed at a time.
    pub(super) fn batch(&self) -> usize {
        self.model.sampler().batch_size(BATCH_PIXELS, usize::MAX)
    }

    /// Number of style rows.
    pub(super) fn num_ws(&self) -> usize {
        self.model.generator().spec().num_ws
    }

    /// Refuses style rows that the network does not have.
    pub(super) fn check_rows(&self, rows: &[usize]) -> anyhow::Result<()> {
        match rows.iter().find(|row| **row >= self.num_ws()) {
            Some(row) => anyhow::bail!("style row {row}: this network has style rows 0 to {}", self.num_ws() - 1),
            None => Ok(()),
        }
    }

    /// Style rows of seeds `[n, num_ws, w_dim]`, truncated.
    ///
    /// # Errors
    /// When the settings do not fit the network.
    pub(super) fn styles(&self, seeds: &[u32], look: &Look) -> anyhow::Result<Tensor> {
        let labels = self.labels(look, seeds.len())?;
        self.check_cutoff(look)?;
        let sampler = look.settings().sampler(&self.model);
        Ok(sampler.styles(&self.model.latents(seeds)?, labels.as_ref().into())?)
    }

    /// Style rows `[1, num_ws, w_dim]` of styles from elsewhere, `[1, w_dim]` or `[1, num_ws, w_dim]`.
    ///
    /// # Errors
    /// When they are not those of such a network.
    pub(super) fn given(&self, styles: &Tensor) -> anyhow::Result<Tensor> {
        self.check_styles("editing")?;
        let spec = self.model.generator().spec();
        match *styles.dims() {
            [_, w_dim] if w_dim == spec.w_dim => Ok(broadcast_ws(styles, spec.num_ws)?),
            [_, num_ws, w_dim] if (num_ws, w_dim) == (spec.num_ws, spec.w_dim) => Ok(styles.clone()),
            ref found => anyhow::bail!(
                "these styles are of another network: they are {found:?}, and this one has {} rows of {} numbers",
                spec.num_ws,
                spec.w_dim
            ),
        }
    }

    /// Style rows `[n, num_ws, w_dim]`, truncated as the settings say.
    ///
    /// # Errors
    /// When the settings do not fit the network.
    pub(super) fn truncated(&self, ws: &Tensor, look: &Look) -> anyhow::Result<Tensor> {
        self.check_cutoff(look)?;
        Ok(look.settings().sampler(&self.model).truncate(ws)?)
    }

    /// Refuses networks without styles, for what is done in W.
    ///
    /// # Errors
    /// A sentence on what such a network is.
    pub(super) fn check_styles(&self, what: &str) -> anyhow::Result<()> {
        if !self.model.generator().spec().mapping {
            anyhow::bail!("this network has no styles: {what} needs a StyleGAN or StyleGAN2");
        }
        Ok(())
    }

    fn check_cutoff(&self, look: &Look) -> anyhow::Result<()> {
        let rows = self.num_ws();
        if let Some(cutoff) = look.cutoff.filter(|cutoff| *cutoff > rows) {
            anyhow::bail!("cutoff {cutoff}: this network has {rows} style rows");
        }
        Ok(())
    }

    /// The class of the settings as labels `[n, c_dim]`; none for networks without labels.
    ///
    /// # Errors
    /// When the class does not fit the network.
    pub(super) fn labels(&self, look: &Look, n: usize) -> anyhow::Result<Option<Tensor>> {
        let classes = self.model.generator().spec().condition.label_dim();
        match look.class {
            Some(_) if classes == 0 => anyhow::bail!("this network was trained without labels: leave the class out"),
            Some(class) => Ok(self.model.labels(class, n)?),
            None if classes == 0 => Ok(None),
            None => anyhow::bail!("this network was trained with labels: choose one of its {classes} classes"),
        }
    }

    /// Pictures of style rows `[n, num_ws, w_dim]`; `indices` choose the fresh noise of each.
    ///
    /// # Errors
    /// When a picture is not finite.
    pub(super) fn pictures(&self, ws: &Tensor, indices: &[u64], look: &Look) -> anyhow::Result<Vec<RgbImage>> {
        self.made(ws, indices, look, SynthesisOptions::default())
    }

    /// The picture of style rows `[1, num_ws, w_dim]`; a large one is shown to `preview` at a smaller size on the way, where
    /// the network sums such.
    ///
    /// # Errors
    /// When the picture is not finite, or not wanted any more.
    pub(super) fn picture(&self, ws: &Tensor, index: u64, look: &Look, preview: Preview) -> anyhow::Result<RgbImage> {
        let show = |image: &Tensor| {
            let side = *image.dims().iter().skip(2).max().unwrap_or(&0);
            if (PREVIEW / 2 + 1..=PREVIEW).contains(&side) {
                let is_wanted = to_pictures(image)?.into_iter().all(preview);
                if !is_wanted {
                    return Err(candle_core::Error::msg("given up for a later state").into());
                }
            }
            Ok(())
        };
        let coarse = Some(Coarse(&show));
        let made = self.made(ws, &[index], look, SynthesisOptions { coarse, ..SynthesisOptions::default() })?.pop();
        made.context("no picture was made")
    }

    fn made(
        &self,
        ws: &Tensor,
        indices: &[u64],
        look: &Look,
        options: SynthesisOptions,
    ) -> anyhow::Result<Vec<RgbImage>> {
        let images = look.settings().sampler(&self.model).images_with(ws, indices, options)?;
        if first_not_finite(&images)?.is_some() {
            anyhow::bail!(
                "the picture is not finite (NaN or infinity): choose a psi nearer to 0, or an earlier checkpoint"
            );
        }
        Ok(to_pictures(&images)?)
    }

    /// What a sheet's pictures share, as its heading.
    pub(super) fn heading(&self, look: &Look) -> String {
        look.settings().heading(&self.model)
    }

    /// What files of pictures say of the network and its settings, as those of `stylegan generate`.
    pub(super) fn text(&self, look: &Look) -> Text {
        look.settings().text(&self.model)
    }
}
