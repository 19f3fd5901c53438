//! What the arguments of `stylegan eval` mean.

use super::{Args, checkpoints, folder};
use crate::exit::wrong;
use crate::pictures;
use std::path::PathBuf;
use stylegan_metrics::features::FeatureNetworks;
use stylegan_metrics::protocol::{Parameters, Protocol};
use stylegan_train::config::TrainConfig;
use stylegan_train::data::Dataset;

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
    /// The set, and how many pictures a built-in one has (0 for its usual number).
    data: Option<(String, usize)>,
    data_folder: PathBuf,
    pub(super) cache: Option<PathBuf>,
    pub(super) report: PathBuf,
}

impl Plan {
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        if args.network.len() > 2 {
            wrong!("--network was given {} times; one or two networks are measured at a time", args.network.len());
        }
        let subjects = match &args.images[..] {
            [generated, real] => Subjects::Pictures(generated.clone(), real.clone()),
            _ => Subjects::Networks(checkpoints(&args.network)?),
        };
        let protocols = protocols(args)?;
        let (beside, run) = match &subjects {
            Subjects::Networks(paths) => {
                let folders: Vec<PathBuf> = paths.iter().map(|path| folder(path)).collect();
                let run = folders.iter().find(|folder| folder.join("config.toml").is_file()).cloned();
                (folders.into_iter().next().unwrap_or_default(), run)
            }
            Subjects::Pictures(..) => (PathBuf::new(), None),
        };
        let data = match (&args.data, &run) {
            (Some(set), _) => Some((set.clone(), 0)),
            (None, Some(run)) => {
                let config = TrainConfig::from_file(&run.join("config.toml"), &[])?;
                Some((config.data.set, config.data.count))
            }
            (None, None) => None,
        };
        let report = args.out.clone().unwrap_or_else(|| match &subjects {
            Subjects::Networks(paths) => {
                let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let stems: Vec<_> =
                    paths.iter().map(|path| stem(path).trim_start_matches("network-").to_owned()).collect();
                let mut name = format!("metrics-{}", stems.join("-and-"));
                if args.trunc != 1. {
                    name.push_str(&format!("-trunc{}", args.trunc));
                }
                if args.mix != 1 {
                    name.push_str(&format!("-mix{}", args.mix));
                }
                beside.join(name + ".json")
            }
            Subjects::Pictures(..) => PathBuf::from("report.json"),
        });
        if report.extension().is_none_or(|ending| ending != "json") {
            wrong!("--out {}: the report is JSON; name a .json file", report.display());
        }
        let home = run.clone().unwrap_or(beside).join("data");
        Ok(Plan {
            subjects,
            protocols,
            data: data.filter(|(set, _)| !set.is_empty()),
            cache: args.cache.clone().or_else(|| run.map(|_| home.join("features"))),
            data_folder: args.data_dir.clone().unwrap_or(home),
            report,
        })
    }

    /// The real pictures, if any metric needs them or networks draw their labels from them, for networks of these
    /// sizes.
    pub(super) fn reals(&self, sizes: &[[usize; 2]], labelled: bool) -> anyhow::Result<Option<Dataset>> {
        let (set, count) = match (&self.data, self.protocols.iter().find(|protocol| protocol.needs_reals())) {
            (Some(data), Some(_)) => data,
            (Some(data), None) if labelled || self.protocols.iter().any(Protocol::uses_reals) => data,
            (None, Some(metric)) => wrong!("{} compares with real pictures: name them with --data", metric.id),
            (_, None) => return Ok(None),
        };
        let Some(&size) = sizes.first() else { return Ok(None) };
        let dataset = pictures::open(set, size, *count, &self.data_folder)?;
        let [h, w] = dataset.image_size();
        if let Some([eh, ew]) = sizes.iter().find(|size| **size != [h, w]) {
            wrong!(
                "--data {set} has pictures of {w}x{h} pixels, the network makes {ew}x{eh}; build the set at that size"
            );
        }
        Ok(Some(dataset))
    }

    /// Refuses pictures of two sizes where a feature network sees them as they are.
    pub(super) fn check_sizes(
        &self,
        networks: &FeatureNetworks,
        one: [usize; 2],
        other: [usize; 2],
    ) -> anyhow::Result<()> {
        let sees_size = |protocol: &&Protocol| {
            let network = networks.features(&protocol.network).filter(|_| protocol.uses_features());
            let faces = matches!(protocol.parameters, Parameters::Identity { .. });
            protocol.needs_reals() && !faces && network.is_none_or(|network| !network.any_size())
        };
        if one != other
            && let Some(protocol) = self.protocols.iter().find(sees_size)
        {
            let ([h, w], [oh, ow]) = (one, other);
            wrong!(
                "--images: {} needs pictures of one size, found {w}x{h} and {ow}x{oh}; resize one set (stylegan data \
                 build){}",
                protocol.id,
                if protocol.uses_features() { " or give Inception with --features" } else { "" }
            );
        }
        Ok(())
    }
}

fn protocols(args: &Args) -> anyhow::Result<Vec<Protocol>> {
    let pictures = !args.images.is_empty();
    let names: Vec<&str> = match (&args.metrics[..], pictures) {
        ([], false) => FOR_NETWORKS.into(),
        ([], true) => FOR_PICTURES.into(),
        (given, _) => given.iter().map(String::as_str).collect(),
    };
    let mut protocols = Vec::new();
    for name in names {
        let protocol = Protocol::find(name)?;
        protocols.push(match args.count {
            Some(count) => protocol.with_samples(count as usize),
            // The crate's own protocols are about networks; all of a folder's pictures count.
            None if pictures && protocol.id.starts_with("stylegan-rs.") => protocol.with_all(),
            None => protocol,
        });
    }
    Ok(protocols)
}
