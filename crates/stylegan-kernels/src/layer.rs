//! Whole layers of synthesis networks. Where no argument is tracked (pictures are made, nothing is
//! trained), what follows a convolution or a filter is done to its result piece by piece, and no
//! feature map is stored in between; else the operations are recorded one by one.

use crate::bias_act::{Activation, After, bias_act, noise_bias_act};
use crate::conv::{conv_transpose2d_fused, conv2d, conv2d_fused, output_side};
use crate::modulate::{Resample, after_transpose, demodulation, modulated_conv2d};
use crate::upfirdn2d::{Filter, filter2d, filter2d_then, upfirdn2d_then};
use candle_core::{Result, Tensor};

/// What ends a layer: `clamp(gain * act(y + noise * strength + bias))`, as in [`noise_bias_act`].
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// The noise `[n or 1, 1, h, w]` and its strength, `[c]` or `[]`.
    pub noise: Option<(&'a Tensor, &'a Tensor)>,
    /// `[c]`
    pub bias: &'a Tensor,
    /// The activation.
    pub act: Activation,
    /// Its gain.
    pub gain: f64,
    /// Bound of the magnitude.
    pub clamp: Option<f64>,
}

impl Finish<'_> {
    /// Does it to `y` `[n, c, h, w]`.
    ///
    /// # Errors
    /// As [`noise_bias_act`].
    pub fn apply(&self, y: &Tensor) -> Result<Tensor> {
        let &Self { noise, bias, act, gain, clamp } = self;
        match noise {
            Some((map, strength)) => noise_bias_act(y, map, strength, bias, act, gain, clamp),
            None => bias_act(y, Some(bias), act, gain, clamp),
        }
    }

    /// Whether there is a result, and the noise has its height and width.
    fn fits(&self, size: Option<[usize; 2]>) -> bool {
        size.is_some_and(|size| self.noise.is_none_or(|(map, _)| map.dims()[2..] == size))
    }

    /// What is done piece by piece, if nothing of it is tracked and it is well formed (what is not,
    /// is refused by the operations).
    fn after(&self, n: usize, channels: usize, arguments: &[&Tensor]) -> Option<After> {
        let &Self { noise, bias, act, gain, clamp } = self;
        let noise_fits = noise.is_none_or(|(map, strength)| {
            matches!(map.dims(), [maps, 1, _, _] if *maps == 1 || *maps == n)
                && [1, channels].contains(&strength.elem_count())
        });
        let slope = act.negative_slope().filter(|&slope| slope > 0. && slope <= 1.)?;
        let own = noise.into_iter().flat_map(|(map, strength)| [map, strength]).chain([bias]);
        let plain =
            |t: &Tensor| !t.track_op() && t.dtype() == bias.dtype() && t.device().is_cpu() && t.elem_count() > 0;
        let fits = noise_fits && bias.dims() == [channels] && gain > 0.;
        (fits && own.chain(arguments.iter().copied()).all(plain)).then(|| After {
            scale: None,
            noise: noise.map(|(map, strength)| (map.clone(), strength.clone())),
            bias: bias.clone(),
            slope,
            gain,
            clamp: clamp.unwrap_or(f64::INFINITY),
        })
    }
}

/// [`modulated_conv2d`], then what `finish` says.
///
/// # Errors
/// As [`modulated_conv2d`] and [`noise_bias_act`].
pub fn modulated_layer(
    x: &Tensor,
    weight: &Tensor,
    styles: &Tensor,
    demodulate: bool,
    resample: &Resample,
    finish: Finish,
) -> Result<Tensor> {
    let ((n, c, h, w), (k, i, _, _)) = (x.dims4()?, weight.dims4()?);
    let after = finish.after(n, k, &[x, weight, styles]);
    if let Some(mut after) = after.filter(|_| c == i && styles.dims() == [n, c]) {
        if demodulate {
            after.scale = Some(demodulation(weight, styles)?);
        }
        match *resample {
            Resample { up: 1, down: 1, padding: [a, b, c, d], flip_weight: true, .. }
                if a >= 0 && [b, c, d] == [a; 3] && finish.fits(same_size(x, weight, a as usize)) =>
            {
                return conv2d_fused(x, weight, 1., Some(styles), a as usize, after);
            }
            Resample { up: 2, down: 1, flip_weight: false, filter: Some(filter), flip_filter, padding }
                if finish.fits(Some([2 * h, 2 * w])) =>
            {
                if let Some(padding) = after_transpose(filter, padding, weight.dims4()?) {
                    let y = conv_transpose2d_fused(x, weight, styles, 2)?;
                    return upfirdn2d_then(&y, filter, padding, flip_filter, 4., after);
                }
            }
            _ => {}
        }
    }
    finish.apply(&modulated_conv2d(x, weight, styles, None, demodulate, resample)?)
}

/// [`conv2d`] of stride 1, then what `finish` says.
///
/// # Errors
/// As [`conv2d`] and [`noise_bias_act`].
pub fn conv_layer(x: &Tensor, weight: &Tensor, padding: usize, gain: f64, finish: Finish) -> Result<Tensor> {
    let ((n, c, _, _), (k, i, _, _)) = (x.dims4()?, weight.dims4()?);
    let fits = c == i && finish.fits(same_size(x, weight, padding));
    match finish.after(n, k, &[x, weight]).filter(|_| fits) {
        Some(after) => conv2d_fused(x, weight, gain, None, padding, after),
        None => finish.apply(&conv2d(x, weight, 1, padding, gain)?),
    }
}

/// [`filter2d`], then what `finish` says.
///
/// # Errors
/// As [`filter2d`] and [`noise_bias_act`].
pub fn filter_layer(x: &Tensor, filter: &Filter, finish: Finish) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    match finish.after(n, c, &[x]).filter(|_| finish.fits(Some([h, w]))) {
        Some(after) => filter2d_then(x, filter, after),
        None => finish.apply(&filter2d(x, filter, 1.)?),
    }
}

/// Height and width of a convolution of stride 1; none where the kernel is larger than the image.
fn same_size(x: &Tensor, weight: &Tensor, padding: usize) -> Option<[usize; 2]> {
    let side = |i: usize| output_side(x.dims()[i], weight.dims()[i], 1, padding);
    Some([side(2)?, side(3)?])
}
