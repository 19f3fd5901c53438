//! What a configuration file starts from: the published run of its architecture.

use super::fill::{lay_under, text, with_section};
use super::{ByResolution, EmaConfig, LossConfig, PathLengthConfig, ScheduleConfig, TrainConfig};
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig};
use stylegan_core::{DiscriminatorConfig, GeneratorConfig};
use toml::Table;

impl TrainConfig {
    /// StyleGAN2's FFHQ run at 1024x1024 on 8 GPUs (configuration F; Karras et al. 2020, appendix B,
    /// and the official `run_training.py`): lazy regularisation, path lengths, no growing.
    pub fn stylegan2() -> Self {
        Self {
            generator: GeneratorConfig::StyleGan2(StyleGan2Config::default()),
            discriminator: DiscriminatorConfig::StyleGan2(StyleGan2DiscriminatorConfig::default()),
            loss: LossConfig::Logistic { r1_gamma: 10., r1_interval: 16 },
            path_length: Some(PathLengthConfig::default()),
            schedule: ScheduleConfig {
                stable_kimg: 0.,
                fade_kimg: 0.,
                batch: ByResolution::new(32, []),
                lr: ByResolution::new(0.002, []),
                generator_first: true,
                ..ScheduleConfig::default()
            },
            ema: EmaConfig::HalfLife { kimg: 10., ramp: 0. },
            ..Self::default()
        }
    }

    /// Puts in what a file may leave out because another part of it says so, and what the published run
    /// of its architecture says.
    pub(super) fn fill_in(table: &mut Table) -> crate::Result<()> {
        let mut shared = Table::new();
        with_section(table, "generator", |generator| {
            generator.entry("architecture").or_insert_with(|| text("stylegan1"));
            shared = generator.clone();
        });
        with_section(table, "discriminator", |discriminator| {
            for key in ["architecture", "img_size", "img_channels", "c_dim"] {
                if let Some(value) = shared.get(key) {
                    discriminator.entry(key).or_insert_with(|| value.clone());
                }
            }
            discriminator.entry("architecture").or_insert_with(|| text("stylegan1"));
        });
        if shared.get("architecture") == Some(&text("stylegan2")) {
            // StyleGAN's values need no table: they are the defaults of the structures.
            let base = TrainConfig::stylegan2().to_toml()?.parse::<Table>();
            let mut base = base.map_err(|error| crate::Error::Config {
                place: "the published StyleGAN2 run".into(),
                problem: format!("is not TOML: {error}"),
            })?;
            base.retain(|key, _| key != "generator" && key != "discriminator");
            lay_under(table, base);
        }
        for (name, kind) in [("loss", "logistic"), ("ema", "half-life")] {
            with_section(table, name, |section| {
                section.entry("kind").or_insert_with(|| text(kind));
            });
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::config::{EmaConfig, LossConfig, TrainConfig, read};

    #[test]
    fn the_architecture_chooses_the_published_run() {
        let read = |text: &str| read(text, "test", &[]).unwrap();
        assert_eq!(read(""), TrainConfig::default());
        assert_eq!(read("generator = { architecture = 'stylegan2' }"), TrainConfig::stylegan2());
        let own = read(
            "generator = { architecture = 'stylegan2', img_size = [64, 64] }\nloss = { r1_gamma = 1 }\n\
             schedule = { batch = { base = 16, 8 = 32 } }\npath_length = { weight = 0 }\nema = { kind = 'per-step' }",
        );
        assert_eq!(own.loss, LossConfig::Logistic { r1_gamma: 1., r1_interval: 16 });
        assert_eq!((own.schedule.batch.get(8), own.schedule.lr.get(64)), (32, 0.002));
        assert_eq!(own.path_length.map(|pl| (pl.weight, pl.interval)), Some((0., 4)));
        assert_eq!(own.ema, EmaConfig::PerStep { beta: 0.999 });
        let other = read("generator = { architecture = 'stylegan2' }\nloss = { kind = 'wgan-gp' }");
        assert!(matches!(other.loss, LossConfig::WganGp { n_critic: 1, .. }));
        assert_eq!(other.discriminator.img_size(), [1024, 1024]);
    }
}
