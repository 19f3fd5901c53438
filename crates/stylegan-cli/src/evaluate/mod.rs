//! `stylegan eval`: how good networks or pictures are, in numbers with intervals.

mod dataset_source;
mod in_training;
mod painted;
mod plan;
mod provenance;
mod report_file;
mod subjects;
mod truths;

pub(crate) use in_training::Evaluator;

use crate::device::DeviceArgs;
use crate::exit::{Ending, Outcome, wrong};
use crate::network::check_exists;
use crate::numbers::whole;
use crate::precision::PrecisionArgs;
use crate::ranks;
use crate::signals::{self, Reaction};
use crate::status::{Stages, print, say};
use anyhow::Context;
use candle_core::Device;
use clap::ArgGroup;
use plan::Plan;
use report_file::ReportFile;
use std::path::{Path, PathBuf};
use std::time::Instant;
use stylegan_core::import::state_dict;
use stylegan_metrics::cache::Cache;
use stylegan_metrics::evaluate::{Evaluation, FLOOR, Generated, Request, Subject, evaluate};
use stylegan_metrics::features::{Classifier, FeatureNetworks, MapJudge};
use stylegan_metrics::report::to_markdown;
use stylegan_train::communicator::{self, Measuring};
use subjects::Opened;

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
///   stylegan eval --images painted/ held-back/ --metrics miou,fid,lpips
///       --segmenter segmenter.safetensors
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, group(ArgGroup::new("measured").args(["network", "images"]).required(true)))]
pub(crate) struct Args {
    /// Checkpoint (.safetensors) or released file, the folder of a run: then its newest checkpoint, or a name: `stylegan
    /// models` lists those that come with the program. Given twice, both are measured, and the first less the second.
    ///
    /// Example: --network runs/avatars-32
    #[arg(long, value_name = "FILE|RUN|NAME")]
    network: Vec<PathBuf>,

    /// Compares two sets of pictures (folders or ZIP files), generated ones and real ones, without any
    /// network. For miou, lpips and id, pictures of equal names belong together.
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
    /// in Z and W), combination (how often edits in Z and in W reach two attributes at once), miou and accuracy (of
    /// label maps; of pictures of maps with --segmenter), lpips (distance of each picture from the real one that it is to
    /// be), id (similarity of faces), or a published protocol such as sg1.fid50k [default: fid,kid and the four ppl for networks, fid,kid,pr for pictures]
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

    /// Classifier that linear separability and combination ask what a picture shows: of `stylegan classifier`, or one
    /// of the paper's; may be given several times.
    ///
    /// Example: --metrics ls --classifier backgrounds.safetensors
    #[arg(long, value_name = "FILE")]
    classifier: Vec<PathBuf>,

    /// Segmenter of `stylegan segmenter`, which looks for the label maps in what a network paints of them: miou and
    /// accuracy, with those of the real pictures and of one colour for each class beside them. With --images it looks in
    /// the generated pictures for the maps of the real ones, which are a set with maps, or the maps themselves.
    ///
    /// Example: --metrics miou,accuracy,fid --segmenter earth-segmenter.safetensors
    #[arg(long, value_name = "FILE")]
    segmenter: Option<PathBuf>,

    /// Generated pictures, or pairs of them for path lengths [default: the protocol's, 5000; all of
    /// --images]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(2..=10_000_000))]
    count: Option<u32>,

    /// Seed of latents, noise and resampling.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Truncation psi of the generated pictures; published numbers have none, path lengths never.
    #[arg(long, value_name = "PSI", default_value_t = 1.0)]
    trunc: f64,

    /// Latents mixed in each generated picture, as in the StyleGAN paper's Table 2; path lengths are
    /// always of single latents.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u8>(1..=16))]
    mix: u8,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(flatten)]
    precision: PrecisionArgs,

    /// Leaves out the distances between halves of the real pictures, and what a segmenter sees in these and in one
    /// colour for each class.
    #[arg(long)]
    no_floor: bool,

    /// Report as JSON, with a Markdown table beside it; - prints the table only. Numbers that the report holds
    /// stay, but for those that are measured again [default: beside the checkpoint, of a network that
    /// comes with the program in this folder; report.json for --images]
    ///
    /// Example: --out report.json
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,

    /// Where features are kept between evaluations [default: data/features in the folder of the run, else
    /// nowhere]
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,

    /// Where built-in sets are kept once they are made [default: data/ beside the checkpoint, of a network that comes
    /// with the program in this folder]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// What is measured, on this rank.
struct Prepared {
    device: Device,
    plan: Plan,
    /// Where rank 0 keeps the numbers.
    report: Option<ReportFile>,
    networks: FeatureNetworks,
    classifiers: Vec<Classifier>,
    opened: Opened,
}

/// What to do about ranks that do not measure the same.
const MEASURE_ALIKE: &str = "all ranks need the same program, networks, pictures and weights under the same paths, and \
                             processors of one kind, to share an evaluation";

/// Reads what the arguments name.
fn prepare(args: &Args) -> anyhow::Result<Prepared> {
    let device = args.device.chosen()?;
    let precision = args.precision.chosen(&device)?;
    let mut plan = Plan::of(args, precision)?;
    let report = if ranks::world().rank() == 0 { plan.open_report(args)? } else { None };
    let networks = networks(&args.features, &device)?;
    let open = |file| Ok(Classifier::open(file, &device)?);
    let classifiers = args.classifier.iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let judge = args.segmenter.as_ref().map(|file| judge(file, &device)).transpose()?;
    let opened = Opened::open(&mut plan, args, &device, precision)?;
    let networks = match opened.truths() {
        Some(dataset) => truths::known(networks, judge, dataset)?,
        None => networks,
    };
    opened.check_pair(&plan, &networks, &args.images)?;
    Ok(Prepared { device, plan, report, networks, classifiers, opened })
}

pub(crate) fn run(args: Args) -> Outcome {
    let world = ranks::world();
    let Prepared { device, plan, report, networks, classifiers, opened } = ranks::after_rank_0(|| prepare(&args))?;
    let mut things = opened.contents(&device)?;
    things.extend(networks.hashes().map(|(name, hash)| (format!("feature network {name}"), hash.to_owned())));
    things.extend(classifiers.iter().map(|classifier| ("classifier (hash)".to_owned(), classifier.hash().to_owned())));
    things.extend(networks.judge().map(|judge| ("segmenter (hash)".to_owned(), judge.hash().to_owned())));
    communicator::same(world, &things, MEASURE_ALIKE)?;
    if let Some(cache) = &plan.cache {
        let go_on = format!("interrupted; the same command goes on from the features in {}", cache.display());
        signals::react(Reaction::GoOnLater(go_on));
    }
    let cache = plan.cache.as_ref().map(|folder| Cache::new(folder.clone(), &device));
    let start = Instant::now();
    let clock = || start.elapsed().as_secs_f64();
    let measuring = Measuring(world);
    let request = |protocols, subjects, reals| Request {
        protocols,
        subjects,
        reals,
        networks: &networks,
        classifiers: &classifiers,
        cache: cache.as_ref(),
        ranks: &measuring,
        seed: args.seed,
        floor: !args.no_floor,
        clock: &clock,
        provenance: provenance::provenance(provenance::typed(), &device),
    };
    let mut stages = Stages::new();
    let mut show = |stage: &str, done, total| stages.show(stage, done, total);
    let judged: Vec<_> =
        plan.protocols.iter().filter(|protocol| protocol.id.ends_with(painted::SEEN)).cloned().collect();
    let mut evaluation = evaluate(request(plan.protocols, opened.subjects()?, opened.reals()?), &mut show);
    if let (false, Some(dataset), Ok(Evaluation { results, failures })) =
        (judged.is_empty() || args.no_floor, opened.painted(), &mut evaluation)
    {
        for set in painted::baselines(dataset)? {
            let subject = Subject { name: set.name.clone(), generated: Generated::Images(set) };
            let found = evaluate(request(judged.clone(), vec![subject], None), &mut show)?;
            results.extend(found.results);
            failures.extend(found.failures);
        }
    }
    drop(stages);
    let evaluation = match evaluation {
        // They have met over it already.
        Err(error) if error.is_of_all_ranks() => return Err(error.into()),
        evaluation => ranks::agree(evaluation.map_err(anyhow::Error::from))?,
    };
    ranks::agree(if world.rank() == 0 { tell(evaluation, report.as_ref()) } else { Ok(()) })?;
    Ok(Ending::Done)
}

/// Prints and keeps the numbers.
fn tell(evaluation: Evaluation, report: Option<&ReportFile>) -> anyhow::Result<()> {
    let Evaluation { results, failures } = evaluation;
    if !results.is_empty() {
        // Numbers that took hours are on the screen before a disk can refuse them, and on the disk before a closed
        // screen ends the command.
        let printed = print(&to_markdown(&results));
        if let Some(report) = report {
            report.add(results)?;
            say(&format!("report: {}", report.path().display()));
        }
        printed?;
    }
    // A floor is an extra.
    let last =
        failures.iter().find(|(metric, _)| !metric.ends_with(FLOOR)).map(|(metric, error)| unmeasured(metric, error));
    let mut said: Vec<String> = last.clone().into_iter().collect();
    for (metric, error) in &failures {
        let sentence = unmeasured(metric, error);
        if !said.contains(&sentence) {
            say(&sentence);
            said.push(sentence);
        }
    }
    match (failures.into_iter().find(|(metric, _)| !metric.ends_with(FLOOR)), last) {
        (Some((_, error)), Some(sentence)) => Err(anyhow::Error::from(error).context(sentence)),
        _ => Ok(()),
    }
}

/// Why a metric could not be measured, in a sentence that names it once.
fn unmeasured(metric: &str, error: &stylegan_metrics::Error) -> String {
    let error = error.to_string();
    if error.starts_with(&format!("{metric} ")) { error } else { format!("{metric} could not be measured: {error}") }
}

/// The segmenter of a file, on a device.
fn judge(file: &Path, device: &Device) -> anyhow::Result<MapJudge> {
    check_exists(file)?;
    Ok(MapJudge::open(file, device)?)
}

/// Refuses what makes pictures of other than 1 or 3 `channels`: feature networks look at grey or RGB.
fn check_channels(channels: usize, what: &str) -> anyhow::Result<()> {
    if !matches!(channels, 1 | 3) {
        wrong!(
            "{what} has pictures of {channels} channels, and metrics look at 1 (grey) or 3 (RGB); train on a set built with --channels 3"
        );
    }
    Ok(())
}

/// The feature networks of these files, and the built-in one, on a device.
pub(crate) fn networks(files: &[PathBuf], device: &Device) -> anyhow::Result<FeatureNetworks> {
    if files.is_empty() {
        return Ok(FeatureNetworks::embedded(device)?);
    }
    let mut tensors = Vec::new();
    for file in files {
        check_exists(file)?;
        tensors.extend(state_dict(file)?);
    }
    let named = || {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        format!("--features {}", files.join(", "))
    };
    FeatureNetworks::with_weights(tensors, device).with_context(named)
}
