//! The settings under which a network makes pictures: the same for verbs and for the studio.

use crate::writer::{Text, made_by};
use candle_core::{DType, Tensor};
use clap::ValueEnum;
use serde::Deserialize;
use stylegan_core::latent::StreamKey;
use stylegan_core::{Model, NoiseSource, Sampler};

/// How pictures are made of latents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PictureSettings {
    /// Truncation psi (StyleGAN, appendix B).
    pub(crate) psi: f64,
    /// Truncates only so many style rows; `None` all.
    pub(crate) cutoff: Option<usize>,
    /// Class of the pictures, from 0.
    pub(crate) class: Option<usize>,
    /// Noise inputs.
    pub(crate) noise: NoiseKind,
    /// Seed of fresh noise.
    pub(crate) noise_seed: u64,
}

/// Refuses a truncation psi that is no number, in words that follow what it was typed as.
pub(crate) fn check_psi(psi: f64) -> Result<(), String> {
    if psi.is_finite() { Ok(()) } else { Err(format!("{psi}: psi is a finite number, commonly from 0 to 1")) }
}

/// Where the noise inputs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NoiseKind {
    /// The maps stored in the network, the same for every picture.
    Const,
    /// Fresh maps for each picture.
    Random,
    /// No noise.
    None,
}

impl NoiseKind {
    /// As the files of pictures have it, with the seed of fresh noise.
    pub(crate) fn in_words(self, seed: u64) -> String {
        match self {
            NoiseKind::Const => "const".to_owned(),
            NoiseKind::Random => format!("random, seed {seed}"),
            NoiseKind::None => "none".to_owned(),
        }
    }
}

impl PictureSettings {
    /// The sampler of a network under these settings.
    pub(crate) fn sampler<'a>(&self, model: &'a Model) -> Sampler<'a> {
        let noise = match self.noise {
            NoiseKind::Const => NoiseSource::Const,
            NoiseKind::Random => NoiseSource::Random(StreamKey::new(self.noise_seed, "command noise", 0)),
            NoiseKind::None => NoiseSource::None,
        };
        Sampler { psi: self.psi, cutoff: self.cutoff, noise, ..model.sampler() }
    }

    /// What a sheet's pictures share, as its heading: class and psi, where they were chosen.
    pub(crate) fn heading(&self, model: &Model) -> String {
        let class = self.class.and_then(|class| Some(format!("Class {}", class_names(model).get(class)?)));
        let psi = (self.psi != 1.0).then(|| format!("psi {}", self.psi));
        class.into_iter().chain(psi).collect::<Vec<_>>().join(", ")
    }

    /// What the files of pictures say of the network and these settings; docs/pictures.md explains it.
    pub(crate) fn text(&self, model: &Model) -> Text {
        let mut text = made_by(model);
        text.push(("stylegan:psi", self.psi.to_string()));
        text.extend(self.cutoff.map(|cutoff| ("stylegan:psi-cutoff", cutoff.to_string())));
        if let Some(class) = self.class {
            // What `--class` takes: a name may be another class's number.
            let name = model.classes().get(class).cloned();
            text.extend(name.is_some().then(|| ("stylegan:class-number", class.to_string())));
            text.push(("stylegan:class", name.unwrap_or_else(|| class.to_string())));
        }
        text.push(("stylegan:noise", self.noise.in_words(self.noise_seed)));
        text
    }
}

/// The classes of a network in words: their names, or `class 0` and so on; none without labels.
pub(crate) fn class_names(model: &Model) -> Vec<String> {
    let names = model.classes();
    let name = |class| names.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
    (0..model.generator().spec().condition.label_dim()).map(name).collect()
}

/// The first of images `[n, c, h, w]` that is not finite (NaN or infinity), of which a file would show black.
pub(crate) fn first_not_finite(images: &Tensor) -> anyhow::Result<Option<usize>> {
    // 0 times a number is 0, times NaN or infinity NaN.
    let zeros = (images * 0.)?.flatten_from(1)?.sum(1)?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    Ok(zeros.iter().position(|zero| zero.is_nan()))
}
