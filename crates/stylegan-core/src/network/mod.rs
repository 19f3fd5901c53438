//! What networks of all architectures share: traits, constants, conditions, configurations.

mod condition;
mod config;
mod discriminator;
mod generator;
mod loaded;
mod resize;
mod spec;
mod style_offsets;

pub use condition::Condition;
pub use config::{
    DiscriminatorConfig, EncoderConfig, GeneratorConfig, NetworkConfig, build_discriminator, build_generator,
};
pub use discriminator::{Discriminator, DiscriminatorOutput, Scale};
pub use generator::{Coarse, Generator, NoiseKeys, NoiseLayers, NoiseMode, SynthesisOptions, broadcast_ws};
pub(crate) use loaded::Loaded;
pub use resize::{Resized, resize};
pub use spec::{ConditionSpec, DiscriminatorSpec, GeneratorSpec, MapSpec};
pub use style_offsets::StyleOffsets;
