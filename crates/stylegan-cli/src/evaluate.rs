//! `stylegan eval`: how good a network is, in numbers with intervals.

use crate::exit::{Ending, Outcome, wrong};
use crate::network::checkpoint;
use crate::output::make_parent;
use crate::pictures;
use crate::status::{Stages, print, say};
use candle_core::{Device, Tensor};
use std::path::{Path, PathBuf};
use std::time::Instant;
use stylegan_core::Model;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::latent::StreamKey;
use stylegan_metrics::cache::Cache;
use stylegan_metrics::evaluate::{Generated, ImageSet, Request, evaluate};
use stylegan_metrics::features::StLpips;
use stylegan_metrics::generated::GeneratorSource;
use stylegan_metrics::protocol::Protocol;
use stylegan_metrics::report::{to_json, to_markdown};
use stylegan_metrics::samples::Batch;
use stylegan_train::config::TrainConfig;
use stylegan_train::data::{Dataset, SampleRequest};

/// Pictures that are read at a time.
const READ: usize = 64;

/// Measure a network
///
/// Prints a table and writes it with all particulars. Every number has a 95 % interval; a distance
/// comes with its floor, the same distance between two halves of the real pictures. Numbers
/// measured with the built-in feature network carry its name and cannot be compared with published
/// ones.
///
/// Examples:
///   stylegan eval --network runs/avatars-32
///   stylegan eval --network a.safetensors --data faces.zip --metrics fid,kid,pr --count 10000
///   stylegan eval --network a.safetensors --metrics ppl_zfull,ppl_wfull,ppl_zend,ppl_wend
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Checkpoint (.safetensors), or the folder of a run: then its newest checkpoint.
    ///
    /// Example: --network runs/avatars-32
    #[arg(long, value_name = "FILE|RUN")]
    network: PathBuf,

    /// Real pictures to compare with: a folder, a ZIP file, avatars or earth [default: what the run
    /// was trained on]
    #[arg(long, value_name = "SET")]
    data: Option<String>,

    /// What to measure: fid, kid, pr (precision, recall, density, coverage), ppl_zfull, ppl_wfull,
    /// ppl_zend, ppl_wend, or a published protocol such as sg1.fid50k.
    ///
    /// Example: --metrics fid,ppl_wend
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values = ["fid", "kid", "ppl_zfull", "ppl_wfull", "ppl_zend", "ppl_wend"])]
    metrics: Vec<String>,

    /// Generated pictures, or pairs of them for path lengths [default: the protocol's, 5000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    count: Option<u32>,

    /// Seed of latents, noise and resampling.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Truncation psi of the generated pictures; published numbers have none.
    #[arg(long, value_name = "PSI", default_value_t = 1.0)]
    trunc: f64,

    /// Leaves out the distances between halves of the real pictures.
    #[arg(long)]
    no_floor: bool,

    /// Report as JSON; a Markdown table is written beside it [default: beside the checkpoint]
    ///
    /// Example: --out report.json
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,

    /// Where features are kept between evaluations [default: data/ in the folder of the run]
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,

    /// Where built-in sets are kept once they are made [default: data/ in the folder of the run]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// What the arguments mean.
struct Plan {
    network: PathBuf,
    protocols: Vec<Protocol>,
    /// The set, and how many pictures a built-in one has (0 for its usual number).
    data: Option<(String, usize)>,
    data_folder: PathBuf,
    cache: Option<PathBuf>,
    report: PathBuf,
}

impl Plan {
    fn of(args: &Args) -> anyhow::Result<Self> {
        let protocols =
            args.metrics.iter().map(|name| Ok(Protocol::find(name)?)).collect::<anyhow::Result<Vec<_>>>()?;
        let protocols = match args.count {
            Some(count) => protocols.into_iter().map(|protocol| protocol.with_samples(count as usize)).collect(),
            None => protocols,
        };
        let network = checkpoint(&args.network)?;
        let folder = network.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let run = Some(folder.join("config.toml")).filter(|path| path.is_file());
        let trained_on = match (&args.data, &run) {
            (Some(set), _) => Some((set.clone(), 0)),
            (None, Some(config)) => Some(TrainConfig::from_file(config, &[])?.data).map(|data| (data.set, data.count)),
            (None, None) => None,
        };
        let report = args.out.clone().unwrap_or_else(|| {
            let stem = network.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            folder.join(format!("metrics-{}.json", stem.trim_start_matches("network-")))
        });
        if report.extension().is_none_or(|ending| ending != "json") {
            wrong!("--out {}: the report is JSON; name a .json file", report.display());
        }
        Ok(Plan {
            protocols,
            data: trained_on.filter(|(set, _)| !set.is_empty()),
            data_folder: args.data_dir.clone().unwrap_or_else(|| folder.join("data")),
            cache: args.cache.clone().or_else(|| run.is_some().then(|| folder.join("data").join("features"))),
            network,
            report,
        })
    }

    /// The real pictures, if any metric needs them.
    fn reals(&self, size: [usize; 2]) -> anyhow::Result<Option<Dataset>> {
        let Some(metric) = self.protocols.iter().find(|protocol| protocol.counts().is_some()) else { return Ok(None) };
        let Some((set, count)) = &self.data else {
            wrong!("{} compares with real pictures: name them with --data", metric.id);
        };
        let dataset = pictures::open(set, size, *count, &self.data_folder)?;
        let ([h, w], [eh, ew]) = (dataset.image_size(), size);
        if [h, w] != size {
            wrong!(
                "--data {set} has pictures of {w}x{h} pixels, the network makes {ew}x{eh}; build the set at that size"
            );
        }
        Ok(Some(dataset))
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    let plan = Plan::of(&args)?;
    let model = Model::load(&plan.network, &Device::Cpu)?;
    let generator = model.generator();
    let dataset = plan.reals(generator.img_size())?;
    let labels = labels(&plan, dataset.as_ref(), generator.c_dim())?;
    let hash = Checkpoint::open(&plan.network)?.content_hash().map(str::to_owned);
    let cache = plan.cache.as_ref().map(|folder| Cache::new(folder.clone()));
    let features = StLpips::embedded(&Device::Cpu)?;
    let start = Instant::now();
    let reals = match &dataset {
        Some(dataset) => Some(ImageSet { images: Box::new(batches(dataset)), hash: Some(dataset.hash()?.to_owned()) }),
        None => None,
    };
    let request = Request {
        protocols: plan.protocols.clone(),
        generated: Generated::Generator(GeneratorSource {
            generator,
            hash: hash.as_deref(),
            labels: &labels,
            truncation_psi: args.trunc,
        }),
        reals,
        features: &features,
        distance: &features,
        cache: cache.as_ref(),
        seed: args.seed,
        floor: !args.no_floor,
        clock: &|| start.elapsed().as_secs_f64(),
    };
    let mut stages = Stages::new();
    let results = evaluate(request, &mut |stage, done, total| stages.show(stage, done, total))?;
    drop(stages);
    make_parent(&plan.report)?;
    let table = to_markdown(&results);
    stylegan_train::picture::write_atomic(&plan.report, to_json(&results)?.as_bytes())?;
    stylegan_train::picture::write_atomic(&plan.report.with_extension("md"), table.as_bytes())?;
    print(&table)?;
    say(&format!("report: {}", plan.report.display()));
    Ok(Ending::Done)
}

/// The labels that pictures are drawn for: those of the real pictures, each as often as there.
fn labels(plan: &Plan, dataset: Option<&Dataset>, classes: usize) -> anyhow::Result<Vec<Vec<f32>>> {
    if classes == 0 {
        return Ok(Vec::new());
    }
    match dataset {
        Some(dataset) if dataset.label_dim() == classes => {
            let row = |i| {
                let mut row = Vec::with_capacity(classes);
                dataset.labels().push_row(i, &mut row);
                row
            };
            Ok((0..dataset.len()).map(row).collect())
        }
        Some(dataset) => wrong!(
            "{} has {classes} classes, the pictures have {}; evaluate with the labels it was trained with",
            plan.network.display(),
            dataset.label_dim()
        ),
        // Without real pictures each class is as likely.
        None => Ok((0..classes).map(|class| (0..classes).map(|i| f32::from(u8::from(i == class))).collect()).collect()),
    }
}

/// All pictures `[n, c, h, w]` in an order of chance, the same each time.
fn batches(dataset: &Dataset) -> impl Iterator<Item = Batch> {
    let mut order: Vec<usize> = (0..dataset.len()).collect();
    let mut stream = StreamKey::new(0, "evaluation order", 0).stream(0, 0);
    for i in (1..order.len()).rev() {
        order.swap(i, stream.below(i as u64 + 1) as usize);
    }
    let chunks: Vec<Vec<usize>> = order.chunks(READ).map(<[usize]>::to_vec).collect();
    chunks.into_iter().map(|chunk| read(dataset, &chunk).map_err(Into::into))
}

fn read(dataset: &Dataset, chunk: &[usize]) -> stylegan_train::Result<Tensor> {
    let requests: Vec<SampleRequest> = chunk.iter().map(|&index| SampleRequest { index, mirror: false }).collect();
    Ok(dataset.load(&requests)?.images)
}
