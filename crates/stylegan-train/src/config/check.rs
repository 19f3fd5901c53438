//! Configurations check what their types cannot say.

use super::place::{Wrong, above_0, at_least_0, at_least_1, share};
use super::{
    AdamConfig, DataConfig, EmaConfig, EvalConfig, LossConfig, OutputConfig, PathLengthConfig, ScheduleConfig,
    ShardConfig, TrainConfig,
};
use crate::data::MAX_SIDE;

type Checked = Result<(), Wrong>;

impl TrainConfig {
    /// Checks every part, then what they must have in common.
    pub(crate) fn check(&self) -> Checked {
        above_0("kimg", self.kimg)?;
        share("w_avg_beta", self.w_avg_beta)?;
        if !(0. ..=1.).contains(&self.mixing_probability) {
            return Err(Wrong::new(
                "mixing_probability",
                format!("expected 0 to 1, found {}", self.mixing_probability),
            ));
        }
        self.generator.validate().map_err(|error| Wrong::table("generator", error))?;
        self.discriminator.validate().map_err(|error| Wrong::table("discriminator", error))?;
        self.data.check()?;
        self.loss.check()?;
        self.path_length.as_ref().map_or(Ok(()), PathLengthConfig::check)?;
        if let Some(augment) = &self.augment {
            augment.check().map_err(|(key, problem)| Wrong::new(&format!("augment.{key}"), problem))?;
        }
        self.schedule.check()?;
        self.adam.check()?;
        self.ema.check()?;
        self.shards.check()?;
        self.output.check()?;
        self.eval.check()?;
        self.check_networks()?;
        self.check_growth()?;
        self.check_shards()
    }

    /// The two networks see the same pictures, and grow together.
    fn check_networks(&self) -> Checked {
        let (found, expected) = (&self.discriminator, self.picture_shape());
        let found = (found.img_size(), found.img_channels(), found.c_dim());
        if found == expected {
            return Ok(());
        }
        if self.transfer.is_none() {
            return Err(Wrong::table(
                "discriminator",
                format!(
                    "img_size, img_channels and c_dim are {found:?}, expected the generator's {expected:?}; leave them \
                     out of [discriminator]"
                ),
            ));
        }
        let key = if found.0 != expected.0 {
            "img_size"
        } else if found.1 != expected.1 {
            "img_channels"
        } else {
            "c_dim"
        };
        Err(Wrong {
            key: format!("generator.{key}"),
            problem: format!(
                "[generator] img_size, img_channels and c_dim are {expected:?}, and the networks that the run begins with have \
                 {found:?}; leave {key} out"
            ),
        })
    }

    /// At every resolution that trains, a batch is whole shards, and a shard whole groups.
    fn check_shards(&self) -> Checked {
        for resolution in self.resolutions() {
            let (batch, shard) = (self.schedule.batch.get(resolution), self.shards.size.get(resolution));
            if shard == 0 || batch == 0 || !batch.is_multiple_of(shard) {
                return Err(Wrong::new(
                    "shards.size",
                    format!("expected a divisor of the batch of {batch} at {resolution} pixels, found {shard}"),
                ));
            }
            // One that is larger than the batch is all of a shard.
            let group = self.discriminator.mbstd_group();
            let group = if group > batch { shard } else { group };
            if group > 1 && !shard.is_multiple_of(group) {
                return Err(Wrong::new(
                    "shards.size",
                    format!(
                        "expected a multiple of discriminator.mbstd_group = {group} at {resolution} pixels, found {shard}"
                    ),
                ));
            }
            let shrink = self.path_length.as_ref().map_or(1, |path_length| path_length.shrink);
            if shrink == 0 || !shard.is_multiple_of(shrink) {
                return Err(Wrong::new(
                    "path_length.shrink",
                    format!("expected a divisor of shards.size = {shard}, found {shrink}"),
                ));
            }
        }
        Ok(())
    }
}

impl LossConfig {
    fn check(&self) -> Checked {
        match *self {
            Self::Logistic { r1_gamma, r1_interval } => {
                at_least_0("loss.r1_gamma", r1_gamma)?;
                at_least_1("loss.r1_interval", r1_interval)
            }
            Self::WganGp { lambda, drift, target, n_critic } => {
                at_least_0("loss.lambda", lambda)?;
                at_least_0("loss.drift", drift)?;
                above_0("loss.target", target)?;
                at_least_1("loss.n_critic", n_critic)
            }
        }
    }
}

impl PathLengthConfig {
    fn check(&self) -> Checked {
        at_least_0("path_length.weight", self.weight)?;
        at_least_1("path_length.interval", self.interval)?;
        if !(0. ..=1.).contains(&self.decay) {
            return Err(Wrong::new(
                "path_length.decay",
                format!("expected a number from 0 to 1, found {}", self.decay),
            ));
        }
        Ok(())
    }
}

impl ScheduleConfig {
    fn check(&self) -> Checked {
        at_least_0("schedule.stable_kimg", self.stable_kimg)?;
        at_least_0("schedule.fade_kimg", self.fade_kimg)?;
        for &lr in std::iter::once(&self.lr.base).chain(self.lr.at.values()) {
            at_least_0("schedule.lr", lr)?;
        }
        at_least_0("schedule.lr_decay_kimg", self.lr_decay_kimg)?;
        let start = self.start_resolution;
        if !start.is_power_of_two() || start < 4 {
            return Err(Wrong::new("schedule.start_resolution", format!("expected 4, 8, 16, …, found {start}")));
        }
        Ok(())
    }
}

impl AdamConfig {
    fn check(&self) -> Checked {
        share("adam.beta1", self.beta1)?;
        share("adam.beta2", self.beta2)?;
        above_0("adam.eps", self.eps)
    }
}

impl EmaConfig {
    fn check(&self) -> Checked {
        match *self {
            Self::HalfLife { kimg, ramp } => {
                at_least_0("ema.kimg", kimg)?;
                at_least_0("ema.ramp", ramp)
            }
            Self::PerStep { beta } => share("ema.beta", beta),
        }
    }
}

impl ShardConfig {
    fn check(&self) -> Checked {
        at_least_1("shards.at_once", self.at_once)
    }
}

impl OutputConfig {
    pub(super) fn check(&self) -> Checked {
        above_0("output.tick_kimg", self.tick_kimg)?;
        above_0("output.snapshot_kimg", self.snapshot_kimg)?;
        above_0("output.checkpoint_kimg", self.checkpoint_kimg)
    }
}

impl DataConfig {
    pub(super) fn check(&self) -> Checked {
        let Some(way) = &self.preprocess else { return Ok(()) };
        for (key, side) in [("load_size", way.load_size), ("crop_size", way.crop_size)] {
            if !(1..=MAX_SIDE).contains(&side) {
                return Err(Wrong::new(
                    &format!("data.preprocess.{key}"),
                    format!("expected 1 to {MAX_SIDE} pixels, found {side}"),
                ));
            }
        }
        above_0("data.preprocess.aspect_ratio", way.aspect_ratio)
    }
}

impl EvalConfig {
    fn check(&self) -> Checked {
        above_0("eval.kimg", self.kimg)
    }
}
