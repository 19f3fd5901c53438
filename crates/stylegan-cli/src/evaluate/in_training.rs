//! Evaluation of a run's checkpoints as they are written.

use super::{dataset_source, write};
use crate::status::say;
use anyhow::Context;
use candle_core::Device;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use stylegan_core::Model;
use stylegan_metrics::cache::Cache;
use stylegan_metrics::evaluate::{Available, Generated, Request, Subject, evaluate};
use stylegan_metrics::features::FeatureNetworks;
use stylegan_metrics::generator_source::GeneratorSource;
use stylegan_metrics::protocol::Protocol;
use stylegan_metrics::report::Direction;
use stylegan_train::Score;
use stylegan_train::config::TrainConfig;
use stylegan_train::data::Dataset;

/// Measures checkpoints. It reads files and draws from random streams of its own: training goes on as if
/// nothing had been.
pub(crate) struct Evaluator {
    protocols: Vec<Protocol>,
    dataset: Arc<Dataset>,
    networks: FeatureNetworks,
    cache: PathBuf,
    /// Pictures between evaluations.
    every: u64,
    /// Evaluations that were due so far.
    done: u64,
}

impl Evaluator {
    /// What `[eval]` of the configuration asks for, if anything; features are kept in `folder`.
    pub(crate) fn of(config: &TrainConfig, dataset: &Arc<Dataset>, folder: &Path) -> anyhow::Result<Option<Self>> {
        if config.eval.metrics.is_empty() {
            return Ok(None);
        }
        let networks = FeatureNetworks::embedded(&Device::Cpu)?;
        let means =
            Available { generators: true, pictures: false, reals: true, classifiers: false, networks: &networks };
        let find = |name: &String| {
            let protocol = Protocol::find(name).context("[eval] metrics")?.with_samples(config.eval.count);
            means.allow(&protocol).context("[eval] metrics: during training")?;
            Ok(protocol)
        };
        let protocols = config.eval.metrics.iter().map(find).collect::<anyhow::Result<_>>()?;
        Ok(Some(Evaluator {
            protocols,
            dataset: Arc::clone(dataset),
            networks,
            cache: folder.join("features"),
            every: ((config.eval.kimg * 1000.).round() as u64).max(1),
            done: 0,
        }))
    }

    /// The run starts or goes on after this many pictures.
    pub(crate) fn go_on_from(&mut self, images: u64) {
        self.done = images / self.every;
    }

    /// Measures `checkpoint`, written after `images` pictures, if that is due; the report lies beside it.
    /// Returns the score.
    pub(crate) fn score(&mut self, checkpoint: &Path, images: u64) -> anyhow::Result<Option<Score>> {
        if images / self.every == self.done {
            return Ok(None);
        }
        self.done = images / self.every;
        let model = Model::load(checkpoint, &Device::Cpu)?;
        let generator = model.generator();
        let labels = dataset_source::labels(checkpoint, Some(&self.dataset), generator.c_dim())?;
        let config = serde_json::to_string(model.config())?;
        let source = GeneratorSource {
            hash: model.content_hash(),
            config: &config,
            labels: &labels,
            ..GeneratorSource::new(generator)
        };
        let name = checkpoint.display().to_string();
        let start = Instant::now();
        let request = Request {
            protocols: self.protocols.clone(),
            subjects: vec![Subject { name, generated: Generated::Generator(source) }],
            reals: Some(dataset_source::images(&self.dataset)?),
            networks: &self.networks,
            classifiers: &[],
            cache: Some(&Cache::new(&self.cache)),
            seed: 0,
            floor: false,
            clock: &|| start.elapsed().as_secs_f64(),
        };
        let evaluation = evaluate(request, &mut |_, _, _| ())?;
        for (metric, error) in &evaluation.failures {
            say(&format!("{metric} of {} could not be measured: {error}", checkpoint.display()));
        }
        let results = evaluation.results;
        let stem = checkpoint.file_stem().unwrap_or_default().to_string_lossy();
        write(&checkpoint.with_file_name(format!("{}.json", stem.replace("network", "metrics"))), &results)?;
        for r in &results {
            let kimg = images as f64 / 1e3;
            say(&format!("kimg {kimg:<10.3} {} {:.4} ({:.4} to {:.4})", r.name, r.value, r.low, r.high));
        }
        let Some(first) = results.first().filter(|first| first.protocol.id == self.protocols[0].id) else {
            return Ok(None);
        };
        let value = match first.better {
            Direction::Smaller => first.value,
            Direction::Larger => -first.value,
            Direction::Like => return Ok(None),
        };
        Ok(Some(Score { metric: format!("{} of {}", first.name, first.counts.generated), value }))
    }
}
