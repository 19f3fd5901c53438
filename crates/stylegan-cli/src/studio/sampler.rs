//! The studio's view of a network: the one file that knows how pictures are computed.

use super::wish::{Look, Noise};
use crate::network::checkpoint;
use crate::writer::{Text, software};
use candle_core::{Device, Tensor};
use image::RgbImage;
use serde_json::{Value, json};
use std::path::Path;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::import::is_foreign;
use stylegan_core::latent::StreamKey;
use stylegan_core::picture::to_pictures;
use stylegan_core::{GeneratorConfig, Model, NoiseKeys, NoiseMode, SynthesisOptions};

/// Pixels that are computed at a time.
const BATCH_PIXELS: usize = 1 << 18;

/// An open network.
pub(super) struct Sampler {
    model: Model,
}

impl Sampler {
    /// Opens a checkpoint, a file of another program, or the newest checkpoint of a run.
    ///
    /// # Errors
    /// A sentence on what is wrong with the file.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = checkpoint(path)?;
        if file == path && !is_foreign(&file)? {
            Checkpoint::open(&file)?.verify()?;
        }
        Ok(Self { model: Model::load(&file, &Device::Cpu)? })
    }

    /// What a page needs to know of the network to offer the right controls.
    pub(super) fn description(&self) -> Value {
        let generator = self.model.generator();
        let [h, w] = generator.spec().img_size;
        let (architecture, styles) = match self.model.config() {
            GeneratorConfig::StyleGan1(_) => ("StyleGAN", true),
            GeneratorConfig::StyleGan2(_) => ("StyleGAN2", true),
            GeneratorConfig::Pggan(_) => ("Progressive GAN", false),
            GeneratorConfig::Spade(_) => ("SPADE", false),
            GeneratorConfig::Pix2PixHd(_) => ("pix2pixHD", false),
        };
        json!({
            "architecture": architecture,
            "styles": styles,
            "height": h,
            "width": w,
            "num_ws": generator.spec().num_ws,
            "truncation": generator.w_avg().is_some(),
            "classes": generator.spec().condition.label_dim(),
            "class_names": self.model.classes(),
            "hash": self.model.content_hash(),
        })
    }

    /// Pictures that are computed at a time.
    pub(super) fn batch(&self) -> usize {
        let [h, w] = self.model.generator().spec().img_size;
        (BATCH_PIXELS / (h * w)).max(1)
    }

    /// Number of style rows.
    pub(super) fn num_ws(&self) -> usize {
        self.model.generator().spec().num_ws
    }

    /// Style rows of seeds `[n, num_ws, w_dim]`, truncated.
    ///
    /// # Errors
    /// When the settings do not fit the network.
    pub(super) fn styles(&self, seeds: &[u32], look: &Look) -> anyhow::Result<Tensor> {
        let (classes, rows) = (self.model.generator().spec().condition.label_dim(), self.num_ws());
        if let Some(cutoff) = look.cutoff.filter(|cutoff| *cutoff > rows) {
            anyhow::bail!("cutoff {cutoff}: this network has {rows} style rows");
        }
        let labels = match look.class {
            Some(_) if classes == 0 => anyhow::bail!("this network was trained without labels: leave the class out"),
            Some(class) => self.model.labels(class, seeds.len())?,
            None if classes == 0 => None,
            None => anyhow::bail!("this network was trained with labels: choose one of its {classes} classes"),
        };
        let ws = self.model.styles(&self.model.latents(seeds)?, labels.as_ref())?;
        Ok(self.model.truncate(&ws, look.psi, look.cutoff)?)
    }

    /// Pictures of style rows `[n, num_ws, w_dim]`; `indices` choose the fresh noise of each.
    ///
    /// # Errors
    /// When a picture is not finite.
    pub(super) fn pictures(&self, ws: &Tensor, indices: &[u64], look: &Look) -> anyhow::Result<Vec<RgbImage>> {
        // The key of `stylegan generate`: the same seeds of noise give the same pictures.
        let keys = NoiseKeys::new(StreamKey::new(look.noise_seed, "command noise", 0), indices.iter().copied());
        let noise = match look.noise {
            Noise::Const => NoiseMode::Const,
            Noise::Random => NoiseMode::Random(&keys),
            Noise::None => NoiseMode::None,
        };
        let images = self.model.synthesize(&ws.contiguous()?, &SynthesisOptions::with_noise(noise))?;
        // 0 times a number is 0, times NaN or infinity NaN.
        if (&images * 0.)?.sum_all()?.to_dtype(candle_core::DType::F32)?.to_scalar::<f32>()?.is_nan() {
            anyhow::bail!(
                "the picture is not finite (NaN or infinity): choose a psi nearer to 0, or an earlier checkpoint"
            );
        }
        Ok(to_pictures(&images)?)
    }

    /// What files of pictures say of the network and its settings, as those of `stylegan generate`.
    pub(super) fn text(&self, look: &Look) -> Text {
        let mut text = vec![software()];
        text.extend(self.model.content_hash().map(|hash| ("stylegan:network", hash.to_owned())));
        text.push(("stylegan:psi", look.psi.to_string()));
        text.extend(look.cutoff.map(|cutoff| ("stylegan:psi-cutoff", cutoff.to_string())));
        text.extend(look.class.map(|class| ("stylegan:class", class.to_string())));
        let noise = match look.noise {
            Noise::Const => "const".to_owned(),
            Noise::Random => format!("random, seed {}", look.noise_seed),
            Noise::None => "none".to_owned(),
        };
        text.push(("stylegan:noise", noise));
        text
    }
}
