//! The studio's rooms in headless Chromium: `tests/browser` has the script.
#![cfg(unix)]

use crate::bench::Bench;
use crate::paint::{config, save_painter};
use crate::studio::Studio;
use crate::train::{CONFIG, pictures};
use image::{GrayImage, Luma, Rgb, RgbImage};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use stylegan_core::spade::SpadeConfig;

/// Where the system keeps Chromium.
const CHROMIUM: [&str; 4] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

/// The script's folder with its packages, and Chromium; or what is missing.
fn browser() -> Result<(PathBuf, &'static str), &'static str> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
    if !Command::new("node").arg("--version").output().is_ok_and(|ran| ran.status.success()) {
        return Err("Node.js is not installed");
    }
    if !folder.join("node_modules/playwright-core").is_dir() {
        return Err("its packages are not installed (npm ci --prefix tests/browser)");
    }
    match CHROMIUM.into_iter().find(|path| Path::new(path).exists()) {
        Some(chromium) => Ok((folder, chromium)),
        None => Err("Chromium is not installed"),
    }
}

/// Says something also where the test passes, of which `println!` is kept back.
fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

#[test]
fn the_rooms_work_in_a_browser() {
    let (folder, chromium) = match browser() {
        Ok(found) => found,
        Err(missing) => {
            tell(&format!("NOT RUN: the studio in a browser, as {missing}"));
            return;
        }
    };
    let bench = Bench::with_network();
    std::fs::write(bench.path("tiny.toml"), CONFIG).unwrap();
    pictures(&bench, "small", 12, 8);
    bench.ok("train --config tiny.toml --data small --out runs/first --kimg 0.2");
    std::fs::create_dir_all(bench.path("runs/painter")).unwrap();
    let painter = SpadeConfig { z_dim: 8, ..config() };
    save_painter(&bench.path("runs/painter/network-000001.safetensors"), painter, &["sky", "field", "lake", "wood"]);
    let shots = bench.path("shots");
    std::fs::create_dir(&shots).unwrap();
    RgbImage::from_fn(20, 16, |x, y| Rgb([(x * 12) as u8, (y * 15) as u8, 90]))
        .save(shots.join("picture.png"))
        .unwrap();
    GrayImage::from_fn(32, 32, |x, _| Luma([(x / 8) as u8])).save(shots.join("map.png")).unwrap();
    let studio = Studio::start_unopened(&bench, "--network tiny.safetensors");
    let ran = Command::new("node")
        .arg(folder.join("studio.mjs"))
        .args([studio.whole_link().as_str(), chromium])
        .arg(&shots)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    tell(&said);
    assert!(ran.status.success(), "{said}");
}
