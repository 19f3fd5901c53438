//! A configuration of the recipe checks what its types cannot say.

use super::{EncoderLossConfig, EncoderTrainConfig, Input, TaskConfig};
use crate::config::place::{Wrong, above_0, at_least_0, at_least_1};

type Checked = Result<(), Wrong>;

/// The factors that pictures can be made smaller by.
const LARGEST_FACTOR: usize = 32;

impl EncoderTrainConfig {
    /// Checks every part, then what they must have in common.
    pub(crate) fn check(&self) -> Checked {
        above_0("kimg", self.kimg)?;
        at_least_0("pretrain_kimg", self.pretrain_kimg)?;
        self.data.check()?;
        self.encoder.validate().map_err(|error| Wrong::table("encoder", error))?;
        if self.encoder.head.is_iterative() {
            return Err(Wrong::new(
                "encoder.head",
                "expected an encoder that looks at a picture once (pyramid, offsets, w, w-plus): those of ReStyle are read, \
                 not trained",
            ));
        }
        self.task.check(self.encoder.img_size[0])?;
        self.loss.check()?;
        at_least_0("schedule.lr", self.schedule.lr)?;
        at_least_1("schedule.batch", self.schedule.batch)?;
        self.output.check()?;
        self.check_input()
    }

    /// The encoder reads what the task shows it, also of pictures that are drawn.
    fn check_input(&self) -> Checked {
        let (channels, key) = (self.encoder.img_channels, "encoder.img_channels");
        match self.task.input {
            Input::Sketch if channels != 1 => {
                Err(Wrong::new(key, format!("expected 1 for sketches, found {channels}; leave it out")))
            }
            Input::Picture | Input::Downscaled | Input::Masked if channels != 3 => {
                Err(Wrong::new(key, format!("expected 3 for pictures in RGB, found {channels}; leave it out")))
            }
            Input::Map if self.pretrain_kimg > 0. => Err(Wrong::new(
                "pretrain_kimg",
                "expected 0 for an encoder of label maps: pictures that the generator draws have none",
            )),
            _ => Ok(()),
        }
    }
}

impl TaskConfig {
    fn check(&self, side: usize) -> Checked {
        let wrong = |&factor: &usize| {
            let fits = factor.is_power_of_two() && factor <= LARGEST_FACTOR && factor < side;
            (!fits).then_some(factor)
        };
        if self.input != Input::Downscaled {
            return Ok(());
        }
        match self.factors.iter().find_map(wrong) {
            Some(factor) => Err(Wrong::new(
                "task.factors",
                format!("expected powers of two from 1 to {LARGEST_FACTOR}, below the {side} pixels, found {factor}"),
            )),
            None if self.factors.is_empty() => Err(Wrong::new("task.factors", "expected at least one, such as [8]")),
            None => Ok(()),
        }
    }
}

impl EncoderLossConfig {
    fn check(&self) -> Checked {
        let Self { l2, lpips, l2_crop, lpips_crop, w_norm, id, .. } = *self;
        let weights = [
            ("l2", l2),
            ("lpips", lpips),
            ("l2_crop", l2_crop),
            ("lpips_crop", lpips_crop),
            ("w_norm", w_norm),
            ("id", id),
        ];
        weights.into_iter().try_for_each(|(name, weight)| at_least_0(&format!("loss.{name}"), weight))?;
        if l2 + lpips + l2_crop + lpips_crop == 0. {
            return Err(Wrong::new(
                "loss.l2",
                "expected a number above 0 where no other loss compares pictures, found 0",
            ));
        }
        if !self.arcface.is_empty() && !self.classifier.is_empty() {
            return Err(Wrong::new(
                "loss.classifier",
                "expected nothing beside loss.arcface: identities are compared by one network; leave one of them out",
            ));
        }
        Ok(())
    }
}
