//! `stylegan plan`: what a run would take.

use crate::bench::Bench;
use crate::train::pictures;

#[test]
fn a_plan_says_what_a_run_takes_and_leaves_nothing() {
    let bench = Bench::new();
    pictures(&bench, "pictures", 12, 16);
    let small = "--set generator.channel_max=8 --set discriminator.channel_max=8 --set schedule.start_resolution=8 \
                 --set schedule.stable_kimg=4";
    let ran = bench.run(&format!(
        "plan --config avatars-32 --data pictures --kimg 9 --seconds 0 --set generator.img_size=[16,16] {small}"
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let begins = ["pictures: 12 of", "networks:", "growth:", "pace:", "pace:", "time:", "memory:", "disk:"];
    assert_eq!(lines.len(), begins.len(), "{}", ran.stdout);
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line} not {begin}");
    }
    for side in [8, 16] {
        let end = format!("at {side} pixels, 2 x 4 pictures a step");
        assert!(lines.iter().any(|line| line.ends_with(&end)), "{}", ran.stdout);
    }
    // A run that is too short for its pictures says so.
    let short = bench.ok(&format!(
        "plan --config avatars-32 --data pictures --kimg 3 --seconds 0 --set generator.img_size=[16,16] {small}"
    ));
    assert!(short.contains("but a run of 3 kimg ends at 8 pixels"), "{short}");
    let endless = bench.ok(&format!(
        "plan --config avatars-32 --data pictures --kimg 1e300 --seconds 0 --set generator.img_size=[16,16] {small}"
    ));
    assert!(endless.contains("time:     longer than can be told for 1e300 kimg"), "{endless}");
    // 9000 showings of 12 pictures.
    assert!(ran.stderr.contains("each of the 12 pictures is shown 750 times"), "{}", ran.stderr);
    let left: Vec<_> = std::fs::read_dir(bench.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["pictures"]);
}

/// Those that a growing run begins with are of its first resolution; above it any will do to measure by.
#[test]
fn a_run_that_grows_from_smaller_networks_is_planned() {
    let bench = Bench::new();
    pictures(&bench, "small", 12, 8);
    pictures(&bench, "large", 12, 16);
    let config = "kimg = 1\n[generator]\narchitecture = 'stylegan2'\nz_dim = 8\nw_dim = 8\nchannel_base = 64\nchannel_max = 8\n\
                  [discriminator]\nchannel_base = 64\nchannel_max = 8\n[schedule]\nbatch = 4\nstart_resolution = 8\n\
                  stable_kimg = 0.5\n[shards]\nsize = 4\n";
    std::fs::write(bench.path("grows.toml"), config).unwrap();
    let whole = "--set generator.img_size=[8,8] --set schedule.stable_kimg=0";
    bench.ok(&format!("train --config grows.toml --data small --out begun --kimg 0.004 {whole}"));
    let planned = bench.ok(
        "plan --config grows.toml --data large --set generator.img_size=[16,16] --set transfer.from=\"begun\" --seconds 0",
    );
    for side in [8, 16] {
        assert!(planned.contains(&format!("at {side} pixels, 1 x 4 pictures a step")), "{planned}");
    }
}

#[test]
fn what_cannot_be_trained_cannot_be_planned() {
    let bench = Bench::new();
    pictures(&bench, "pictures", 12, 16);
    for (line, expected) in [
        ("plan --config avatars-32 --data pictures", "32x32"),
        ("plan --data pictures --seconds=-1", "--seconds: expected a number from 0 on, found -1"),
        ("plan --config avatars-32 --set schedule.start_resolution=64", "at most the 32 pixels"),
        ("plan --config /dev/null", "--config /dev/null is a device or a pipe; give a file"),
        ("plan --config pictures", "--config pictures is a folder; give a file"),
        ("plan --config avatars-99", "there is no such file and no built-in configuration"),
        ("plan", "no pictures to train on"),
    ] {
        let ran = bench.run(line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{line}: {}", ran.stderr);
    }
}
