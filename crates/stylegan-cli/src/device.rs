//! `--device`: what networks compute on.

use crate::exit::wrong;
use crate::ranks;
use crate::status::say;
use candle_core::Device;
use std::fmt;
use std::str::FromStr;
use stylegan_kernels::cuda::gpu::{self, NoGpu};

/// What can be typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Typed {
    #[default]
    Cpu,
    /// The GPU that this rank has joined the others with, or else the first.
    Own,
    /// A GPU by its number, from 0.
    Gpu(usize),
    Auto,
}

impl FromStr for Typed {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let number = |number: &str| number.parse().ok().filter(|number| *number < 1024).map(Self::Gpu);
        let device = match typed.split_once(':') {
            Some(("cuda", after)) => number(after),
            None if typed == "cuda" => Some(Self::Own),
            None if typed == "cpu" => Some(Self::Cpu),
            None if typed == "auto" => Some(Self::Auto),
            _ => None,
        };
        device.ok_or_else(|| "expected cpu, cuda, cuda:N (N counts GPUs from 0) or auto".into())
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Own => f.write_str("cuda"),
            Self::Gpu(number) => write!(f, "cuda:{number}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

impl Typed {
    /// Which GPU is meant, if one is; `own`: what this rank has joined the others with.
    fn number(self, own: Option<usize>) -> Result<usize, String> {
        match (self, own) {
            (Self::Gpu(number), Some(own)) if number != own => Err(format!(
                "this rank exchanges by cuda:{own}, the GPU that torchrun gave it; say --device cuda, which is each rank's \
                 own, and choose among GPUs by CUDA_VISIBLE_DEVICES"
            )),
            (Self::Gpu(number), _) => Ok(number),
            _ => Ok(own.unwrap_or_default()),
        }
    }
}

/// The option of every verb that runs networks.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct DeviceArgs {
    /// What networks compute on: cpu, cuda (the first NVIDIA GPU), cuda:N (from 0), or auto: a GPU where one can be used.
    /// Seeds mean the same everywhere; a GPU's results equal the CPU's up to rounding.
    #[arg(long, value_name = "cpu|cuda|cuda:N|auto", default_value_t)]
    device: Typed,
}

impl DeviceArgs {
    /// The option as the same command would have it again: nothing for the CPU.
    pub(crate) fn again(self) -> String {
        if self.device == Typed::Cpu { String::new() } else { format!(" --device {}", self.device) }
    }

    /// Opens the device that is meant, once for all networks of a command; says what nobody typed.
    pub(crate) fn chosen(self) -> anyhow::Result<Device> {
        tracing::debug!("device: {}", self.device);
        let number = match self.device.number(ranks::gpu()) {
            Ok(number) => number,
            Err(problem) => wrong!("--device {}: {problem}", self.device),
        };
        match self.device {
            Typed::Cpu => Ok(Device::Cpu),
            Typed::Own | Typed::Gpu(_) => match gpu::open(number) {
                Ok(gpu) => Ok(gpu.device),
                Err(why) => wrong!("--device {}: {why}; {}", self.device, remedy(&why)),
            },
            Typed::Auto => match gpu::open(number) {
                Ok(gpu) => {
                    say(&format!("--device auto: cuda:{number}, the GPU {}", gpu.name));
                    Ok(gpu.device)
                }
                Err(why) => {
                    say(&format!("--device auto: cpu, since {why}"));
                    Ok(Device::Cpu)
                }
            },
        }
    }
}

/// What to do where there is no such GPU.
fn remedy(why: &NoGpu) -> &'static str {
    match why {
        NoGpu::NotBuilt => {
            "build it with `cargo install --path crates/stylegan-cli --features cuda` (docs/cuda.md), or leave --device out"
        }
        NoGpu::OldDriver { .. } => "install a newer driver, or leave --device out to compute on the CPU",
        NoGpu::Missing { count: 1.., .. } => "name one of these, or leave --device out to compute on the CPU",
        _ => "leave --device out to compute on the CPU",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_have_gpus_of_their_own() {
        assert_eq!((Typed::Own.number(None), Typed::Own.number(Some(3))), (Ok(0), Ok(3)));
        assert_eq!((Typed::Gpu(2).number(None), Typed::Gpu(2).number(Some(2))), (Ok(2), Ok(2)));
        assert!(Typed::Gpu(0).number(Some(1)).is_err_and(|why| why.contains("exchanges by cuda:1")));
    }

    #[test]
    fn what_can_be_typed() {
        for (typed, device) in
            [("cpu", Typed::Cpu), ("cuda", Typed::Own), ("cuda:3", Typed::Gpu(3)), ("auto", Typed::Auto)]
        {
            assert_eq!(typed.parse(), Ok(device));
            assert_eq!(device.to_string(), typed);
        }
        for typed in ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "cuda:99999", ""] {
            assert!(typed.parse::<Typed>().is_err(), "{typed}");
        }
    }
}
