//! An encoder, and what it is shown of a picture.

use super::Args;
use super::encoder_run::{EncoderRun, resize_factors, task};
use super::origin::Origin;
use super::picture::Picture;
use super::settings::Settings;
use super::targets::{Place, Reading};
use crate::exit::wrong;
use crate::network::{Network, checkpoint};
use crate::status::say;
use candle_core::{DType, Device, Tensor};
use std::path::Path;
use stylegan_core::latent::StreamKey;
use stylegan_core::{Generator, TrainedEncoder};
use stylegan_train::config::{Input, TaskConfig};
use stylegan_train::data::NO_CLASS;
use stylegan_train::inversion::digest;
use stylegan_train::recipe::encoder::{Source, input, visible};

/// An encoder with what it was trained to be shown.
pub(super) struct Encoder {
    network: TrainedEncoder,
    task: TaskConfig,
    /// How it is shown pictures.
    reading: Reading,
    /// Whether the files are what it is shown already.
    prepared: bool,
    /// Decides what is hidden of pictures.
    seed: u64,
    /// Passes of one that looks at what the network makes of its rows.
    iterations: Option<usize>,
}

/// Passes of an encoder of ReStyle, as published.
pub(super) const ITERATIONS: usize = 5;

impl Encoder {
    /// The encoder of a file or run, if it is for this network.
    pub(super) fn open(path: &Path, args: &Args, network: &Network) -> anyhow::Result<Self> {
        let (prepared, seed) = (args.prepared, args.seed);
        let file = checkpoint(path)?;
        let encoder = TrainedEncoder::load(&file, network.model().params().device())?;
        if let Err(error) = encoder.check_fits(network.generator().spec()) {
            wrong!("--encoder {}: {error}", path.display());
        }
        let run = EncoderRun::of(&file)?;
        if let Some(origin) = Origin::of(path, &file, run.as_ref(), encoder.content_hash())
            && let Some(why) = origin.refuses(network.model(), &format!("--network {}", args.network.display()))?
        {
            match run {
                Some(_) => wrong!("{why}"),
                // Others train released generators further, and go on using their encoders.
                None => say(&format!("note: {why}")),
            }
        }
        let mut task = task(run.as_ref(), &encoder);
        let any = run.is_none() && resize_factors(&encoder.options()["resize_factors"]).is_none();
        task.factors = vec![match args.factor {
            Some(factor) => known_factor(factor, &task, any.then_some(encoder.config().img_size), path)?,
            None => task.factors.iter().max().copied().unwrap_or(1),
        }];
        let iterations = match (encoder.config().head.is_iterative(), args.iterations) {
            (true, Some(0)) => wrong!("--iterations 0: give at least 1, commonly {ITERATIONS}"),
            (true, asked) => Some(asked.unwrap_or(ITERATIONS)),
            (false, None) => None,
            (false, Some(_)) => wrong!(
                "--iterations: the encoder {} finds the styles of a picture at once; leave it out",
                path.display()
            ),
        };
        if prepared && task.input == Input::Picture {
            wrong!("--prepared: the encoder {} looks at pictures as they are; leave it out", path.display());
        }
        if args.mask.is_some() && task.input != Input::Masked {
            wrong!(
                "--mask: the encoder {} was not trained to see parts of pictures (task.input = \"masked\"); leave --encoder out, \
                 so that the styles are searched for, or give one that was",
                path.display()
            );
        }
        Ok(Self { network: encoder, task, reading: Reading::of(run.as_ref()), prepared, seed, iterations })
    }

    /// Whether it looks at label maps, which no search could come nearer to.
    pub(super) fn reads_maps(&self) -> bool {
        self.task.input == Input::Map
    }

    /// Whether the files are the pictures that it is to make again, not sketches or the like.
    pub(super) fn shows_versions_of_pictures(&self) -> bool {
        !self.prepared && !self.reads_maps()
    }

    /// Height and width that it looks at pictures in, in pixels.
    pub(super) fn size(&self) -> [usize; 2] {
        self.network.config().img_size
    }

    /// Refuses a label map of classes that it does not know.
    pub(super) fn check_map(&self, place: &Place) -> anyhow::Result<()> {
        let (map, classes) = (place.stored_map()?, self.network.config().picture_channels());
        match map.first(|class| usize::from(class) >= classes) {
            None => Ok(()),
            Some((NO_CLASS, [x, y])) => wrong!(
                "{place} has pixels without a class, the first in column {x} of row {y}; the encoder reads {classes} classes (0 \
                 to {}), and none for those: paint over them",
                classes - 1
            ),
            Some((class, [x, y])) => wrong!(
                "{place} has class {class} in column {x} of row {y}; the encoder reads {classes} classes (0 to {}): paint over it",
                classes - 1
            ),
        }
    }

    /// Writes down what decides of its results for a picture.
    pub(super) fn note(&self, settings: &mut Settings, picture: &Picture) -> anyhow::Result<()> {
        settings.encoder(self.network.content_hash().unwrap_or("of unknown contents"));
        if let Some(passes) = self.iterations {
            settings.passes(passes);
        }
        if let (Input::Downscaled, [factor], false) = (self.task.input, &self.task.factors[..], self.prepared) {
            settings.shown(&format!("{factor} times smaller"));
        }
        if self.reads_maps() {
            // A table beside the file decides what the pixels mean.
            settings.shown(&format!("the map {}", digest([&self.shown(picture)?])?));
        } else if self.prepared {
            settings.shown("the file as it is");
        } else if self.task.input == Input::Masked {
            settings.shown(&format!("masked by seed {}", self.seed));
        }
        Ok(())
    }

    /// What it is shown of a picture, `[1, channels, h, w]` f32.
    fn shown(&self, picture: &Picture) -> anyhow::Result<Tensor> {
        let (place, config) = (&picture.place, self.network.config());
        let (size, channels) = (config.img_size, config.picture_channels());
        if let Some(mask) = &picture.mask {
            let kept = mask.kept(size)?.image;
            return Ok(place.shown(self.reading, size, channels)?.broadcast_mul(&kept)?);
        }
        let given = |c: usize| place.shown(self.reading, size, c);
        let (pictures, maps) = match (self.task.input, self.prepared) {
            (Input::Map, _) => {
                let map = Tensor::from_vec(place.map(size)?, (1, size[0], size[1]), &Device::Cpu)?;
                (Tensor::zeros((1, 3, size[0], size[1]), DType::F32, &Device::Cpu)?, Some(map))
            }
            (Input::Sketch, true) => return Ok(given(1)?.affine(0.5, 0.5)?),
            (_, true) | (Input::Picture, _) => return given(channels),
            (_, false) => (given(3)?, None),
        };
        let key = StreamKey::new(self.seed, "shown", 0);
        let source = Source { pictures: &pictures, maps: maps.as_ref(), key, indices: &[0] };
        match input(&self.task, channels, &source) {
            Ok(shown) => Ok(shown),
            Err(error) => wrong!("{place}: {error}"),
        }
    }

    /// What it is shown of a picture as an image `[1, 3, h, w]`, where that is not the picture itself.
    pub(super) fn visible(&self, picture: &Picture) -> anyhow::Result<Option<Tensor>> {
        if self.task.input == Input::Picture {
            return Ok(None);
        }
        Ok(Some(visible(&self.task, &self.shown(picture)?)?))
    }

    /// The style rows `[1, num_ws, w_dim]` of a picture for the network.
    pub(super) fn rows(&self, picture: &Picture, network: &Network) -> anyhow::Result<Tensor> {
        let rows = found(&self.network, &self.shown(picture)?, self.iterations, network.generator())?;
        Ok(rows.to_dtype(network.dtype())?)
    }
}

/// The style rows that an encoder finds of what it is shown, in `passes` passes if it takes several.
pub(super) fn found(
    encoder: &TrainedEncoder,
    shown: &Tensor,
    passes: Option<usize>,
    generator: &dyn Generator,
) -> anyhow::Result<Tensor> {
    match passes {
        None => Ok(encoder.encode(shown)?),
        Some(passes) => match encoder.refine(shown, generator, passes)?.pop() {
            Some(rows) => Ok(rows),
            None => wrong!("--iterations: give at least 1"),
        },
    }
}

/// A factor by which the encoder that was named as `path` has seen pictures made smaller; `any` is the size that it looks at
/// where its file does not say.
fn known_factor(factor: usize, task: &TaskConfig, any: Option<[usize; 2]>, path: &Path) -> anyhow::Result<usize> {
    if task.input != Input::Downscaled {
        wrong!("--factor: the encoder {} was not trained on small pictures; leave it out", path.display())
    }
    match any {
        Some([h, w]) if (1..=h.min(w)).contains(&factor) => Ok(factor),
        Some([h, w]) => wrong!("--factor {factor}: give 1 to {}, the pixels of what the encoder looks at", h.min(w)),
        None if task.factors.contains(&factor) => Ok(factor),
        None => {
            let known: Vec<String> = task.factors.iter().map(usize::to_string).collect();
            wrong!("--factor {factor}: the encoder {} was trained with {}", path.display(), known.join(", "))
        }
    }
}
