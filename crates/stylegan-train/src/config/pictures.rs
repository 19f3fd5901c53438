//! Whether a data set fits a configuration.

use super::TrainConfig;
use crate::data::Dataset;
use crate::{Error, Result};

impl TrainConfig {
    /// Checks that the pictures of a set have the size, channels and labels that the networks take.
    ///
    /// # Errors
    /// Says what differs, and which settings or which `data build` would mend it.
    pub fn check_pictures(&self, dataset: &Dataset) -> Result<()> {
        let ([h, w], c, c_dim) = self.picture_shape();
        let problem = |problem: String| Err(Error::Config { place: "the data set".into(), problem });
        let ([height, width], channels) = (dataset.image_size(), dataset.channels());
        if (height, width, channels) != (h, w, c) {
            return problem(format!(
                "has pictures of {width}x{height} pixels with {channels} channels, expected {w}x{h} with {c}; set \
                 generator.img_size and generator.img_channels, or build the set at that size"
            ));
        }
        if c_dim > 0 && dataset.label_dim() != c_dim {
            return problem(format!(
                "has labels of width {}, expected generator.c_dim = {c_dim}; set it to the width of the labels, or to 0 to \
                 train without",
                dataset.label_dim()
            ));
        }
        Ok(())
    }
}
