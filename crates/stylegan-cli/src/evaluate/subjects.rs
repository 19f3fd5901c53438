//! Who is measured, and against what: networks and sets, opened and checked.

use super::painted::{Paintings, SEEN};
use super::plan::{Plan, Subjects};
use super::truths::check_maps_of;
use super::{Args, check_channels, dataset_source};
use crate::assumed::tell_assumed;
use crate::embedded::by_name;
use crate::exit::wrong;
use crate::numbers::count;
use crate::pictures;
use crate::status::say;
use candle_core::Device;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stylegan_core::{ConditionSpec, MapSpec, Model, Precision};
use stylegan_kernels::cpu_info::kernels_of;
use stylegan_metrics::evaluate::{Available, Generated, ImageSet, Subject};
use stylegan_metrics::features::FeatureNetworks;
use stylegan_metrics::generator_source::GeneratorSource;
use stylegan_metrics::metric::SubjectKind;
use stylegan_metrics::protocol::Protocol;
use stylegan_train::data::Dataset;

/// A network to measure.
struct Candidate {
    path: PathBuf,
    model: Model,
    hash: Option<String>,
    config: String,
    labels: Vec<Vec<f32>>,
}

/// A set by its name.
struct NamedSet {
    name: String,
    dataset: Arc<Dataset>,
}

/// Everything that is measured or compared with.
pub(super) struct Opened {
    candidates: Vec<Candidate>,
    generated: Option<NamedSet>,
    reals: Option<NamedSet>,
    truncation_psi: f64,
    mixed: usize,
    seed: u64,
}

impl Opened {
    /// Opens what the plan names. Where the metrics are the usual ones, those that a network has no space for are
    /// taken out of the plan.
    pub(super) fn open(plan: &mut Plan, args: &Args, device: &Device, precision: Precision) -> anyhow::Result<Self> {
        let mut opened = Self {
            candidates: vec![],
            generated: None,
            reals: None,
            truncation_psi: args.trunc,
            mixed: args.mix.into(),
            seed: args.seed,
        };
        match &plan.subjects {
            Subjects::Networks(paths) => {
                for path in paths.clone() {
                    opened.candidates.push(Candidate::open(path, args.mix.into(), device, precision)?);
                }
                opened.leave_out_what_needs_styles(plan, args);
                opened.check_painters(plan, args)?;
                opened.open_reals(plan)?;
            }
            Subjects::Pictures(generated, real) => {
                let open = |path: &Path| -> anyhow::Result<NamedSet> {
                    pictures::path_alone(path)?;
                    Ok(NamedSet { name: path.display().to_string(), dataset: Arc::new(Dataset::open(path)?) })
                };
                (opened.generated, opened.reals) = (Some(open(generated)?), Some(open(real)?));
            }
        }
        opened.say_if_fewer(args.count);
        Ok(opened)
    }

    /// Says where fewer pictures are measured than were asked for: a set has no more, and no more are painted of its maps.
    fn say_if_fewer(&self, asked: Option<u32>) {
        let reals = self.reals.iter().filter(|_| self.truths().is_some());
        for NamedSet { name, dataset } in self.generated.iter().chain(reals) {
            let found = dataset.len() as u64;
            if let Some(asked) = asked.filter(|asked| u64::from(*asked) > found) {
                say(&format!("note: --count {asked}: {name} has {}; all are measured", count(found, "picture")));
            }
        }
    }

    /// The generated side of a request.
    pub(super) fn subjects(&self) -> anyhow::Result<Vec<Subject<'_>>> {
        let mut subjects = Vec::new();
        for candidate in &self.candidates {
            let name = by_name(&candidate.path.display().to_string());
            if let Some(spec) = candidate.maps() {
                let paintings = self.paintings(candidate)?.images(spec)?;
                subjects.push(Subject { name, generated: Generated::Images(paintings) });
                continue;
            }
            let source = GeneratorSource {
                generator: candidate.model.generator(),
                hash: candidate.hash.as_deref(),
                config: &candidate.config,
                labels: &candidate.labels,
                truncation_psi: self.truncation_psi,
                mixed: self.mixed,
            };
            subjects.push(Subject { name, generated: Generated::Generator(source) });
        }
        if let Some(set) = &self.generated {
            subjects.push(Subject { name: set.name.clone(), generated: Generated::Images(set.images()?) });
        }
        Ok(subjects)
    }

    /// The real side of a request.
    pub(super) fn reals(&self) -> anyhow::Result<Option<ImageSet<'_>>> {
        self.reals.as_ref().map(NamedSet::images).transpose()
    }

    /// What everything holds, by name, for ranks that compute on a device to compare.
    pub(super) fn contents(&self, device: &Device) -> anyhow::Result<Vec<(String, String)>> {
        let mut contents = vec![
            ("program (version)".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("kind of processor".to_owned(), kernels_of(device).to_owned()),
        ];
        for candidate in &self.candidates {
            let hash = candidate.hash.clone().unwrap_or_else(|| "unknown".into());
            contents.push((format!("network {} (hash)", candidate.path.display()), hash));
            contents.push(("precision".to_owned(), candidate.model.generator().precision().to_string()));
        }
        for set in [&self.generated, &self.reals].into_iter().flatten() {
            contents.push((format!("set of pictures {} (hash)", set.name), set.dataset.hash()?.to_owned()));
        }
        Ok(contents)
    }

    /// A candidate's pictures of the set's maps.
    fn paintings<'a>(&'a self, candidate: &'a Candidate) -> anyhow::Result<Paintings<'a>> {
        let (model, file, hash) = (&candidate.model, candidate.path.as_path(), candidate.hash.as_deref());
        match &self.reals {
            Some(set) => Ok(Paintings { model, file, hash, dataset: &set.dataset, seed: self.seed }),
            None => wrong!("{} paints label maps: name the set that has them with --data", file.display()),
        }
    }

    /// The set whose maps are painted, if any are.
    pub(super) fn painted(&self) -> Option<&Arc<Dataset>> {
        let paints = self.candidates.iter().any(|candidate| candidate.maps().is_some());
        self.reals.as_ref().filter(|_| paints).map(|set| &set.dataset)
    }

    /// The set whose pictures and maps those to be measured are to be, if they are to be any.
    pub(super) fn truths(&self) -> Option<&Arc<Dataset>> {
        let of_pictures = self.reals.as_ref().filter(|_| self.generated.is_some()).map(|set| &set.dataset);
        of_pictures.or_else(|| self.painted())
    }

    /// Refuses two sets of pictures that a metric cannot compare, and says where they are one.
    pub(super) fn check_pair(&self, plan: &Plan, networks: &FeatureNetworks, paths: &[PathBuf]) -> anyhow::Result<()> {
        match (&self.generated, &self.reals) {
            (Some(generated), Some(reals)) => check_pair(plan, networks, generated, reals, paths),
            _ => Ok(()),
        }
    }

    /// Nobody asked for the usual metrics by name: those in W are not missed where there is no W, and path lengths not
    /// where pictures are of maps.
    fn leave_out_what_needs_styles(&self, plan: &mut Plan, args: &Args) {
        let Some(candidate) = self.candidates.iter().find(|candidate| !candidate.model.generator().spec().mapping)
        else {
            return;
        };
        if !args.metrics.is_empty() {
            return;
        }
        let why = if candidate.maps().is_some() {
            plan.protocols
                .retain(|protocol| !matches!(protocol.needs().subject, SubjectKind::Mapping | SubjectKind::Generator));
            "paints label maps; path lengths are left out"
        } else {
            plan.protocols.retain(|protocol| protocol.needs().subject != SubjectKind::Mapping);
            "Progressive GAN maps latents to no styles; path lengths in W are left out"
        };
        say(&format!("{}: {why}", candidate.path.display()));
    }

    /// Painters paint all maps of the set, and know no truncation; a segmenter judges nobody else.
    fn check_painters(&self, plan: &mut Plan, args: &Args) -> anyhow::Result<()> {
        match self.candidates.iter().find(|candidate| candidate.maps().is_some()) {
            Some(painter) if args.trunc != 1. => {
                wrong!(
                    "--trunc {}: {} paints label maps and has no styles to truncate",
                    args.trunc,
                    painter.path.display()
                )
            }
            Some(_) if args.count.is_none() => {
                let all = |protocol: Protocol| if protocol.is_own() { protocol.with_all() } else { protocol };
                plan.protocols = std::mem::take(&mut plan.protocols).into_iter().map(all).collect();
            }
            None if args.segmenter.is_some() => {
                wrong!("--segmenter: it looks for label maps in pictures of them, and no network here paints any")
            }
            _ => {}
        }
        Ok(())
    }

    /// Opens the real pictures that the plan names, and gives conditional networks their labels.
    fn open_reals(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let generators = || self.candidates.iter().map(|candidate| candidate.model.generator());
        let sizes: Vec<_> = generators().map(|generator| generator.spec().img_size).collect();
        let labelled = generators().any(|generator| generator.spec().condition != ConditionSpec::None);
        let reals = plan.reals(&sizes, labelled)?;
        self.reals = reals.map(|(name, dataset)| NamedSet { name, dataset: Arc::new(dataset) });
        let dataset = self.reals.as_ref().map(|set| set.dataset.as_ref());
        for candidate in &mut self.candidates {
            let classes = candidate.model.generator().spec().condition.label_dim();
            candidate.labels = dataset_source::labels(&candidate.path, dataset, classes)?;
        }
        Ok(())
    }
}

impl Candidate {
    /// The maps that it reads, if it paints any.
    fn maps(&self) -> Option<MapSpec> {
        self.model.config().map()
    }

    fn open(path: PathBuf, mixed: usize, device: &Device, precision: Precision) -> anyhow::Result<Self> {
        let model = Model::load(&path, device)?.in_precision(precision);
        check_channels(model.generator().spec().img_channels, &path.display().to_string())?;
        let rows = model.generator().spec().num_ws;
        if mixed > 1 && !model.generator().spec().mapping {
            wrong!("--mix {mixed}: {} maps latents to no styles that could be mixed", path.display());
        }
        if mixed > 1 && mixed > rows {
            wrong!("--mix {mixed}: {} has {rows} style rows to mix latents in", path.display());
        }
        tell_assumed(&model, path.display());
        let config = serde_json::to_string(model.config())?;
        let hash = model.content_hash().map(str::to_owned);
        Ok(Self { path, model, hash, config, labels: Vec::new() })
    }
}

impl NamedSet {
    fn images(&self) -> anyhow::Result<ImageSet<'_>> {
        dataset_source::images(&self.dataset, &self.name)
    }
}

/// Refuses two sets that a metric cannot compare, and says where they are one.
fn check_pair(
    plan: &Plan,
    networks: &FeatureNetworks,
    generated: &NamedSet,
    reals: &NamedSet,
    paths: &[PathBuf],
) -> anyhow::Result<()> {
    let (one, other) = (generated.dataset.as_ref(), reals.dataset.as_ref());
    let available = Available {
        subject: SubjectKind::Images,
        generated: Some(one.len()),
        reals: Some(other.len()),
        size: Some(one.image_size()),
        classifiers: false,
        networks,
    };
    for protocol in &plan.protocols {
        available.allow(protocol)?;
        if let Err(error) = available.allow_sizes(protocol, one.image_size(), other.image_size()) {
            wrong!("--images: {error} (stylegan data build does the one, --features with Inception the other)");
        }
    }
    let judged = plan.protocols.iter().any(|protocol| protocol.id.ends_with(SEEN));
    if let (true, [_, real]) = (judged, paths) {
        check_maps_of(real, other)?;
    }
    if let Some(protocol) = plan.protocols.iter().find(|protocol| protocol.is_of_pairs()) {
        dataset_source::check_pairs(protocol, [one, other], paths)?;
    }
    if one.hash()? == other.hash()? {
        say(&format!(
            "{} and {} hold the same pictures: what follows is about a set and itself",
            generated.name, reals.name
        ));
    }
    Ok(())
}
