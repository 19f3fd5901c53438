//! A configuration of the recipe checks what its types cannot say.

use super::{SpadeLossConfig, SpadeTrainConfig};
use crate::config::place::{Wrong, above_0, at_least_0, at_least_1};

type Checked = Result<(), Wrong>;

impl SpadeTrainConfig {
    /// Checks every part, then what they must have in common.
    pub(crate) fn check(&self) -> Checked {
        above_0("kimg", self.kimg)?;
        at_least_0("ema_kimg", self.ema_kimg)?;
        self.generator.network().validate().map_err(|error| Wrong::table("generator", error))?;
        self.discriminator.validate().map_err(|error| Wrong::table("discriminator", error))?;
        self.data.check()?;
        self.loss.check()?;
        self.check_dont_care()?;
        at_least_1("schedule.batch", self.schedule.batch)?;
        at_least_0("schedule.lr", self.schedule.lr)?;
        at_least_0("schedule.lr_decay_kimg", self.schedule.lr_decay_kimg)?;
        above_0("adam.eps", self.adam.eps)?;
        at_least_1("shards.at_once", self.shards.at_once)?;
        self.output.check()?;
        above_0("eval.kimg", self.eval.kimg)?;
        self.check_networks()?;
        self.check_encoder()?;
        self.check_shards()
    }

    /// The two networks see the same pictures and maps, and the perceptual loss their colours.
    fn check_networks(&self) -> Checked {
        let network = self.generator.network();
        let expected = (network.img_size(), network.img_channels(), self.generator.map());
        let d = &self.discriminator;
        let found = (d.img_size, d.img_channels, (d.classes, d.edges));
        if found != expected {
            let problem = format!(
                "img_size, img_channels and (classes, edges) are {found:?}, expected the generator's {expected:?}"
            );
            if self.transfer.is_none() {
                return Err(Wrong::table("discriminator", format!("{problem}; leave them out of [discriminator]")));
            }
            let key = if found.2 == expected.2 { "img_size" } else { "classes" };
            return Err(Wrong {
                key: format!("generator.{key}"),
                problem: format!(
                    "[discriminator] {problem}, as the run begins with networks of its own; leave {key} out"
                ),
            });
        }
        if self.loss.perceptual > 0. && expected.1 != 3 {
            return Err(Wrong::new(
                "loss.perceptual",
                format!("expected 0 for pictures of {} channels: the networks that look at them know RGB", expected.1),
            ));
        }
        Ok(())
    }

    /// Where a class is that of pixels without one, there is another for those with one.
    fn check_dont_care(&self) -> Checked {
        let classes = self.generator.map().0;
        if self.dont_care && classes < 2 {
            return Err(Wrong::new(
                "generator.classes",
                format!("expected 2 or more with dont_care, whose class is the last of them, found {classes}"),
            ));
        }
        Ok(())
    }

    fn check_encoder(&self) -> Checked {
        let Some(encoder) = &self.encoder else { return Ok(()) };
        encoder.validate().map_err(|error| Wrong::table("encoder", error))?;
        let expected = (self.generator.z_dim(), self.generator.network().img_channels());
        if expected.0 == 0 {
            return Err(Wrong::new(
                "generator.z_dim",
                "expected the width of the encoder's latents (256 in the paper), found 0; set it, or leave [encoder] out",
            ));
        }
        let found = (encoder.z_dim, encoder.img_channels);
        if found != expected {
            return Err(Wrong::table(
                "encoder",
                format!(
                    "z_dim and img_channels are {found:?}, expected the generator's {expected:?}; leave them out of \
                     [encoder]"
                ),
            ));
        }
        Ok(())
    }

    /// A batch is whole shards, and one shard where a normalisation looks at all of it.
    fn check_shards(&self) -> Checked {
        let (batch, shard) = (self.schedule.batch, self.shards.size);
        if self.generator.has_batch_norm() && shard != batch {
            return Err(Wrong::new(
                "shards.size",
                format!(
                    "expected the batch of {batch}, found {shard}: batch normalisation looks at all of it; set both to one \
                     number, or generator.norm = \"instance\""
                ),
            ));
        }
        if shard == 0 || !batch.is_multiple_of(shard) {
            return Err(Wrong::new(
                "shards.size",
                format!("expected a divisor of the batch of {batch}, found {shard}"),
            ));
        }
        Ok(())
    }
}

impl SpadeLossConfig {
    fn check(&self) -> Checked {
        at_least_0("loss.feature_matching", self.feature_matching)?;
        at_least_0("loss.perceptual", self.perceptual)?;
        at_least_0("loss.kl", self.kl)
    }
}
