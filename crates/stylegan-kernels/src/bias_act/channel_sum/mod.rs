//! Sums over everything but the channels, and their adjoints: how gradients of biases and noise
//! strengths are made.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Storage, Tensor};

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

impl CustomOp1 for ChannelSum {
    fn name(&self) -> &'static str {
        "stylegan-channel-sum"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let noise = self.noise.as_ref().map(Tensor::storage_and_layout);
        by_dtype!("bias_act", storage, T => {
            let x = slice::<T>(storage, layout)?;
            let noise = match &noise {
                Some((s, l)) => match &**s {
                    Storage::Cpu(s) => Some(slice::<T>(s, l)?),
                    _ => candle_core::bail!("noise_bias_act: noise is not on the CPU as the input is"),
                },
                None => None,
            };
            Ok(match self.kind {
                Kind::Sum => (self.sums(x, noise), self.dims[1].into()),
                Kind::Spread => (self.spread(x, noise), self.dims.clone().into()),
            })
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

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
