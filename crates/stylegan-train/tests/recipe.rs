//! A recipe that exists here alone: a patch discriminator of images and their label maps, with two
//! losses. It trains and resumes without a change to loop, shards, state or log.

#![allow(clippy::unwrap_used)]

mod tools;

use candle_core::{DType, Device, Tensor};
use image::GrayImage;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stylegan_core::Params;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_kernels::conv2d;
use stylegan_train::communicator::Single;
use stylegan_train::config::{AdamConfig, ByResolution, OutputConfig};
use stylegan_train::data::{BatchMaps, Dataset};
use stylegan_train::inputs::ShardInput;
use stylegan_train::inputs::random::Streams;
use stylegan_train::optim::Adam;
use stylegan_train::phase::{Action, Phase, stride};
use stylegan_train::recipe::{GRADIENT, Recipe, RunConfig, RunSettings, gradient, unknown, values};
use stylegan_train::schedule::Schedule;
use stylegan_train::shards::{Reduction, ShardSums, Sums};
use stylegan_train::stats::Stats;
use stylegan_train::{Error, Outcome, Result, RunFolder, Session};
use tools::{StopAfter, gradients};

/// Images with their own maps score high …
const MATCHED: Phase = Phase::new("Matched", "D", Streams::UNNAMED).with_reals();
/// … and noise with these maps low, in every second iteration.
const NOISE: Phase = Phase { name: "Noise", ..MATCHED }.lazy(2);

struct Config {
    /// A step whose last phase fails.
    fails: Option<u64>,
}

impl RunConfig for Config {
    fn settings(&self, _dataset: &Dataset) -> Result<RunSettings> {
        Ok(RunSettings {
            seed: 5,
            schedule: Schedule::constant(0.16, 16, [16, 4], 0.01),
            at_once: 2,
            reduction: Reduction::Exact,
            mirror: true,
            maps: BatchMaps::Labels,
            no_class: None,
            whole_batch: false,
            pictures: None,
            held_back: None,
            reset_on_growth: false,
            output: OutputConfig { tick_kimg: 0.032, ..OutputConfig::default() },
            networks: ByResolution::new([].into(), []),
            toml: "recipe = \"patches\"\n".into(),
            decisive: "{}".into(),
        })
    }

    fn recipe(
        &self,
        _dataset: &Dataset,
        checkpoint: Option<&Checkpoint>,
        _device: &candle_core::Device,
    ) -> Result<Box<dyn Recipe>> {
        let params = match checkpoint {
            Some(checkpoint) => checkpoint.params("D", &Device::Cpu)?,
            None => Params::new(5, DType::F32, &Device::Cpu),
        };
        let weight = params.trainable().get((1, 5, 4, 4), "patch.weight")?;
        let adam = Adam::new(&params, &AdamConfig::default(), stride(&[MATCHED, NOISE], "D"))?;
        Ok(Box::new(Patches { params, weight, adam, mean_score: 0., fails: self.fails }))
    }
}

struct Patches {
    params: Params,
    weight: Tensor,
    adam: Adam,
    /// A number that training changes besides the network.
    mean_score: f64,
    fails: Option<u64>,
}

impl Recipe for Patches {
    fn iteration(&self) -> Vec<Action> {
        vec![Action::Phase(NOISE), Action::Advance, Action::Phase(MATCHED)]
    }

    fn networks(&self) -> Vec<(&'static str, &Params)> {
        vec![("D", &self.params)]
    }

    fn optimizers(&self) -> Vec<(&'static str, &Adam)> {
        vec![("D", &self.adam)]
    }

    fn optimizers_mut(&mut self) -> Vec<(&'static str, &mut Adam)> {
        vec![("D", &mut self.adam)]
    }

    fn shard(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums> {
        if phase.name == MATCHED.name && self.fails == Some(input.random.step) {
            return Err(unknown(phase));
        }
        let reals = input.reals()?;
        let map = reals.maps.as_ref().ok_or_else(|| unknown(phase))?;
        let classes = [0u8, 1].iter().map(|class| Ok(map.eq(*class)?.to_dtype(DType::F32)?.unsqueeze(1)?));
        let classes = classes.collect::<Result<Vec<_>>>()?;
        let (images, sign) = match phase.name {
            "Matched" => (reals.images.clone(), -1.),
            _ => (input.random.normal("patch noise", 0, &reals.images.dims()[1..])?, 1.),
        };
        let images = Tensor::cat(&[&images, &classes[0], &classes[1]], 1)?;
        // A score per patch, `[n, 1, 8, 8]`, and the hinge loss of each image, `[n]`.
        let scores = conv2d(&images, &self.weight, 2, 1, 1.)?.flatten_from(1)?;
        let loss = ((scores.affine(sign, 1.)?.relu()?).mean(1)? * phase.gain)?;
        let mut sums = ShardSums::default();
        sums.stats.extend(&format!("Loss/{}", phase.name), values(&loss)?);
        sums.named.set(GRADIENT, gradient(&self.adam, &loss)?);
        sums.named.set("score", vec![scores.mean(1)?.sum_all()?.to_scalar()?]);
        Ok(sums)
    }

    fn apply(&mut self, _phase: &Phase, means: &Sums) -> Result<()> {
        self.mean_score += 0.1 * (f64::from(means.get("score")?[0]) - self.mean_score);
        Ok(())
    }

    fn buffers(&self) -> Vec<(&'static str, f64)> {
        vec![("mean_score", self.mean_score)]
    }

    fn restore(&mut self, values: &[f64]) {
        self.mean_score = values[0];
    }

    fn log_line(&self, stats: &Stats) -> String {
        format!("matched {:.3}", stats.get("Loss/Matched").mean())
    }
}

fn go_on(set: &Arc<Dataset>, folder: &Path, step: u64, fails: Option<u64>) -> Result<Outcome> {
    let (stop, folder) = (AtomicBool::new(false), RunFolder::open(folder).unwrap());
    let observer = &mut StopAfter { step, stop: &stop, warnings: vec![] };
    let session = Session {
        config: &Config { fails },
        dataset: set,
        device: &candle_core::Device::Cpu,
        folder: &folder,
        communicator: &Single,
        observer,
        stop: &stop,
    };
    session.resume()
}

#[test]
fn a_recipe_of_its_own_trains_and_resumes() {
    let place = tempfile::tempdir().unwrap();
    gradients(place.path(), 16);
    std::fs::create_dir(place.path().join("labels")).unwrap();
    for i in 0..40 {
        let map = GrayImage::from_fn(16, 16, |x, y| image::Luma([u8::from(x + y > i)]));
        map.save(place.path().join(format!("labels/{i:02}.png"))).unwrap();
    }
    let set = Arc::new(Dataset::open(place.path()).unwrap());
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let finished = |folder: &Path| matches!(go_on(&set, folder, u64::MAX, None), Ok(Outcome::Finished { .. }));
    assert!(finished(straight.path()));
    assert!(matches!(go_on(&set, broken.path(), 3, None), Ok(Outcome::Interrupted { .. })));
    // The last step breaks off behind the advance: all pictures are shown, and the step is still to be done.
    assert!(matches!(go_on(&set, broken.path(), u64::MAX, Some(9)), Err(Error::Saved { .. })));
    let checkpoints = |folder: &Path| stylegan_train::checkpoints::list(folder).unwrap();
    let last = |folder: &Path| std::fs::read(&checkpoints(folder)[0]).unwrap();
    assert!(last(straight.path()) != last(broken.path()));
    let count = checkpoints(broken.path()).len();
    assert!(finished(broken.path()));
    assert!(last(straight.path()) == last(broken.path()) && checkpoints(broken.path()).len() == count);
    let log = std::fs::read_to_string(straight.path().join("stats.jsonl")).unwrap();
    let losses: Vec<f64> = log
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&line["Timing/Matched"]["count"], &line["Timing/Noise"]["count"]),
                (&2f64.into(), &1f64.into())
            );
            line["Loss/Matched"]["mean"].as_f64().unwrap()
        })
        .collect();
    assert!(losses.len() == 5 && losses[4] < 0.9 * losses[0], "{losses:?}");
}
