//! The golden cases: files, label maps, weights by formula, comparisons.

use candle_core::{Device, Tensor};
use std::collections::HashMap;
use stylegan_core::Params;
use stylegan_core::layers::{BufferUpdates, Mode, SemanticMap, power_iteration};
use stylegan_core::pix2pixhd::Pix2PixHdConfig;
use stylegan_core::spade::{MultiscaleDiscriminatorConfig, SpadeConfig};
use stylegan_kernels::Labels;
use stylegan_kernels::label::instance_edges;
use stylegan_tests::golden::{Place, assert_close, max_abs, uniforms};

pub(crate) const CPU: Device = Device::Cpu;

/// Tensors of a file, by name.
pub(crate) struct Tensors(pub HashMap<String, Tensor>);

impl Tensors {
    pub(crate) fn load(file: &str) -> Self {
        let path = format!("{}/golden/spade/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
        Self(candle_core::safetensors::load(path, &CPU).expect(file))
    }

    pub(crate) fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("no tensor `{name}`"))
    }

    /// At a place.
    pub(crate) fn at(&self, name: &str, place: &Place) -> Tensor {
        place.take(self.get(name))
    }

    /// Entries whose names start with `prefix`, which is cut off.
    pub(crate) fn below(&self, prefix: &str) -> Vec<(String, &Tensor)> {
        let mut all: Vec<_> =
            self.0.iter().filter_map(|(name, t)| Some((name.strip_prefix(prefix)?.to_owned(), t))).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// The maps `{prefix}label` with the edges of `{prefix}instance`, if there are any.
    pub(crate) fn map(&self, prefix: &str, classes: usize) -> SemanticMap {
        let edges = self.0.get(&format!("{prefix}instance")).map(|ids| instance_edges(ids).unwrap());
        Labels::new(self.get(&format!("{prefix}label")), edges.as_ref(), classes).unwrap().into()
    }
}

/// The weights of a case, without counters.
pub(crate) fn weights(case: &str, place: &Place) -> Params {
    let all = Tensors::load(&format!("{case}.weights")).0;
    let own = all.into_iter().filter(|(_, t)| t.dtype().is_float());
    Params::from_tensors(own.map(|(name, t)| (name, place.take(&t)))).unwrap()
}

/// The weights and buffers that `build` asks for, by the formula of `prefix` and their names.
pub(crate) fn by_formula(prefix: &str, place: &Place, build: impl Fn(&Params)) -> Params {
    let params = Params::new(0, place.dtype, &place.device);
    build(&params);
    for (name, var) in params.vars() {
        let shape = var.dims();
        let fan_in: usize = shape.iter().skip(1).product();
        let text = format!("{prefix}{name}");
        let uniform = uniforms(&text, var.elem_count());
        let signed = uniform.clone().map(|u| 2. * u - 1.);
        let length = signed.clone().map(|s| s * s).sum::<f64>().sqrt();
        let values: Vec<f32> = match name.rsplit('.').next() {
            Some("running_var") => uniform.map(|u| (1. + 0.5 * u) as f32).collect(),
            Some("weight_u" | "weight_v") => signed.map(|s| (s / length) as f32).collect(),
            _ if shape.len() > 1 => signed.map(|s| (s * (6. / fan_in as f64).sqrt()) as f32).collect(),
            _ => signed.map(|s| (0.1 * s) as f32).collect(),
        };
        var.set(&place.take(&Tensor::from_vec(values, shape, &CPU).unwrap())).unwrap();
    }
    params
}

/// Writes buffers.
pub(crate) fn set(params: &Params, buffers: Vec<(String, &Tensor)>) {
    for (name, value) in buffers {
        let var = params.get(&name).unwrap_or_else(|| panic!("no buffer {name}"));
        var.set(&value.to_dtype(params.dtype()).unwrap().to_device(params.device()).unwrap()).unwrap();
    }
}

/// The generator of `g_normal`.
pub(crate) fn small() -> SpadeConfig {
    SpadeConfig { img_size: [64, 64], classes: 6, channels: 4, ..SpadeConfig::default() }
}

/// The discriminator of `d_multiscale`.
pub(crate) fn patches() -> MultiscaleDiscriminatorConfig {
    MultiscaleDiscriminatorConfig {
        img_size: [64, 64],
        classes: 6,
        channels: 8,
        ..MultiscaleDiscriminatorConfig::default()
    }
}

/// The generator of `pix2pixhd_g`.
pub(crate) fn pix2pixhd() -> Pix2PixHdConfig {
    Pix2PixHdConfig {
        img_size: [32, 48],
        classes: 6,
        channels: 4,
        downsamplings: 3,
        blocks: 2,
        spectral: true,
        ..Pix2PixHdConfig::default()
    }
}

/// Its weights.
pub(crate) fn weights_of_pix2pixhd(place: &Place) -> Params {
    let stored = Tensors::load("pix2pixhd_g.weights");
    let own = stored.below("").into_iter();
    let own = own.map(|(name, t)| (ours(&name, 3, 2).unwrap(), place.take(t)));
    Params::from_tensors(own).unwrap()
}

/// Tensors of the SPADE repository's generator under our names.
pub(crate) fn ours(name: &str, downs: usize, blocks: usize) -> Option<String> {
    let mut parts = name.strip_prefix("model.")?.splitn(2, '.');
    let (index, rest) = (parts.next()?.parse::<usize>().ok()?, parts.next()?);
    let (first_block, first_up) = (3 + 2 * downs, 3 + 2 * downs + blocks);
    let end = first_up + 2 * downs;
    let module = match index {
        1 => "input".into(),
        i if i < first_block => format!("down_{}", (i - 3) / 2),
        i if i < first_up => {
            let (layer, rest) = rest.strip_prefix("conv_block.")?.split_once('.')?;
            let layer = if layer == "1" { 0 } else { 1 };
            return Some(format!("block_{}.layer_{layer}.conv.{}", i - first_block, rest.strip_prefix("0.")?));
        }
        i if i < end => format!("up_{}", (i - first_up) / 2),
        _ => return Some(format!("output.conv.{rest}")),
    };
    Some(format!("{module}.conv.{}", rest.strip_prefix("0.")?))
}

/// Runs a pass in training mode as the original does: a power iteration, the pass, then its buffers.
pub(crate) fn train(params: &Params, pass: impl FnOnce(Mode) -> Tensor) -> Tensor {
    power_iteration(params).unwrap();
    let updates = BufferUpdates::default();
    let result = pass(Mode::Train(&updates));
    updates.store(params).unwrap();
    result
}

/// Fails when shapes differ or a number differs by more than `bound`, relative to the largest expected one if
/// that is above 1.
#[track_caller]
pub(crate) fn within(what: &str, found: &Tensor, expected: &Tensor, bound: f64) {
    assert_close(what, found, expected, bound * max_abs(expected).max(1.));
}
