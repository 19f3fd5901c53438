//! The run that an encoder's file is of.

use std::path::Path;
use stylegan_core::TrainedEncoder;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::import::is_foreign;
use stylegan_train::config::{EncoderTrainConfig, Input, RecipeConfig, TaskConfig};
use stylegan_train::state::config_of;

/// What a file says of the run that trained its encoder.
pub(super) struct EncoderRun(pub(super) EncoderTrainConfig);

impl EncoderRun {
    /// The run of a file; `None` for files that do not say, as released ones.
    pub(super) fn of(file: &Path) -> anyhow::Result<Option<Self>> {
        if is_foreign(file)? {
            return Ok(None);
        }
        let checkpoint = Checkpoint::open(file)?;
        let Some(RecipeConfig::Encoder(config)) = config_of(&checkpoint) else { return Ok(None) };
        Ok(Some(Self(*config)))
    }
}

/// What an encoder is shown without chance, no flips and the largest factor: as its run says, or of other files as the
/// channels tell.
pub(super) fn task(run: Option<&EncoderRun>, encoder: &TrainedEncoder) -> TaskConfig {
    match run.map(|run| &run.0.task) {
        Some(task) => {
            let factors = task.factors.iter().max().copied().into_iter().collect();
            TaskConfig { flip: false, factors, ..task.clone() }
        }
        None => TaskConfig { input: by_channels(encoder.config().picture_channels()), ..TaskConfig::default() },
    }
}

fn by_channels(channels: usize) -> Input {
    match channels {
        1 => Input::Sketch,
        3 => Input::Picture,
        _ => Input::Map,
    }
}
