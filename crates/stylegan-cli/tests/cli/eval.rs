//! `stylegan eval`.

use crate::bench::Bench;
use image::{Rgb, RgbImage};

/// A bench with a tiny network and 80 pictures of its size.
fn bench() -> Bench {
    let bench = Bench::with_network();
    std::fs::create_dir(bench.path("pictures")).unwrap();
    for i in 0..80u32 {
        let picture = RgbImage::from_fn(16, 16, |x, y| Rgb([(x * i) as u8, (y * 16) as u8, (x * y + 9 * i) as u8]));
        picture.save(bench.path(format!("pictures/{i:02}.png"))).unwrap();
    }
    bench
}

const EVAL: &str = "eval --network tiny.safetensors --data pictures";

#[test]
fn reports_have_intervals_floors_and_protocols() {
    let bench = bench();
    let table = bench.ok(&format!("{EVAL} --metrics kid,ppl_wend --count 40 --out out/report.json"));
    assert!(table.starts_with("| metric | value |"), "{table}");
    assert_eq!(std::fs::read_to_string(bench.path("out/report.md")).unwrap(), table);
    let read = || std::fs::read_to_string(bench.path("out/report.json")).unwrap();
    let first = read();
    let report: serde_json::Value = serde_json::from_str(&first).unwrap();
    let names: Vec<_> = report.as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["kid-stlpips", "kid_floor-stlpips", "ppl_wend-stlpips"]);
    for result in report.as_array().unwrap() {
        let number = |key: &str| result[key].as_f64().unwrap();
        assert!(number("low") <= number("value") && number("value") <= number("high"), "{result}");
        assert!(result["protocol"]["id"].as_str().unwrap().starts_with("stylegan-rs."));
    }
    // The same command gives the same numbers.
    bench.ok(&format!("{EVAL} --metrics kid,ppl_wend --count 40 --out out/report.json --threads 1"));
    let again: serde_json::Value = serde_json::from_str(&read()).unwrap();
    for (a, b) in report.as_array().unwrap().iter().zip(again.as_array().unwrap()) {
        assert_eq!((&a["value"], &a["low"], &a["high"]), (&b["value"], &b["low"], &b["high"]));
    }
}

#[test]
fn wrong_input_is_named() {
    let bench = bench();
    bench.one_sentence(&format!("{EVAL} --metrics fidd"), &["fidd", "ppl_wend"]);
    bench.one_sentence("eval --network tiny.safetensors --metrics fid", &["--data"]);
    bench.one_sentence(&format!("{EVAL} --out report.txt"), &["report.txt", ".json"]);
    bench.one_sentence("eval --network tiny.safetensors --data nowhere", &["nowhere"]);
    RgbImage::new(16, 16).save(bench.path("pictures/x.png")).unwrap();
    std::fs::create_dir(bench.path("small")).unwrap();
    RgbImage::new(8, 8).save(bench.path("small/x.png")).unwrap();
    bench.one_sentence("eval --network tiny.safetensors --data small", &["8x8", "16x16"]);
}
