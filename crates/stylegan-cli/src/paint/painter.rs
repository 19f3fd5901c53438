//! The network that paints, and what it expects of maps.

use crate::assumed::tell_assumed;
use crate::exit::wrong;
use crate::network::{BATCH_PIXELS, open_model};
use crate::picture_settings::first_not_finite;
use crate::precision::PrecisionArgs;
use crate::status::{Progress, say};
use crate::writer::{Text, made_by};
use candle_core::{DType, Device, Tensor};
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::Metadata;
use stylegan_core::layers::SemanticMap;
use stylegan_core::{Condition, MapSpec, Model};
use stylegan_kernels::Labels;
use stylegan_train::data::NO_CLASS;

/// A generator that paints maps.
pub(crate) struct Painter {
    file: PathBuf,
    model: Model,
    spec: MapSpec,
}

impl Painter {
    /// Opens the network of a file or a run, on a device.
    pub(crate) fn open(network: &Path, device: &Device, precision: PrecisionArgs) -> anyhow::Result<Self> {
        let loading = Progress::of_unknown_length("loading the network");
        let (file, foreign, model) = open_model(network, device)?;
        drop(loading);
        let precision = precision.chosen(device)?;
        if foreign {
            say(&format!("{}: converted in memory; `stylegan convert` keeps the result", file.display()));
        }
        tell_assumed(&model, file.display());
        Self::of(file, model.in_precision(precision))
    }

    /// The painter of an open network.
    pub(crate) fn of(file: PathBuf, model: Model) -> anyhow::Result<Self> {
        let Some(spec) = model.config().map() else {
            wrong!("{} makes pictures of latents and reads no maps; `stylegan generate` draws them", file.display());
        };
        Ok(Self { file, model, spec })
    }

    /// A class of a map as the network reads it; `None` for one that it does not know.
    pub(crate) fn class(&self, class: u8, no_class: Option<usize>) -> Option<u32> {
        match class {
            NO_CLASS => no_class.map(|none| none as u32),
            class => (usize::from(class) < self.spec.classes).then_some(class.into()),
        }
    }

    /// Whether a map of `[h, w]` pixels has the shape of the network's pictures; if not, why: the rest of a sentence.
    pub(crate) fn check_shape(&self, [h, w]: [usize; 2]) -> Result<(), String> {
        let [height, width] = self.size();
        if h * width == w * height {
            return Ok(());
        }
        Err(format!(
            "has {w}x{h} pixels (width x height), which is not the shape of the network's pictures, {width}x{height}; crop it, \
             or make it larger at its sides"
        ))
    }

    /// The file that it was read from.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The generator with its weights.
    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// Height and width of its pictures, in pixels.
    pub(crate) fn size(&self) -> [usize; 2] {
        self.model.generator().spec().img_size
    }

    /// Classes and edges that it reads.
    pub(crate) fn spec(&self) -> MapSpec {
        self.spec
    }

    /// Width of the latent that decides the style; 0 for networks that start from the map alone.
    pub(crate) fn z_dim(&self) -> usize {
        self.model.generator().spec().z_dim
    }

    /// The class that stands for pixels without one: as the file says, or the last where `named` classes have names
    /// and the network has one more, if that is known to be no channel of edges.
    pub(crate) fn no_class(&self, named: Option<usize>) -> Option<usize> {
        let metadata = self.model.metadata();
        let stated = metadata.and_then(Metadata::no_class);
        let names = named.or(Some(self.model.classes().len()).filter(|&names| names > 0));
        let edges_known = metadata.is_none_or(|metadata| metadata.assumed().all(|field| field != "edges"));
        stated
            .or(names.filter(|names| edges_known && names + 1 == self.spec.classes))
            .filter(|&class| class < self.spec.classes)
    }

    /// What maps are to be, in words.
    pub(crate) fn expects(&self, no_class: Option<usize>) -> String {
        let classes = self.spec.classes;
        let none = no_class.map(|class| format!(", where {class} (or {NO_CLASS}) is no class")).unwrap_or_default();
        let edges = if self.spec.edges { ", and edges between instances" } else { "" };
        format!("the network reads {classes} classes (0 to {}{none}){edges}", classes - 1)
    }

    /// Pictures that are computed at a time.
    pub(crate) fn batch(&self) -> usize {
        self.model.sampler().batch_size(BATCH_PIXELS, 32)
    }

    /// The latents `[n, z_dim]` of these seeds.
    pub(crate) fn latents(&self, seeds: &[u32]) -> anyhow::Result<Tensor> {
        Ok(self.model.latents(seeds)?)
    }

    /// Classes `[n, 1, h, w]` u32 (with edges `[n, 1, h, w]` u8) and latents `[n, z_dim]` to pictures `[n, c, h, w]`.
    pub(crate) fn paint(&self, classes: &Tensor, edges: Option<&Tensor>, z: Option<&Tensor>) -> anyhow::Result<Tensor> {
        let map = SemanticMap::from(Labels::new(classes, edges, self.spec.classes)?);
        let sampler = self.model.sampler();
        let n = map.batch()?;
        let ws = match z {
            Some(z) => sampler.styles(&z.to_dtype(self.model.dtype())?, Condition::None)?,
            None => Tensor::zeros((n, 0, 0), DType::F32, &Device::Cpu)?,
        };
        let images = sampler.images(&ws, Condition::Map(&map), &vec![0; n])?;
        if first_not_finite(&images)?.is_some() {
            anyhow::bail!(
                "{} paints values that are not finite (NaN or infinity), so nothing is written: its weights are too large \
                 to compute with; training may have diverged, an earlier checkpoint may be whole",
                self.file.display()
            );
        }
        Ok(images)
    }

    /// What the files of its pictures say of it.
    pub(crate) fn text(&self) -> Text {
        made_by(&self.model)
    }
}
