//! Launches of `spade_norm.cu`: normalisations by statistics.

use super::launch::{Elements, Kernel, Launch, SCRATCH, int, slices};
use candle_core::Result;

/// Groups of `[samples, groups, plane]` that share a mean and a variance.
#[derive(Debug, Clone, Copy)]
pub struct Groups {
    /// Samples that share them; 1 for statistics of planes.
    pub samples: usize,
    /// Channels; all planes, for statistics of these.
    pub groups: usize,
    /// Pixels of a plane.
    pub plane: usize,
}

/// Parameters of `moments`, `join_moments` and `spade_norm_sums`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupedParams {
    samples: i32,
    groups: i32,
    plane: i32,
    slices: i32,
}

/// Parameters of `spade_norm`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpadeNormParams {
    at: Elements,
    groups: i32,
    eps: f32,
    slope: f32,
}

/// Parameters of `spade_norm_gradient`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpadeNormGradientParams {
    at: Elements,
    groups: i32,
    eps: f32,
    count: f32,
}

impl Groups {
    /// x -> `[2, groups, slices]`: mean and biased variance of each slice; then [`join`](Self::join) where there is more
    /// than one. The second number is that of slices.
    ///
    /// # Errors
    /// When a size has more than 31 bits (so for all of these).
    pub fn moments(&self) -> Result<(Launch<GroupedParams>, usize)> {
        self.sliced("moments")
    }

    /// `[2, groups, slices]` -> `[2, groups]`: mean and biased variance of each group.
    ///
    /// # Errors
    /// As [`moments`](Self::moments).
    pub fn join(&self) -> Result<Launch<GroupedParams>> {
        Launch::new(Kernel::new("spade_norm", "join_moments"), self.groups, SCRATCH, self.grouped()?)
    }

    /// (x, gamma, beta, statistics `[2, groups]`) -> y: see [`spade_norm`](crate::spade_norm()). Gamma and beta are left
    /// out together; statistics are where mean 0 and no division are meant.
    ///
    /// # Errors
    /// As [`moments`](Self::moments).
    pub fn spade_norm(&self, eps: f64, slope: f64) -> Result<Launch<SpadeNormParams>> {
        let (at, groups) = self.elements()?;
        let params = SpadeNormParams { at, groups, eps: eps as f32, slope: slope as f32 };
        Launch::elementwise(Kernel::new("spade_norm", "spade_norm"), self.len(), params)
    }

    /// (g before the activation, gamma, x, statistics) -> `[2, groups, slices]`: sums of `g (1 + gamma)` and of these times
    /// `x - mean`; then [`row_sum`](super::bias_act::row_sum) where there is more than one slice. The second number is
    /// that of slices.
    ///
    /// # Errors
    /// As [`moments`](Self::moments).
    pub fn sums(&self) -> Result<(Launch<GroupedParams>, usize)> {
        self.sliced("spade_norm_sums")
    }

    /// (g, gamma, x, statistics, sums `[2, groups]`) -> the gradients of x and gamma. Sums are left out where no gradient
    /// flows through the statistics; without gamma nothing is written to its gradient.
    ///
    /// # Errors
    /// As [`moments`](Self::moments).
    pub fn gradient(&self, eps: f64) -> Result<Launch<SpadeNormGradientParams>> {
        let (at, groups) = self.elements()?;
        let params = SpadeNormGradientParams { at, groups, eps: eps as f32, count: (self.samples * self.plane) as f32 };
        Launch::elementwise(Kernel::new("spade_norm", "spade_norm_gradient"), self.len(), params)
    }

    /// Numbers of the tensor.
    pub(crate) fn len(&self) -> usize {
        self.samples * self.groups * self.plane
    }

    fn elements(&self) -> Result<(Elements, i32)> {
        Ok((Elements::new(self.samples * self.groups, self.plane)?, int(self.groups.max(1), "channels")?))
    }

    fn sliced(&self, kernel: &'static str) -> Result<(Launch<GroupedParams>, usize)> {
        let (params, slices) = (self.grouped()?, self.slices());
        Ok((Launch::new(Kernel::new("spade_norm", kernel), self.groups * slices, SCRATCH, params)?, slices))
    }

    fn slices(&self) -> usize {
        slices(self.samples * self.plane).min(self.plane.max(1))
    }

    fn grouped(&self) -> Result<GroupedParams> {
        int(self.groups * self.slices(), "slices")?;
        Ok(GroupedParams {
            samples: int(self.samples, "samples")?,
            groups: int(self.groups, "channels")?,
            plane: int(self.plane, "pixels")?,
            slices: int(self.slices(), "slices")?,
        })
    }
}
