//! Directions in W to edit pictures along ([`stylegan_core::directions`]), found in three ways: in closed form from
//! the layers that read styles ([`closed_form`], SeFa), as principal components of styles ([`components`], GANSpace),
//! and as normals of hyperplanes between styles with and without an attribute ([`Hyperplane`], InterFaceGAN).

mod closed_form;
mod components;
mod eigen;
mod hyperplane;
mod styles;

pub use closed_form::closed_form;
pub use components::components;
pub use hyperplane::{Attribute, Hyperplane, Separation, Sides, conditioned};
pub use styles::Styles;
