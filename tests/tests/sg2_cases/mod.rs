//! The golden cases of `golden/sg2`: files, configurations, comparisons.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod networks;
pub(crate) mod training;

use candle_core::{Device, Tensor};
use serde_json::Value;
use std::collections::HashMap;
use stylegan_core::Params;
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig, Topology};
use stylegan_tests::golden::{Place, largest_difference, values};

/// Tensors of a file, by name.
pub(crate) struct Tensors(HashMap<String, Tensor>);

impl Tensors {
    pub(crate) fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("no tensor `{name}`"))
    }

    /// At a place.
    pub(crate) fn at(&self, name: &str, place: &Place) -> Tensor {
        place.take(self.get(name))
    }

    pub(crate) fn scalar(&self, name: &str) -> f64 {
        values(self.get(name))[0]
    }

    /// Entries whose names start with `prefix`, which is cut off, in order.
    pub(crate) fn below(&self, prefix: &str) -> Vec<(String, &Tensor)> {
        let mut all: Vec<_> =
            self.0.iter().filter_map(|(name, t)| Some((name.strip_prefix(prefix)?.to_owned(), t))).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

fn path(file: &str) -> String {
    format!("{}/golden/sg2/{file}", env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn tensors(file: &str) -> Tensors {
    Tensors(candle_core::safetensors::load(path(&format!("{file}.safetensors")), &Device::Cpu).expect(file))
}

pub(crate) fn json(case: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(&format!("{case}.json"))).expect(case)).expect(case)
}

/// The weights of a case.
pub(crate) fn weights(case: &str, place: &Place) -> Params {
    let all = tensors(&format!("{case}.weights")).0;
    Params::from_tensors(all.into_iter().map(|(name, t)| (name, place.take(&t)))).unwrap()
}

fn number(value: &Value, default: usize) -> usize {
    value.as_u64().map_or(default, |n| n as usize)
}

fn topology(value: &Value) -> Topology {
    serde_json::from_value(value.clone()).unwrap()
}

/// A generator's configuration from the official code's arguments.
pub(crate) fn generator_config(kwargs: &Value) -> StyleGan2Config {
    let (mapping, synthesis) = (&kwargs["mapping_kwargs"], &kwargs["synthesis_kwargs"]);
    let default = StyleGan2Config::default();
    StyleGan2Config {
        img_size: [number(&kwargs["img_resolution"], 0); 2],
        img_channels: number(&kwargs["img_channels"], 3),
        z_dim: number(&kwargs["z_dim"], 0),
        c_dim: number(&kwargs["c_dim"], 0),
        w_dim: number(&kwargs["w_dim"], 0),
        mapping_layers: number(&mapping["num_layers"], 8),
        topology: topology(&synthesis["architecture"]),
        channel_base: number(&synthesis["channel_base"], 0),
        channel_max: number(&synthesis["channel_max"], 0),
        conv_clamp: synthesis["conv_clamp"].as_f64(),
        ..default
    }
}

/// A discriminator's configuration from the official code's arguments.
pub(crate) fn discriminator_config(kwargs: &Value) -> StyleGan2DiscriminatorConfig {
    let epilogue = &kwargs["epilogue_kwargs"];
    StyleGan2DiscriminatorConfig {
        img_size: [number(&kwargs["img_resolution"], 0); 2],
        img_channels: number(&kwargs["img_channels"], 3),
        c_dim: number(&kwargs["c_dim"], 0),
        cmap_width: kwargs["cmap_dim"].as_u64().map(|n| n as usize),
        mapping_layers: number(&kwargs["mapping_kwargs"]["num_layers"], 8),
        topology: topology(&kwargs["architecture"]),
        channel_base: number(&kwargs["channel_base"], 0),
        channel_max: number(&kwargs["channel_max"], 0),
        conv_clamp: kwargs["conv_clamp"].as_f64(),
        // The official `None` is the whole batch: any group larger than it.
        mbstd_group: number(&epilogue["mbstd_group_size"], 1 << 16),
        mbstd_channels: number(&epilogue["mbstd_num_channels"], 1),
        ..StyleGan2DiscriminatorConfig::default()
    }
}

/// `|a - b| / |b|` in the l2 norm over all tensors together; a zero `b` wants a zero `a`.
pub(crate) fn relative_l2<'a>(pairs: impl IntoIterator<Item = (&'a Tensor, &'a Tensor)>) -> f64 {
    let (mut difference, mut norm) = (0., 0.);
    for (a, b) in pairs {
        assert_eq!(a.dims(), b.dims());
        for (a, b) in values(a).iter().zip(values(b)) {
            difference += (a - b) * (a - b);
            norm += b * b;
        }
    }
    if difference == 0. { 0. } else { (difference / norm).sqrt() }
}

/// Fails with the names and both numbers when `found` exceeds `bound` (or is NaN).
#[track_caller]
pub(crate) fn within(what: &str, found: f64, bound: f64) {
    println!("{what}: {found:.2e} of {bound:.2e}");
    assert!(found <= bound, "{what}: differs by {found:.3e}, allowed {bound:.3e}");
}
