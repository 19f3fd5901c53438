//! Activation functions, their gains and their derivatives.

use crate::elementwise::Real;

/// The slope of leaky ReLU for negative values in all networks of the family.
pub const LRELU_ALPHA: f64 = 0.2;

const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_3;

/// An activation function. [`Activation::default_gain`] keeps its output variance near 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// The identity.
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// Leaky ReLU with slope [`LRELU_ALPHA`].
    Lrelu,
    /// Leaky ReLU with this slope for negative values.
    Leaky(f64),
    /// Hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x` above zero, `exp(x) - 1` below.
    Elu,
    /// Self-normalising [`Activation::Elu`] (Klambauer et al. 2017).
    Selu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x * sigmoid(x)`.
    Swish,
}

impl Activation {
    /// The gain that belongs to this activation in StyleGAN2: sqrt(2) for the ReLU family and
    /// swish, else 1.
    pub fn default_gain(self) -> f64 {
        match self {
            Self::Relu | Self::Lrelu | Self::Leaky(_) | Self::Swish => std::f64::consts::SQRT_2,
            _ => 1.,
        }
    }

    /// The slope below zero of the piecewise linear ones (their slope above is 1) whose results tell by
    /// their sign on which side of zero they come from, else `None`.
    pub(crate) fn negative_slope(self) -> Option<f64> {
        self.slope_below().filter(|&slope| slope >= 0.)
    }

    /// The slope below zero of the piecewise linear ones.
    fn slope_below(self) -> Option<f64> {
        match self {
            Self::Linear => Some(1.),
            Self::Relu => Some(0.),
            Self::Lrelu => Some(LRELU_ALPHA),
            Self::Leaky(alpha) => Some(alpha),
            _ => None,
        }
    }

    /// The function (`order` 0) or its first or second derivative at `x`.
    pub(super) fn derivative<T: Real>(self, order: u8, x: T) -> T {
        let (zero, one, two) = (T::zero(), T::one(), T::from_f64(2.));
        if let Some(slope) = self.slope_below() {
            let slope = if x > zero { one } else { T::from_f64(slope) };
            return [x * slope, slope, zero][order as usize];
        }
        match self {
            Self::Tanh => {
                let y = x.tanh();
                [y, one - y * y, (y * y * y - y) * two][order as usize]
            }
            Self::Sigmoid => sigmoid(x)[order as usize],
            Self::Softplus => match order {
                // ln(1 + exp(x)) without overflow.
                0 => (if x > zero { x } else { zero }) + (zero - x.abs()).exp().ln_1p(),
                _ => sigmoid(x)[order as usize - 1],
            },
            Self::Swish => {
                let [s, ds, dds] = sigmoid(x);
                [x * s, s + x * ds, ds * two + x * dds][order as usize]
            }
            Self::Elu => elu(order, x, one, one),
            _ => elu(order, x, T::from_f64(SELU_SCALE), T::from_f64(SELU_ALPHA)),
        }
    }
}

/// `scale * x` above zero, `scale * alpha * (exp(x) - 1)` below, or a derivative.
fn elu<T: Real>(order: u8, x: T, scale: T, alpha: T) -> T {
    let zero = T::zero();
    match (order, x > zero) {
        (0, true) => scale * x,
        (0, false) => scale * alpha * x.exp_m1(),
        (1, true) => scale,
        (2, true) => zero,
        _ => scale * alpha * x.exp(),
    }
}

/// The logistic function and its first two derivatives.
fn sigmoid<T: Real>(x: T) -> [T; 3] {
    let one = T::one();
    let s = one / (one + (T::zero() - x).exp());
    let ds = s * (one - s);
    [s, ds, ds * (one - T::from_f64(2.) * s)]
}
