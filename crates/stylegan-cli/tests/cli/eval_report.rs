//! What `stylegan eval` keeps, and what it leaves alone.

use crate::bench::Bench;
use image::{Rgb, RgbImage};
use serde_json::Value;
use std::fs;

/// A bench with a tiny network and two sets of 42 pictures of its size.
fn bench() -> Bench {
    let bench = Bench::with_network();
    for (set, shade) in [("dark", 0), ("light", 100)] {
        fs::create_dir(bench.path(set)).unwrap();
        for i in 0..42u32 {
            let picture = RgbImage::from_fn(16, 16, |x, y| Rgb([(x * i) as u8, (y * 9 + shade) as u8, (9 * i) as u8]));
            picture.save(bench.path(format!("{set}/{i:02}.png"))).unwrap();
        }
    }
    bench
}

fn report(bench: &Bench, name: &str) -> Vec<Value> {
    serde_json::from_slice(&fs::read(bench.path(name)).unwrap()).unwrap()
}

const EVAL: &str = "eval --network tiny.safetensors --metrics kid --no-floor";

/// Numbers against another set, of another count, seed or truncation stand beside the earlier ones; what is
/// measured again replaces its own old number. Each says which set, command, date and version it is of.
#[test]
fn every_number_is_kept() {
    let bench = bench();
    let asked =
        ["dark --count 40", "light --count 40", "dark --count 41", "dark --count 40 --seed 3", "dark --count 40"];
    for options in asked {
        let printed = bench.ok(&format!("{EVAL} --data {options}"));
        assert_eq!(printed.matches("kid-stlpips").count(), 1, "{printed}");
    }
    let all = report(&bench, "metrics-tiny.json");
    let asked: Vec<(&str, u64, u64)> = all
        .iter()
        .map(|r| (r["set"].as_str().unwrap(), r["counts"]["generated"].as_u64().unwrap(), r["seed"].as_u64().unwrap()))
        .collect();
    assert_eq!(asked, [("light", 40, 0), ("dark", 41, 0), ("dark", 40, 3), ("dark", 40, 0)]);
    let provenance = &all[1]["provenance"];
    assert_eq!(
        provenance["command"],
        "stylegan eval --network tiny.safetensors --metrics kid --no-floor --data dark --count 41"
    );
    assert_eq!(provenance["version"], concat!("stylegan ", env!("CARGO_PKG_VERSION")));
    assert_eq!(provenance["instruction_set"], stylegan_kernels::cpu_info::instruction_set());
    let date = provenance["date"].as_str().unwrap();
    assert!(date.starts_with("20") && date.ends_with('Z') && date.len() == 20, "{date}");
    let table = fs::read_to_string(bench.path("metrics-tiny.md")).unwrap();
    assert_eq!(table.matches("| kid-stlpips |").count(), 4, "{table}");
    for part in ["| protocol | run |", "Run 1: 20", "real pictures: light", "--seed 3"] {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    // A report of version 0.1 goes on.
    let mut old = all;
    for result in &mut old {
        let result = result.as_object_mut().unwrap();
        assert!(result.remove("set").is_some() && result.remove("provenance").is_some());
    }
    fs::write(bench.path("metrics-tiny.json"), serde_json::to_string(&old).unwrap()).unwrap();
    bench.ok(&format!("{EVAL} --data light --count 40"));
    assert_eq!(report(&bench, "metrics-tiny.json").len(), 4);
}

/// Files that are no reports are named before anything is measured, and stay as they are.
#[test]
fn other_files_are_left_alone() {
    let bench = bench();
    let eval = format!("{EVAL} --data dark --count 40");
    let untouched = |name: &str, text: &str| assert_eq!(fs::read_to_string(bench.path(name)).unwrap(), text);
    for (name, text) in [("README.md", "# My notes\n"), ("notes.json", "{\"mine\": 1}")] {
        fs::write(bench.path(name), text).unwrap();
        let out = name.replace(".md", ".json");
        bench.one_sentence(&format!("{eval} --out {out}"), &[name, "left alone", "--out"]);
        untouched(name, text);
    }
    assert!(!bench.path("README.json").exists());
    fs::create_dir(bench.path("folder.json")).unwrap();
    bench.one_sentence(&format!("{eval} --out folder.json"), &["folder.json is a folder"]);
    // A place that was named and cannot be written: nothing is measured first.
    let ran = bench.run(&format!("{eval} --out /proc/nowhere/report.json"));
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("/proc/nowhere"), "{}", ran.stderr);
    // Nothing is written where nothing is asked for.
    let before = fs::read_dir(bench.path("")).unwrap().count();
    assert!(bench.ok(&format!("{eval} --out -")).contains("kid-stlpips"));
    assert_eq!(fs::read_dir(bench.path("")).unwrap().count(), before);
}

/// The report on a network that comes with the program lies in the current folder and has its name; where it cannot be
/// written that is said, and the numbers are printed.
#[test]
fn networks_that_come_with_the_program_have_their_reports_here() {
    let bench = Bench::new();
    fs::create_dir(bench.path("pictures")).unwrap();
    for i in 0..42u32 {
        let picture = RgbImage::from_fn(32, 32, |x, y| Rgb([(x * i) as u8, (y * 8) as u8, (9 * i) as u8]));
        picture.save(bench.path(format!("pictures/{i:02}.png"))).unwrap();
    }
    let eval = "eval --network avatars-32 --metrics kid --count 40 --no-floor";
    let ran = bench.run(&format!("{eval} --data pictures"));
    assert!(ran.code == 0 && ran.stderr.contains("report: metrics-avatars-32.json\n"), "{}", ran.stderr);
    assert_eq!(report(&bench, "metrics-avatars-32.json")[0]["subject"], "avatars-32");
    #[cfg(target_os = "linux")]
    {
        let data = bench.path("pictures");
        let line = format!("{eval} --data {}", data.display());
        let output = bench.command(&line).current_dir("/proc").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("warning: cannot write metrics-avatars-32.json"), "{said}");
        assert!(said.contains("the numbers are printed alone (--out FILE.json keeps them)"), "{said}");
    }
}

/// A number of fewer pictures than a protocol names does not carry its name; the table says what is other.
#[test]
fn smaller_counts_lose_published_names() {
    let bench = bench();
    let table =
        bench.ok("eval --network tiny.safetensors --data dark --metrics sg1.fid50k --count 42 --no-floor --out -");
    assert!(table.contains("| fid-stlpips |") && !table.contains("| fid50k"), "{table}");
    assert!(table.contains("| sg1.fid50k (changed: generated count, real count) |"), "{table}");
    bench.one_sentence("eval --images dark light --metrics precision", &["did you mean pr?"]);
    bench.one_sentence("eval --images dark light --metrics fdi", &["did you mean fid?"]);
    let lpips = "eval --network tiny.safetensors --data dark --metrics lpips";
    bench.one_sentence(lpips, &["lpips needs two sets of pictures that belong together (--images GENERATED REAL)"]);
    // Too few of the first set, which is the generated one.
    fs::create_dir(bench.path("few")).unwrap();
    for i in 0..5 {
        fs::copy(bench.path(format!("dark/{i:02}.png")), bench.path(format!("few/{i:02}.png"))).unwrap();
    }
    let ran = bench.run("eval --images few light --metrics kid");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("in the generated set, found 5") && !ran.stderr.contains("pictures of the"),
        "{}",
        ran.stderr
    );
    let ran = bench.run("eval --images dark dark --metrics kid,kid --count 1000 --no-floor --out -");
    assert!(ran.stderr.contains("the same pictures"), "{}", ran.stderr);
    assert!(ran.stderr.contains("note: --count 1000: dark has 42 pictures; all are measured"), "{}", ran.stderr);
    assert_eq!(ran.stdout.matches("| kid-stlpips |").count(), 1, "{}", ran.stdout);
}

/// Progressive GAN has no W: nobody who asks for the usual metrics is refused, who asks for W is.
#[test]
fn no_styles_no_path_lengths_in_w() {
    let bench = Bench::new();
    let pggan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/pggan_tf.pkl");
    bench.one_sentence(&format!("eval --network {pggan} --metrics ppl_wend --count 4"), &["ppl_wend", "no W"]);
    bench.one_sentence(
        &format!("eval --network {pggan} --metrics ppl_zend --count 4 --mix 2"),
        &["--mix 2", "no styles"],
    );
}
