//! `stylegan eval`: how good networks or pictures are, in numbers with intervals.

mod during;
mod plan;
mod sets;

pub(crate) use during::Evaluator;

use crate::exit::{Ending, Outcome, wrong};
use crate::network::{check_exists, checkpoint};
use crate::output::make_parent;
use crate::status::{Stages, print, say};
use candle_core::Device;
use plan::{Plan, Subjects};
use std::path::{Path, PathBuf};
use std::time::Instant;
use stylegan_core::Model;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::import::{is_foreign, state_dict};
use stylegan_metrics::cache::Cache;
use stylegan_metrics::evaluate::{FLOOR, Generated, Request, Subject, evaluate};
use stylegan_metrics::features::{Classifier, Networks};
use stylegan_metrics::generated::GeneratorSource;
use stylegan_metrics::report::{MetricResult, to_json, to_markdown};
use stylegan_train::data::Dataset;

/// Measure networks, or compare folders of pictures
///
/// Prints a table and writes it with all particulars. Every number has a 95 % interval; a distance
/// comes with its floor, the same distance between two halves of the real pictures. Two networks are
/// measured on the same latents, and their difference has an interval of its own. What is stopped
/// goes on where it was when the same command is given again, if there is a folder for --cache.
///
/// One feature network is built in, ST-LPIPS. Numbers measured with it carry its name and cannot be
/// compared with published ones; --features brings the published networks (docs/metrics.md says where
/// their files are).
///
/// Examples:
///   stylegan eval --network runs/avatars-32
///   stylegan eval --network a.safetensors --data faces.zip --metrics fid,kid,pr --count 10000
///   stylegan eval --network a.safetensors --network b.safetensors --data faces.zip
///   stylegan eval --images generated/ real/ --metrics fid,kid,pr --out report.json
///   stylegan eval --images generated/ real/ --metrics pytorch-fid.fid,torch-fidelity.isc
///       --features pt_inception-2015-12-05-6726825d.pth
///   stylegan eval --images predicted-maps/ label-maps/ --metrics miou
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Checkpoint (.safetensors) or released file, or the folder of a run: then its newest checkpoint. Given
    /// twice, both are measured, and the first less the second.
    ///
    /// Example: --network runs/avatars-32
    #[arg(long, value_name = "FILE|RUN", required_unless_present = "images", conflicts_with = "images")]
    network: Vec<PathBuf>,

    /// Compares two sets of pictures (folders or ZIP files), generated ones and real ones, without any
    /// network. For miou and id, pictures of equal names belong together.
    ///
    /// Example: --images generated/ real/
    #[arg(long, value_names = ["GENERATED", "REAL"], num_args = 2, conflicts_with_all = ["data", "trunc", "mix"])]
    images: Vec<PathBuf>,

    /// Real pictures to compare with: a folder, a ZIP file, avatars or earth [default: what the run
    /// was trained on]
    #[arg(long, value_name = "SET")]
    data: Option<String>,

    /// What to measure: fid, kid, pr (precision, recall, density, coverage), is, swd (patches by scale),
    /// ms_ssim (likeness within the set), ppl_zfull, ppl_wfull, ppl_zend, ppl_wend, ls (linear separability
    /// in Z and W), miou (of label maps, with pixel accuracy), id (similarity of faces), or a published
    /// protocol such as sg1.fid50k [default: fid,kid and the four ppl for networks, fid,kid,pr for pictures]
    ///
    /// Example: --metrics fid,ppl_wend
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    metrics: Vec<String>,

    /// Weights of published feature networks: Inception-2015-12-05, LPIPS, VGG16, ArcFace and others
    /// (docs/metrics.md), as files of PyTorch or as .safetensors; may be given several times.
    ///
    /// Example: --features pt_inception-2015-12-05-6726825d.pth
    #[arg(long, value_name = "FILE")]
    features: Vec<PathBuf>,

    /// Classifier that linear separability asks what a picture shows: of `stylegan classifier`, or one of the
    /// paper's; may be given several times.
    ///
    /// Example: --metrics ls --classifier backgrounds.safetensors
    #[arg(long, value_name = "FILE")]
    classifier: Vec<PathBuf>,

    /// Generated pictures, or pairs of them for path lengths [default: the protocol's, 5000; all of
    /// --images]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    count: Option<u32>,

    /// Seed of latents, noise and resampling.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Truncation psi of the generated pictures; published numbers have none, path lengths never.
    #[arg(long, value_name = "PSI", default_value_t = 1.0)]
    trunc: f64,

    /// Latents mixed in each generated picture, as in the StyleGAN paper's Table 2; path lengths are
    /// always of single latents.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    mix: u8,

    /// Leaves out the distances between halves of the real pictures.
    #[arg(long)]
    no_floor: bool,

    /// Report as JSON; a Markdown table is written beside it [default: beside the checkpoint;
    /// report.json for --images]
    ///
    /// Example: --out report.json
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,

    /// Where features are kept between evaluations [default: data/features in the folder of the run, else
    /// nowhere]
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,

    /// Where built-in sets are kept once they are made [default: data/ in the folder of the run]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// A network to measure.
struct Candidate {
    path: PathBuf,
    model: Model,
    hash: Option<String>,
    config: String,
    labels: Vec<Vec<f32>>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let plan = Plan::of(&args)?;
    let networks = networks(&args.features)?;
    let open = |file| Ok(Classifier::open(file, &Device::Cpu)?);
    let classifiers = args.classifier.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let mut candidates = Vec::new();
    let reals = match &plan.subjects {
        Subjects::Networks(paths) => {
            for path in paths {
                let model = Model::load(path, &Device::Cpu)?;
                let rows = model.generator().num_ws();
                if usize::from(args.mix) > rows {
                    wrong!("--mix {}: {} has {rows} style rows to mix latents in", args.mix, path.display());
                }
                let config = serde_json::to_string(model.config())?;
                let hash = checked_hash(path, &model)?;
                candidates.push(Candidate { path: path.clone(), model, hash, config, labels: Vec::new() });
            }
            let sizes: Vec<_> = candidates.iter().map(|c| c.model.generator().img_size()).collect();
            let labelled = candidates.iter().any(|c| c.model.generator().c_dim() > 0);
            let reals = plan.reals(&sizes, labelled)?;
            for candidate in &mut candidates {
                let classes = candidate.model.generator().c_dim();
                candidate.labels = sets::labels(&candidate.path, reals.as_ref(), classes)?;
            }
            reals
        }
        Subjects::Pictures(_, real) => Some(Dataset::open(real)?),
    };
    let generated = match &plan.subjects {
        Subjects::Networks(_) => None,
        Subjects::Pictures(generated, _) => Some(Dataset::open(generated)?),
    };
    if let (Some(generated), Some(reals)) = (&generated, &reals) {
        plan.check_sizes(&networks, generated.image_size(), reals.image_size())?;
        if let Some(protocol) = plan.protocols.iter().find(|protocol| protocol.is_of_pairs()) {
            sets::check_pairs(protocol, [generated, reals], &args.images)?;
        }
    }
    let mut subjects: Vec<Subject> = candidates
        .iter()
        .map(|candidate| Subject {
            name: candidate.path.display().to_string(),
            generated: Generated::Generator(GeneratorSource {
                generator: candidate.model.generator(),
                hash: candidate.hash.as_deref(),
                config: &candidate.config,
                labels: &candidate.labels,
                truncation_psi: args.trunc,
                mixed: args.mix.into(),
            }),
        })
        .collect();
    if let (Some(dataset), [folder, _]) = (&generated, &args.images[..]) {
        let name = folder.display().to_string();
        subjects.push(Subject { name, generated: Generated::Images(sets::images(dataset)?) });
    }
    let cache = plan.cache.as_ref().map(|folder| Cache::new(folder.clone()));
    let start = Instant::now();
    let request = Request {
        protocols: plan.protocols.clone(),
        subjects,
        reals: reals.as_ref().map(sets::images).transpose()?,
        networks: &networks,
        classifiers: &classifiers,
        cache: cache.as_ref(),
        seed: args.seed,
        floor: !args.no_floor,
        clock: &|| start.elapsed().as_secs_f64(),
    };
    let mut stages = Stages::new();
    let evaluation = evaluate(request, &mut |stage, done, total| stages.show(stage, done, total))?;
    drop(stages);
    if !evaluation.results.is_empty() {
        make_parent(&plan.report)?;
        print(&write(&plan.report, &evaluation.results)?)?;
        say(&format!("report: {}", plan.report.display()));
    }
    for (metric, error) in &evaluation.failures {
        say(&format!("{metric} could not be measured: {error}"));
    }
    // A floor is an extra.
    let failures = evaluation.failures.into_iter();
    match failures.filter(|(metric, _)| !metric.ends_with(FLOOR)).map(|(_, error)| error).next() {
        Some(error) => Err(error.into()),
        None => Ok(Ending::Done),
    }
}

/// The hash of what the file holds, if it is what the file says; of other programs' files, as the model has it.
fn checked_hash(path: &Path, model: &Model) -> anyhow::Result<Option<String>> {
    let known = is_foreign(path)? || Checkpoint::open(path)?.verify()?;
    Ok(model.content_hash().filter(|_| known).map(str::to_owned))
}

/// Writes a report as JSON and, beside it, as Markdown, which it returns.
fn write(report: &Path, results: &[MetricResult]) -> anyhow::Result<String> {
    let table = to_markdown(results);
    stylegan_core::write_file(report, to_json(results)?.as_bytes())?;
    stylegan_core::write_file(report.with_extension("md"), table.as_bytes())?;
    Ok(table)
}

/// The feature networks of these files, and the built-in one.
fn networks(files: &[PathBuf]) -> anyhow::Result<Networks> {
    if files.is_empty() {
        return Ok(Networks::embedded(&Device::Cpu)?);
    }
    let mut tensors = Vec::new();
    for file in files {
        check_exists(file)?;
        tensors.extend(state_dict(file)?);
    }
    Ok(Networks::with_weights(tensors, &Device::Cpu)?)
}

/// The folder that a checkpoint lies in.
fn folder(network: &Path) -> PathBuf {
    network.parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The checkpoints that were meant.
fn checkpoints(networks: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    networks.iter().map(|network| checkpoint(network)).collect()
}
