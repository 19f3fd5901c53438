//! Directions to edit pictures along ([`stylegan_core::directions`]). In W they are found in three ways: in closed form from
//! the layers that read styles ([`closed_form`], SeFa), as principal components of styles ([`components`], GANSpace),
//! and as normals of hyperplanes between styles with and without an attribute ([`Hyperplane`], InterFaceGAN). In style
//! space they are single channels, ranked by where they change pictures ([`ChannelEffects`], StyleSpace). A
//! [`Corner`] is where two attributes meet.

mod channels;
mod closed_form;
mod components;
mod corner;
mod eigen;
mod hyperplane;
mod styles;

pub use channels::ChannelEffects;
pub use closed_form::closed_form;
pub use components::components;
pub use corner::Corner;
pub use hyperplane::{Attribute, Hyperplane, Separation, Sides, conditioned};
pub use styles::Styles;
