//! Evaluation of a run's checkpoints as they are written.

use super::painted::{self, Paintings};
use super::report_file::ReportFile;
use super::{check_channels, dataset_source, judge, provenance, truths, unmeasured};
use crate::exit::{WrongInput, sentence};
use crate::status::say;
use anyhow::Context;
use candle_core::Device;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::{GeneratorConfig, Model};
use stylegan_metrics::Error;
use stylegan_metrics::cache::Cache;
use stylegan_metrics::evaluate::{Available, Generated, Request, Subject, evaluate};
use stylegan_metrics::features::{FeatureNetworks, MapJudge};
use stylegan_metrics::generator_source::GeneratorSource;
use stylegan_metrics::metric::{Direction, SubjectKind};
use stylegan_metrics::protocol::Protocol;
use stylegan_metrics::report::MetricResult;
use stylegan_train::communicator::{Communicator, Measuring};
use stylegan_train::config::{EvalConfig, RecipeConfig, SpadeEvalConfig};
use stylegan_train::data::Dataset;
use stylegan_train::observer::Position;
use stylegan_train::{Measured, Score};

/// What `[eval]` asks for.
struct Asked<'a> {
    metrics: &'a [String],
    kimg: f64,
    count: usize,
    judge: Option<MapJudge>,
}

impl<'a> Asked<'a> {
    fn of(config: &'a EvalConfig) -> Self {
        Self { metrics: &config.metrics, kimg: config.kimg, count: config.count, judge: None }
    }

    /// Of networks that paint the maps of a set, judged on a device.
    fn of_painter(config: &'a SpadeEvalConfig, dataset: &Dataset, device: &Device) -> anyhow::Result<Self> {
        let file = Some(Path::new(&config.segmenter)).filter(|file| !file.as_os_str().is_empty());
        let judge = file.map(|file| judge(file, device)).transpose().context("[eval] segmenter")?;
        Ok(Self { metrics: &config.metrics, kimg: config.kimg, count: config.count.min(dataset.len()), judge })
    }
}

/// The error in words of the configuration: a metric that a command is told how to have, training may not have at all.
fn in_settings(error: Error) -> anyhow::Error {
    match error {
        Error::Missing { metric, missing } => {
            // Options in brackets are those of `stylegan eval`.
            let option = missing.find(" (").zip(missing.find(')')).filter(|(from, to)| from < to);
            let missing = option.map_or(missing.to_owned(), |(from, to)| missing[..from].to_owned() + &missing[to + 1..]);
            WrongInput(format!("{metric} needs {missing}; leave it out of eval.metrics")).into()
        }
        Error::TooFew { metric, set, needed, found } => WrongInput(format!(
            "{metric} needs at least {needed} samples in the {set}, found {found}; raise eval.count, or take a larger set"
        ))
        .into(),
        error => error.into(),
    }
}

/// Measures checkpoints, on every rank of a run. It reads files and draws from random streams of its own: training goes on as if
/// nothing had been.
pub(crate) struct Evaluator {
    protocols: Vec<Protocol>,
    dataset: Arc<Dataset>,
    /// The data set's name.
    set: String,
    networks: FeatureNetworks,
    /// What checkpoints are measured on.
    device: Device,
    /// Whether networks are smaller than the run's at smaller resolutions: their pictures are not those of the set.
    replaced: bool,
    cache: Cache,
    /// Pictures between evaluations.
    every: u64,
}

impl Evaluator {
    /// What `[eval]` of the configuration asks for, if anything; features are kept in `folder`.
    pub(crate) fn of(
        config: &RecipeConfig,
        dataset: &Arc<Dataset>,
        device: &Device,
        folder: &Path,
    ) -> anyhow::Result<Option<Self>> {
        let (generator, asked) = match config {
            RecipeConfig::Gan(config) => (config.generator.clone(), Asked::of(&config.eval)),
            RecipeConfig::Spade(config) => {
                (config.generator.network(), Asked::of_painter(&config.eval, dataset, device)?)
            }
            RecipeConfig::Encoder(_) => return Ok(None),
        };
        if asked.metrics.is_empty() {
            return Ok(None);
        }
        check_channels(generator.img_channels(), "[eval] metrics: this run")?;
        let mut networks = FeatureNetworks::embedded(device)?;
        let paints = generator.map().is_some();
        if paints {
            networks = truths::known(networks, asked.judge, dataset)?;
        }
        let subject = match &generator {
            GeneratorConfig::Spade(_) | GeneratorConfig::Pix2PixHd(_) => SubjectKind::Images,
            GeneratorConfig::Pggan(_) => SubjectKind::Generator,
            GeneratorConfig::StyleGan1(_) | GeneratorConfig::StyleGan2(_) => SubjectKind::Mapping,
        };
        let available = Available {
            subject,
            generated: paints.then_some(dataset.len()),
            reals: Some(dataset.len()),
            size: Some(generator.img_size()),
            classifiers: false,
            networks: &networks,
        };
        let find = |name: &String| {
            let protocol = painted::metric(name, paints).context("[eval] metrics")?.with_samples(asked.count);
            available.allow(&protocol).map_err(in_settings).context("[eval] metrics: during training")?;
            available
                .suffice(&protocol)
                .map_err(in_settings)
                .context("[eval] metrics, count and the set do not fit")?;
            Ok::<_, anyhow::Error>(protocol)
        };
        let mut protocols = vec![];
        for name in asked.metrics {
            painted::push(&mut protocols, find(name)?);
        }
        Ok(Some(Evaluator {
            protocols,
            dataset: Arc::clone(dataset),
            set: config.data().set.clone(),
            networks,
            device: device.clone(),
            replaced: matches!(generator, GeneratorConfig::StyleGan2(_)),
            cache: Cache::new(folder.join("features"), device),
            every: ((asked.kimg * 1000.).round() as u64).max(1),
        }))
    }

    /// Whether the checkpoint that was written at a position is to be measured, as that of the run's end is.
    pub(crate) fn is_due(&self, at: &Position) -> bool {
        let due = at.images / self.every > at.measured / self.every || at.images >= at.total_images;
        due && !(self.replaced && at.stage.lod > 0.)
    }

    /// Measures a checkpoint, written after `images` pictures, with all ranks; the report lies beside it. Rank 0 says
    /// and keeps the numbers.
    pub(crate) fn measure(
        &self,
        checkpoint: &Checkpoint,
        images: u64,
        ranks: &dyn Communicator,
    ) -> anyhow::Result<Measured> {
        let results = self.evaluate(checkpoint, ranks)?;
        if ranks.rank() > 0 {
            return Ok(Measured::default());
        }
        let kimg = images as f64 / 1e3;
        for r in &results {
            say(&format!("kimg {kimg:<10.3} {} {:.4} ({:.4} to {:.4})", r.name, r.value, r.low, r.high));
        }
        let measured = Measured {
            numbers: results.iter().map(|result| (result.name.clone(), result.value)).collect(),
            score: self.score(&results),
        };
        let stem = checkpoint.path().file_stem().unwrap_or_default().to_string_lossy();
        let report = checkpoint.path().with_file_name(format!("{}.json", stem.replace("network", "metrics")));
        if let Err(error) = ReportFile::open(&report).and_then(|report| report.add(results)) {
            say(&format!("warning: the numbers stand in the log alone: {}", sentence(&error)));
        }
        Ok(measured)
    }

    fn evaluate(&self, checkpoint: &Checkpoint, ranks: &dyn Communicator) -> anyhow::Result<Vec<MetricResult>> {
        let model = Model::of_checkpoint(checkpoint, &self.device)?;
        let generator = model.generator();
        let path = checkpoint.path();
        let labels = dataset_source::labels(path, Some(&self.dataset), generator.spec().condition.label_dim())?;
        let config = serde_json::to_string(model.config())?;
        let name = path.display().to_string();
        let generated = match model.config().map() {
            Some(spec) => {
                let (file, hash, dataset) = (path, model.content_hash(), self.dataset.as_ref());
                Generated::Images(Paintings { model: &model, file, hash, dataset, seed: 0 }.images(spec)?)
            }
            None => Generated::Generator(GeneratorSource {
                hash: model.content_hash(),
                config: &config,
                labels: &labels,
                ..GeneratorSource::new(generator)
            }),
        };
        let start = Instant::now();
        let request = Request {
            protocols: self.protocols.clone(),
            subjects: vec![Subject { name, generated }],
            reals: Some(dataset_source::images(&self.dataset, &self.set)?),
            networks: &self.networks,
            classifiers: &[],
            cache: Some(&self.cache),
            ranks: &Measuring(ranks),
            seed: 0,
            floor: false,
            clock: &|| start.elapsed().as_secs_f64(),
            provenance: provenance::provenance(provenance::typed(), &self.device),
        };
        let evaluation = evaluate(request, &mut |_, _, _| ())?;
        for (metric, error) in &evaluation.failures {
            say(&format!("{}: {}", path.display(), unmeasured(metric, error)));
        }
        Ok(evaluation.results)
    }

    /// How good the checkpoint is by the first metric.
    fn score(&self, results: &[MetricResult]) -> Option<Score> {
        let first = results.first().filter(|first| first.protocol.id == self.protocols[0].id)?;
        let value = match first.better {
            Direction::Smaller => first.value,
            Direction::Larger => -first.value,
            Direction::Like => return None,
        };
        Some(Score { metric: format!("{} of {}", first.name, first.counts.generated), value })
    }
}
