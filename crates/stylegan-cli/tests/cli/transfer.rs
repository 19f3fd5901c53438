//! `stylegan train --from`: runs that begin with networks trained before.

use crate::bench::Bench;
use crate::train::{TRAIN, bench, pictures};
use candle_core::{Device, Tensor};
use stylegan_core::import::networks;

/// Networks that begin at full size.
const GROWN: &str = "--set schedule.stable_kimg=0 --set schedule.fade_kimg=0";

/// Tensors of a file by name, as bits.
fn bits(bench: &Bench, file: &str) -> Vec<(String, Vec<u32>)> {
    let bits = |tensor: Tensor| {
        let values: Vec<f32> = tensor.to_device(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        values.into_iter().map(f32::to_bits).collect()
    };
    networks(bench.path(file)).unwrap().tensors.into_iter().map(|(name, tensor)| (name, bits(tensor))).collect()
}

#[test]
fn a_released_file_starts_a_run() {
    let bench = Bench::new();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/stylegan2_ada_pytorch.pkl");
    std::fs::copy(golden, bench.path("ada.pkl")).unwrap();
    pictures(&bench, "pictures", 12, 32);
    let length = "--set schedule.batch=8 --set output.checkpoint_kimg=0.02 --set output.keep_checkpoints=0";
    let line = format!("train --data pictures --from ada.pkl {length}");
    let ran = bench.run(&format!("{line} --kimg 0.008 --out run"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("ada/auto-64 it is, with the networks of --from"), "{}", ran.stderr);
    let config: toml::Table = std::fs::read_to_string(bench.path("run/config.toml")).unwrap().parse().unwrap();
    assert_eq!(config["augment"]["kimg"].as_float(), Some(100.));
    assert!(config["transfer"]["from"].as_str().unwrap().ends_with("/ada.pkl"));
    let (before, after) = (bits(&bench, "ada.pkl"), bits(&bench, "run/network-000000.safetensors"));
    let of = |all: &[(String, Vec<u32>)], name: &str| -> Vec<f32> {
        all.iter().find(|(other, _)| other == name).unwrap().1.iter().map(|&bits| f32::from_bits(bits)).collect()
    };
    // The share of the old average that a step of 8 pictures keeps, at a half-life of 5,000.
    let beta = 0.5f32.powf(8. / 5_000.);
    for (name, found) in &after {
        let found = found.iter().map(|&bits| f32::from_bits(bits));
        let begun = of(&before, name);
        let mut pairs = match name.strip_prefix("G_ema.") {
            // Buffers of the average are copies of the generator's.
            Some(own) if !stylegan_core::is_buffer(own) => {
                let g = of(&after, &format!("G.{own}"));
                let expected = begun.iter().zip(g).map(|(begun, g)| beta * begun + (1. - beta) * g);
                found.zip(expected.collect::<Vec<_>>())
            }
            Some(_) => continue,
            // It follows a batch's mean style.
            None if name == "G.mapping.w_avg" => continue,
            // Adam moves by the learning rate, 0.0025, or less, once for each of at most two phases.
            None => found.zip(begun),
        };
        let bound = if name.starts_with("G_ema.") { 1e-4 } else { 0.006 };
        let far = pairs.find(|(a, b)| (a - b).abs() > bound * (1. + b.abs()));
        assert!(far.is_none(), "{name} {far:?}");
    }
    // A run that was killed and one in one go end alike; the file is not needed any more.
    bench.ok(&format!("{line} --kimg 0.024 --out whole"));
    std::fs::remove_file(bench.path("ada.pkl")).unwrap();
    bench.ok("train --out run --kimg 0.024");
    assert!(bits(&bench, "run/network-000000.safetensors") == bits(&bench, "whole/network-000000.safetensors"));
}

#[test]
fn frozen_layers_stay() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} {GROWN} --out first --kimg 0.1"));
    let line = format!("{TRAIN} --from first --out second --kimg 0.1 --set transfer.freeze_d=2");
    bench.ok(&line);
    let (first, second) =
        (bits(&bench, "first/network-000000.safetensors"), bits(&bench, "second/network-000000.safetensors"));
    for (name, value) in &second {
        let begun = &first.iter().find(|(other, _)| other == name).unwrap().1;
        // Without growth the image enters at the largest resolution alone.
        if name.starts_with("D.") && !name.starts_with("D.b4.fromrgb.") {
            let frozen = name.starts_with("D.b8.fromrgb.") || name.starts_with("D.b8.conv0.");
            assert_eq!(value == begun, frozen, "{name}");
        }
    }
    // The same command goes on; another beginning is another run.
    bench.ok(&line);
    bench.one_sentence(&format!("{TRAIN} --from other --out first"), &["random networks", "--new"]);
    // A configuration may name the run, too.
    let named = |folder: &str, out: &str| {
        let whole = "--set schedule.stable_kimg=0 --set schedule.fade_kimg=0";
        format!("{TRAIN} --set transfer.from=\"{folder}\" {whole} --out {out} --kimg 0.1 --set transfer.freeze_d=2")
    };
    bench.ok(&named("first", "third"));
    let third = bits(&bench, "third/network-000000.safetensors");
    // Its average begins as the configuration says, not as that of `--from`.
    let trained = |all: Vec<(String, Vec<u32>)>| -> Vec<_> {
        all.into_iter().filter(|(name, _)| !name.starts_with("G_ema.")).collect()
    };
    assert!(trained(third) == trained(second));
    std::fs::create_dir(bench.path("empty")).unwrap();
    bench.one_sentence(&named("empty", "fourth"), &["transfer.from = empty", "holds no checkpoint"]);
}

#[test]
fn what_cannot_begin_a_run_is_named() {
    let bench = bench();
    bench.ok(&format!("{TRAIN} {GROWN} --out first --kimg 0.05"));
    bench.ok("convert first g.safetensors");
    bench.one_sentence(&format!("{TRAIN} --from g.safetensors --out x"), &["G_ema", "--network all"]);
    bench.one_sentence(&format!("{TRAIN} --from nowhere --out x"), &["nowhere"]);
    // Layers that growth has not come to are no start.
    bench.ok(&format!("{TRAIN} --set schedule.stable_kimg=1 --out young --kimg 0.024"));
    bench.one_sentence(&format!("{TRAIN} --from young --out x"), &["still growing", "level of detail 1"]);
    let other = format!("{TRAIN} --from first --out x --set generator.channel_max=4");
    bench.wrong(&other, &["not alike", "in this run"]);
    pictures(&bench, "large", 4, 16);
    // What is advised works.
    let line = "train --config tiny.toml --data large --set schedule.batch=4";
    let advice = ["large: ", "16x16 pixels", "8x8", "begin.safetensors --network all --resize-net 16"];
    bench.one_sentence("train --config tiny.toml --data large --from first --out x", &advice);
    bench.ok("convert first begin.safetensors --network all --resize-net 16");
    bench.ok(&format!("{line} --from begin.safetensors --out larger --kimg 0.008"));
    let typed = format!("{TRAIN} --from first --out x --set generator.img_size=[16,16]");
    bench
        .one_sentence(&typed, &["error: override `generator.img_size=[16,16]`: ", "begins with", "leave img_size out"]);
    bench.one_sentence("train --out first --kimg 1 --data large", &["large: ", "16x16", "8x8", "--out"]);
    bench.one_sentence(
        "train --out first --set generator.img_size=[16,16]",
        &["--set generator.img_size=[16,16]: ", "first"],
    );
    bench.one_sentence(&format!("{TRAIN} --out y --kimg 0"), &["error: --kimg 0: "]);
    // Labels alike.
    pictures(&bench, "labelled", 12, 8);
    let labels: Vec<String> = (0..12).map(|i| format!("[\"{i:03}.png\", {}]", i % 3)).collect();
    std::fs::write(bench.path("labelled/dataset.json"), format!("{{\"labels\": [{}]}}", labels.join(","))).unwrap();
    let of_classes = "train --config tiny.toml --data labelled --cond";
    bench.one_sentence(&format!("{of_classes} --from first --out x"), &["--cond: ", "width 3", "take none"]);
    bench.ok(&format!("{of_classes} --out classes --kimg 0.008"));
    bench.one_sentence(
        &format!("{TRAIN} --from classes --out x"),
        &["pictures: has no labels", "width 3", "--label-from-folders"],
    );
    let typed = format!("{TRAIN} --from classes --out x --set generator.c_dim=0");
    bench.one_sentence(&typed, &["error: override `generator.c_dim=0`: ", "leave c_dim out"]);
    bench.one_sentence("train --out classes --kimg 1 --data pictures", &["pictures: ", "width 3"]);
}
