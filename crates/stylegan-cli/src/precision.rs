//! `--precision`: how precise the convolutions are that make pictures.

use crate::exit::wrong;
use crate::status::say;
use candle_core::Device;
use clap::ValueEnum;
use stylegan_core::Precision;
use stylegan_kernels::tiles;

/// What can be typed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Typed {
    /// Single precision: 24 bits.
    #[default]
    F32,
    /// Two bf16 numbers for each factor, 16 bits: no eye sees the difference.
    #[value(name = "bf16x3")]
    Bf16x3,
    /// Factors are rounded to bf16: 8 bits.
    Bf16,
    /// On a GPU: factors are rounded to TF32, 11 bits.
    Tf32,
    /// bf16x3 on processors that multiply tiles of bf16 numbers (AMX), else f32.
    Auto,
}

/// The option of every verb that makes pictures.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct PrecisionArgs {
    /// How precise the products of convolutions are; sums and all else are f32. Products of bf16 numbers are fast on
    /// processors with AMX tiles; others are slow at them, and show what they do to pictures. GPUs have f32, tf32 and bf16.
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Typed::F32)]
    precision: Typed,
}

impl PrecisionArgs {
    /// The precision that is meant on a device; says what nobody typed.
    pub(crate) fn chosen(self, device: &Device) -> anyhow::Result<Precision> {
        if !device.is_cpu() {
            return match self.precision {
                Typed::F32 | Typed::Tf32 | Typed::Bf16 => Ok(self.precision()),
                Typed::Auto => {
                    say("--precision auto: f32, as always on a GPU");
                    Ok(Precision::F32)
                }
                Typed::Bf16x3 => wrong!(
                    "--precision bf16x3: a GPU computes in f32, tf32 or bf16; leave --precision out, or compute on the CPU"
                ),
            };
        }
        let precision = self.precision();
        match self.precision {
            Typed::Tf32 => wrong!(
                "--precision tf32: a CPU has no such products; leave --precision out, or name a GPU (--device cuda)"
            ),
            Typed::Auto if tiles::available() => {
                say(&format!("--precision auto: {precision}, since this processor has tiles of bf16 numbers"));
            }
            Typed::Auto => {
                say(&format!("--precision auto: {precision}, since this processor has no tiles of bf16 numbers"));
            }
            _ => say_if_slow(precision, device),
        }
        Ok(precision)
    }

    fn precision(self) -> Precision {
        match self.precision {
            Typed::F32 => Precision::F32,
            Typed::Bf16x3 => Precision::Bf16x3,
            Typed::Bf16 => Precision::Bf16,
            Typed::Tf32 => Precision::Tf32,
            Typed::Auto => Precision::fast(),
        }
    }
}

/// Says that a precision is slower on this device than f32, where it is.
pub(crate) fn say_if_slow(precision: Precision, device: &Device) {
    if device.is_cpu() && matches!(precision, Precision::Bf16x3 | Precision::Bf16) && !tiles::available() {
        say(&format!("note: this processor has no tiles of bf16 numbers, so {precision} is slower here than f32"));
    }
}

/// What stands behind names of files that are about another precision than f32: `-bf16`; nothing for f32.
pub(crate) fn suffix(precision: Precision) -> String {
    precision.reduced().map_or_else(String::new, |precision| format!("-{precision}"))
}
