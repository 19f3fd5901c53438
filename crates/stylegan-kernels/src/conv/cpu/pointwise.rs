//! 1x1 convolutions with at most four channels on one side, such as to and from RGB: they do little
//! with each number they read, so each number is read once.

use super::call::ConvCall;
use crate::conv::shape::{Kind, Shape};
use crate::cpu::{Scratch, SharedMut, Task, Vector, filled};
use crate::elementwise::Real;
use candle_core::WithDType;
use std::marker::PhantomData;
use std::ops::Range;

/// The most channels of the thin side.
const THIN: usize = 4;
/// Pixels per block: four lines of them and the sums of the others stay in the first-level cache.
const BLOCK: usize = 1024;
/// Parts of the pixels whose sums are added at the end.
const STRIPES: usize = 8;

/// Whether this module is for a convolution.
pub(super) fn fits(s: &Shape) -> bool {
    (s.r, s.s, s.stride, s.padding) == (1, 1, 1, 0) && s.c.min(s.k) <= THIN
}

/// Computes a member of the family.
pub(super) fn convolve<V: Vector>(call: &ConvCall<V::Elem>) -> Vec<V::Elem>
where
    V::Elem: Real,
{
    let &ConvCall { kind, a, b, shape: ref s, gain, scale: scales, .. } = call;
    let gain = V::Elem::from_f64(gain);
    let plane = s.h * s.w;
    let blocks = plane.div_ceil(BLOCK);
    match kind {
        Kind::Forward | Kind::Input => {
            let forward = kind == Kind::Forward;
            let (depth, outs) = if forward { (s.c, s.k) } else { (s.k, s.c) };
            let [out_step, in_step] = call.weight_steps();
            let weight = |i: usize| b[i / depth % outs * out_step + i % depth * in_step] * gain;
            // Scales of the input go into weights of each image.
            let images = if scales.is_empty() { 1 } else { s.n };
            let scale = |i: usize| scales.get(i / (outs * depth) * depth + i % depth).copied();
            let weights: Vec<V::Elem> =
                (0..images * outs * depth).map(|i| weight(i) * scale(i).unwrap_or(V::Elem::from_f64(1.))).collect();
            // SAFETY: the blocks cover all pixels; the operation chose `V` for this machine.
            let mut y = unsafe {
                filled(s.n * outs * plane, |y| {
                    let y = SharedMut::uninit(y);
                    crate::threads::for_each(s.n * blocks, |task| {
                        let (image, start) = (task / blocks, task % blocks * BLOCK);
                        let pixels = start..(start + BLOCK).min(plane);
                        let from = &a[image * depth * plane..][..depth * plane];
                        let to = y.at(image * outs * plane);
                        V::enter(Mix::<V> {
                            from,
                            to,
                            weights: &weights[image % images * outs * depth..],
                            depth,
                            outs,
                            plane,
                            pixels,
                            vector: PhantomData,
                        });
                    });
                })
            };
            call.apply_epilogue(&mut y);
            y
        }
        Kind::Weight => {
            let (thin, wide, few, many) = if s.k < s.c { (b, a, s.k, s.c) } else { (a, b, s.c, s.k) };
            let stripes = (s.n * blocks).clamp(1, STRIPES);
            let per_stripe = (s.n * blocks).div_ceil(stripes);
            let len = few * many;
            let mut parts = Scratch::<V::Elem>::take(stripes * len);
            crate::threads::for_each_chunk(&mut parts, len, |stripe, sums| {
                sums.fill(V::Elem::from_f64(0.));
                for block in stripe * per_stripe..((stripe + 1) * per_stripe).min(s.n * blocks) {
                    let (image, start) = (block / blocks, block % blocks * BLOCK);
                    let pixels = start..(start + BLOCK).min(plane);
                    let thin = &thin[image * few * plane..][..few * plane];
                    let wide = &wide[image * many * plane..][..many * plane];
                    // SAFETY: the operation chose `V` for this machine.
                    unsafe { V::enter(Dots::<V> { thin, wide, sums, few, plane, pixels, vector: PhantomData }) };
                }
            });
            let sum =
                |i: usize| (0..stripes).fold(V::Elem::from_f64(0.), |sum, part| sum + parts[part * len + i]) * gain;
            // The parts are `[many][few]`.
            match s.k < s.c {
                true => (0..len).map(|i| sum(i % s.c * few + i / s.c)).collect(),
                false => (0..len).map(sum).collect(),
            }
        }
    }
}

/// `to[out] = Σ weights[out][d] from[d]` for a block of pixels.
struct Mix<'a, V: Vector> {
    from: &'a [V::Elem],
    to: *mut V::Elem,
    weights: &'a [V::Elem],
    depth: usize,
    outs: usize,
    plane: usize,
    pixels: Range<usize>,
    vector: PhantomData<V>,
}

impl<V: Vector> Task<V> for Mix<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        for first in (0..self.depth).step_by(4) {
            // SAFETY: channels of the task.
            unsafe {
                match self.depth - first {
                    1 => self.add::<1>(first),
                    2 => self.add::<2>(first),
                    3 => self.add::<3>(first),
                    _ => self.add::<4>(first),
                }
            }
        }
    }
}

impl<V: Vector> Mix<'_, V> {
    /// Adds what `N` channels from `first` on contribute; the first ones start the sums.
    #[inline(always)]
    unsafe fn add<const N: usize>(&self, first: usize) {
        let (l, len) = (V::LANES, self.pixels.len());
        let zero = V::Elem::from_f64(0.);
        for out in 0..self.outs {
            // SAFETY: lines of `pixels` inside the planes.
            unsafe {
                let weights = self.weights.as_ptr().add(out * self.depth + first);
                let from = self.from.as_ptr().add(first * self.plane + self.pixels.start);
                let to = self.to.add(out * self.plane + self.pixels.start);
                let mut factors = [V::splat(zero); N];
                for j in 0..N {
                    factors[j] = V::splat(*weights.add(j));
                }
                let mut i = 0;
                while i + l <= len {
                    let mut sum = V::load(from.add(i)).mul(factors[0]);
                    for j in 1..N {
                        sum = V::load(from.add(j * self.plane + i)).mul_add(factors[j], sum);
                    }
                    if first > 0 {
                        sum = sum.add(V::load(to.add(i)));
                    }
                    sum.store(to.add(i));
                    i += l;
                }
                for i in i..len {
                    let mut sum = if first > 0 { *to.add(i) } else { zero };
                    for j in 0..N {
                        sum += *from.add(j * self.plane + i) * *weights.add(j);
                    }
                    *to.add(i) = sum;
                }
            }
        }
    }
}

/// `sums[many][few] += wide[many] · thin[few]` over a block of pixels.
struct Dots<'a, V: Vector> {
    thin: &'a [V::Elem],
    wide: &'a [V::Elem],
    sums: &'a mut [V::Elem],
    few: usize,
    plane: usize,
    pixels: Range<usize>,
    vector: PhantomData<V>,
}

impl<V: Vector> Task<V> for Dots<'_, V> {
    #[inline(always)]
    unsafe fn run(self) {
        let (l, len, few) = (V::LANES, self.pixels.len(), self.few);
        let zero = V::Elem::from_f64(0.);
        for (many, sums) in self.sums.chunks_mut(few).enumerate() {
            // SAFETY: lines of `pixels` inside the planes; fewer than four thin lines are read
            // more than once, and these sums dropped.
            unsafe {
                let start = self.pixels.start;
                let wide = self.wide.as_ptr().add(many * self.plane + start);
                let line = |i: usize| self.thin.as_ptr().add(i.min(few - 1) * self.plane + start);
                let lines = [line(0), line(1), line(2), line(3)];
                let mut acc = [[V::splat(zero); THIN]; 2];
                let mut i = 0;
                while i + 2 * l <= len {
                    for half in 0..2 {
                        let value = V::load(wide.add(i + half * l));
                        for j in 0..THIN {
                            acc[half][j] = value.mul_add(V::load(lines[j].add(i + half * l)), acc[half][j]);
                        }
                    }
                    i += 2 * l;
                }
                for j in 0..few {
                    let mut lanes = [zero; 16];
                    acc[0][j].add(acc[1][j]).store(lanes.as_mut_ptr());
                    let mut sum = lanes[..l].iter().fold(zero, |sum, &v| sum + v);
                    for i in i..len {
                        sum += *wide.add(i) * *lines[j].add(i);
                    }
                    sums[j] += sum;
                }
            }
        }
    }
}
