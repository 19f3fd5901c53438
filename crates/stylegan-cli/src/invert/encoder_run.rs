//! The run that an encoder's file is of.

use serde_json::Value as Json;
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

/// What an encoder is shown without chance, no flips: as its run says, or of other files as their options or else the channels
/// tell.
pub(super) fn task(run: Option<&EncoderRun>, encoder: &TrainedEncoder) -> TaskConfig {
    match run.map(|run| &run.0.task) {
        Some(task) => TaskConfig { flip: false, ..task.clone() },
        None => {
            let mut task = released(encoder.options(), encoder.config().picture_channels());
            let [h, w] = encoder.config().img_size;
            task.factors.retain(|factor| *factor <= h.min(w));
            task
        }
    }
}

/// What an encoder of this many channels is shown, which was trained with `options`. Those of sketches count their one channel
/// as a label.
fn released(options: &Json, channels: usize) -> TaskConfig {
    let data = options["dataset_type"].as_str().unwrap_or_default();
    let labels = options["label_nc"].as_u64().unwrap_or_default();
    let input = match channels {
        _ if data == "celebs_super_resolution" => Input::Downscaled,
        _ if data == "celebs_seg_to_face" || labels > 1 => Input::Map,
        1 => Input::Sketch,
        3 => Input::Picture,
        _ => Input::Map,
    };
    let usual = TaskConfig::default();
    let factors = resize_factors(&options["resize_factors"]).unwrap_or(usual.factors);
    TaskConfig { input, factors, ..usual }
}

/// The factors of `resize_factors`, `"1,2,4,8"`; `None` if there are none.
pub(super) fn resize_factors(option: &Json) -> Option<Vec<usize>> {
    let factors = option.as_str()?.split(',').map(|factor| factor.trim().parse().ok().filter(|factor| *factor > 0));
    factors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_say_what_released_encoders_are_shown() {
        let input = |options: Json, channels: usize| released(&options, channels).input;
        let of = |data: &str, labels: usize| json!({ "dataset_type": data, "label_nc": labels });
        assert_eq!(input(of("ffhq_encode", 0), 3), Input::Picture);
        // The official recipe of sketches has `label_nc` 1.
        assert_eq!(input(of("celebs_sketch_to_face", 1), 1), Input::Sketch);
        assert_eq!(input(of("celebs_seg_to_face", 19), 19), Input::Map);
        assert_eq!(input(of("celebs_seg_to_face", 3), 3), Input::Map);
        assert_eq!(input(of("celebs_seg_to_face", 1), 1), Input::Map);
        assert_eq!(input(of("my_maps", 3), 3), Input::Map);
        assert_eq!([1, 3, 6].map(|channels| input(Json::Null, channels)), [Input::Sketch, Input::Picture, Input::Map]);
        let mut options = of("celebs_super_resolution", 0);
        assert_eq!(released(&options, 3).factors, [1, 2, 4, 8, 16, 32]);
        options["resize_factors"] = json!("1, 2,4");
        assert_eq!((input(options.clone(), 3), released(&options, 3).factors), (Input::Downscaled, vec![1, 2, 4]));
        for bad in [json!("1,0"), json!("two"), json!(3), Json::Null] {
            assert_eq!(resize_factors(&bad), None);
        }
    }
}
