//! Where pictures come from: seeds, or latents in a file.

use crate::exit::wrong;
use crate::network::Network;
use crate::numbers::Numbers;
use anyhow::Context;
use candle_core::{DType, Device, Tensor};
use std::path::Path;
use stylegan_core::import::state_dict;
use stylegan_core::{broadcast_ws, printable};

/// The latents of a number of pictures.
pub(crate) enum Latents {
    /// One picture per seed: `numpy.random.RandomState(seed).randn(z_dim)`.
    Seeds(Vec<u32>),
    /// Rows of a file.
    Rows {
        /// `[n, z_dim]`, `[n, w_dim]` or `[n, num_ws, w_dim]`, f32.
        rows: Tensor,
        /// Whether `rows` are latents for the mapping network, and not styles.
        is_z: bool,
        /// `[n, c_dim]`, f32.
        labels: Option<Tensor>,
    },
}

impl Latents {
    /// The latents of these seeds.
    pub(crate) fn seeds(seeds: &Numbers) -> Self {
        Latents::Seeds(seeds.0.clone())
    }

    /// Reads tensor `z`, `w` or `ws`, and `label` if there is one, from a safetensors file, a NumPy file or
    /// what torch saved.
    pub(crate) fn open(path: &Path, network: &Network) -> anyhow::Result<Self> {
        let name = path.display();
        let tensors = match state_dict(path) {
            Err(error) => wrong!("--latents: {error}; a safetensors file (or NumPy's .npz) of z, w or ws is needed"),
            Ok(tensors) => tensors,
        };
        let (labels, tensors): (Vec<_>, Vec<_>) = tensors.into_iter().partition(|(name, _)| name == "label");
        let labels = labels.into_iter().next().map(|(_, labels)| labels);
        let (key, rows) = choose(tensors, network, path)?;
        let key = key.as_str();
        let generator = network.generator();
        let expected: &[usize] = match key {
            "z" => &[generator.spec().z_dim],
            "w" => &[generator.spec().w_dim],
            _ => &[generator.spec().num_ws, generator.spec().w_dim],
        };
        if rows.dims().first() == Some(&0) {
            wrong!("--latents {name}: tensor {key} has no rows, of which each is a picture");
        }
        if rows.rank() != expected.len() + 1 || &rows.dims()[1..] != expected {
            wrong!(
                "--latents {name}: tensor {key} has shape {:?}, this network takes [n, {}]",
                rows.dims(),
                list(expected)
            );
        }
        let rows = floats(&rows, key, path)?.to_dtype(network.dtype())?;
        let labels = labels
            .map(|labels| {
                label_rows(&labels, rows.dims()[0], generator.spec().condition.label_dim(), path)?
                    .to_dtype(network.dtype())
                    .map_err(anyhow::Error::from)
            })
            .transpose()?;
        Ok(Latents::Rows { rows, is_z: key == "z", labels })
    }

    /// Whether they are of a class of their own: labelled, or mapped to styles already.
    pub(crate) fn has_class(&self) -> bool {
        match self {
            Latents::Seeds(_) => false,
            Latents::Rows { is_z, labels, .. } => !is_z || labels.is_some(),
        }
    }

    /// Refuses a `class` that would change nothing of the latents of the file `path`.
    pub(crate) fn check_class(&self, class: &str, path: &Path) -> anyhow::Result<()> {
        if !self.has_class() {
            return Ok(());
        }
        let what = if matches!(self, Latents::Rows { is_z: true, .. }) { "labels" } else { "styles" };
        wrong!(
            "--class {class}: --latents {} holds {what}, so the class is given already; leave --class out",
            path.display()
        )
    }

    /// How many pictures there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Latents::Seeds(seeds) => seeds.len(),
            Latents::Rows { rows, .. } => rows.dims()[0],
        }
    }

    /// What tells picture `i` apart: its seed, or its row.
    pub(crate) fn index(&self, i: usize) -> u64 {
        match self {
            Latents::Seeds(seeds) => seeds[i].into(),
            Latents::Rows { .. } => i as u64,
        }
    }

    /// The file name of picture `i`.
    pub(crate) fn file_name(&self, i: usize) -> String {
        match self {
            Latents::Seeds(seeds) => format!("seed{:04}.png", seeds[i]),
            Latents::Rows { .. } => format!("row{i:04}.png"),
        }
    }

    /// What stands below picture `i` on a sheet.
    pub(crate) fn caption(&self, i: usize) -> String {
        match self {
            Latents::Seeds(seeds) => format!("seed {}", seeds[i]),
            Latents::Rows { .. } => format!("row {i}"),
        }
    }

    /// What the file of the pictures `start..start + len` says of their latents.
    pub(crate) fn text(&self, start: usize, len: usize) -> (&'static str, String) {
        match self {
            Latents::Seeds(seeds) => ("stylegan:seed", Numbers(seeds[start..start + len].to_vec()).to_string()),
            Latents::Rows { .. } => {
                ("stylegan:row", Numbers((start as u32..(start + len) as u32).collect()).to_string())
            }
        }
    }

    /// Style rows `[len, num_ws, w_dim]` of the pictures `start..start + len`, truncated.
    pub(crate) fn styles(&self, network: &Network, start: usize, len: usize) -> anyhow::Result<Tensor> {
        match self {
            Latents::Seeds(seeds) => {
                let z = network.latents(&seeds[start..start + len])?;
                network.styles(&z, network.labels(len)?.as_ref())
            }
            Latents::Rows { rows, is_z: true, labels } => {
                let labels = match labels {
                    Some(labels) => Some(labels.narrow(0, start, len)?.contiguous()?),
                    None => network.labels(len)?,
                };
                network.styles(&rows.narrow(0, start, len)?.contiguous()?, labels.as_ref())
            }
            Latents::Rows { rows, .. } => {
                let rows = rows.narrow(0, start, len)?;
                let ws = if rows.rank() == 2 { broadcast_ws(&rows, network.generator().spec().num_ws)? } else { rows };
                network.truncated(&ws)
            }
        }
    }
}

/// The rows among the tensors of a file, and what they are: `z`, `w` or `ws`. What projectors write is
/// known by its shape: rows of styles under the name `w`, or under any name where nothing else is there.
fn choose(mut tensors: Vec<(String, Tensor)>, network: &Network, path: &Path) -> anyhow::Result<(String, Tensor)> {
    let own = |(name, _): &(String, Tensor)| ["z", "w", "ws"].contains(&name.as_str());
    let generator = network.generator();
    let is_rows =
        |tensor: &Tensor| tensor.rank() == 3 && tensor.dims()[1..] == [generator.spec().num_ws, generator.spec().w_dim];
    let at = match tensors.iter().filter(|&entry| own(entry)).count() {
        1 => tensors.iter().position(own),
        0 if tensors.len() == 1 && is_rows(&tensors[0].1) => Some(0),
        _ => None,
    };
    let Some(at) = at else {
        let spec = generator.spec();
        // Styles of another network, as their shape shows.
        if let [(_, tensor)] = &tensors[..]
            && tensor.rank() != 2
        {
            wrong!(
                "--latents {} has shape {:?}, this network takes styles [n, {}, {}], or z [n, {}] and w [n, {}] by these names; \
                 give latents of this network",
                path.display(),
                tensor.dims(),
                spec.num_ws,
                spec.w_dim,
                spec.z_dim,
                spec.w_dim
            );
        }
        let shown =
            tensors.iter().take(4).map(|(name, tensor)| format!("`{:.40}` {:?}", printable(name), tensor.dims()));
        wrong!(
            "--latents {} must hold one of the tensors z, w and ws, and not more than one; it holds {}; name the right one \
             so, as numpy.savez(\"latents.npz\", w=array) does",
            path.display(),
            shown.collect::<Vec<_>>().join(", ")
        );
    };
    let (name, rows) = tensors.swap_remove(at);
    let key = if name != "z" && is_rows(&rows) { "ws".to_owned() } else { name };
    Ok((key, rows))
}

/// `tensor` as f32, if it is of a float type and finite.
fn floats(tensor: &Tensor, key: &str, path: &Path) -> anyhow::Result<Tensor> {
    if !tensor.dtype().is_float() {
        wrong!(
            "--latents {}: tensor {key} has element type {}, expected floats (f32, f64 or f16)",
            path.display(),
            tensor.dtype().as_str()
        );
    }
    let tensor = tensor.to_dtype(DType::F32)?;
    // 0 times a number is 0, times NaN or infinity NaN; the sum of the numbers themselves may overflow.
    if (&tensor * 0.)?.sum_all()?.to_scalar::<f32>()?.is_nan() {
        wrong!("--latents {}: tensor {key} holds values that are not finite", path.display());
    }
    Ok(tensor)
}

/// Labels as rows `[n, c_dim]`: given so, or as `n` class indices.
fn label_rows(labels: &Tensor, n: usize, classes: usize, path: &Path) -> anyhow::Result<Tensor> {
    let name = path.display();
    if classes == 0 {
        wrong!("--latents {name} holds labels, but this network was trained without");
    }
    if labels.dims() == [n, classes] && labels.dtype().is_float() {
        return floats(labels, "label", path);
    }
    if labels.dims() != [n] || labels.dtype().is_float() {
        wrong!(
            "--latents {name}: tensor label has shape {:?} of {}, expected [{n}, {classes}] of f32 or [{n}] class indices of i64",
            labels.dims(),
            labels.dtype().as_str()
        );
    }
    let indices = labels.to_dtype(DType::I64)?.to_vec1::<i64>().context("class indices")?;
    let mut rows = vec![0f32; n * classes];
    for (row, index) in rows.chunks_mut(classes).zip(indices) {
        match usize::try_from(index).ok().and_then(|index| row.get_mut(index)) {
            Some(place) => *place = 1.0,
            None => {
                wrong!("--latents {name}: class {index} in tensor label, this network has classes 0 to {}", classes - 1)
            }
        }
    }
    Ok(Tensor::from_vec(rows, (n, classes), &Device::Cpu)?)
}

fn list(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
