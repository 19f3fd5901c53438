//! The averaged generator.

use crate::{Error, Result};
use stylegan_core::{Params, is_buffer};
use stylegan_kernels::optim::ema_step;

/// Moves `average` towards `params`: parameters keep the share `beta` of their old value, buffers
/// (`w_avg`, fixed noise) are copied.
///
/// # Errors
/// When the two hold different parameters.
pub fn update(average: &Params, params: &Params, beta: f64) -> Result<()> {
    for (name, var) in params.vars() {
        let Some(averaged) = average.get(&name) else {
            return Err(Error::Network(stylegan_core::Error::MissingParameter { name, shape: var.dims().to_vec() }));
        };
        if is_buffer(&name) {
            averaged.set(&var.as_detached_tensor())?;
        } else {
            ema_step(&averaged, &var.as_detached_tensor(), beta)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};

    #[test]
    fn parameters_move_and_buffers_follow() {
        let params = |value: f32| {
            let tensor = Tensor::new(&[value], &Device::Cpu).unwrap();
            Params::from_tensors([("a.weight".into(), tensor.clone()), ("mapping.w_avg".into(), tensor)]).unwrap()
        };
        let (average, weights) = (params(0.), params(1.));
        update(&average, &weights, 0.75).unwrap();
        let value = |name: &str| average.get(name).unwrap().to_vec1::<f32>().unwrap()[0];
        assert_eq!((value("a.weight"), value("mapping.w_avg")), (0.25, 1.));
    }
}
