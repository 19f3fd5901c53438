//! A convolution on numbers: what every algorithm is given.

use crate::bias_act::EpilogueData;
use crate::conv::shape::{Kind, Shape};
use crate::elementwise::Real;

/// A member of the family, its two arguments, and what is fused into it.
#[derive(Clone, Copy)]
pub(in crate::conv) struct ConvCall<'a, T> {
    pub(in crate::conv) kind: Kind,
    pub(in crate::conv) a: &'a [T],
    pub(in crate::conv) b: &'a [T],
    pub(in crate::conv) shape: Shape,
    /// Factor of the result.
    pub(in crate::conv) gain: f64,
    /// Factors of the channels of `a` `[n, channels]`, or none.
    pub(in crate::conv) scale: &'a [T],
    /// The weight's first two dimensions are exchanged.
    pub(in crate::conv) swapped: bool,
    /// What is done to the result.
    pub(in crate::conv) epilogue: Option<&'a EpilogueData<T>>,
}

impl<T> ConvCall<'_, T> {
    /// Distances between the weights of neighbouring output and of neighbouring input channels, as those are of a convolution
    /// forward or of its input gradient.
    pub(super) fn weight_steps(&self) -> [usize; 2] {
        let s = &self.shape;
        let channels = match self.kind {
            Kind::Input if self.swapped => [s.k, 1],
            Kind::Input => [1, s.c],
            Kind::Forward | Kind::Weight => [s.c, 1],
        };
        channels.map(|step| step * s.r * s.s)
    }
}

impl<'a, T: Real> ConvCall<'a, T> {
    /// A call with nothing fused into it.
    pub(in crate::conv) fn new(kind: Kind, a: &'a [T], b: &'a [T], shape: Shape, gain: f64) -> Self {
        Self { kind, a, b, shape, gain, scale: &[], swapped: false, epilogue: None }
    }

    /// `a` times its scales, where there are any.
    pub(super) fn scaled(&self) -> Option<Vec<T>> {
        let plane = self.a.len() / self.scale.len().max(1);
        let scaled = |(i, &x): (usize, &T)| x * self.scale[i / plane];
        (!self.scale.is_empty()).then(|| self.a.iter().enumerate().map(scaled).collect())
    }

    /// Applies the epilogue to a whole result.
    pub(super) fn apply_epilogue(&self, y: &mut [T]) {
        let [.., h, w] = self.shape.result(self.kind);
        if let Some(epilogue) = self.epilogue {
            epilogue.apply_all(y, h * w);
        }
    }
}
