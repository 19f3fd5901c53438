//! `stylegan train --from FILE`: the settings of a run that begins with networks trained before.

use crate::exit::wrong;
use crate::network::checkpoint;
use serde::Serialize;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::prefix;
use stylegan_core::import::networks;
use stylegan_core::spade::SpadeEncoderConfig;
use stylegan_core::{DiscriminatorConfig, EncoderConfig, GeneratorConfig, NetworkConfig};
use stylegan_train::config::{EmaConfig, Override, TrainConfig};

/// Networks to begin with.
pub(crate) struct Transfer {
    /// What messages call them: `--from FILE`.
    place: String,
    file: PathBuf,
    generator: GeneratorConfig,
    discriminator: DiscriminatorConfig,
    /// The image encoder of a network that paints label maps.
    encoder: Option<SpadeEncoderConfig>,
    /// Their licence, which goes on to what is made of them.
    pub(crate) licence: Option<String>,
}

impl Transfer {
    /// The networks of a file, or of a run's newest checkpoint.
    pub(crate) fn of(from: &Path) -> anyhow::Result<Self> {
        let file = checkpoint(from)?;
        let metadata = networks(&file)?.metadata;
        let find = |names: [&str; 2]| names.iter().find_map(|&name| metadata.networks.get(name));
        match (find([prefix::G, prefix::G_EMA]), find([prefix::D; 2])) {
            (Some(NetworkConfig::Generator(generator)), Some(NetworkConfig::Discriminator(discriminator))) => {
                Ok(Self {
                    place: format!("--from {}", from.display()),
                    file: std::path::absolute(&file)?,
                    generator: generator.clone(),
                    discriminator: discriminator.clone(),
                    encoder: match metadata.networks.get(prefix::E) {
                        Some(NetworkConfig::Encoder(EncoderConfig::Spade(encoder))) => Some(encoder.clone()),
                        _ => None,
                    },
                    licence: metadata.licence,
                })
            }
            _ => wrong!(
                "--from {}: a run begins with a generator and a discriminator, and the file has {}; runs hold both, `stylegan \
                 convert --network all` keeps both of a released file, and the networks that come with the program are \
                 generators alone",
                from.display(),
                match metadata.networks.is_empty() {
                    true => "no network".to_owned(),
                    false => metadata.networks.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
                }
            ),
        }
    }

    /// The longer side of its pictures, in pixels.
    pub(crate) fn side(&self) -> usize {
        let [h, w] = self.generator.img_size();
        h.max(w)
    }

    /// Width of the labels that they take.
    pub(crate) fn c_dim(&self) -> usize {
        self.generator.c_dim()
    }

    /// Whether it is a StyleGAN2.
    pub(crate) fn is_stylegan2(&self) -> bool {
        matches!(self.generator, GeneratorConfig::StyleGan2(_))
    }

    /// Whether it paints label maps.
    pub(crate) fn paints_maps(&self) -> bool {
        self.generator.map().is_some()
    }

    /// What the transfer changes in a configuration of networks that paint label maps: networks as the file has them.
    pub(crate) fn overrides_of_painter(&self, source: &str) -> anyhow::Result<Vec<Override>> {
        let DiscriminatorConfig::MultiscalePatch(discriminator) = &self.discriminator else {
            wrong!("--from {}: {source} is of networks that paint label maps, and these do not", self.file.display());
        };
        let mut all = vec![
            self.begins_with(),
            format!("generator={}", inline(&self.generator)?),
            format!("discriminator={}", inline(discriminator)?),
        ];
        all.extend(
            self.encoder
                .as_ref()
                .map(|encoder| Ok::<_, anyhow::Error>(format!("encoder={}", inline(encoder)?)))
                .transpose()?,
        );
        self.parsed(&all)
    }

    fn parsed(&self, settings: &[String]) -> anyhow::Result<Vec<Override>> {
        Ok(settings.iter().map(|text| Override::of_option(&self.place, text)).collect::<Result<_, _>>()?)
    }

    fn begins_with(&self) -> String {
        format!("transfer.from={}", toml::Value::from(self.file.display().to_string()))
    }

    /// What the transfer changes in a configuration: networks as the file has them, at full resolution from
    /// the first step, an average that is not sped up at first, and augmentation whose p moves by 1 in 100
    /// kimg (the official program's choices for transfers).
    pub(crate) fn overrides(&self, config: &TrainConfig) -> anyhow::Result<Vec<Override>> {
        let mut all = vec![
            self.begins_with(),
            format!("generator={}", inline(&self.generator)?),
            format!("discriminator={}", inline(&self.discriminator)?),
            "schedule.stable_kimg=0".to_owned(),
            "schedule.fade_kimg=0".to_owned(),
        ];
        all.extend(matches!(config.ema, EmaConfig::HalfLife { .. }).then(|| "ema.ramp=0".to_owned()));
        all.extend(config.augment.is_some().then(|| "augment.kimg=100".to_owned()));
        self.parsed(&all)
    }
}

/// A table on one line.
fn inline(config: &impl Serialize) -> anyhow::Result<String> {
    Ok(toml::Value::try_from(config)?.to_string())
}
