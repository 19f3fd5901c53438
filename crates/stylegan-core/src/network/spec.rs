//! All that is constant about a network, in one struct.

/// The constants of a generator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneratorSpec {
    /// Width of the latent code.
    pub z_dim: usize,
    /// Width of one style row.
    pub w_dim: usize,
    /// Number of style rows.
    pub num_ws: usize,
    /// Height and width of images, in pixels.
    pub img_size: [usize; 2],
    /// Channels of images.
    pub img_channels: usize,
    /// The condition it takes.
    pub condition: ConditionSpec,
    /// The level of detail at which only the smallest images are made: `lod` 0 is full size, each
    /// whole number halves it. 0 for networks that do not grow.
    pub max_lod: f64,
    /// Whether a mapping network makes styles of latents. Those of Progressive GAN go into synthesis as they
    /// are: it has no W in which to mix, truncate or measure.
    pub mapping: bool,
}

/// The constants of a discriminator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiscriminatorSpec {
    /// Height and width of images, in pixels.
    pub img_size: [usize; 2],
    /// Channels of images.
    pub img_channels: usize,
    /// The condition it takes.
    pub condition: ConditionSpec,
    /// The level of detail of the smallest images, as in [`GeneratorSpec`].
    pub max_lod: f64,
}

/// Which [`Condition`](crate::Condition) a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionSpec {
    /// None: the network is unconditional.
    None,
    /// Labels `[n, dim]`.
    Label {
        /// Width of the label.
        dim: usize,
    },
    /// Maps `[n, channels, h, w]` of the images' size.
    Map {
        /// Channels of the map, one per class where it is one-hot.
        channels: usize,
    },
}

/// What the maps of a network that paints them say of each pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapSpec {
    /// Classes, one channel each.
    pub classes: usize,
    /// Whether a channel of edges between instances follows.
    pub edges: bool,
}

impl ConditionSpec {
    /// Labels of width `c_dim`; 0 is none.
    pub fn label(c_dim: usize) -> Self {
        if c_dim > 0 { Self::Label { dim: c_dim } } else { Self::None }
    }

    /// Width of the label, 0 for networks without.
    pub fn label_dim(&self) -> usize {
        match self {
            Self::Label { dim } => *dim,
            Self::None | Self::Map { .. } => 0,
        }
    }
}
