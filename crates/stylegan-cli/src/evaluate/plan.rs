//! What the arguments of `stylegan eval` mean.

use super::report_file::ReportFile;
use super::{Args, painted};
use crate::exit::{self, wrong};
use crate::network::checkpoint;
use crate::picture_settings::check_psi;
use crate::precision::suffix;
use crate::shell::quote;
use crate::status::say;
use crate::{destination, embedded, pictures};
use std::path::{Path, PathBuf};
use stylegan_core::{Precision, Unfinished};
use stylegan_metrics::protocol::Protocol;
use stylegan_train::config::RecipeConfig;
use stylegan_train::data::Dataset;
use stylegan_train::data::preprocess::Preprocess;

const FOR_NETWORKS: [&str; 6] = ["fid", "kid", "ppl_zfull", "ppl_wfull", "ppl_zend", "ppl_wend"];
const FOR_PICTURES: [&str; 3] = ["fid", "kid", "pr"];

/// Who is measured.
pub(super) enum Subjects {
    /// One or two checkpoints.
    Networks(Vec<PathBuf>),
    /// Generated pictures, and the real ones.
    Pictures(PathBuf, PathBuf),
}

pub(super) struct Plan {
    pub(super) subjects: Subjects,
    pub(super) protocols: Vec<Protocol>,
    data: Option<Reals>,
    data_folder: PathBuf,
    pub(super) cache: Option<PathBuf>,
    report: Destination,
}

/// The real pictures.
struct Reals {
    set: String,
    /// How many pictures a built-in set has, 0 for its usual number.
    count: usize,
    /// How the run that the networks are of reads pictures.
    preprocess: Option<Preprocess>,
    /// `[h, w]` of the pictures that this run ends with.
    full: Option<[usize; 2]>,
    /// The folder of this run.
    run: Option<PathBuf>,
}

/// Where the numbers go, beside the screen.
enum Destination {
    /// Where the user said.
    Named(PathBuf),
    /// Where they go if nobody says anything.
    Usual(PathBuf),
    /// Nowhere.
    Printed,
}

impl Plan {
    pub(super) fn of(args: &Args, precision: Precision) -> anyhow::Result<Self> {
        if args.network.len() > 2 {
            wrong!("--network was given {} times; one or two networks are measured at a time", args.network.len());
        }
        if let Err(problem) = check_psi(args.trunc) {
            wrong!("--trunc {problem}");
        }
        let subjects = match &args.images[..] {
            [generated, real] => Subjects::Pictures(generated.clone(), real.clone()),
            _ => Subjects::Networks(args.network.iter().map(|path| checkpoint(path)).collect::<anyhow::Result<_>>()?),
        };
        let protocols = protocols(args)?;
        let (beside, run) = match &subjects {
            Subjects::Networks(paths) => {
                // Nobody looks where networks are unpacked that come with the program: theirs is the current folder.
                let beside =
                    |path: &PathBuf| path.parent().filter(|_| !embedded::is_unpacked(path)).map(Path::to_path_buf);
                let folders: Vec<Option<PathBuf>> = paths.iter().map(beside).collect();
                let run = folders.iter().flatten().find(|folder| folder.join("config.toml").is_file()).cloned();
                (folders.into_iter().next().flatten().unwrap_or_default(), run)
            }
            Subjects::Pictures(..) => (PathBuf::new(), None),
        };
        let config = run.as_ref().map(|run| RecipeConfig::from_file(&run.join("config.toml"), &[]));
        let data = match (&args.data, config) {
            (Some(set), config) => {
                let config = config.and_then(Result::ok);
                let preprocess = config.as_ref().and_then(|config| config.data().preprocess);
                let full = config.map(|config| config.img_size());
                Some(Reals { set: set.clone(), count: 0, preprocess, full, run: run.clone() })
            }
            (None, Some(config)) => {
                let config = config?;
                let (data, full) = (config.data(), Some(config.img_size()));
                Some(Reals {
                    set: data.set.clone(),
                    count: data.count,
                    preprocess: data.preprocess,
                    full,
                    run: run.clone(),
                })
            }
            (None, None) => None,
        };
        let report = match &args.out {
            Some(out) if out.as_os_str() == "-" => Destination::Printed,
            Some(out) if out.extension().is_none_or(|ending| ending != "json") => {
                wrong!("--out {}: the report is JSON; name a .json file, or - to print alone", out.display())
            }
            Some(out) => Destination::Named(out.clone()),
            None => Destination::Usual(match &subjects {
                Subjects::Networks(paths) => beside.join(report_name(paths, args, precision)),
                Subjects::Pictures(..) => PathBuf::from("report.json"),
            }),
        };
        let home = run.clone().unwrap_or(beside).join("data");
        Ok(Plan {
            subjects,
            protocols,
            data: data.filter(|data| !data.set.is_empty()),
            cache: args.cache.clone().or_else(|| run.map(|_| home.join("features"))),
            data_folder: args.data_dir.clone().unwrap_or(home),
            report,
        })
    }

    /// The report, before anything is measured; nothing where it is only printed. It does not take the place of what
    /// is read. A folder that cannot be written is no reason to measure nothing, unless it was named.
    pub(super) fn open_report(&mut self, args: &Args) -> anyhow::Result<Option<ReportFile>> {
        let (Destination::Named(path) | Destination::Usual(path)) = &self.report else { return Ok(None) };
        let networks = match &self.subjects {
            Subjects::Networks(files) => &files[..],
            Subjects::Pictures(..) => &[],
        };
        let segmenter = args.segmenter.as_slice();
        let files = [networks, &args.images, &args.features, &args.classifier, segmenter].into_iter().flatten();
        let set = args.data.iter().filter(|set| !pictures::is_built_in(set)).map(Path::new);
        let inputs: Vec<&Path> = files.map(PathBuf::as_path).chain(set).collect();
        match &self.report {
            Destination::Named(_) => destination::file(path, &inputs)?,
            _ => destination::check(path, &inputs)?,
        }
        destination::check(&path.with_extension("md"), &inputs)?;
        match ReportFile::open(path) {
            Ok(report) => Ok(Some(report)),
            Err(error) if matches!(self.report, Destination::Named(_)) || exit::code(&error) == exit::WRONG_INPUT => {
                Err(error)
            }
            Err(error) => {
                say(&format!(
                    "warning: {}; the numbers are printed alone (--out FILE.json keeps them)",
                    exit::sentence(&error)
                ));
                self.cache = self.cache.take().filter(|folder| can_be_written(folder));
                Ok(None)
            }
        }
    }

    /// The real pictures, if any metric needs them or networks draw their labels or maps from them, for networks of these
    /// sizes.
    pub(super) fn reals(&self, sizes: &[[usize; 2]], labelled: bool) -> anyhow::Result<Option<(String, Dataset)>> {
        let Reals { set, count, preprocess, full, run } =
            match (&self.data, self.protocols.iter().find(|protocol| protocol.needs_reals())) {
                (Some(data), Some(_)) => data,
                (Some(data), None) if labelled || self.protocols.iter().any(Protocol::uses_reals) => data,
                (None, Some(metric)) => wrong!("{} compares with real pictures: name them with --data", metric.id),
                (_, None) => return Ok(None),
            };
        let Some(&size) = sizes.first() else { return Ok(None) };
        let dataset = pictures::open(set, size, *count, *preprocess, &self.data_folder)?;
        let [h, w] = dataset.image_size();
        if let (true, Some([fh, fw])) = (pictures::is_built_in(set), full.filter(|full| *full != [h, w])) {
            say(&format!(
                "note: this run ends with pictures of {fw}x{fh} pixels; these networks make {w}x{h}, and are measured \
                 against {set} of that size"
            ));
        }
        if let Some([eh, ew]) = sizes.iter().find(|size| **size != [h, w]) {
            if let (Some(run), Some([fh, fw])) = (run, full.filter(|full| *full == [h, w])) {
                wrong!(
                    "the network is of a stage of {ew}x{eh} pixels of the run in {0}, which ends with {fw}x{fh}, as {set} has \
                     them; go on with `stylegan train --out {1}`, or name the set at the size of the stage with --data",
                    run.display(),
                    quote(run)
                );
            }
            wrong!(
                "--data {set} has pictures of {w}x{h} pixels, the network makes {ew}x{eh}; build the set at that size"
            );
        }
        Ok(Some((set.clone(), dataset)))
    }
}

/// The name of a report beside the checkpoints it is about.
fn report_name(paths: &[PathBuf], args: &Args, precision: Precision) -> String {
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stems: Vec<_> = paths.iter().map(|path| stem(path).trim_start_matches("network-").to_owned()).collect();
    let mut name = format!("metrics-{}", stems.join("-and-"));
    if args.trunc != 1. {
        name.push_str(&format!("-trunc{}", args.trunc));
    }
    if args.mix != 1 {
        name.push_str(&format!("-mix{}", args.mix));
    }
    name + &suffix(precision) + ".json"
}

/// Whether files can be made in a folder, or in the one that it would be made in.
fn can_be_written(folder: &Path) -> bool {
    let exists = |folder: &&Path| folder.as_os_str().is_empty() || folder.is_dir();
    folder.ancestors().find(exists).is_some_and(|folder| Unfinished::file(&folder.join("part")).is_ok())
}

fn protocols(args: &Args) -> anyhow::Result<Vec<Protocol>> {
    let pictures = !args.images.is_empty();
    // Two folders without a segmenter may be of label maps themselves.
    let of_maps = !pictures || args.segmenter.is_some();
    let mut names: Vec<&str> = match (&args.metrics[..], pictures) {
        ([], false) => FOR_NETWORKS.into(),
        ([], true) => FOR_PICTURES.into(),
        (given, _) => given.iter().map(String::as_str).collect(),
    };
    if args.metrics.is_empty() && args.segmenter.is_some() {
        names.push(painted::SEEN);
    }
    let mut protocols: Vec<Protocol> = Vec::new();
    for name in names {
        let protocol = painted::metric(name, of_maps)?;
        if protocol.id.ends_with(painted::SEEN) && args.segmenter.is_none() {
            wrong!(
                "--metrics {name}: a segmenter looks for the label maps in what a network paints of them; name one with \
                 --segmenter FILE (of `stylegan segmenter`), or leave {name} out"
            );
        }
        let protocol = match args.count {
            Some(count) => protocol.with_samples(count as usize),
            // The crate's own protocols are about networks; all of a folder's pictures count.
            None if pictures && protocol.is_own() => protocol.with_all(),
            None => protocol,
        };
        painted::push(&mut protocols, protocol);
    }
    Ok(protocols)
}
