//! Fused operations of style-based generators and discriminators on candle tensors.
//!
//! Every public operation takes and returns [`candle_core::Tensor`]s, works in f32 and f64 (on a GPU in
//! f32), and is differentiable twice: its backward pass is made of operations of the same family (a
//! convolution's gradient is a convolution), so gradient penalties (R1, WGAN-GP, path length) are
//! ordinary code on top. Gradients are taken through [`autodiff`], which owns candle's
//! second-order switch; do not call `Tensor::backward` directly.
//!
//! Results do not depend on the number of threads ([`threads`]).

pub mod augment;
pub mod autodiff;
pub mod bias_act;
pub mod conv;
pub mod cpu_info;
pub mod cuda;
pub mod label;
pub mod layer;
pub mod linear;
pub mod memory;
pub mod modulate;
#[cfg(feature = "nccl")]
pub mod nccl;
pub mod norm;
pub mod optim;
pub mod pad;
pub mod resize;
pub mod threads;
pub mod tiles;
pub mod upfirdn2d;

mod cpu;
mod elementwise;

pub use bias_act::{Activation, BiasAct, Epilogue, bias_act, conv2d_bias_act, noise_bias_act, prelu};
pub use conv::{PackedWeights, conv_transpose2d, conv2d, conv2d_weight_gradient, in_precision};
pub use label::{Labels, label_conv2d};
pub use layer::{conv_layer, filter_layer, modulated_layer};
pub use linear::linear;
pub use modulate::{conv2d_resample, modulated_conv2d};
pub use norm::{Statistics, instance_style, minibatch_stddev, pixel_norm, spade_norm, standardize};
pub use pad::reflect_pad2d;
pub use resize::{
    avg_pool2d, avg_pool2x, max_pool2d, resize_area, resize_bilinear, upsample_nearest, upsample_nearest2x,
};
pub use tiles::Precision;
pub use upfirdn2d::{Filter, downsample2d, filter2d, upfirdn2d, upsample2d};
