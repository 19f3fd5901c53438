//! Arguments of the official TensorFlow code that no shape tells of: what they make of a network here, or that
//! networks here have only one value of them.

use super::ImportError;
use super::kwargs::Kwargs;
use crate::layers::FusedScale;
use serde_json::{Value as Json, json};

/// Refuses arguments that make another network than the function `name` makes here.
pub(super) fn check(name: &str, kwargs: &Kwargs<'_>) -> Result<(), ImportError> {
    for (argument, known) in known(name) {
        kwargs.only(argument, &known)?;
    }
    Ok(())
}

/// The values that are known of arguments of the function `name`.
fn known(name: &str) -> Vec<(&'static str, Json)> {
    let lrelu = |argument| (argument, json!("lrelu"));
    let yes = |argument| (argument, json!(true));
    match name {
        "G_style" => {
            let mut known = vec![lrelu("nonlinearity"), lrelu("mapping_nonlinearity")];
            known.extend(["use_wscale", "use_styles", "use_instance_norm", "use_noise", "const_input_layer"].map(yes));
            known
        }
        "D_basic" => vec![lrelu("nonlinearity"), yes("use_wscale")],
        "G_paper" => vec![yes("use_leakyrelu"), yes("use_wscale"), ("pixelnorm_epsilon", json!(1e-8))],
        "D_paper" => vec![yes("use_wscale")],
        "G_main" | "D_stylegan" | "D_stylegan2" | "D_main" => vec![
            lrelu("nonlinearity"),
            lrelu("mapping_nonlinearity"),
            yes("normalize_latents"),
            ("resample_kernel", json!([1, 3, 3, 1])),
        ],
        _ => vec![],
    }
}

/// The low-pass filter of a StyleGAN: `[1, 2, 1]` where none is given, no taps for `None`. One with a middle, and
/// the same from both ends, is the same in both programs whichever end they begin at.
pub(super) fn blur_filter(kwargs: &Kwargs<'_>) -> Result<Vec<f64>, ImportError> {
    let Some(taps) = kwargs.numbers("blur_filter")? else { return Ok(vec![1., 2., 1.]) };
    let (both_ways, has_middle) = (taps.iter().eq(taps.iter().rev()), taps.len() % 2 == 1);
    if !taps.is_empty() && (!both_ways || !has_middle) {
        return Err(ImportError(format!(
            "network argument `blur_filter` has {} taps, expected none, or an odd number that is the same from both ends",
            taps.len()
        )));
    }
    Ok(taps)
}

/// How a StyleGAN changes its resolutions, which is also how its weights are stored.
pub(super) fn fused_scale(kwargs: &Kwargs<'_>) -> Result<FusedScale, ImportError> {
    if kwargs.text("fused_scale") == Some("auto") {
        return Ok(FusedScale::Auto);
    }
    Ok(match kwargs.flag("fused_scale")? {
        None => FusedScale::Auto,
        Some(true) => FusedScale::Always,
        Some(false) => FusedScale::Never,
    })
}
