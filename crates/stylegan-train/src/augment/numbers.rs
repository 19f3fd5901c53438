//! The random numbers that decide how one image is augmented.

use stylegan_core::latent::Stream;

/// A random number with the uniform number in [0, 1) that decides whether it counts: it does where
/// `gate` lies below the probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gated<T = f64> {
    /// The number or numbers.
    pub value: T,
    /// Uniform in [0, 1).
    pub gate: f64,
}

/// All random numbers of one image but its noise, as they are drawn: uniform in [0, 1) or standard
/// normal. What they mean depends on settings and `p`, the numbers do not.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Uniform: mirrored in the upper half.
    pub xflip: Gated,
    /// Uniform: so many quarters of four.
    pub rotate90: Gated,
    /// Uniform: the move in whole pixels along x and y.
    pub xint: Gated<[f64; 2]>,
    /// Normal: the scale.
    pub scale: Gated,
    /// Uniform: the angle before stretching.
    pub rotate_before: Gated,
    /// Normal: the stretch.
    pub aniso: Gated,
    /// Uniform: the angle after stretching.
    pub rotate_after: Gated,
    /// Normal: the move along x and y.
    pub xfrac: Gated<[f64; 2]>,
    /// Normal: what is added.
    pub brightness: Gated,
    /// Normal: the contrast.
    pub contrast: Gated,
    /// Uniform: exchanged in the upper half.
    pub lumaflip: Gated,
    /// Uniform: the angle.
    pub hue: Gated,
    /// Normal: the saturation.
    pub saturation: Gated,
    /// Normal: the gain of each band of frequencies, the lowest first.
    pub imgfilter: [Gated; 4],
    /// Normal: the strength of the noise.
    pub noise: Gated,
    /// Uniform: the centre of the square, from left and from above.
    pub cutout: Gated<[f64; 2]>,
}

impl Numbers {
    /// Draws all numbers, always in the same order, whichever of them count.
    pub fn draw(stream: &mut Stream) -> Self {
        let uniform = Stream::uniform;
        let normal = Stream::normal;
        Self {
            xflip: one(stream, uniform),
            rotate90: one(stream, uniform),
            xint: two(stream, uniform),
            scale: one(stream, normal),
            rotate_before: one(stream, uniform),
            aniso: one(stream, normal),
            rotate_after: one(stream, uniform),
            xfrac: two(stream, normal),
            brightness: one(stream, normal),
            contrast: one(stream, normal),
            lumaflip: one(stream, uniform),
            hue: one(stream, uniform),
            saturation: one(stream, normal),
            imgfilter: std::array::from_fn(|_| one(stream, normal)),
            noise: one(stream, normal),
            cutout: two(stream, uniform),
        }
    }
}

fn one(stream: &mut Stream, draw: fn(&mut Stream) -> f64) -> Gated {
    Gated { value: draw(stream), gate: stream.uniform() }
}

fn two(stream: &mut Stream, draw: fn(&mut Stream) -> f64) -> Gated<[f64; 2]> {
    Gated { value: [draw(stream), draw(stream)], gate: stream.uniform() }
}
