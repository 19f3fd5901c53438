//! The configuration of a network from the shapes of its weights.

use crate::layers::Pyramid;
use crate::pggan::PgganConfig;
use crate::stylegan1::StyleGan1Config;
use crate::{Error, GeneratorConfig, Result};

/// The generator whose parameters have these shapes; `shape` looks one up by its name without the
/// network's prefix. For files without metadata.
///
/// What shapes do not tell is taken from the published networks: square pictures where no noise map
/// says otherwise, the mapping network's learning rate 0.01, blur `[1, 2, 1]`, `fused_scale = auto`
/// (`always` for PGGAN).
///
/// # Errors
/// When the shapes are those of no architecture, naming the tensor that is missing.
pub fn infer_generator<'a>(shape: &dyn Fn(&str) -> Option<&'a [usize]>) -> Result<GeneratorConfig> {
    let levels = (0..).take_while(|&level| shape(&block(level, "torgb.weight")).is_some()).count();
    if levels == 0 {
        return Err(missing(&block(0, "torgb.weight")));
    }
    let need = |name: String| shape(&name).ok_or_else(|| missing(&name));
    let widths =
        (0..levels).map(|level| Ok(dim(need(block(level, "conv1.weight"))?, 0))).collect::<Result<Vec<_>>>()?;
    let channel_max = widths.iter().copied().max().unwrap_or(1);
    // Any base that the widest block reaches will do; the narrower ones tell it exactly.
    let channel_base = (0..levels).map(|level| widths[level] * Pyramid::resolution(level)).max().unwrap_or(channel_max);
    let img_channels = dim(need(block(0, "torgb.weight"))?, 0);
    let styles = shape(&block(0, "conv1.style.weight"));
    if shape(&block(0, "conv1.affine.weight")).is_some() {
        return Err(Error::Config(
            "these are the weights of a StyleGAN2 without a configuration; give it with --config".into(),
        ));
    }
    let noise = shape(&block(levels - 1, "conv1.noise_const"));
    let side = 4 << (levels - 1);
    let img_size = match noise {
        Some(&[h, w]) => [h, w],
        _ => [side, side],
    };
    let fc = shape(&block(0, "fc.weight"));
    if styles.is_none() && shape("synthesis.b4.conv0.bias").is_none() {
        let fc = fc.ok_or_else(|| missing(&block(0, "fc.weight")))?;
        let config = PgganConfig {
            img_size,
            img_channels,
            z_dim: dim(fc, 1),
            channel_base,
            channel_max,
            ..PgganConfig::default()
        };
        config.validate()?;
        return Ok(GeneratorConfig::Pggan(config));
    }
    let w_dim = match (styles, fc) {
        (Some(style), _) => dim(style, 1),
        (None, Some(fc)) => dim(fc, 1),
        (None, None) => return Err(missing(&block(0, "conv1.style.weight"))),
    };
    let mapping_layers = (0..).take_while(|i| shape(&format!("mapping.fc{i}.weight")).is_some()).count();
    let input = shape("mapping.fc0.weight").map_or(w_dim, |weight| dim(weight, 1));
    let (z_dim, c_dim) = shape("mapping.embed.weight").map_or((input, 0), |embed| (dim(embed, 0), dim(embed, 1)));
    let config = StyleGan1Config {
        img_size,
        img_channels,
        z_dim,
        c_dim,
        w_dim,
        mapping_layers,
        mapping_width: shape("mapping.fc0.weight").map_or(512, |weight| dim(weight, 0)),
        channel_base,
        channel_max,
        const_input: fc.is_none(),
        use_styles: styles.is_some(),
        use_noise: noise.is_some(),
        pixel_norm: styles.is_none(),
        ..StyleGan1Config::default()
    };
    config.validate()?;
    Ok(GeneratorConfig::StyleGan1(config))
}

fn block(level: usize, name: &str) -> String {
    format!("synthesis.b{}.{name}", Pyramid::resolution(level))
}

fn dim(shape: &[usize], index: usize) -> usize {
    shape.get(index).copied().unwrap_or(0)
}

fn missing(name: &str) -> Error {
    Error::Config(format!(
        "the weights carry no configuration, and it cannot be told from their shapes, as `{name}` is missing; give the \
         configuration with --config"
    ))
}
