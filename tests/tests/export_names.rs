//! Converting and going back to another program's names gives every tensor as it was, byte for byte,
//! with the constant filters that `load_state_dict` asks for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sg2_cases;

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::path::PathBuf;
use stylegan_core::export::{Naming, state_dict};
use stylegan_core::import::import;
use stylegan_core::pggan::PgganConfig;
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, NetworkConfig};
use stylegan_tests::golden::Place;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/rosinality")).join(name)
}

fn bits(tensor: &Tensor) -> (Vec<usize>, Vec<u32>) {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    (tensor.dims().to_vec(), values.into_iter().map(f32::to_bits).collect())
}

#[test]
fn rosinality_and_back() {
    let imported = import(golden("stylegan2.pt")).unwrap();
    for (prefix, reference) in [("G_ema", "stylegan2_g"), ("D", "stylegan2_d")] {
        let own = imported.tensors.iter().filter_map(|(name, tensor)| {
            Some((name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned(), tensor.clone()))
        });
        let config = &imported.metadata.networks[prefix];
        let mut found: HashMap<_, _> =
            state_dict(config, &own.collect(), Naming::Rosinality).unwrap().into_iter().collect();
        let path = golden(&format!("{reference}.weights.safetensors"));
        let mut expected = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
        if prefix == "G_ema" {
            let io = candle_core::safetensors::load(golden("stylegan2.io.safetensors"), &Device::Cpu).unwrap();
            expected.insert("latent_avg".into(), io["latent_avg"].clone());
        }
        assert_eq!(found.len(), expected.len());
        for (name, tensor) in expected {
            assert_eq!(bits(&found.remove(&name).unwrap()), bits(&tensor), "{name}");
        }
    }
}

/// Names of the filters as the official code registers them, from the networks' own state
/// dictionaries.
#[test]
fn nvlabs_names_are_complete() {
    let g = |config| NetworkConfig::Generator(GeneratorConfig::StyleGan2(config));
    let d = |config| NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan2(config));
    let block = |name: &str, layers: &[&str]| -> Vec<String> {
        let own = std::iter::once(format!("{name}.resample_filter"));
        own.chain(layers.iter().map(|layer| format!("{name}.{layer}.resample_filter"))).collect()
    };
    let upper = ["8", "16", "32", "64"];
    let generator = |layers: &[&str]| -> Vec<String> {
        let blocks = upper.iter().flat_map(|r| block(&format!("synthesis.b{r}"), layers));
        blocks.chain(block("synthesis.b4", &["conv1"])).collect()
    };
    let discriminator = |layers: &[&str], last: &[&str]| -> Vec<String> {
        let blocks = upper.iter().flat_map(|r| block(&format!("b{r}"), layers));
        blocks.chain(last.iter().map(|layer| format!("{layer}.resample_filter"))).collect()
    };
    let json = |case: &str| sg2_cases::json(case)["kwargs"].clone();
    let cases = [
        ("g_skip", g(sg2_cases::generator_config(&json("g_skip"))), generator(&["conv0", "conv1"])),
        ("g_resnet", g(sg2_cases::generator_config(&json("g_resnet"))), generator(&["conv0", "conv1", "skip"])),
        (
            "d_resnet",
            d(sg2_cases::discriminator_config(&json("d_resnet"))),
            discriminator(&["conv0", "conv1", "skip"], &["b4.conv", "b64.fromrgb"]),
        ),
        (
            "d_skip",
            d(sg2_cases::discriminator_config(&json("d_skip"))),
            discriminator(&["conv0", "conv1", "fromrgb"], &["b4.conv", "b4.fromrgb"]),
        ),
    ];
    for (case, config, mut filters) in cases {
        let weights = sg2_cases::weights(case, &Place::cpu(DType::F32));
        let own: HashMap<String, Tensor> =
            weights.vars().into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
        let found = state_dict(&config, &own, Naming::Nvlabs).unwrap();
        let mut names: Vec<String> = Vec::new();
        for (name, tensor) in found {
            match own.get(&name) {
                Some(own) => assert_eq!(bits(&tensor), bits(own), "{case} {name}"),
                None => {
                    assert_eq!(tensor.to_vec2::<f32>().unwrap()[1], [3. / 64., 9. / 64., 9. / 64., 3. / 64.]);
                    names.push(name);
                }
            }
        }
        names.sort();
        filters.sort();
        assert_eq!(names, filters, "{case}");
    }
}

#[test]
fn what_other_programs_cannot_build_is_refused() {
    let older = NetworkConfig::Generator(GeneratorConfig::Pggan(PgganConfig::default()));
    let error = state_dict(&older, &HashMap::new(), Naming::Nvlabs).unwrap_err().to_string();
    assert!(error.contains("only StyleGAN2"), "{error}");
    let resnet = sg2_cases::generator_config(&sg2_cases::json("g_resnet")["kwargs"]);
    let resnet = NetworkConfig::Generator(GeneratorConfig::StyleGan2(resnet));
    let error = state_dict(&resnet, &HashMap::new(), Naming::Rosinality).unwrap_err().to_string();
    assert!(error.contains("skip architecture"), "{error}");
}
