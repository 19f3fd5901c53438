//! StyleGAN2 as TensorFlow pickled it. No such file can be shipped, so one is written here: the
//! weights of the PyTorch goldens (`golden/sg2`) under TensorFlow's names and in its layouts, as
//! the official converter reads them the other way round. It must give the goldens' results.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sg2_cases;

use candle_core::{DType, Device, Tensor};
use sg2_cases::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use stylegan_core::import::import;
use stylegan_core::{Model, NetworkConfig, Params, SynthesisOptions, build_discriminator};
use stylegan_tests::golden::{Place, largest_difference};
use stylegan_tests::pickle::Pickle;

const SINGLE: Place = Place::cpu(DType::F32);

/// `[o, i, h, w]` to `[h, w, i, o]`.
fn hwio(weight: &Tensor) -> Tensor {
    weight.permute((2, 3, 1, 0)).unwrap().contiguous().unwrap()
}

/// The same, turned by 180 degrees: upsampling convolutions of the generator.
fn turned(weight: &Tensor) -> Tensor {
    hwio(&weight.flip(&[2, 3]).unwrap())
}

/// TensorFlow's name, component and value of one of the generator's parameters.
fn generator_variable(name: &str, x: &Tensor) -> Option<(&'static str, String, Tensor)> {
    let transposed = || x.t().unwrap().contiguous().unwrap();
    let (module, part) = name.rsplit_once('.').unwrap();
    Some(match name.split('.').collect::<Vec<_>>()[..] {
        ["mapping", "w_avg"] => ("", "dlatent_avg".into(), x.clone()),
        ["mapping", "embed", "weight"] => ("mapping", "LabelEmbed/weight".into(), transposed()),
        ["mapping", "embed", "bias"] => ("mapping", "LabelEmbed/bias".into(), x.clone()),
        ["mapping", fc, part] => {
            let value = if part == "weight" { transposed() } else { x.clone() };
            ("mapping", format!("Dense{}/{part}", &fc[2..]), value)
        }
        [.., "resample_filter"] => return None,
        ["synthesis", "b4", "const"] => ("synthesis", "4x4/Const/const".into(), x.unsqueeze(0).unwrap()),
        ["synthesis", block, layer, ..] => {
            let r: usize = block[1..].parse().unwrap();
            let level = r.ilog2() as usize - 2;
            let (theirs, noise) = match (layer, level) {
                ("conv1", 0) => ("Conv", 0),
                ("conv0", _) => ("Conv0_up", (2 * level).wrapping_sub(1)),
                ("conv1", _) => ("Conv1", 2 * level),
                ("torgb", _) => ("ToRGB", 0),
                _ => ("Skip", 0),
            };
            let named = |part: &str| format!("{r}x{r}/{theirs}/{part}");
            let (name, value) = match (layer, &module[module.len() - 6..], part) {
                (_, "affine", "weight") => (named("mod_weight"), transposed()),
                (_, "affine", _) => (named("mod_bias"), (x - 1.).unwrap()),
                (_, _, "noise_const") => (format!("noise{noise}"), x.unsqueeze(0).unwrap().unsqueeze(0).unwrap()),
                ("conv0" | "skip", _, "weight") => (named("weight"), turned(x)),
                (_, _, "weight") => (named("weight"), hwio(x)),
                (_, _, part) => (named(part), x.clone()),
            };
            ("synthesis", name, value)
        }
        _ => panic!("{name}"),
    })
}

/// The same of the discriminator.
fn discriminator_variable(name: &str, x: &Tensor) -> Option<(&'static str, String, Tensor)> {
    let transposed = || if x.rank() == 2 { x.t().unwrap().contiguous().unwrap() } else { x.clone() };
    Some(match name.split('.').collect::<Vec<_>>()[..] {
        [.., "resample_filter"] => return None,
        ["mapping", "embed", part] => ("", format!("LabelEmbed/{part}"), transposed()),
        ["mapping", fc, part] => ("", format!("Mapping{}/{part}", &fc[2..]), transposed()),
        ["b4", "fc", part] => ("", format!("4x4/Dense0/{part}"), transposed()),
        ["b4", "out", part] => ("", format!("Output/{part}"), transposed()),
        [block, layer, part] => {
            let r = &block[1..];
            let theirs = match layer {
                "fromrgb" => "FromRGB",
                "conv" => "Conv",
                "conv0" => "Conv0",
                "conv1" => "Conv1_down",
                _ => "Skip",
            };
            ("", format!("{r}x{r}/{theirs}/{part}"), if x.rank() == 4 { hwio(x) } else { x.clone() })
        }
        _ => panic!("{name}"),
    })
}

type Rename = fn(&str, &Tensor) -> Option<(&'static str, String, Tensor)>;
type Variables = BTreeMap<&'static str, Vec<(String, Tensor)>>;

fn variables(case: &str, rename: Rename) -> Variables {
    let mut variables = Variables::new();
    for (name, var) in weights(case, &SINGLE).vars() {
        if let Some((component, name, value)) = rename(&name, var.as_tensor()) {
            variables.entry(component).or_default().push((name, value));
        }
    }
    variables
}

/// Pushes a pickled `dnnlib.tflib.network.Network` of version 4.
fn network(p: Pickle, function: &str, kwargs: &[(&str, f64)], variables: &Variables, name: &str) -> Pickle {
    let own = variables.get(name).map(Vec::as_slice).unwrap_or_default();
    p.object("dnnlib.tflib.network", "Network", |p| {
        p.dict(|p| {
            let p = p.text("version").int(4).text("name").text("G");
            let p = p.text("build_func_name").text(function).text("build_module_src").text("raise SystemExit");
            let p = p.text("static_kwargs").dict(|p| kwargs.iter().fold(p, |p, (k, v)| number(p.text(k), *v)));
            let p = p
                .text("variables")
                .list(|p| own.iter().fold(p, |p, (name, value)| p.tuple(|p| p.text(name).array(value))));
            p.text("components").dict(|p| {
                let parts = if name.is_empty() { &["mapping", "synthesis"][..] } else { &[] };
                parts
                    .iter()
                    .filter(|part| variables.contains_key(*part))
                    .fold(p, |p, part| network(p.text(part), "training.networks_stylegan2.part", &[], variables, part))
            })
        })
    })
}

/// An integer where it is one.
fn number(p: Pickle, value: f64) -> Pickle {
    if value.fract() == 0. { p.int(value as i32) } else { p.raw(b"G").raw(value.to_be_bytes()) }
}

/// `(G, D, Gs)` in a file, of the weights of two goldens.
fn file(folder: &Path, g: (&str, Rename), d: (&str, &str, Rename), c_dim: u32) -> PathBuf {
    let (g_variables, d_variables) = (variables(g.0, g.1), variables(d.1, d.2));
    let kwargs = [("resolution", 64.), ("num_channels", 3.), ("label_size", f64::from(c_dim))];
    let config = discriminator_config(&json(d.1)["kwargs"]);
    let mut d_kwargs = kwargs.to_vec();
    let reads_statistics = |(name, weight): &(String, Tensor)| {
        name == "4x4/Conv/weight" && weight.dim(2).unwrap() > weight.dim(3).unwrap()
    };
    let group = if d_variables[""].iter().any(reads_statistics) { config.mbstd_group } else { 1 };
    d_kwargs.extend([("mbstd_group_size", group as f64), ("mapping_lrmul", 0.01)]);
    d_kwargs.extend(config.conv_clamp.map(|clamp| ("conv_clamp", clamp)));
    let generator = |p| network(p, "training.networks_stylegan2.G_main", &kwargs, &g_variables, "");
    let discriminator = |p| network(p, &format!("training.networks_stylegan2.{}", d.0), &d_kwargs, &d_variables, "");
    let bytes = Pickle::new().tuple(|p| generator(discriminator(generator(p)))).stop();
    let path = folder.join("stylegan2.pkl");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn check(g: &str, d: &str, c_dim: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), (g, generator_variable), ("D_stylegan2", d, discriminator_variable), c_dim);
    same_results(&path, g, d, c_dim);
}

fn same_results(path: &Path, g: &str, d: &str, c_dim: u32) {
    // TensorFlow stores the bias of styles less 1, which costs it its last bits: ten times the
    // bound of the goldens themselves.
    let bound = |case: &str| 10. * 5. * json(case)["f32_vs_f64_maxabs"].as_f64().unwrap();
    let io = tensors(&format!("{g}.io"));
    let model = Model::load(path, &Device::Cpu).unwrap();
    let c = (c_dim > 0).then(|| io.at("c", &SINGLE));
    let ws = model.styles(io.get("z"), c.as_ref()).unwrap();
    let img = model.synthesize(&ws, &SynthesisOptions::default()).unwrap();
    within(&format!("{g} picture"), largest_difference(&img, io.get("img_const_f64")), bound(g));
    let cut = model.truncate(&ws, 0.7, Some(4)).unwrap();
    within(&format!("{g} psi"), largest_difference(&cut, io.get("ws_psi0.7_cut4")), bound(g));

    let imported = import(path).unwrap();
    let NetworkConfig::Discriminator(config) = &imported.metadata.networks["D"] else { panic!("D") };
    let own = imported.tensors.iter().filter_map(|(n, t)| Some((n.strip_prefix("D.")?.to_owned(), t.clone())));
    let params = Params::from_tensors(own).unwrap();
    let network = build_discriminator(config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    let io = tensors(&format!("{d}.io"));
    let c = (c_dim > 0).then(|| io.at("c", &SINGLE));
    let logits = network.logits(io.get("img"), c.as_ref().into(), 0.).unwrap();
    within(&format!("{d} logits"), largest_difference(&logits, io.get("logits_n8_f64")), bound(d));
}

#[test]
fn skip_generator_and_residual_discriminator() {
    check("g_skip", "d_resnet", 0);
}

#[test]
fn residual_generator_and_skip_discriminator() {
    check("g_resnet", "d_skip", 0);
}

#[test]
fn conditional_as_in_stylegan2_ada() {
    check("g_skip_cond", "d_resnet_cond", 3);
}

/// Networks that grew count their RGB layers from the largest one.
fn grown_generator_variable(name: &str, x: &Tensor) -> Option<(&'static str, String, Tensor)> {
    let (component, name, value) = generator_variable(name, x)?;
    Some((component, name.replace("64x64/ToRGB/", "ToRGB_lod0/"), value))
}

fn grown_discriminator_variable(name: &str, x: &Tensor) -> Option<(&'static str, String, Tensor)> {
    let (component, name, value) = discriminator_variable(name, x)?;
    Some((component, name.replace("64x64/FromRGB/", "FromRGB_lod0/"), value))
}

/// Their noise strengths stand with how far they have grown.
fn growing_generator_variable(name: &str, x: &Tensor) -> Option<(&'static str, String, Tensor)> {
    match name {
        "synthesis.b4.conv1.noise_strength" => {
            Some(("synthesis", "lod".into(), (x.zeros_like().unwrap() + 1.5).unwrap()))
        }
        _ => grown_generator_variable(name, x),
    }
}

/// Neither shortcuts nor RGB layers at each resolution: configurations B, C and D, grown up.
#[test]
fn configurations_b_to_d() {
    let folder = tempfile::tempdir().unwrap();
    let (g, d) = (("g_orig", grown_generator_variable as Rename), ("D_stylegan", "d_orig_clamp"));
    let path = file(folder.path(), g, (d.0, d.1, grown_discriminator_variable), 0);
    same_results(&path, g.0, d.1, 0);
    let growing = ("g_orig", growing_generator_variable as Rename);
    let path = file(folder.path(), growing, (d.0, d.1, grown_discriminator_variable), 0);
    let message = import(path).unwrap_err().to_string();
    assert!(message.contains("configuration B, C or D that is still growing (`synthesis/lod` is 1.5)"), "{message}");
}

fn bare_discriminator_variable(name: &str, x: &Tensor) -> Option<(&'static str, String, Tensor)> {
    let (component, name, value) = discriminator_variable(name, x)?;
    let bare = if name == "4x4/Conv/weight" { value.narrow(2, 0, value.dim(2).unwrap() - 1).unwrap() } else { value };
    Some((component, name, bare))
}

/// Programs leave the minibatch statistics out where a group is 1 or none.
#[test]
fn a_discriminator_without_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let (g, d) = (("g_skip", generator_variable as Rename), "d_resnet");
    let path = file(folder.path(), g, ("D_stylegan2", d, bare_discriminator_variable), 0);
    let imported = import(path).unwrap();
    let NetworkConfig::Discriminator(config) = &imported.metadata.networks["D"] else { panic!("D") };
    assert_eq!(config.mbstd_group(), 0);
    let own = imported.tensors.iter().filter_map(|(n, t)| Some((n.strip_prefix("D.")?.to_owned(), t.clone())));
    let params = Params::from_tensors(own).unwrap();
    let network = build_discriminator(config, params.frozen()).unwrap();
    assert_eq!(params.unused(), Vec::<String>::new());
    // No picture looks at another.
    let img = tensors(&format!("{d}.io")).get("img").clone();
    let all = network.logits(&img, None.into(), 0.).unwrap();
    let alone = network.logits(&img.narrow(0, 0, 1).unwrap(), None.into(), 0.).unwrap();
    within("logits", largest_difference(&all.narrow(0, 0, 1).unwrap(), &alone), 1e-4);
}
