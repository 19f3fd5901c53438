//! The network that a verb works with, and the options that choose and steer it.

use crate::exit::wrong;
use crate::status::{Progress, say};
use crate::writer::{Text, software};
use candle_core::{DType, Device, Tensor};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Metadata};
use stylegan_core::import::is_foreign;
use stylegan_core::latent::StreamKey;
use stylegan_core::{Condition, Generator, Model, NoiseLayers, NoiseSource, Sampler};
use stylegan_train::{checkpoints, folder, state};

/// Pixels that are computed at a time; pictures are handled in batches of about this many.
const BATCH_PIXELS: usize = 1 << 18;

/// The options of every verb that makes pictures.
#[derive(Debug, Clone, Args)]
pub(crate) struct NetworkArgs {
    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows, or the folder of
    /// a run: then its newest checkpoint.
    ///
    /// Example: --network runs/avatars-32
    #[arg(long, value_name = "FILE|RUN")]
    pub(crate) network: PathBuf,

    /// Truncation psi: styles are drawn towards their average by this factor. 1 leaves them as
    /// they are; 0.7 gives cleaner pictures with less variety; 0 is the average picture.
    ///
    /// Example: --trunc 0.7
    #[arg(long, value_name = "PSI", default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) trunc: f64,

    /// Truncates only the first K style rows (2 per resolution), as 8 did for the published FFHQ
    /// pictures [default: all rows]
    ///
    /// Example: --trunc 0.7 --trunc-cutoff 8
    #[arg(long, value_name = "K")]
    pub(crate) trunc_cutoff: Option<usize>,

    /// Noise inputs: the maps stored in the network, fresh ones for each picture, or none.
    #[arg(long, value_name = "KIND", value_enum, default_value_t = NoiseKind::Const)]
    pub(crate) noise: NoiseKind,

    /// Seed of fresh noise (with --noise random).
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) noise_seed: u64,

    /// Class of the pictures: its name, or its number, counted from 0. Networks trained with labels need
    /// one; `stylegan inspect` lists them.
    ///
    /// Example: --class nature
    #[arg(long, value_name = "NAME|N")]
    pub(crate) class: Option<String>,
}

/// Where the noise inputs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NoiseKind {
    /// The maps stored in the network, the same for every picture.
    Const,
    /// Fresh maps for each picture.
    Random,
    /// No noise.
    None,
}

/// A generator with the settings that steer it.
pub(crate) struct Network {
    file: PathBuf,
    model: Model,
    trunc: f64,
    trunc_cutoff: Option<usize>,
    noise: NoiseKind,
    noise_seed: u64,
    class: Option<usize>,
}

impl Network {
    /// Opens the network and checks that the settings fit it.
    pub(crate) fn open(args: &NetworkArgs) -> anyhow::Result<Self> {
        let path = checkpoint(&args.network)?;
        let foreign = is_foreign(&path)?;
        let loading = Progress::of_unknown_length("loading the network");
        if path == args.network && !foreign {
            Checkpoint::open(&path)?.verify()?;
        }
        let model = Model::load(&path, &Device::Cpu)?;
        drop(loading);
        if foreign {
            let source = model.metadata().and_then(|metadata| metadata.source.as_deref()).unwrap_or_default();
            say(&format!("{source}: converted in memory; `stylegan convert` keeps the result"));
        }
        let generator = model.generator();
        let name = path.display();
        let class = args.class.as_ref().map(|typed| class_of(typed, &model, &name.to_string())).transpose()?;
        if !args.trunc.is_finite() {
            wrong!("--trunc {}: psi is a finite number, commonly from 0 to 1", args.trunc);
        }
        if generator.w_avg().is_none() && args.trunc != 1.0 {
            wrong!("--trunc {}: {name} has no average style to truncate towards; leave --trunc out", args.trunc);
        }
        if let Some(cutoff) = args.trunc_cutoff
            && cutoff > generator.spec().num_ws
        {
            wrong!("--trunc-cutoff {cutoff}: {name} has {} style rows", generator.spec().num_ws);
        }
        Ok(Network {
            file: path,
            model,
            trunc: args.trunc,
            trunc_cutoff: args.trunc_cutoff,
            noise: args.noise,
            noise_seed: args.noise_seed,
            class,
        })
    }

    /// The file that it was read from.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The network itself.
    pub(crate) fn generator(&self) -> &dyn Generator {
        self.model.generator()
    }

    /// The element type it computes in.
    pub(crate) fn dtype(&self) -> DType {
        self.model.dtype()
    }

    /// Height and width of its pictures, in pixels.
    pub(crate) fn size(&self) -> [usize; 2] {
        self.generator().spec().img_size
    }

    /// Pictures that are computed at a time.
    pub(crate) fn batch(&self) -> usize {
        self.model.sampler().batch_size(BATCH_PIXELS, 32)
    }

    /// Whether styles exist between latents and pictures; Progressive GAN draws latents as they are.
    pub(crate) fn has_styles(&self) -> bool {
        self.generator().spec().mapping
    }

    /// What the files of pictures say of the network and its settings; docs/pictures.md explains it.
    pub(crate) fn text(&self) -> Text {
        let mut text = vec![software()];
        text.extend(self.model.content_hash().map(|hash| ("stylegan:network", hash.to_owned())));
        text.push(("stylegan:psi", self.trunc.to_string()));
        text.extend(self.trunc_cutoff.map(|cutoff| ("stylegan:psi-cutoff", cutoff.to_string())));
        text.extend(self.class.map(|class| ("stylegan:class", class.to_string())));
        let noise = match self.noise {
            NoiseKind::Const => "const".to_owned(),
            NoiseKind::Random => format!("random, seed {}", self.noise_seed),
            NoiseKind::None => "none".to_owned(),
        };
        text.push(("stylegan:noise", noise));
        text
    }

    /// The psi in force.
    pub(crate) fn truncation(&self) -> f64 {
        self.trunc
    }

    /// From now on with another psi.
    pub(crate) fn set_truncation(&mut self, psi: f64) {
        self.trunc = psi;
    }

    /// The chosen class as labels `[n, c_dim]`; `None` for networks without labels.
    pub(crate) fn labels(&self, n: usize) -> anyhow::Result<Option<Tensor>> {
        let classes = self.generator().spec().condition.label_dim();
        match self.class {
            _ if classes == 0 => Ok(None),
            None => {
                wrong!("this network was trained with labels; choose one with --class: {}", listed(&self.model))
            }
            Some(class) => Ok(self.model.labels(class, n)?),
        }
    }

    /// The sampler under the truncation in force.
    fn sampler(&self) -> Sampler<'_> {
        Sampler { psi: self.trunc, cutoff: self.trunc_cutoff, ..self.model.sampler() }
    }

    /// Latents `[n, z_dim]` (and labels) to style rows `[n, num_ws, w_dim]`, truncated.
    pub(crate) fn styles(&self, z: &Tensor, labels: Option<&Tensor>) -> anyhow::Result<Tensor> {
        Ok(self.sampler().styles(z, labels.into())?)
    }

    /// The latents `[n, z_dim]` of these seeds.
    pub(crate) fn latents(&self, seeds: &[u32]) -> anyhow::Result<Tensor> {
        Ok(self.model.latents(seeds)?)
    }

    /// Style rows `[n, num_ws, w_dim]`, truncated as the settings say.
    pub(crate) fn truncated(&self, ws: &Tensor) -> anyhow::Result<Tensor> {
        Ok(self.sampler().truncate(ws)?)
    }

    /// Style rows `[n, num_ws, w_dim]` to pictures `[n, c, h, w]`; `indices` choose the fresh noise
    /// of each, so that a picture does not depend on its neighbours.
    pub(crate) fn synthesize(&self, ws: &Tensor, indices: &[u64]) -> anyhow::Result<Tensor> {
        self.render(ws, indices, self.noise, NoiseLayers::All)
    }

    /// As [`synthesize`](Self::synthesize), with noise of another kind and in these layers only.
    pub(crate) fn render(
        &self,
        ws: &Tensor,
        indices: &[u64],
        noise: NoiseKind,
        layers: NoiseLayers,
    ) -> anyhow::Result<Tensor> {
        let noise = match noise {
            NoiseKind::Const => NoiseSource::Const,
            NoiseKind::Random => NoiseSource::Random(StreamKey::new(self.noise_seed, "command noise", 0)),
            NoiseKind::None => NoiseSource::None,
        };
        let sampler = Sampler { noise, noise_layers: layers, ..self.sampler() };
        let images = sampler.images(ws, Condition::None, indices)?;
        check_finite(&images, indices)?;
        Ok(images)
    }
}

/// Refuses pictures `[n, c, h, w]` that are not numbers, of which files would show black.
fn check_finite(images: &Tensor, indices: &[u64]) -> anyhow::Result<()> {
    // 0 times a number is 0, times NaN or infinity NaN.
    let zeros = (images * 0.)?.flatten_from(1)?.sum(1)?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    let Some(first) = zeros.iter().position(|zero| zero.is_nan()) else { return Ok(()) };
    anyhow::bail!(
        "the picture of seed or row {} is not finite (NaN or infinity), so nothing of it is written: the network's weights \
         or the latents are too large to compute with; training may have diverged, an earlier checkpoint may be whole",
        indices.get(first).copied().unwrap_or_default()
    );
}

/// The class that was typed: a name wins over a number.
fn class_of(typed: &str, model: &Model, network: &str) -> anyhow::Result<usize> {
    let classes = model.generator().spec().condition.label_dim();
    if classes == 0 {
        wrong!("{network} was trained without labels; leave --class out");
    }
    let named = model.classes().iter().position(|name| name == typed);
    match named.or_else(|| typed.parse().ok()).filter(|class| *class < classes) {
        Some(class) => Ok(class),
        None => wrong!("--class {typed}: {network} has {classes} classes: {}", listed(model)),
    }
}

/// The classes of a network, by name where they have names.
fn listed(model: &Model) -> String {
    let last = model.generator().spec().condition.label_dim().saturating_sub(1);
    match &model.classes()[..] {
        [] => format!("0 to {last}"),
        names => format!("{} (0 to {last})", names.join(", ")),
    }
}

/// Refuses addresses and what does not exist.
pub(crate) fn check_exists(path: &Path) -> anyhow::Result<()> {
    let name = path.to_string_lossy();
    if name.contains("://") {
        let file = name.rsplit('/').next().unwrap_or_default();
        wrong!("{name} is an address: download it first (curl -LO {name}), then give the file {file}");
    }
    if !path.exists() {
        wrong!("{name}: there is no such file or folder");
    }
    Ok(())
}

/// The checkpoint that `path` means: itself, or the newest of a run's folder that is whole.
pub(crate) fn checkpoint(path: &Path) -> anyhow::Result<PathBuf> {
    check_exists(path)?;
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let config = folder::config(path).and_then(Result::ok);
    let of_the_run = |about: &Metadata| config.as_ref().map_or(Ok(()), |config| state::is_of(config, about));
    let (found, passed) = checkpoints::newest(path, of_the_run)?;
    // Folders of released networks have their newest, too.
    let found = found.map(|checkpoint| checkpoint.path().to_path_buf());
    let found = found.or_else(|| passed.iter().find(|file| !file.damaged).map(|file| file.path.clone()));
    let Some(found) = found else {
        match passed.first() {
            Some(newest) => wrong!("{}: no checkpoint here is whole ({})", path.display(), newest.why),
            None => wrong!(
                "{}: this folder holds no network-<kimg>.safetensors; give a file or the folder of a run",
                path.display()
            ),
        }
    };
    for newer in passed.iter().take_while(|newer| newer.path != found) {
        say(&format!("warning: {}; {} is used", newer.why, found.display()));
    }
    Ok(found)
}
