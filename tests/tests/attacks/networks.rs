//! Pickled networks whose description does not hold.

use crate::{Attack, attack};
use candle_core::{Device, Tensor};
use stylegan_tests::pickle::Pickle;

type Push<'a> = &'a dyn Fn(Pickle) -> Pickle;

pub(crate) fn attacks() -> Vec<Attack> {
    let generator = |kwargs: Push| persistent("Generator", kwargs);
    let sized = |key: &'static str, push: fn(Pickle) -> Pickle| {
        generator(&move |p: Pickle| {
            let p = ["z_dim", "c_dim", "w_dim", "img_channels"].iter().fold(p, |p, name| p.text(name).int(4));
            push(p.text("img_resolution").int(8).text(key))
        })
    };
    vec![
        attack(
            "network-without-state.pkl",
            Pickle::new()
                .dict(|p| {
                    p.text("G").call("torch_utils.persistence", "_reconstruct_persistent_obj", |p| {
                        p.dict(|p| p.text("class_name").text("Generator"))
                    })
                })
                .stop(),
            &["without state"],
        ),
        attack("network-of-other-class.pkl", persistent("Backdoor", &|p| p), &["`Backdoor`"]),
        attack("network-without-arguments.pkl", generator(&|p| p), &["`img_resolution` is missing"]),
        attack("network-resolution-text.pkl", sized("img_resolution", |p| p.text("big")), &["whole number"]),
        attack("network-resolution-negative.pkl", sized("img_resolution", |p| p.int(-8)), &["whole number"]),
        attack("network-resolution-odd.pkl", sized("img_resolution", |p| p.int(1000)), &["img_size"]),
        attack(
            "network-width-gigantic.pkl",
            sized("z_dim", |p| p.raw(b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f")),
            &["whole number"],
        ),
        attack("network-without-tensors.pkl", sized("channel_base", |p| p.int(64)), &["mapping.embed.weight"]),
        attack(
            "network-arguments-nested.pkl",
            sized("x", |p| p.raw([vec![b'('; 60], vec![b't'; 60]].concat())),
            &["nested more than"],
        ),
        attack("laughs-arguments.pkl", sized("x", laughs), &["more memory"]),
        attack("alias-free.pkl", sized("filter_size", |p| p.text("6")), &["alias-free"]),
        attack("tf-no-variables.pkl", tensorflow(&|p| p), &["without variables"]),
        attack("tf-malformed-variable.pkl", tensorflow(&|p| p.text("variables").list(|p| p.int(1))), &["malformed"]),
        attack("tf-no-array.pkl", variable(&|p| p.text("not numbers")), &["no NumPy array"]),
        attack("tf-array-of-objects.pkl", variable(&|p| p.array_of("O8", &[1], &[0; 8])), &["`O8`"]),
        attack("tf-array-cut.pkl", variable(&|p| p.array_of("f4", &[1000, 1000], &[0; 16])), &["4 elements"]),
        attack("tf-array-overflow.pkl", variable(&|p| p.array_of("f8", &[1 << 30; 3], &[0; 16])), &["needs more"]),
        attack("tf-array-negative.pkl", variable(&negative), &["malformed"]),
        attack("tf-array-of-rank-40.pkl", variable(&|p| p.array_of("f4", &[1; 40], &[0; 4])), &["dimensions"]),
        attack("tf-array-of-nan.pkl", variable(&|p| p.array_of("f4", &[1], &[0, 0, 0xc0, 0x7f])), &["not finite"]),
        attack("tf-unknown-function.pkl", three("G_backdoor", 8), &["`G_backdoor`"]),
        attack("tf-resolution.pkl", three("G_style", 1000), &["img_size"]),
        attack("tf-without-weights.pkl", three("G_style", 8), &["mapping"]),
        attack("tf-component-of-itself.pkl", circular(), &["nested"]),
        attack("tf-arrays-of-encoded-text.pkl", encoded(), &["more memory"]),
        attack("modules-repeated.pkl", modules(), &["refers to its own parts"]),
        attack("modules-without-names.pkl", modules_without_names(), &["refers to its own parts"]),
        attack("script-without-names.pkl", script_without_names(), &["refers to its own parts"]),
        attack("arguments-without-names.pkl", generator(&arguments_without_names), &["refers to its own parts"]),
        attack("arguments-of-small-maps.pkl", generator(&arguments_of_small_maps), &["more memory"]),
        attack(
            "class-name-escapes.pkl",
            persistent("\x1b[2J\u{202e}Generator\n", &|p| p),
            &["\\\\u{1b}[2J", "\\\\u{202e}"],
        ),
        attack("bare-generator-without-arguments.pkl", bare(), &["`img_resolution` is missing"]),
        attack("rosinality-wide.pkl", rosinality_wide(), &["1048576 wide"]),
        attack("rosinality-missing.pkl", rosinality(&[("convs.0.conv.weight", &[1, 4, 4, 3, 3])]), &["resolutions"]),
        attack(
            "rosinality-other-shapes.pkl",
            rosinality(&[("convs.0.conv.weight", &[2]), ("to_rgbs.0.conv.weight", &[3])]),
            &["is missing"],
        ),
    ]
}

fn persistent(class: &str, kwargs: Push) -> Vec<u8> {
    let network = |p: Pickle| {
        p.call("torch_utils.persistence", "_reconstruct_persistent_obj", |p| {
            p.dict(|p| {
                let p = p.text("class_name").text(class).text("module_src").text("raise SystemExit").text("state");
                p.dict(|p| kwargs(p.text("_init_kwargs").raw(b"}(")).raw(b"u").text("_parameters").dict(|p| p))
            })
        })
    };
    Pickle::new().dict(|p| network(p.text("G_ema"))).stop()
}

/// Lists of two lists of two lists …
fn laughs(p: Pickle) -> Pickle {
    let mut p = p.raw(b"]q\x00");
    for i in 0..25u8 {
        p = p.raw(b"0").list(|p| p.raw([b'h', i, b'h', i])).raw([b'q', i + 1]);
    }
    p
}

/// A single TensorFlow network.
fn tensorflow(state: Push) -> Vec<u8> {
    Pickle::new().object("dnnlib.tflib.network", "Network", |p| p.dict(|p| state(p.text("version").int(4)))).stop()
}

fn variable(value: Push) -> Vec<u8> {
    tensorflow(&|p| p.text("variables").list(|p| p.tuple(|p| value(p.text("w")))))
}

fn negative(p: Pickle) -> Pickle {
    let start = |p: Pickle| p.global("numpy", "ndarray").tuple(|p| p.int(0)).blob(b"b");
    let dtype = |p: Pickle| p.call("numpy", "dtype", |p| p.text("f4"));
    let array = p.call("numpy.core.multiarray", "_reconstruct", start);
    array.tuple(|p| dtype(p.int(1).tuple(|p| p.int(-4))).raw(b"\x89").blob(&[0; 16])).raw(b"b")
}

/// `(G, D, Gs)`, all of one function.
fn three(function: &str, resolution: i32) -> Vec<u8> {
    let network = |p: Pickle| {
        p.object("dnnlib.tflib.network", "Network", |p| {
            p.dict(|p| {
                let p = p.text("build_func_name").text(function);
                let p = p.text("static_kwargs").dict(|p| p.text("resolution").int(resolution));
                p.text("variables").list(|p| p)
            })
        })
    };
    Pickle::new().tuple(|p| network(network(network(p)))).stop()
}

/// A network that is its own component.
fn circular() -> Vec<u8> {
    let p = Pickle::new().global("dnnlib.tflib.network", "Network").raw(b")\x81q\x05");
    let state = |p: Pickle| {
        p.dict(|p| p.text("variables").list(|p| p).text("components").dict(|p| p.text("mapping").raw(b"h\x05")))
    };
    state(p).raw(b"b").stop()
}

/// A rosinality checkpoint whose weights are zeros.
fn rosinality(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    let state = |p: Pickle| p.dict(|p| tensors.iter().fold(p, |p, (name, shape)| p.text(name).torch(&zeros(shape))));
    Pickle::new().dict(|p| state(p.text("g_ema"))).stop()
}

/// A whole generator of 8x8 whose latents are a million numbers wide: 4096 of them are 34 GB.
fn rosinality_wide() -> Vec<u8> {
    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        ("input.input".into(), vec![1, 1, 4, 4]),
        ("style.1.weight".into(), vec![1, 1 << 20]),
        ("style.1.bias".into(), vec![1]),
    ];
    for (layer, outputs, side) in
        [("conv1", 1, 3), ("convs.0", 1, 3), ("convs.1", 1, 3), ("to_rgb1", 3, 1), ("to_rgbs.0", 3, 1)]
    {
        tensors.push((format!("{layer}.conv.weight"), vec![1, outputs, 1, side, side]));
        tensors.push((format!("{layer}.conv.modulation.weight"), vec![1, 1]));
        tensors.push((format!("{layer}.conv.modulation.bias"), vec![1]));
        if side == 1 {
            tensors.push((format!("{layer}.bias"), vec![1, 3, 1, 1]));
        } else {
            tensors.push((format!("{layer}.activate.bias"), vec![1]));
            tensors.push((format!("{layer}.noise.weight"), vec![1]));
        }
    }
    for (noise, side) in [(0, 4), (1, 8), (2, 8)] {
        tensors.push((format!("noises.noise_{noise}"), vec![1, 1, side, side]));
    }
    let tensors: Vec<(&str, &[usize])> = tensors.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
    rosinality(&tensors)
}

/// Twenty thousand variables that are the same megabyte of text.
fn encoded() -> Vec<u8> {
    let start = |p: Pickle| p.global("numpy", "ndarray").tuple(|p| p.int(0)).blob(b"b");
    let dtype = |p: Pickle| p.call("numpy", "dtype", |p| p.text("f4"));
    let first = |p: Pickle| {
        let p = p.call("_codecs", "encode", |p| p.text(&"x".repeat(1 << 20)).text("latin1"));
        p.raw(b"q\x09")
    };
    let array = |p: Pickle, bytes: &dyn Fn(Pickle) -> Pickle| {
        let p = p.call("numpy.core.multiarray", "_reconstruct", start);
        p.tuple(|p| bytes(dtype(p.int(1).tuple(|p| p.int(1))).raw(b"\x89"))).raw(b"b")
    };
    tensorflow(&|p| {
        p.text("variables").list(|p| {
            let p = p.tuple(|p| array(p.text("w"), &first));
            (0..20_000).fold(p, |p, _| p.tuple(|p| array(p.text("w"), &|p| p.raw(b"h\x09"))))
        })
    })
}

/// A module with the same submodule three thousand times, whose attributes are many.
fn modules() -> Vec<u8> {
    let inner = |p: Pickle| {
        p.call("torch_utils.persistence", "_reconstruct_persistent_obj", |p| {
            p.dict(|p| p.text("state").dict(|p| (0..100_000).fold(p, |p, i| p.int(i).raw(b"N"))))
        })
    };
    let own = |p: Pickle| {
        p.text("_modules").dict(|p| {
            let p = inner(p.text("0")).raw(b"q\x09");
            (1..3000).fold(p, |p, i| p.text(&i.to_string()).raw(b"h\x09"))
        })
    };
    let network = |p: Pickle| {
        p.call("torch_utils.persistence", "_reconstruct_persistent_obj", |p| {
            p.dict(|p| p.text("class_name").text("Generator").text("state").dict(own))
        })
    };
    Pickle::new().dict(|p| network(p.text("G_ema"))).stop()
}

/// A dictionary of a million entries without names, at memo 8.
fn without_names(p: Pickle) -> Pickle {
    p.raw(b"Nq\x070}(").raw(b"h\x07".repeat(1_998_000)).raw(b"uq\x080")
}

/// A list of one value in very many places.
fn often(p: Pickle, value: &[u8], count: usize) -> Pickle {
    p.list(|p| p.raw(value.repeat(count)))
}

/// A module whose submodules have no names, a hundred thousand times in another.
fn modules_without_names() -> Vec<u8> {
    let persistent = |p: Pickle, state: Push| {
        p.call("torch_utils.persistence", "_reconstruct_persistent_obj", |p| {
            p.dict(|p| state(p.text("class_name").text("Generator").text("state")))
        })
    };
    let inner = |p: Pickle| p.dict(|p| p.text("_modules").raw(b"h\x08"));
    let p = persistent(without_names(Pickle::new()), &inner).raw(b"q\x090").text("m").raw(b"q\x0a0");
    let many = |p: Pickle| p.raw(b"}(").raw(b"h\x0ah\x09".repeat(100_000)).raw(b"u");
    p.dict(|p| persistent(p.text("G_ema"), &|p| p.dict(|p| many(p.text("_modules"))))).stop()
}

/// The same of TorchScript.
fn script_without_names() -> Vec<u8> {
    let p = without_names(Pickle::new()).global("__torch__", "M").raw(b")\x81h\x08bq\x090").text("m").raw(b"q\x0a0");
    let many = |p: Pickle| p.raw(b"}(").raw(b"h\x0ah\x09".repeat(100_000)).raw(b"u");
    p.object("__torch__", "M", many).stop()
}

/// The same of the arguments of a network.
fn arguments_without_names(p: Pickle) -> Pickle {
    often(without_names(p).text("a"), b"h\x08", 100_000)
}

/// Dictionaries of one entry, each of which takes the room of eleven.
fn arguments_of_small_maps(p: Pickle) -> Pickle {
    often(p.dict(|p| p.text("k").raw(b"N")).raw(b"q\x080").text("a"), b"h\x08", 900_000)
}

/// A generator without the dictionary around it.
fn bare() -> Vec<u8> {
    let weight = Tensor::zeros(1, candle_core::DType::F32, &Device::Cpu).unwrap();
    let parameters = |p: Pickle| p.text("_parameters").dict(|p| p.text("synthesis.b4.const").torch(&weight));
    let network = |p: Pickle| p.dict(|p| p.text("class_name").text("Generator").text("state").dict(parameters));
    Pickle::new().call("torch_utils.persistence", "_reconstruct_persistent_obj", network).stop()
}
