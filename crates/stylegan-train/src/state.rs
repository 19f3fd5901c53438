//! The full state of a run in a checkpoint: what is saved, and what must agree to go on from it.

use crate::config::{ByResolution, RecipeConfig};
use crate::data::{Dataset, Labels};
use crate::inputs::plan::Place;
use crate::recipe::{Recipe, RunConfig, RunSettings};
use crate::stats::Stats;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata, save};
use stylegan_core::{GeneratorConfig, NetworkConfig};
use stylegan_kernels::cpu_info::kernels_of;

/// Where a run stands. With what the recipe holds this is everything: random numbers and data order
/// are functions of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Generator steps done.
    pub(crate) step: u64,
    /// Real pictures shown to the discriminator.
    pub(crate) images: u64,
    /// Pictures at the last line of `stats.jsonl`.
    pub(crate) reported: u64,
    /// What was observed since that line.
    pub(crate) stats: Stats,
    /// What the watch over the run's health remembers.
    pub(crate) health: crate::health::Health,
    /// In a step, after its first move; an error may have ended the run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) partial: Option<Partial>,
}

/// Recipe and progress.
pub(crate) struct State {
    pub(crate) recipe: Box<dyn Recipe>,
    pub(crate) progress: Progress,
}

/// A step that was broken off: what its actions did before stands, and the rest is still to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Partial {
    /// Actions done.
    #[serde(alias = "moves")]
    pub(crate) actions: usize,
    /// Real pictures shown before the step.
    pub(crate) began: u64,
}

impl State {
    /// Where the run is.
    pub(crate) fn place(&self) -> Place {
        let Progress { step, images, ref partial, .. } = self.progress;
        match *partial {
            Some(Partial { actions, began }) => Place { step, images: began, actions },
            None => Place { step, images, actions: 0 },
        }
    }
}

/// Keys of [`Metadata::extra`].
const PROGRESS: &str = "progress";
/// The configuration, less what no step depends on.
const CONFIG: &str = "config";
/// After an optimiser's prefix: the step after which entries began that did not begin with it, by their names.
const BEGAN: &str = "began";
/// What the kernels ran on: the bits of a run depend on it.
const INSTRUCTION_SET: &str = "instruction_set";

/// What an optimiser's entries begin with: `opt_g` for that of `G`.
fn prefix(optimizer: &str) -> String {
    format!("opt_{}", optimizer.to_lowercase())
}

impl State {
    /// The state before the first step.
    pub(crate) fn new(config: &dyn RunConfig, dataset: &Dataset, device: &Device) -> Result<Self> {
        Ok(Self { recipe: config.recipe(dataset, None, device)?, progress: Progress::default() })
    }

    /// The state of a checkpoint that [`fits`]. What it lacks, because the configuration asks for more since, is as in a
    /// new run; the sentences say what that is.
    pub(crate) fn load(
        config: &dyn RunConfig,
        dataset: &Dataset,
        checkpoint: &Checkpoint,
        device: &Device,
    ) -> Result<(Self, Vec<String>)> {
        let bad = |problem: String| Error::Run { folder: checkpoint.path().to_owned(), problem };
        let metadata = checkpoint.metadata().ok_or_else(|| bad("has no metadata".into()))?;
        let text = |key: &str| metadata.extra.get(key).map(String::as_str).unwrap_or_default();
        let not_a_number = |key: &str| bad(format!("has {key} {:?} in its metadata, expected a number", text(key)));
        let progress = serde_json::from_str(text(PROGRESS))
            .map_err(|error| bad(format!("has progress in its metadata that cannot be read: {error}")))?;
        let (mut moments, mut numbers) = (vec![], vec![]);
        let mut recipe = config.recipe(dataset, Some(checkpoint), device)?;
        for (name, optimizer) in recipe.optimizers_mut() {
            let prefix = prefix(name);
            let key = format!("{prefix}.steps");
            let steps = text(&key).parse().map_err(|_| not_a_number(&key))?;
            let key = format!("{prefix}.{BEGAN}");
            let began = metadata.extra.get(&key).map_or(Ok(BTreeMap::new()), |text| serde_json::from_str(text));
            let began =
                began.map_err(|error| bad(format!("has {key} in its metadata that cannot be read: {error}")))?;
            optimizer.restore(steps, &began, |entry: &str| {
                let key = format!("{prefix}.{entry}");
                // Older versions put the prefix of the optimiser's own network before names where it moves another one too.
                let older = entry.split_once('.').map(|(part, of)| format!("{prefix}.{part}.{name}.{of}"));
                for key in [Some(&key), older.as_ref()].into_iter().flatten() {
                    if checkpoint.shape(key).is_some() {
                        return Ok(Some(checkpoint.tensor(key, &Device::Cpu)?));
                    }
                }
                moments.push(key);
                Ok(None)
            })?;
        }
        let value = |(key, start): (&'static str, f64)| match metadata.extra.get(key) {
            Some(text) => text.parse().map_err(|_| not_a_number(key)),
            None => {
                numbers.push(key.to_owned());
                Ok(start)
            }
        };
        let values: Vec<f64> = recipe.buffers().into_iter().map(value).collect::<Result<_>>()?;
        recipe.restore(&values);
        let anew = [anew(checkpoint, "number", &numbers), anew(checkpoint, "moment", &moments)];
        Ok((Self { recipe, progress }, anew.into_iter().flatten().collect()))
    }

    /// What the networks compute on.
    fn device(&self) -> &Device {
        self.recipe.networks().first().map_or(&Device::Cpu, |(_, params)| params.device())
    }

    /// Writes the state to a file.
    pub(crate) fn save(&self, settings: &RunSettings, dataset: &Dataset, path: &Path) -> Result<()> {
        let progress = serde_json::to_string(&self.progress)
            .map_err(|error| Error::Run { folder: path.to_owned(), problem: format!("cannot be written: {error}") })?;
        let mut extra = BTreeMap::from([
            (PROGRESS.to_owned(), progress),
            (CONFIG.to_owned(), settings.decisive.clone()),
            (INSTRUCTION_SET.to_owned(), kernels_of(self.device()).to_owned()),
        ]);
        for (name, optimizer) in self.recipe.optimizers() {
            extra.insert(format!("{}.steps", prefix(name)), optimizer.steps().to_string());
            let began = optimizer.began();
            if !began.is_empty() {
                extra.insert(format!("{}.{BEGAN}", prefix(name)), serde_json::json!(began).to_string());
            }
        }
        // Rust prints the shortest digits that read back as the same number.
        extra.extend(self.recipe.buffers().into_iter().map(|(key, value)| (key.to_owned(), value.to_string())));
        let stage = settings.schedule.at(self.place().images);
        let networks = settings.networks.of(self.recipe.resolution(&stage));
        let mut metadata = Metadata {
            kind: Kind::State,
            networks: networks.clone(),
            step: self.progress.step,
            images: self.progress.images,
            seed: settings.seed,
            dataset_hash: Some(dataset.hash()?.to_owned()),
            extra,
            ..Metadata::default()
        };
        if networks.values().any(grows) {
            metadata.set_lod(stage.lod);
        }
        if let Some(class) = settings.no_class {
            metadata.set_no_class(class);
        }
        if let Labels::Classes { names, .. } = dataset.labels()
            && networks.values().any(|network| c_dim(network) > 0)
            && !names.is_empty()
        {
            metadata.set_classes(names);
        }
        if let Some(table) = dataset.class_table()
            && networks.values().any(paints_maps)
        {
            metadata.set_classes(&table.names());
        }
        Ok(save(path, &metadata, &self.tensors())?)
    }

    /// A fingerprint of every tensor and number of the state, by name: equal on ranks that hold the same.
    pub(crate) fn fingerprints(&self) -> Result<Vec<(String, String)>> {
        let of = |(name, tensor): (String, Tensor)| Ok((name, format!("{:016x}", fingerprint(&tensor)?)));
        let mut all = self.tensors().into_iter().map(of).collect::<Result<Vec<_>>>()?;
        all.extend(self.recipe.buffers().into_iter().map(|(name, value)| (name.to_owned(), value.to_string())));
        let Progress { step, images, .. } = self.progress;
        all.extend([("step".to_owned(), step.to_string()), ("number of pictures".to_owned(), images.to_string())]);
        Ok(all)
    }

    fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut tensors = vec![];
        for (prefix, params) in self.recipe.networks() {
            let vars = params.vars().into_iter();
            tensors.extend(vars.map(|(name, var)| (format!("{prefix}.{name}"), var.as_detached_tensor())));
        }
        for (name, optimizer) in self.recipe.optimizers() {
            let moments = optimizer.state().into_iter();
            tensors.extend(moments.map(|(moment, tensor)| (format!("{}.{moment}", prefix(name)), tensor)));
        }
        tensors
    }
}

/// A word on what of a kind a checkpoint lacks.
fn anew(checkpoint: &Checkpoint, kind: &str, missing: &[String]) -> Option<String> {
    let (first, more) = (missing.first()?, missing.len() - 1);
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    Some(format!(
        "{} has no {kind} {first}{more}, which the settings ask for since: begun as in a new run",
        checkpoint.path().display()
    ))
}

/// A number that another value of any element changes.
fn fingerprint(tensor: &Tensor) -> Result<u64> {
    // As rustc hashes: each step is one to one in what was and in what comes.
    let add = |hash: u64, bits: u64| (hash.rotate_left(5) ^ bits).wrapping_mul(0x517c_c1b7_2722_0a95);
    let flat = tensor.flatten_all()?;
    Ok(match flat.dtype() {
        DType::F32 => flat.to_vec1::<f32>()?.iter().fold(0, |hash, x| add(hash, x.to_bits().into())),
        _ => flat.to_dtype(DType::F64)?.to_vec1::<f64>()?.iter().fold(0, |hash, x| add(hash, x.to_bits())),
    })
}

fn c_dim(network: &NetworkConfig) -> usize {
    match network {
        NetworkConfig::Generator(config) => config.c_dim(),
        NetworkConfig::Discriminator(config) => config.c_dim(),
        NetworkConfig::Encoder(_) | NetworkConfig::Segmenter(_) => 0,
    }
}

/// Whether the network is a generator that grows in itself.
fn grows(network: &NetworkConfig) -> bool {
    matches!(network, NetworkConfig::Generator(GeneratorConfig::StyleGan1(_) | GeneratorConfig::Pggan(_)))
}

/// Whether the network is a generator that paints label maps.
fn paints_maps(network: &NetworkConfig) -> bool {
    matches!(network, NetworkConfig::Generator(config) if config.map().is_some())
}

/// Whether a run of these networks and this seed can go on from a checkpoint; if not, why: the rest of
/// a sentence that begins with the file.
///
/// # Errors
/// That rest of a sentence.
pub fn is_of(
    networks: &ByResolution<BTreeMap<String, NetworkConfig>>,
    seed: u64,
    metadata: &Metadata,
) -> Result<(), String> {
    let other = |networks: &BTreeMap<String, NetworkConfig>| {
        let mut of_run = networks.iter();
        of_run.find(|(name, network)| metadata.networks.get(*name) != Some(network)).map(|(name, _)| name.clone())
    };
    if networks.values().all(|networks| other(networks).is_some())
        && let Some(name) = other(&networks.base)
    {
        return Err(format!(
            "was trained with another configuration of {name}; resume with the run's own config.toml, or start anew in \
             another folder"
        ));
    }
    if metadata.seed != seed {
        let (found, expected) = (metadata.seed, seed);
        return Err(format!("was trained with seed {found}, expected {expected}; resume with the same seed"));
    }
    Ok(())
}

/// [`is_of`], with pictures of this hash.
pub(crate) fn fits(settings: &RunSettings, dataset_hash: &str, metadata: &Metadata) -> Result<(), String> {
    is_of(&settings.networks, settings.seed, metadata)?;
    match metadata.dataset_hash.as_deref() {
        Some(hash) if hash == dataset_hash => Ok(()),
        other => Err(format!(
            "was trained on other pictures, or by other labels: the set's content hash was {}, found {dataset_hash} \
             (`stylegan data show SET` prints it); resume with the same set, or start anew in another folder",
            other.unwrap_or("(unknown)")
        )),
    }
}

/// A word on a checkpoint of a machine whose kernels round otherwise.
pub(crate) fn other_machine(metadata: &Metadata, device: &Device) -> Option<String> {
    let (before, here) = (metadata.extra.get(INSTRUCTION_SET)?, kernels_of(device));
    (before != here).then(|| {
        format!(
            "the run came from a machine with {before} kernels, this one has {here}: it goes on as well, but not to the \
             same bits"
        )
    })
}

/// A word on a checkpoint of a run in another precision than the settings say.
pub(crate) fn other_precision(checkpoint: &Checkpoint, settings: &RunSettings) -> Option<String> {
    let [before, here] = [config_of(checkpoint)?, RecipeConfig::from_json(&settings.decisive)?].map(|c| c.precision());
    (before != here).then(|| {
        format!("the run came with products in {before} and goes on in {here}: as well, but not to the same bits")
    })
}

/// The configuration that a checkpoint was trained with, as far as steps depend on it: what is
/// written, measured and shown may be others. `None` for checkpoints of older versions.
pub fn config_of(checkpoint: &Checkpoint) -> Option<RecipeConfig> {
    config_in(checkpoint.metadata()?)
}

/// As [`config_of`], of what a checkpoint says of itself: copies of its networks may say so still.
pub fn config_in(metadata: &Metadata) -> Option<RecipeConfig> {
    RecipeConfig::from_json(metadata.extra.get(CONFIG)?)
}
