//! The network that a verb works with, and the options that choose and steer it.

use crate::assumed::tell_assumed;
use crate::class_number::{class_of, listed};
use crate::device::DeviceArgs;
use crate::exit::wrong;
use crate::models;
use crate::numbers::count;
use crate::picture_settings::{NoiseKind, PictureSettings, check_psi, class_names, first_not_finite};
use crate::precision::PrecisionArgs;
use crate::shell::quote;
use crate::status::{Progress, say};
use crate::writer::Text;
use candle_core::{DType, Device, Tensor};
use clap::Args;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Metadata};
use stylegan_core::import::is_foreign;
use stylegan_core::{Condition, Generator, Model, NoiseLayers, Sampler, StyleOffsets, SynthesisOptions};
use stylegan_train::{checkpoints, folder, state};

/// Pixels that are computed at a time; pictures are handled in batches of about this many.
pub(crate) const BATCH_PIXELS: usize = 1 << 18;

/// The options of every verb that makes pictures.
#[derive(Debug, Clone, Args)]
pub(crate) struct NetworkArgs {
    /// A checkpoint (.safetensors), a released file that `stylegan convert` knows, the folder of a run:
    /// then its newest checkpoint, or a name: `stylegan models` lists those that come with the program.
    ///
    /// Example: --network runs/avatars-32
    #[arg(long, value_name = "FILE|RUN|NAME")]
    pub(crate) network: PathBuf,

    /// Truncation psi: styles are drawn towards their average by this factor. 1 leaves them as
    /// they are; 0.7 gives cleaner pictures with less variety; 0 is the average picture.
    ///
    /// Example: --trunc 0.7
    #[arg(long, value_name = "PSI", default_value_t = 1.0)]
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

    /// Seed of fresh noise (with --noise random) [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) noise_seed: Option<u64>,

    /// Class of the pictures: its name, or its number, counted from 0. Networks trained with labels need
    /// one; `stylegan inspect` lists them.
    ///
    /// Example: --class nature
    #[arg(long, value_name = "NAME|N")]
    pub(crate) class: Option<String>,

    #[command(flatten)]
    pub(crate) device: DeviceArgs,

    #[command(flatten)]
    pub(crate) precision: PrecisionArgs,
}

impl NetworkArgs {
    /// Refuses options that would change nothing: a seed of noise where no noise is drawn, rows to truncate where none are.
    pub(crate) fn check_idle(&self) -> anyhow::Result<()> {
        match (self.noise_seed, self.trunc_cutoff) {
            (Some(seed), _) if self.noise != NoiseKind::Random => {
                wrong!("--noise-seed {seed} is for fresh noise; add --noise random, or leave it out")
            }
            (_, Some(cutoff)) if self.trunc == 1. => {
                wrong!(
                    "--trunc-cutoff {cutoff}: psi is 1, which truncates no row; give --trunc 0.7 or so, or leave the cutoff out"
                )
            }
            _ => Ok(()),
        }
    }

    /// The network as it is: no truncation, the noise maps stored in it.
    pub(crate) fn plain(network: &Path, class: Option<&str>, device: DeviceArgs, precision: PrecisionArgs) -> Self {
        Self {
            network: network.to_path_buf(),
            trunc: 1.,
            trunc_cutoff: None,
            noise: NoiseKind::Const,
            noise_seed: None,
            class: class.map(str::to_owned),
            device,
            precision,
        }
    }
}

/// A generator with the settings that steer it.
pub(crate) struct Network {
    file: PathBuf,
    model: Model,
    settings: PictureSettings,
}

impl Network {
    /// Opens the network and checks that the settings fit it.
    pub(crate) fn open(args: &NetworkArgs) -> anyhow::Result<Self> {
        let device = args.device.chosen()?;
        let precision = args.precision.chosen(&device)?;
        let loading = Progress::of_unknown_length("loading the network");
        let (path, foreign, model) = open_model(&args.network, &device)?;
        drop(loading);
        let model = model.in_precision(precision);
        if foreign {
            let source = model.metadata().and_then(|metadata| metadata.source.as_deref()).unwrap_or_default();
            say(&format!("{source}: converted in memory; `stylegan convert` keeps the result"));
        }
        let generator = model.generator();
        let name = path.display();
        if model.config().map().is_some() {
            wrong!(
                "{name} paints label maps: it has no styles, and nothing to show without a map: \
                 stylegan paint --network {} --map map.png",
                quote(&args.network)
            );
        }
        let class = args.class.as_ref().map(|typed| class_of(typed, &model, &name.to_string())).transpose()?;
        if let Err(problem) = check_psi(args.trunc) {
            wrong!("--trunc {problem}");
        }
        if generator.w_avg().is_none() && args.trunc != 1.0 {
            wrong!("--trunc {}: {name} has no average style to truncate towards; leave --trunc out", args.trunc);
        }
        if !generator.spec().mapping && args.noise != NoiseKind::Const {
            wrong!("--noise: {name} is a Progressive GAN, which has no noise inputs; leave it out");
        }
        if let Some(cutoff) = args.trunc_cutoff
            && cutoff > generator.spec().num_ws
        {
            wrong!("--trunc-cutoff {cutoff}: {name} has {}", count(generator.spec().num_ws as u64, "style row"));
        }
        tell_assumed(&model, name);
        Ok(Network {
            file: path,
            model,
            settings: PictureSettings {
                psi: args.trunc,
                cutoff: args.trunc_cutoff,
                class,
                noise: args.noise,
                noise_seed: args.noise_seed.unwrap_or(0),
            },
        })
    }

    /// The file that it was read from.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The generator with its weights.
    pub(crate) fn model(&self) -> &Model {
        &self.model
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

    /// Refuses networks without styles, for what is done in W: `doing` in the -ing form.
    pub(crate) fn check_styles(&self, doing: &str) -> anyhow::Result<()> {
        if self.has_styles() {
            return Ok(());
        }
        wrong!(
            "{} has no styles: {doing} needs a StyleGAN or StyleGAN2, which has a mapping network between latents and \
             pictures",
            self.file.display()
        )
    }

    /// What the files of pictures say of the network and its settings.
    pub(crate) fn text(&self) -> Text {
        self.settings.text(&self.model)
    }

    /// The settings that a sheet's pictures share, as its heading: class and psi, where they were chosen.
    pub(crate) fn heading(&self) -> String {
        self.settings.heading(&self.model)
    }

    /// The psi in force.
    pub(crate) fn truncation(&self) -> f64 {
        self.settings.psi
    }

    /// From now on with another psi.
    pub(crate) fn set_truncation(&mut self, psi: f64) {
        self.settings.psi = psi;
    }

    /// Its classes in words: their names, or `class 0` and so on; none for networks without labels.
    pub(crate) fn classes(&self) -> Vec<String> {
        class_names(&self.model)
    }

    /// From now on with this class, or with none.
    pub(crate) fn set_class(&mut self, class: Option<usize>) {
        self.settings.class = class;
    }

    /// The chosen class as labels `[n, c_dim]`; `None` for networks without labels.
    pub(crate) fn labels(&self, n: usize) -> anyhow::Result<Option<Tensor>> {
        let classes = self.generator().spec().condition.label_dim();
        match self.settings.class {
            _ if classes == 0 => Ok(None),
            None => {
                wrong!("this network was trained with labels; choose one with --class: {}", listed(&self.model))
            }
            Some(class) => Ok(self.model.labels(class, n)?),
        }
    }

    /// Latents `[n, z_dim]` (and labels) to style rows `[n, num_ws, w_dim]`, truncated.
    pub(crate) fn styles(&self, z: &Tensor, labels: Option<&Tensor>) -> anyhow::Result<Tensor> {
        Ok(self.settings.sampler(&self.model).styles(z, labels.into())?)
    }

    /// The latents `[n, z_dim]` of these seeds.
    pub(crate) fn latents(&self, seeds: &[u32]) -> anyhow::Result<Tensor> {
        Ok(self.model.latents(seeds)?)
    }

    /// Style rows `[n, num_ws, w_dim]`, truncated as the settings say.
    pub(crate) fn truncated(&self, ws: &Tensor) -> anyhow::Result<Tensor> {
        Ok(self.settings.sampler(&self.model).truncate(ws)?)
    }

    /// Style rows `[n, num_ws, w_dim]` to pictures `[n, c, h, w]`; `indices` choose the fresh noise
    /// of each, so that a picture does not depend on its neighbours.
    pub(crate) fn synthesize(&self, ws: &Tensor, indices: &[u64]) -> anyhow::Result<Tensor> {
        self.synthesize_moved(ws, &StyleOffsets::new(), indices)
    }

    /// As [`synthesize`](Self::synthesize), with `offsets` added to single channels of styles.
    pub(crate) fn synthesize_moved(
        &self,
        ws: &Tensor,
        offsets: &StyleOffsets,
        indices: &[u64],
    ) -> anyhow::Result<Tensor> {
        let sampler = self.settings.sampler(&self.model);
        let options = SynthesisOptions { offsets: Some(offsets), ..SynthesisOptions::default() };
        let images = sampler.images_with(ws, indices, options)?;
        check_finite(&images, indices)?;
        Ok(images)
    }

    /// As [`synthesize`](Self::synthesize), with noise of another kind and in these layers only.
    pub(crate) fn render(
        &self,
        ws: &Tensor,
        indices: &[u64],
        noise: NoiseKind,
        layers: NoiseLayers,
    ) -> anyhow::Result<Tensor> {
        let settings = PictureSettings { noise, ..self.settings.clone() };
        let sampler = Sampler { noise_layers: layers, ..settings.sampler(&self.model) };
        let images = sampler.images(ws, Condition::None, indices)?;
        check_finite(&images, indices)?;
        Ok(images)
    }
}

/// Refuses pictures `[n, c, h, w]` that are not numbers, of which files would show black.
fn check_finite(images: &Tensor, indices: &[u64]) -> anyhow::Result<()> {
    let Some(first) = first_not_finite(images)? else { return Ok(()) };
    anyhow::bail!(
        "the picture of seed or row {} is not finite (NaN or infinity), so nothing of it is written: the network's weights \
         or the latents are too large to compute with; training may have diverged, an earlier checkpoint may be whole",
        indices.get(first).copied().unwrap_or_default()
    );
}

/// Refuses addresses and what does not exist.
pub(crate) fn check_exists(path: &Path) -> anyhow::Result<()> {
    let remedy = "check its name, and from which folder the command is given";
    check_exists_or(path, || format!("{}: there is no such file or folder; {remedy}", path.display()))
}

/// As [`check_exists`], of a network, which may have a name.
pub(crate) fn check_network_exists(path: &Path) -> anyhow::Result<()> {
    let remedy = models::remedy(path);
    check_exists_or(path, || format!("{}: there is no such file or folder; {remedy}", path.display()))
}

/// As [`check_exists`], with a sentence of its own for what does not exist.
pub(crate) fn check_exists_or(path: &Path, missing: impl FnOnce() -> String) -> anyhow::Result<()> {
    let name = path.to_string_lossy();
    if name.contains("://") {
        let file = name.rsplit('/').next().unwrap_or_default();
        wrong!("{name} is an address: download it first (curl -LO {name}), then give the file {file}");
    }
    if !path.exists() {
        wrong!("{}", missing());
    }
    Ok(())
}

/// The generator of the [`checkpoint`] that `path` means, with its file, and whether another program wrote that.
pub(crate) fn open_model(path: &Path, device: &Device) -> anyhow::Result<(PathBuf, bool, Model)> {
    let file = checkpoint(path)?;
    let foreign = is_foreign(&file)?;
    // The newest of a folder was compared with its content hash when it was found, others are when they are loaded.
    let known = path.is_dir() && !foreign;
    let model =
        if known { Model::of_checkpoint(&Checkpoint::open(&file)?, device)? } else { Model::load(&file, device)? };
    Ok((file, foreign, model))
}

/// The checkpoint that `path` means: a network that comes with the program, itself, or the newest of a run's
/// folder that is whole.
pub(crate) fn checkpoint(path: &Path) -> anyhow::Result<PathBuf> {
    found_checkpoint(path).inspect(|file| tracing::info!("reads {}", file.display()))
}

fn found_checkpoint(path: &Path) -> anyhow::Result<PathBuf> {
    if let Some(file) = models::built_in(path)? {
        return Ok(file);
    }
    check_network_exists(path)?;
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let config = folder::config(path).and_then(Result::ok);
    let of_the_run = |about: &Metadata| {
        config.as_ref().map_or(Ok(()), |config| state::is_of(&config.networks(), config.seed(), about))
    };
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
