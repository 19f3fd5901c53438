//! Instance normalisation with a style (AdaIN).

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use crate::autodiff::{apply3, detached, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor};

/// Instance normalisation and style (AdaIN): each plane of `x` `[n, c, h, w]` is shifted to mean 0
/// and scaled to variance 1 (biased, `eps` added), then multiplied by `scale` `[n, c]` and shifted
/// by `shift` `[n, c]`. StyleGAN, section 2; its networks pass `1 + y_s` and `y_b`, `eps` 1e-8.
///
/// # Errors
/// When scale or shift are not `[n, c]`.
pub fn instance_style(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f64) -> Result<Tensor> {
    let (n, c, _, _) = x.dims4()?;
    for (name, style) in [("scale", scale), ("shift", shift)] {
        if style.dims() != [n, c] {
            candle_core::bail!(
                "instance_style: {name} {:?} for input {:?}, expected [{n}, {c}]",
                style.dims(),
                x.dims()
            )
        }
    }
    apply3(x, scale, shift, InstanceStyle { eps })
}

/// The same from candle's operations, for second derivatives.
fn composed_grad(x: &Tensor, scale: &Tensor, g: &Tensor, eps: f64) -> Result<[Tensor; 3]> {
    let (n, c, h, w) = x.dims4()?;
    let flat = |t: &Tensor| t.reshape((n, c, h * w));
    let (x, g) = (flat(x)?, flat(g)?);
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let rstd = (centred.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?.recip()?;
    let hat = centred.broadcast_mul(&rstd)?;
    let along = g.mul(&hat)?;
    let inner =
        g.broadcast_sub(&g.mean_keepdim(D::Minus1)?)?.sub(&hat.broadcast_mul(&along.mean_keepdim(D::Minus1)?)?)?;
    let gx = inner.broadcast_mul(&rstd.mul(&scale.reshape((n, c, 1))?)?)?.reshape((n, c, h, w))?;
    Ok([gx, along.sum(D::Minus1)?, g.sum(D::Minus1)?])
}

#[derive(Clone, Copy)]
struct InstanceStyle {
    eps: f64,
}

impl CustomOp3 for InstanceStyle {
    fn name(&self) -> &'static str {
        "stylegan-instance-style"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!("instance_style", s1, T => {
            let (x, scale, shift) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            Ok((self.cpu::<T>(x, scale, shift, l1.dims()), l1.shape().clone()))
        })
    }

    cuda_fwd!(|op, x, scale, shift| op.cuda([x, scale, shift]));

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        _res: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [gx, gscale, gshift] = if detached() {
            let (n, c, h, w) = x.dims4()?;
            let packed = apply3(g, x, scale, InstanceStyleGrad { eps: self.eps })?;
            let part = |at: usize, len: usize| packed.narrow(0, at, len);
            let (all, rows) = (n * c * h * w, n * c);
            [
                part(0, all)?.reshape((n, c, h, w))?,
                part(all, rows)?.reshape((n, c))?,
                part(all + rows, rows)?.reshape((n, c))?,
            ]
        } else {
            composed_grad(x, scale, g, self.eps)?
        };
        Ok((wants_grad(x).then_some(gx), wants_grad(scale).then_some(gscale), wants_grad(shift).then_some(gshift)))
    }
}

/// (g, x, scale) -> the gradients of x, scale and shift, one after the other.
struct InstanceStyleGrad {
    eps: f64,
}

impl CustomOp3 for InstanceStyleGrad {
    fn name(&self) -> &'static str {
        "stylegan-instance-style-gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_dtype!("instance_style", s1, T => {
            let (g, x, scale) = (slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            Ok((self.cpu::<T>(g, x, scale, l1.dims()), (x.len() + 2 * scale.len()).into()))
        })
    }

    cuda_fwd!(|op, g, x, scale| op.cuda([g, x, scale]));
}
