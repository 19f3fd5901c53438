//! The SPADE generator.

use super::block::SpadeBlock;
use super::conditioning::NormOptions;
use super::config::{Depth, SpadeConfig};
use crate::error::bad_argument;
use crate::layers::{Conv, ConvOptions, Linear, Mode, SemanticMap, WeightInit, expect_rows, row};
use crate::{Condition, ConditionSpec, Generator, GeneratorSpec, Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::{Activation, bias_act, upsample_nearest2x};

/// The generator of SPADE / GauGAN (Park et al. 2019, figure 4 right): residual blocks between which the
/// resolution doubles, all of which read the map.
#[derive(Debug, Clone)]
pub struct SpadeGenerator {
    config: SpadeConfig,
    spec: GeneratorSpec,
    start: Start,
    /// Each with whether the resolution doubles before it.
    blocks: Vec<(bool, SpadeBlock)>,
    image: Conv,
}

/// What the smallest features are made of.
#[derive(Debug, Clone)]
enum Start {
    /// A latent.
    Latent(Linear),
    /// The map, made small.
    Map(Conv),
}

impl SpadeGenerator {
    /// `fc`, the blocks `head_0`, `G_middle_0`, `G_middle_1`, `up_0` to `up_3` (`up_4` in the deepest) and
    /// `conv_img` of `vb`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &SpadeConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let c = config.channels;
        let options = NormOptions {
            conditioning: config.conditioning,
            kind: config.norm,
            map_channels: config.map_channels(),
            hidden: config.hidden,
            kernel: config.kernel,
        };
        let mut plan = vec![
            ("head_0", false, 16 * c, 16 * c),
            ("G_middle_0", true, 16 * c, 16 * c),
            ("G_middle_1", config.depth != Depth::Normal, 16 * c, 16 * c),
            ("up_0", true, 16 * c, 8 * c),
            ("up_1", true, 8 * c, 4 * c),
            ("up_2", true, 4 * c, 2 * c),
            ("up_3", true, 2 * c, c),
        ];
        let mut last = c;
        if config.depth == Depth::Most {
            plan.push(("up_4", true, c, c / 2));
            last = c / 2;
        }
        let blocks = plan
            .into_iter()
            .map(|(name, doubles, inputs, outputs)| {
                Ok((doubles, SpadeBlock::new(options, config.spectral, inputs, outputs, vb.pp(name))?))
            })
            .collect::<Result<_>>()?;
        let fc = vb.pp("fc");
        let start = match config.z_dim {
            0 => Start::Map(Conv::new(ConvOptions::same(config.map_channels(), 16 * c, 3), fc)?),
            z_dim => {
                let [h, w] = config.start();
                let features = 16 * c * h * w;
                let start = [WeightInit::Glorot.of([features, z_dim, 1, 1]), Init::Const(0.)];
                Start::Latent(Linear::new(z_dim, features, start, fc)?)
            }
        };
        let image = Conv::new(ConvOptions::same(last, config.img_channels, 3), vb.pp("conv_img"))?;
        let spec = GeneratorSpec {
            z_dim: config.z_dim,
            w_dim: config.z_dim,
            num_ws: usize::from(config.z_dim > 0),
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::Map { channels: config.map_channels() },
            max_lod: 0.,
            mapping: false,
        };
        Ok(Self { config: config.clone(), spec, start, blocks, image })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &SpadeConfig {
        &self.config
    }

    /// Maps `[n, map channels, h, w]` of the pictures' size, and latents `[n, z_dim]` where the network starts
    /// from one, to pictures `[n, img_channels, h, w]` in [-1, 1].
    ///
    /// # Errors
    /// When shapes do not fit, or a latent is missing.
    pub fn forward(&self, map: &SemanticMap, z: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        map.expect(None, self.config.map_channels(), self.config.img_size)?;
        let (n, [h, w]) = (map.batch()?, self.config.start());
        let mut x = match (&self.start, z) {
            (Start::Map(conv), _) => conv.forward_map(&map.resize([h, w])?, Activation::Linear)?,
            (Start::Latent(layer), Some(z)) => {
                let rows = expect_rows("latents", z, &[self.config.z_dim])?;
                if rows != n {
                    bad_argument!("there are {rows} latents for {n} maps, expected one for each")
                }
                layer.forward(z)?.reshape((n, 16 * self.config.channels, h, w))?
            }
            (Start::Latent(..), None) => {
                bad_argument!("the network starts from latents [n, {}], which are missing", self.config.z_dim)
            }
        };
        for (doubles, block) in &self.blocks {
            if *doubles {
                x = upsample_nearest2x(&x)?;
            }
            x = block.forward(&x, map, mode)?;
        }
        let x = bias_act(&x, None, Activation::Lrelu.into())?;
        self.image.forward(&x, Activation::Tanh)
    }
}

impl Generator for SpadeGenerator {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    fn w_avg(&self) -> Option<&Tensor> {
        None
    }

    /// Latents are their own styles.
    fn mapping(&self, z: &Tensor, _condition: Condition) -> Result<Tensor> {
        expect_rows("latents", z, &[self.config.z_dim])?;
        Ok(z.clone())
    }

    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        expect_rows("style rows", ws, &[self.spec.num_ws, self.spec.w_dim])?;
        if options.lod != 0. {
            bad_argument!("SPADE does not grow, so its only lod is 0, found {}", options.lod)
        }
        let z = (self.spec.num_ws > 0).then(|| row(ws, 0)).transpose()?;
        let map = options.condition.map()?;
        options.in_precision(|| self.forward(map, z.as_ref(), options.mode))
    }
}
