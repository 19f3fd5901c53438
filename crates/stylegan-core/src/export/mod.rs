//! Networks in the formats of other programs.
//!
//! [`onnx`] writes a generator as an ONNX model, with the map as an input of those that paint maps, and [`onnx_encoder`] an
//! encoder of pictures. [`state_dict`] gives a network's tensors under the
//! names of the official PyTorch code or of rosinality's, byte for byte those that were imported.

mod onnx;
mod state_dict;

pub use onnx::{OPSET as ONNX_OPSET, OnnxOptions, onnx, onnx_encoder};
pub use state_dict::{Naming, state_dict};
