//! The configuration of a network from the shapes of its weights.

use crate::layers::{MAX_LEVELS, Pyramid, channel_rule};
use crate::pggan::PgganConfig;
use crate::stylegan1::StyleGan1Config;
use crate::stylegan2::{StyleGan2Config, Topology};
use crate::{Error, GeneratorConfig, Result};

/// The generator whose parameters have these shapes; `shape` looks one up by its name without the
/// network's prefix. For files without metadata.
///
/// What shapes do not tell is taken from the published networks: square pictures where no noise map
/// says otherwise, the mapping network's learning rate 0.01, blur `[1, 2, 1]`, `fused_scale = auto`
/// (`always` for PGGAN), no clamp in StyleGAN2.
///
/// # Errors
/// When the shapes are those of no architecture, naming the tensor that is missing.
pub fn infer_generator<'a>(shape: &dyn Fn(&str) -> Option<&'a [usize]>) -> Result<GeneratorConfig> {
    let shapes = Shapes::new(shape)?;
    let config = if shape(&block(0, "conv1.affine.weight")).is_some() {
        GeneratorConfig::StyleGan2(shapes.stylegan2()?)
    } else if shape(&block(0, "conv1.style.weight")).is_some() || shape(&block(0, "conv0.bias")).is_some() {
        GeneratorConfig::StyleGan1(shapes.stylegan1()?)
    } else {
        GeneratorConfig::Pggan(shapes.pggan()?)
    };
    config.validate()?;
    Ok(config)
}

/// The fields of a generator's configuration by [`infer_generator`] that no shape tells and that pictures depend on, with
/// commas between.
pub(crate) fn assumed_of(config: &GeneratorConfig) -> String {
    let fields: &[&str] = match config {
        GeneratorConfig::StyleGan2(_) => &["mapping_lr", "conv_clamp"],
        GeneratorConfig::StyleGan1(_) => &[
            "mapping_lr",
            "normalize_latents",
            "pixel_norm",
            "blur_filter",
            "norm_eps",
            "bias_before_blur",
            "share_noise",
        ],
        // Labels stand beside the latent.
        GeneratorConfig::Pggan(_) => &["c_dim", "normalize_latents", "pixel_norm"],
        GeneratorConfig::Spade(_) | GeneratorConfig::Pix2PixHd(_) => &[],
    };
    fields.join(", ")
}

/// What all architectures tell alike.
struct Shapes<'s, 'a> {
    shape: &'s dyn Fn(&str) -> Option<&'a [usize]>,
    img_size: [usize; 2],
    img_channels: usize,
    channel_base: usize,
    channel_max: usize,
    widths: Vec<usize>,
    use_noise: bool,
    mapping_layers: usize,
}

impl<'s, 'a> Shapes<'s, 'a> {
    fn new(shape: &'s dyn Fn(&str) -> Option<&'a [usize]>) -> Result<Self> {
        let widths: Vec<usize> =
            (0..MAX_LEVELS).map_while(|level| Some(dim(shape(&block(level, "conv1.weight"))?, 0))).collect();
        let Some(top) = widths.len().checked_sub(1) else { return Err(missing(&block(0, "conv1.weight"))) };
        let torgb = block(top, "torgb.weight");
        let noise = shape(&block(top, "conv1.noise_const"));
        let img_size = match noise {
            Some(&[h, w]) => [h, w],
            _ => [Pyramid::resolution(top); 2],
        };
        let (channel_base, channel_max) = channel_rule(&widths);
        Ok(Self {
            shape,
            img_size,
            img_channels: dim(shape(&torgb).ok_or_else(|| missing(&torgb))?, 0),
            channel_base,
            channel_max,
            widths,
            use_noise: noise.is_some(),
            mapping_layers: (0..).take_while(|i| shape(&format!("mapping.fc{i}.weight")).is_some()).count(),
        })
    }

    /// Dimension `index` of a tensor that must be there.
    fn need(&self, name: &str, index: usize) -> Result<usize> {
        (self.shape)(name).map(|shape| dim(shape, index)).ok_or_else(|| missing(name))
    }

    fn pggan(&self) -> Result<PgganConfig> {
        Ok(PgganConfig {
            img_size: self.img_size,
            img_channels: self.img_channels,
            z_dim: self.need(&block(0, "fc.weight"), 1)?,
            channel_base: self.channel_base,
            channel_max: self.channel_max,
            ..PgganConfig::default()
        })
    }

    fn stylegan1(&self) -> Result<StyleGan1Config> {
        let style = (self.shape)(&block(0, "conv1.style.weight"));
        let const_input = (self.shape)(&block(0, "fc.weight")).is_none();
        let w_dim = match style {
            Some(style) => dim(style, 1),
            None => self.need(&block(0, "fc.weight"), 1)?,
        };
        let first = (self.shape)("mapping.fc0.weight");
        let input = first.map_or(w_dim, |weight| dim(weight, 1));
        let (z_dim, c_dim) = match (self.shape)("mapping.embed.weight") {
            Some(embed) => (dim(embed, 0), dim(embed, 1)),
            None => (input, 0),
        };
        let defaults = StyleGan1Config::default();
        Ok(StyleGan1Config {
            img_size: self.img_size,
            img_channels: self.img_channels,
            z_dim,
            c_dim,
            w_dim,
            mapping_layers: self.mapping_layers,
            mapping_width: first.map_or(defaults.mapping_width, |weight| dim(weight, 0)),
            channel_base: self.channel_base,
            channel_max: self.channel_max,
            const_input,
            use_styles: style.is_some(),
            use_noise: self.use_noise,
            pixel_norm: style.is_none(),
            ..defaults
        })
    }

    fn stylegan2(&self) -> Result<StyleGan2Config> {
        let w_dim = self.need(&block(0, "conv1.affine.weight"), 1)?;
        let input = self.need("mapping.fc0.weight", 1)?;
        let (embed, c_dim) = match (self.shape)("mapping.embed.weight") {
            Some(embed) => (dim(embed, 0), dim(embed, 1)),
            None => (0, 0),
        };
        let hidden = self.need("mapping.fc0.weight", 0)?;
        let topology = if (self.shape)(&block(0, "torgb.weight")).is_some() {
            Topology::Skip
        } else if (self.shape)(&block(1, "skip.weight")).is_some() {
            Topology::Resnet
        } else {
            Topology::Orig
        };
        Ok(StyleGan2Config {
            img_size: self.img_size,
            img_channels: self.img_channels,
            z_dim: input.saturating_sub(embed),
            c_dim,
            w_dim,
            mapping_layers: self.mapping_layers,
            mapping_width: (self.mapping_layers > 1 && hidden != w_dim).then_some(hidden),
            embed_width: (c_dim > 0 && embed != w_dim).then_some(embed),
            topology,
            ..StyleGan2Config::default()
        }
        .with_widths(self.widths.clone()))
    }
}

fn block(level: usize, name: &str) -> String {
    format!("synthesis.b{}.{name}", Pyramid::resolution(level))
}

fn dim(shape: &[usize], index: usize) -> usize {
    shape.get(index).copied().unwrap_or(0)
}

fn missing(name: &str) -> Error {
    Error::Config(format!(
        "the weights carry no configuration, and it cannot be told from their shapes, as `{name}` is missing; convert \
         the file that the original program wrote, which carries it"
    ))
}
