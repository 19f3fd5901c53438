//! What a file of the recipe starts from.

use super::{
    Betas, PainterConfig, SpadeAdamConfig, SpadeEvalConfig, SpadeLossConfig, SpadeScheduleConfig, SpadeShardConfig,
    SpadeTrainConfig,
};
use crate::config::OutputConfig;
use crate::config::fill::{lay_under, text, with_section};
use crate::losses::scales::gan_loss::GanLoss;
use stylegan_core::layers::WeightInit;
use stylegan_core::pix2pixhd::Pix2PixHdConfig;
use stylegan_core::spade::MultiscaleDiscriminatorConfig;
use toml::Table;

impl SpadeTrainConfig {
    /// pix2pixHD's run on Cityscapes at 512x1024 (Wang et al. 2018, section 4, and the official code's
    /// options): least squares, one learning rate for both networks, batches of one picture.
    pub fn pix2pixhd() -> Self {
        let generator = Pix2PixHdConfig::default();
        let discriminator = MultiscaleDiscriminatorConfig {
            img_size: generator.img_size,
            classes: generator.classes,
            edges: generator.edges,
            spectral: false,
            init: WeightInit::Normal,
            ..MultiscaleDiscriminatorConfig::default()
        };
        Self {
            // 200 epochs of 2,975 pictures.
            kimg: 595.,
            generator: PainterConfig::Pix2PixHd(generator),
            discriminator,
            loss: SpadeLossConfig { gan: GanLoss::Ls, ..SpadeLossConfig::default() },
            schedule: SpadeScheduleConfig { batch: 1, lr_decay_kimg: 297.5, ..SpadeScheduleConfig::default() },
            adam: SpadeAdamConfig { betas: Betas::Pix2PixHd, two_rates: false, ..SpadeAdamConfig::default() },
            shards: SpadeShardConfig { size: 1, ..SpadeShardConfig::default() },
            ..Self::default()
        }
    }

    /// The configuration with what no step depends on at its default: what is written and measured, where the pictures
    /// are, how many shards are handled at once. A run can be gone on with under any configuration that is
    /// equal in the rest, but for `kimg`.
    pub fn decisive(&self) -> Self {
        let mut config = self.clone();
        config.output = OutputConfig::default();
        config.eval = SpadeEvalConfig::default();
        config.data = config.data.decisive();
        config.shards.at_once = 1;
        config
    }

    /// The configuration as TOML with every value written out: what `config.toml` of a run holds.
    ///
    /// # Errors
    /// When a value has no TOML form (an integer above 2⁶³).
    pub fn to_toml(&self) -> crate::Result<String> {
        let table = toml::to_string(self).map_err(|error| crate::Error::Config {
            place: "this configuration".into(),
            problem: format!("cannot be written as TOML: {error}"),
        })?;
        Ok(format!("recipe = \"spade\"\n{table}"))
    }

    /// Puts in what a file may leave out because another part of it says so, and what the published run
    /// of its architecture says.
    pub(in crate::config) fn fill_in(table: &mut Table) -> crate::Result<()> {
        let mut shared = Table::new();
        with_section(table, "generator", |generator| {
            generator.entry("architecture").or_insert_with(|| text("spade"));
            shared = generator.clone();
        });
        let from_generator = |keys: &[&str], section: &mut Table| {
            for &key in keys {
                if let Some(value) = shared.get(key) {
                    section.entry(key).or_insert_with(|| value.clone());
                }
            }
        };
        with_section(table, "discriminator", |d| from_generator(&["img_size", "img_channels", "classes", "edges"], d));
        if table.contains_key("encoder") {
            with_section(table, "encoder", |encoder| from_generator(&["img_channels", "z_dim"], encoder));
        }
        let batch = table.get("schedule").and_then(|schedule| schedule.get("batch")).cloned();
        if let Some(batch) = batch {
            with_section(table, "shards", |shards| {
                shards.entry("size").or_insert(batch);
            });
        }
        if shared.get("architecture") == Some(&text("pix2pixhd")) {
            let base = Self::pix2pixhd().to_toml()?.parse::<Table>();
            let mut base = base.map_err(|error| crate::Error::Config {
                place: "the published pix2pixHD run".into(),
                problem: format!("is not TOML: {error}"),
            })?;
            base.retain(|key, _| key != "generator" && key != "recipe");
            lay_under(table, base);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{RecipeConfig, read_recipe};

    fn read(text: &str) -> SpadeTrainConfig {
        match read_recipe(&format!("recipe = 'spade'\n{text}"), "test", &[]).unwrap() {
            RecipeConfig::Spade(config) => *config,
            _ => panic!("another recipe"),
        }
    }

    #[test]
    fn the_architecture_chooses_the_published_run() {
        assert_eq!(read(""), SpadeTrainConfig::default());
        assert_eq!(read("generator = { architecture = 'pix2pixhd' }"), SpadeTrainConfig::pix2pixhd());
        let own = read(
            "[generator]\nimg_size = [64, 64]\nclasses = 17\nedges = false\nz_dim = 8\n[schedule]\nbatch = 4\n\
             [encoder]\nresolution = 64\n[adam]\nbetas = 'paper'\n",
        );
        assert_eq!((own.discriminator.img_size, own.discriminator.classes), ([64, 64], 17));
        assert_eq!((own.shards.size, own.adam.betas.values()), (4, [0., 0.999]));
        assert_eq!(own.encoder.as_ref().map(|encoder| (encoder.z_dim, encoder.resolution)), Some((8, 64)));
        let text = own.to_toml().unwrap();
        assert_eq!(read(text.strip_prefix("recipe = \"spade\"\n").unwrap()), own);
        // The table lies under a section that says something.
        let other = read("generator = { architecture = 'pix2pixhd', classes = 3 }\nloss = { kl = 0 }\n");
        assert_eq!((other.loss.gan, other.discriminator.classes, other.schedule.batch), (GanLoss::Ls, 3, 1));
    }
}
