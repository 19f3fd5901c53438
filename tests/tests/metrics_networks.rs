//! Inception and LPIPS against the programs that defined them, with weights by formula.

#![allow(clippy::expect_used)]

mod metrics_cases;

use candle_core::{DType, Device, Tensor};
use metrics_cases::*;
use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use stylegan_core::import::state_dict;
use stylegan_metrics::features::{FeatureNetwork, FeatureNetworks, Lpips, PerceptualDistance, Resize, Trunk, Weights};

/// The formula itself, against numbers that were printed with it.
#[test]
fn formula_weights() -> Outcome {
    let found = formula("lpips_vgg/slice1.0.weight", &[64, 3, 3, 3], "weight")?.flatten_all()?.to_vec1::<f32>()?;
    assert_eq!(found[..3], [-0.222_755_76, 0.063_302_82, -0.434_642_97]);
    Ok(())
}

#[test]
fn inception_as_pytorch_fid() -> Outcome {
    inception_of_pytorch_fid(&Device::Cpu)
}

#[test]
fn inception_as_torch_fidelity() -> Outcome {
    inception_of_torch_fidelity(&Device::Cpu)
}

#[test]
fn lpips_vgg16() -> Outcome {
    lpips(Trunk::Vgg16, "lpips_vgg", &Device::Cpu)
}

#[test]
fn lpips_alexnet() -> Outcome {
    lpips(Trunk::AlexNet, "lpips_alex", &Device::Cpu)
}

#[test]
fn lpips_squeezenet() -> Outcome {
    lpips(Trunk::SqueezeNet, "lpips_squeeze", &Device::Cpu)
}

/// The same distances as another f64 run of the package's own network; f32 here.
#[test]
fn shift_tolerant_vgg16() -> Outcome {
    lpips(Trunk::ShiftTolerantVgg16, "stlpips_vgg", &Device::Cpu)
}

#[test]
fn vgg16_as_torch_fidelity() -> Outcome {
    let (x, features) = vgg16(&Device::Cpu)?;
    // The same weights as NVIDIA's programs name them, with heads of LPIPS.
    let mut convs = 0;
    let mut of_nvidia = Vec::new();
    for (name, tensor) in tensors("vgg16", "vgg16")? {
        let (_, part) = name.rsplit_once('.').ok_or("no part")?;
        convs += usize::from(name.starts_with("features.") && part == "weight");
        let layer = match name.split('.').collect::<Vec<_>>()[..2] {
            ["features", _] => format!("conv{convs}"),
            ["classifier", "0"] => "fc1".into(),
            _ => "fc2".into(),
        };
        of_nvidia.push((format!("layers.{layer}.{part}"), tensor));
    }
    for (t, c) in [64, 128, 256, 512, 512].into_iter().enumerate() {
        of_nvidia.push((format!("lpips{t}"), Tensor::ones((c, 1, 1), DType::F32, &Device::Cpu)?));
    }
    let networks = FeatureNetworks::with_weights(of_nvidia, &Device::Cpu)?;
    let network = networks.features("vgg16").ok_or("no network")?;
    assert_eq!(
        (network.name(), networks.distance("any").map(PerceptualDistance::name)),
        ("vgg16", Some("lpips-vgg16"))
    );
    close("features of NVIDIA's names", &network.features(&x)?, &features, 0.)
}

#[test]
fn vgg16_of_edges() -> Outcome {
    hed(&Device::Cpu)
}

#[test]
fn arcface_and_its_crop() -> Outcome {
    arcface(&Device::Cpu)
}

/// NVIDIA's TorchScript names are another layout of the same network.
#[test]
fn inception_of_nvidia() -> Outcome {
    let io = case("inception_torch_fidelity")?;
    let block = |name: &str| -> String {
        let blocks = ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"];
        let stem = ["1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3"];
        let number = |word: &str, i: usize| if i == 0 { word.to_owned() } else { format!("{word}_{i}") };
        let mixed = name.strip_prefix("Mixed_").and_then(|rest| blocks.iter().position(|b| *b == rest));
        let conv = name.strip_prefix("Conv2d_").and_then(|rest| stem.iter().position(|b| *b == rest));
        mixed.map(|i| number("mixed", i)).or(conv.map(|i| number("conv", i))).unwrap_or_default()
    };
    let branch = |block: &str, branch: &str| -> String {
        // Towers are counted in the order of the branches, convolutions within them; the last two blocks,
        // whose towers fork, spell them with underscores.
        let towers: &[&str] = match block {
            "Mixed_6a" => &["branch3x3dbl_"],
            "Mixed_7a" => &["branch3x3_", "branch7x7x3_"],
            "Mixed_5b" | "Mixed_5c" | "Mixed_5d" => &["branch5x5_", "branch3x3dbl_", "branch_pool"],
            "Mixed_7b" | "Mixed_7c" => &["branch3x3_", "branch3x3dbl_", "branch_pool"],
            _ => &["branch7x7_", "branch7x7dbl_", "branch_pool"],
        };
        let Some((tower, rest)) =
            towers.iter().enumerate().find_map(|(t, prefix)| branch.strip_prefix(prefix).map(|rest| (t, rest)))
        else {
            return "conv".into();
        };
        let tower = if tower == 0 { "tower".to_owned() } else { format!("tower_{tower}") };
        let last = match rest {
            "" | "1" => "conv".to_owned(),
            "2a" | "3a" => "mixed_conv".into(),
            "2b" | "3b" => "mixed_conv_1".into(),
            n => format!("conv_{}", n.parse::<usize>().map_or(0, |n| n - 1)),
        };
        let dot = if block == "Mixed_7b" || block == "Mixed_7c" { "_" } else { "." };
        format!("{tower}{dot}{last}")
    };
    let renamed = |name: &str| -> String {
        let parts: Vec<&str> = name.split('.').collect();
        let part = match parts[parts.len() - 2..] {
            ["conv", "weight"] => "weight",
            ["bn", "bias"] => "beta",
            ["bn", "running_mean"] => "mean",
            ["bn", "running_var"] => "var",
            _ => return name.replace("fc.", "output."),
        };
        match parts[..] {
            [own, _, _] => format!("layers.{}.{part}", block(own)),
            [own, of, _, _] => format!("layers.{}.{}.{part}", block(own), branch(own, of)),
            _ => name.to_owned(),
        }
    };
    // NVIDIA's file has no scales: those of the case go into variances, means stay, biases too.
    let case_tensors = tensors("inception_torch_fidelity", "tfid")?;
    let find = |name: &str| case_tensors.iter().find(|(own, _)| own == name).map(|(_, t)| t.clone());
    let mut given = Vec::new();
    for (name, tensor) in &case_tensors {
        if name.ends_with(".bn.weight") {
            continue;
        }
        let mut tensor = tensor.clone();
        if let Some(scale) = name.strip_suffix("running_var").and_then(|norm| find(&format!("{norm}weight"))) {
            // s / sqrt(v + eps) = 1 / sqrt(v' + eps)
            tensor = (((&tensor + 1e-3)? / scale.sqr()?)? - 1e-3)?;
        }
        given.push((renamed(name), tensor));
    }
    let networks = FeatureNetworks::with_weights(given, &Device::Cpu)?;
    let network = networks.features("inception-2015-12-05").ok_or("no network")?;
    assert_eq!(network.name(), "inception-2015-12-05");
    let x = ((io["x_u8"].to_dtype(DType::F32)? / 127.5)? - 1.)?;
    let features = network.features(&x)?;
    // Variances were rounded once more.
    close("features", &features, &io["f_2048"], 5e-5)?;
    close("logits", &network.class_logits(&features)?, &io["f_logits_unbiased"], 5e-5)
}

/// The preparations' resizing, shrinking, enlarging and both at once. Pillow and PyTorch add in another
/// order: 1e-3 of a grey level. clean-fid cuts to [0, 255].
#[test]
fn resizing() -> Outcome {
    let io = case("resize")?;
    let x = io["x_u8"].to_dtype(DType::F32)?;
    for (resize, name) in
        [(Resize::Pillow, "pilF_bicubic"), (Resize::TensorFlow1, "tf1_bilinear"), (Resize::PyTorch, "torch_bilinear")]
    {
        for (size, [w, h]) in [("down_wh24x30", [24, 30]), ("up_wh90x101", [90, 101]), ("mixed_wh40x99", [40, 99])] {
            let found = resize.apply(&x, h, w)?.clamp(0., 255.)?;
            close(&format!("{name} {size}"), &found, &io[&format!("{name}_{size}")], 1e-3 / 255.)?;
        }
    }
    Ok(())
}

/// Files are told by their names, alone or together; what nobody knows is refused.
#[test]
fn networks_of_files() -> Outcome {
    let named = |case: &str, prefix: &str, rename: &dyn Fn(&str) -> String| -> Result<Vec<_>, Box<dyn Error>> {
        tensors(case, prefix)?.into_iter().map(|(name, t)| Ok((rename(&name), t))).collect()
    };
    let mut all = named("inception_torch_fidelity", "tfid", &str::to_owned)?;
    // A torchvision trunk beside the heads of the package.
    all.extend(named("lpips_alex", "lpips_alex", &|name| format!("features.{}", &name["slice1.".len()..]))?);
    let heads = case("lpips_alex")?;
    for t in 0..5 {
        all.push((format!("lin{t}.model.1.weight"), heads[&format!("lin{t}.weight")].clone()));
    }
    let networks = FeatureNetworks::with_weights(all.clone(), &Device::Cpu)?;
    let features = |name: &str| networks.features(name).map(FeatureNetwork::name);
    assert_eq!(features("inception-clean-fid"), Some("inception-clean-fid"));
    assert_eq!(features("stlpips"), Some("stlpips"));
    assert_eq!(features("any"), Some("inception-2015-12-05"));
    assert_eq!(networks.distance("lpips-vgg16").map(PerceptualDistance::name), Some("lpips-alex"));
    let alex = networks.distance("lpips-alex").ok_or("no distance")?;
    close("distance", &alex.distance(&heads["a"], &heads["b"])?, &heads["dist"], 2e-5)?;
    let message = |tensors| FeatureNetworks::with_weights(tensors, &Device::Cpu).map(|_| ()).map_err(|e| e.to_string());
    let twice = message([all.clone(), all[..1].to_vec()].concat()).expect_err("twice");
    assert!(twice.contains(&format!("two files hold {}", all[0].0)), "{twice}");
    let other = message(vec![("bert.weight".into(), all[0].1.clone())]).expect_err("unknown");
    assert!(other.contains("(such as bert.weight) belong to no feature network"), "{other}");
    let headless = message(vec![("features.0.weight".into(), all[0].1.clone())]).expect_err("no heads");
    assert!(headless.contains("needs its trunk"), "{headless}");
    Ok(())
}

/// Weight files of PyTorch, and what is none.
#[test]
fn state_dicts_are_read() -> Outcome {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    for file in ["plain.pth", "legacy_nested.pth"] {
        let tensors: HashMap<_, _> = state_dict(golden.join("state_dict").join(file))?.into_iter().collect();
        assert_eq!(tensors.len(), 3, "{file}");
        let values = |name: &str| -> Result<Vec<f64>, Box<dyn Error>> {
            Ok(tensors[name].to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
        };
        assert_eq!(tensors["conv.weight"].dims(), [2, 3, 2, 2]);
        assert_eq!(values("conv.weight")?, (0..24).map(|i| f64::from(i) / 8.).collect::<Vec<_>>());
        assert_eq!((values("conv.bias")?, values("bn.num_batches_tracked")?), (vec![0.5, -1.5], vec![7.]));
    }
    let safetensors = state_dict(golden.join("metrics_resize/io.safetensors"))?;
    assert!(safetensors.iter().any(|(name, _)| name == "x_u8"));
    for (file, words) in
        [("metrics_resize/README.md", "not a safetensors file"), ("checkpoints/pggan_tf.pkl", "no state_dict")]
    {
        let error = state_dict(golden.join(file)).map(|_| ()).expect_err(file).to_string();
        assert!(error.contains(file.rsplit('/').next().unwrap_or(file)) && error.contains(words), "{error}");
    }
    Ok(())
}

/// Missing and misshapen tensors are named.
#[test]
fn wrong_weights() -> Outcome {
    let none = Weights::new("lpips-vgg16", [], &Device::Cpu)?;
    let error = Lpips::new(Trunk::Vgg16, &none, &Device::Cpu).map(|_| ()).expect_err("no weights").to_string();
    assert!(error.contains("lpips-vgg16: net.slice1.0.bias of shape [64] is missing"), "{error}");
    let small = Tensor::zeros(3, DType::F32, &Device::Cpu)?;
    let wrong = Weights::new("lpips-vgg16", [("net.slice1.0.bias".to_owned(), small)], &Device::Cpu)?;
    let error = Lpips::new(Trunk::Vgg16, &wrong, &Device::Cpu).map(|_| ()).expect_err("small weights").to_string();
    assert!(error.contains("net.slice1.0.bias has shape [3], expected [64]"), "{error}");
    Ok(())
}
