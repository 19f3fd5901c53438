//! The end of a layer, as kernels take it.

use super::launch::int;
use candle_core::Result;

/// A piecewise linear activation with gain and clamp.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Map {
    /// Slopes above and below zero, gain included.
    pub positive: f32,
    /// The same below.
    pub negative: f32,
    /// Bound of the magnitude, infinite for none.
    pub clamp: f32,
}

impl Map {
    /// That of slope 1 above zero and `slope` below, times `gain`.
    pub fn new(slope: f64, gain: f64, clamp: f64) -> Self {
        Self { positive: gain as f32, negative: (gain * slope) as f32, clamp: clamp as f32 }
    }
}

/// `map(y scale + noise strength + bias bias_gain)`; its arrays are the kernel's inputs scale `[n, c]`, noise
/// `[n or 1, 1, h, w]`, strength `[c]` and bias `[c]`, each of which may be left out.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epilogue {
    /// Activation, gain and clamp.
    pub map: Map,
    /// Factor of the bias.
    pub bias_gain: f32,
    channels: i32,
    noise_maps: i32,
}

impl Epilogue {
    /// That of a result with `channels` channels; `noise_maps` is 1 where samples share the noise.
    ///
    /// # Errors
    /// When there are more than 2^31 channels or maps.
    pub fn new(map: Map, bias_gain: f64, channels: usize, noise_maps: usize) -> Result<Self> {
        let (channels, noise_maps) = (int(channels.max(1), "channels")?, int(noise_maps, "noise maps")?);
        Ok(Self { map, bias_gain: bias_gain as f32, channels, noise_maps })
    }

    /// The identity, for a kernel whose inputs of an epilogue are left out.
    pub fn none() -> Self {
        Self { map: Map::new(1., 1., f64::INFINITY), bias_gain: 1., channels: 1, noise_maps: 1 }
    }
}
