//! The classes of label maps that the networks of a configuration know.

use super::{EncoderTrainConfig, Input, RecipeConfig, SpadeTrainConfig};
use crate::data::NO_CLASS;

/// The classes that networks know: those below a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapClasses {
    /// That number.
    pub count: usize,
    /// The setting that says so.
    pub setting: &'static str,
    /// Whether they also know pixels without a class; `None` for networks that cannot.
    pub none: Option<bool>,
}

impl MapClasses {
    /// Whether they know a class of a map; [`NO_CLASS`] is that of pixels without one.
    pub fn knows(&self, class: u8) -> bool {
        usize::from(class) < self.count || class == NO_CLASS && self.none == Some(true)
    }
}

impl RecipeConfig {
    /// The classes that its networks know, if they read label maps.
    pub fn map_classes(&self) -> Option<MapClasses> {
        match self {
            Self::Gan(_) => None,
            Self::Spade(config) => Some(config.map_classes()),
            Self::Encoder(config) => (config.task.input == Input::Map).then(|| config.map_classes()),
        }
    }
}

impl SpadeTrainConfig {
    /// The classes that its networks paint.
    pub fn map_classes(&self) -> MapClasses {
        MapClasses { count: self.generator.map().0, setting: "generator.classes", none: Some(self.dont_care) }
    }
}

impl EncoderTrainConfig {
    /// The classes of maps that its encoder would be shown.
    pub fn map_classes(&self) -> MapClasses {
        MapClasses { count: self.encoder.img_channels, setting: "encoder.img_channels", none: None }
    }
}
