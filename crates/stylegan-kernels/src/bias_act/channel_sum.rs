//! Sums over everything but the channels, and their adjoints: how gradients of biases and noise
//! strengths are made.

use crate::autodiff::{apply1, wants_grad};
use crate::elementwise::{by_dtype, dot, sum, vectorize, written, zeroed};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// `[n, c, …]` summed to `[c]`, each element weighted by `noise` `[n or 1, 1, …]` (not
/// differentiated) if given, times `gain`.
pub(crate) fn channel_sum(x: &Tensor, noise: Option<&Tensor>, gain: f64) -> Result<Tensor> {
    let dims = x.dims().to_vec();
    apply1(x, ChannelSum { dims, noise: noise.cloned(), gain, kind: Kind::Sum })
}

/// The adjoint of [`channel_sum`]: `[c]` to `dims` `[n, c, …]`.
fn channel_spread(x: &Tensor, dims: &[usize], noise: Option<&Tensor>, gain: f64) -> Result<Tensor> {
    apply1(x, ChannelSum { dims: dims.to_vec(), noise: noise.cloned(), gain, kind: Kind::Spread })
}

#[derive(Clone, Copy)]
enum Kind {
    Sum,
    Spread,
}

struct ChannelSum {
    /// The shape of the larger side.
    dims: Vec<usize>,
    noise: Option<Tensor>,
    gain: f64,
    kind: Kind,
}

vectorize! {
    fn fill_scaled<T>(y: &mut [MaybeUninit<T>], noise: Option<&[T]>, value: T) {
        match noise {
            None => y.fill(MaybeUninit::new(value)),
            Some(noise) => {
                for (y, &noise) in y.iter_mut().zip(noise) {
                    y.write(noise * value);
                }
            }
        }
    }

    /// Adds the columns of `x` `[rows, y.len()]` up in `y`.
    fn column_sums<T>(x: &[T], y: &mut [MaybeUninit<T>], gain: T) {
        let y = zeroed(y);
        for row in x.chunks_exact(y.len()) {
            for (y, &x) in y.iter_mut().zip(row) {
                *y += x;
            }
        }
        for y in y.iter_mut() {
            *y *= gain;
        }
    }
}

impl CustomOp1 for ChannelSum {
    fn name(&self) -> &'static str {
        "stylegan-channel-sum"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c) = (self.dims[0], self.dims[1]);
        let plane: usize = self.dims[2..].iter().product();
        let noise = self.noise.as_ref().map(Tensor::storage_and_layout);
        by_dtype!("bias_act", storage, T => {
            let x = crate::cpu::slice::<T>(storage, layout)?;
            let noise = match &noise {
                Some((s, l)) => match &**s {
                    candle_core::Storage::Cpu(s) => Some(crate::cpu::slice::<T>(s, l)?),
                    _ => candle_core::bail!("noise_bias_act: noise is not on the CPU as the input is"),
                },
                None => None,
            };
            let noise_of = |i: usize| noise.map(|noise| &noise[i * plane % noise.len()..][..plane]);
            let gain = self.gain as T;
            Ok(match self.kind {
                Kind::Sum if plane == 1 && noise.is_none() => {
                    // SAFETY: all columns are summed.
                    (unsafe { written(c, |y| column_sums(x, y, gain)) }, c.into())
                }
                Kind::Sum => {
                    let per_task = crate::elementwise::rows_per_task(n * plane);
                    let write = |y: &mut [MaybeUninit<T>]| {
                        crate::threads::for_each_chunk(y, per_task, |task, y| {
                            for (j, y) in y.iter_mut().enumerate() {
                                let channel = task * per_task + j;
                                let total: f64 = (0..n)
                                    .map(|i| {
                                        let x = &x[(i * c + channel) * plane..][..plane];
                                        noise_of(i).map_or_else(|| sum(x), |noise| dot(x, noise))
                                    })
                                    .sum();
                                y.write((total * self.gain) as T);
                            }
                        })
                    };
                    // SAFETY: a task writes the sums of its channels.
                    (unsafe { written(c, write) }, c.into())
                }
                Kind::Spread => {
                    let rows = crate::elementwise::rows_per_task(plane);
                    let write = |y: &mut [MaybeUninit<T>]| {
                        crate::threads::for_each_chunk(y, rows * plane, |task, y| {
                            for (j, y) in y.chunks_mut(plane).enumerate() {
                                let row = task * rows + j;
                                fill_scaled(y, noise_of(row / c), x[row % c] * gain);
                            }
                        })
                    };
                    // SAFETY: planes are filled, with noise of as many elements.
                    (unsafe { written(n * c * plane, write) }, self.dims.clone().into())
                }
            })
        })
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let noise = self.noise.as_ref();
        wants_grad(x)
            .then(|| match self.kind {
                Kind::Sum => channel_spread(g, &self.dims, noise, self.gain),
                Kind::Spread => channel_sum(g, noise, self.gain),
            })
            .transpose()
    }
}
