//! The search for the styles of an uploaded picture, a few steps at a time, so that nothing waits for it.

use super::queue::Portion;
use super::style_network::StyleNetwork;
use super::task::Task;
use super::uploads::Uploads;
use super::wish::{STEPS_PER_PICTURE, State};
use crate::invert::picture_encoder::PictureEncoder;
use crate::invert::targets::fitted;
use candle_core::Tensor;
use image::DynamicImage;
use stylegan_metrics::features::PerceptualDistance;
use stylegan_train::inversion::{ProjectOptions, Projector, Space, StyleStatistics};

/// A search that goes on.
pub(super) struct Search<'a> {
    pub(super) task: Task,
    projector: Projector<'a>,
}

impl<'a> Search<'a> {
    /// Begins the search that a portion asks for, from what `encoder` finds if it is for the network; `number` is the
    /// number of the open one.
    ///
    /// # Errors
    /// When the picture is not kept, or the network has no styles.
    pub(super) fn begin(
        portion: &Portion,
        number: u64,
        network: &StyleNetwork,
        uploads: &Uploads,
        distance: &'a dyn PerceptualDistance,
        encoder: Option<&PictureEncoder>,
    ) -> anyhow::Result<Self> {
        let State::Invert { look, picture, steps } = &portion.wish.state else { anyhow::bail!("this is no search") };
        network.check_styles("an inversion")?;
        let model = network.model();
        let picture = DynamicImage::ImageRgb8((*uploads.picture(picture)?).clone());
        let start = encoder.map(|encoder| encoder.rows(picture.clone(), model)).transpose()?.flatten();
        let space = if start.is_some() { Space::WPlus } else { Space::W };
        let options = ProjectOptions { space, steps: *steps, ..ProjectOptions::default() };
        let spec = model.generator().spec();
        let target = fitted(picture, spec.img_size, spec.img_channels)?.to_dtype(model.dtype())?;
        let styles = StyleStatistics::new(model, options.samples, network.labels(look, 1)?.as_ref())?;
        let mut projector = Projector::new(model, &styles, distance, &target, options)?;
        if let Some(rows) = &start {
            projector.start_from(rows)?;
        }
        Ok(Self { task: Task::of(portion, number), projector })
    }

    /// The steps up to the next picture; the style rows `[1, num_ws, w_dim]` found so far.
    ///
    /// # Errors
    /// When numbers stop being finite.
    pub(super) fn go_on(&mut self) -> anyhow::Result<Tensor> {
        for _ in 0..STEPS_PER_PICTURE {
            if !self.projector.is_done() {
                self.projector.step()?;
            }
        }
        Ok(self.projector.rows()?)
    }
}
