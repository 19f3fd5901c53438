//! pix2pixHD's global generator.

use super::config::Pix2PixHdConfig;
use super::layer::{Layer, LayerOptions};
use crate::error::bad_argument;
use crate::layers::{Conv, ConvOptions, Mode, SemanticMap, expect_rows};
use crate::spade::{Conditioning, NormOptions};
use crate::{Condition, ConditionSpec, Generator, GeneratorSpec, Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use stylegan_kernels::{Activation, reflect_pad2d};

/// Side of the first and the last kernel.
const KERNEL: usize = 7;

/// The global generator of pix2pixHD (Wang et al. 2018, section 3.2 and appendix): the map is made
/// smaller by convolutions, goes through residual blocks and is made larger again.
#[derive(Debug, Clone)]
pub struct Pix2PixHdGenerator {
    config: Pix2PixHdConfig,
    spec: GeneratorSpec,
    input: Layer,
    downs: Vec<Layer>,
    /// Two layers each.
    blocks: Vec<[Layer; 2]>,
    ups: Vec<Layer>,
    output: Conv,
}

impl Pix2PixHdGenerator {
    /// `input`, `down_{i}`, `block_{i}.layer_0` and `.layer_1`, `up_{i}` and `output` of `vb`, with `conv` and `norm`
    /// each.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &Pix2PixHdConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let options = LayerOptions {
            norm: NormOptions {
                conditioning: config.conditioning,
                kind: config.norm,
                map_channels: config.map_channels(),
                hidden: config.hidden,
                kernel: config.kernel,
            },
            spectral: config.spectral,
            init: config.init,
        };
        let width = |halvings: usize| config.channels << halvings;
        let smallest = width(config.downsamplings);
        let extra = if config.conditioning == Conditioning::Concat { config.map_channels() } else { 0 };
        let block = |i: usize| -> Result<[Layer; 2]> {
            let vb = vb.pp(format!("block_{i}"));
            Ok([
                options.mirrored(smallest + extra, smallest, 3, true, vb.pp("layer_0"))?,
                options.mirrored(smallest, smallest, 3, false, vb.pp("layer_1"))?,
            ])
        };
        let last = ConvOptions {
            padding: 0,
            init: config.init,
            ..ConvOptions::same(config.channels, config.img_channels, KERNEL)
        };
        let spec = GeneratorSpec {
            z_dim: 0,
            w_dim: 0,
            num_ws: 0,
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::Map { channels: config.map_channels() },
            max_lod: 0.,
            mapping: false,
        };
        Ok(Self {
            config: config.clone(),
            spec,
            input: options.mirrored(config.map_channels(), config.channels, KERNEL, true, vb.pp("input"))?,
            downs: (0..config.downsamplings)
                .map(|i| options.down(width(i), vb.pp(format!("down_{i}"))))
                .collect::<Result<_>>()?,
            blocks: (0..config.blocks).map(block).collect::<Result<_>>()?,
            ups: (0..config.downsamplings)
                .map(|i| options.up(width(config.downsamplings - 1 - i), vb.pp(format!("up_{i}"))))
                .collect::<Result<_>>()?,
            output: Conv::new(last, vb.pp("output.conv"))?,
        })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &Pix2PixHdConfig {
        &self.config
    }

    /// Maps `[n, map channels, h, w]` to pictures `[n, img_channels, h, w]` in [-1, 1].
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn forward(&self, map: &SemanticMap, mode: Mode) -> Result<Tensor> {
        map.expect(None, self.config.map_channels(), self.config.img_size)?;
        let joined = self.config.conditioning == Conditioning::Concat;
        let mut x = self.input.forward_map(map, mode)?;
        for layer in &self.downs {
            x = layer.forward(&x, map, false, mode)?;
        }
        for [first, second] in &self.blocks {
            let y = first.forward(&x, map, joined, mode)?;
            x = (x + second.forward(&y, map, false, mode)?)?;
        }
        for layer in &self.ups {
            x = layer.forward(&x, map, false, mode)?;
        }
        self.output.forward(&reflect_pad2d(&x, KERNEL / 2)?, Activation::Tanh)
    }
}

impl Generator for Pix2PixHdGenerator {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    fn w_avg(&self) -> Option<&Tensor> {
        None
    }

    /// There are no latents: `[n, 0]` to `[n, 0]`.
    fn mapping(&self, z: &Tensor, _condition: Condition) -> Result<Tensor> {
        expect_rows("latents", z, &[0])?;
        Ok(z.clone())
    }

    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        expect_rows("style rows", ws, &[0, 0])?;
        if options.lod != 0. {
            bad_argument!("pix2pixHD does not grow, so its only lod is 0, found {}", options.lod)
        }
        let map = options.condition.map()?;
        options.in_precision(|| self.forward(map, options.mode))
    }
}
