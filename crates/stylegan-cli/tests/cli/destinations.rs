//! No verb writes over, or into, what it reads; a name that is given twice is one file.

use crate::bench::Bench;
use crate::verbs::{JOBS, bench};
use candle_core::{DType, Device, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Every file on the bench with its bytes.
fn files(bench: &Bench) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut folders, mut found) = (vec![bench.path("")], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

/// A job of the verb with another destination.
fn to(job: &str, out: &str) -> String {
    let words = job.split(' ').map(|word| if word.starts_with("out") { out } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn no_verb_overwrites_what_it_reads() {
    let bench = bench();
    let copy = |from: &str, to: &str| std::fs::copy(bench.path(from), bench.path(to)).unwrap();
    // Files whose names do not say what they are: released weights are recognised by their contents.
    for ending in ["png", "gif", "onnx"] {
        copy("tiny.safetensors", &format!("net.{ending}"));
    }
    bench.ok("convert ada.pkl ada.safetensors");
    copy("classes.zip", "set.png");
    let z = Tensor::zeros((1, 8), DType::F32, &Device::Cpu).unwrap();
    candle_core::safetensors::save(&HashMap::from([("z", z)]), bench.path("z.safetensors")).unwrap();
    copy("tiny.toml", "report.json");
    std::fs::hard_link(bench.path("classes.zip"), bench.path("linked.safetensors")).unwrap();
    let before = files(&bench);
    for line in [
        "generate --network tiny.safetensors --out tiny.safetensors",
        "generate --network net.png --out net.png",
        "generate --network tiny.safetensors --latents z.safetensors --out ./pictures/../z.safetensors",
        "mix --network net.png --rows 0 --cols 1 --out net.png",
        "interpolate --network net.gif --seeds 0,1 --frames 2 --out net.gif",
        "interpolate --network net.png --seeds 0,1 --frames 2 --out net.png",
        "export --network net.onnx --onnx net.onnx",
        "convert ada.safetensors ada.safetensors --to nvlabs",
        "classifier --data classes.zip --out classes.zip --kimg 0.01",
        "classifier --data classes.zip --out linked.safetensors --kimg 0.01",
        "data show set.png --out set.png",
        "data show classes.zip --out classes.zip",
        "data build classes.zip --size 8 --out classes.zip",
        "eval --network tiny.safetensors --data pictures --features report.json --metrics kid --out report.json",
    ] {
        bench.wrong(line, &["is read by this command"]);
        assert!(files(&bench) == before, "{line}");
    }
}

/// A set whose folder holds what was made of it is no set any more.
#[test]
fn no_verb_writes_into_the_set_that_it_reads() {
    let bench = bench();
    std::fs::create_dir(bench.path("empty")).unwrap();
    let before = files(&bench);
    let into = ["pictures", "pictures/out", "pictures/new/deep/out", "empty/../pictures/out"];
    for job in
        JOBS.iter().filter(|job| job.starts_with("train") || job.contains("pictures --") || job.contains("--data"))
    {
        if job.contains("classes.zip") || job.contains("scenes.zip") || job.ends_with("doctor pictures") {
            continue;
        }
        // A report has an ending that the set has not.
        for place in &into[usize::from(job.starts_with("eval"))..] {
            let set = if job.starts_with("train") { "small" } else { "pictures" };
            let place = place.replace("pictures", set);
            let ending = if job.starts_with("eval") { ".json" } else { "" };
            bench.wrong(&to(job, &(place + ending)), &[]);
            assert!(files(&bench) == before, "{job}");
        }
    }

    // From inside the set as well; a sheet goes beside it then.
    let inside = |line: &str| bench.command(line).current_dir(bench.path("pictures")).output().unwrap();
    for line in
        ["data build . --size 8 --format folder", "data build . --size 8 --out sub.zip", "data show . --out a.png"]
    {
        let output = inside(line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("lies in .") && said.lines().count() == 1, "{line}: {said}");
        assert!(files(&bench) == before, "{line}");
    }
    assert!(inside("data show .").status.success());
    assert!(bench.path("pictures-sheet.png").exists());
    assert!(bench.ok("data doctor pictures").contains("nothing is wrong"));
}

/// Whoever names a folder does not know the names in it: pictures that other programs made there stay.
#[test]
fn pictures_of_other_programs_stay() {
    let bench = bench();
    let mine = |name: &str| {
        let path = bench.path(format!("mine/{name}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_pixel(3, 3, image::Rgb([9; 3])).save(&path).unwrap();
        path
    };
    for (line, name) in [
        ("generate --seeds 0-1", "seed0001.png"),
        ("generate --seeds 0-1 --grid", "grid.png"),
        ("mix --rows 1 --cols 2", "row0001-col0002.png"),
        ("interpolate --seeds 0,1 --frames 2", "frame000001.png"),
        ("figures --only uncurated", "figure-uncurated.png"),
        ("edit --directions shape.safetensors --direction sefa-0=2 --seeds 1", "seed0001-edited.png"),
        ("invert --steps 1 pictures/000.png", "000-reconstruction.png"),
        ("invert --steps 1 pictures/000.png --reconstructions mine", "000.png"),
        ("paint --map map.png", "map.png"),
    ] {
        let network = if line.starts_with("paint") { "painter" } else { "tiny" };
        let file = mine(name);
        let before = std::fs::read(&file).unwrap();
        let line = format!("{line} --network {network}.safetensors --out mine");
        bench.one_sentence(&line, &[&format!("mine/{name} is there"), "not made by this program"]);
        assert_eq!(std::fs::read(&file).unwrap(), before, "{line}");
        std::fs::remove_file(file).unwrap();
        // Our own are replaced.
        (0..2).for_each(|_| drop(bench.ok(&line)));
    }
    // Of a longer walk that was there before, frames go; others do not.
    bench.ok("interpolate --network tiny.safetensors --seeds 0,1 --frames 9 --out walk");
    let other = mine("frame000004.png");
    std::fs::rename(&other, bench.path("walk/frame000004.png")).unwrap();
    bench.ok("interpolate --network tiny.safetensors --seeds 0,1 --frames 1 --out walk");
    let left = std::fs::read_dir(bench.path("walk")).unwrap().count();
    assert_eq!((left, bench.path("walk/frame000004.png").exists()), (3, true));
    // A configuration that was written by hand is no run's.
    std::fs::create_dir(bench.path("own")).unwrap();
    std::fs::copy(bench.path("tiny.toml"), bench.path("own/config.toml")).unwrap();
    let train = "train --data small --kimg 0.1";
    bench.one_sentence(
        &format!("{train} --config own/config.toml --out own"),
        &["own/config.toml was not written by a run"],
    );
    assert_eq!(std::fs::read(bench.path("own/config.toml")).unwrap(), std::fs::read(bench.path("tiny.toml")).unwrap());
    // Nor is a network a classifier.
    std::fs::copy(bench.path("tiny.safetensors"), bench.path("net.safetensors")).unwrap();
    for (verb, set, what) in
        [("classifier", "classes.zip", "classifier of labels"), ("segmenter", "scenes.zip", "segmenter")]
    {
        let line = format!("{verb} --data {set} --out net.safetensors --kimg 0.01");
        bench.one_sentence(&line, &[&format!("net.safetensors is there and is no {what}")]);
    }
}

#[test]
fn places_that_take_no_files_are_named_before_the_work() {
    let bench = bench();
    std::fs::write(bench.path("file"), "").unwrap();
    for job in JOBS.iter().filter(|job| job.contains("out")) {
        // Endings choose formats, and a folder is a place for frames and pictures.
        let ending = job.split(' ').find(|word| word.starts_with("out")).and_then(|out| Path::new(out).extension());
        let ending = ending.map_or(String::new(), |ending| format!(".{}", ending.to_string_lossy()));
        bench.wrong(&to(job, &format!("file/out{ending}")), &["file"]);
    }
    // Where nobody may write it is the same mistake for each; the folder is named that was typed.
    #[cfg(target_os = "linux")]
    for job in JOBS.iter().filter(|job| job.contains("out")) {
        let ending = job.split(' ').find(|word| word.starts_with("out")).and_then(|out| Path::new(out).extension());
        let ending = ending.map_or(String::new(), |ending| format!(".{}", ending.to_string_lossy()));
        let ran = bench.run(&to(job, &format!("/sys/out{ending}")));
        assert_eq!(ran.code, 2, "{job}: {}", ran.stderr);
        assert!(ran.stderr.contains("/sys/out") && !ran.stderr.contains("result"), "{job}: {}", ran.stderr);
    }
    // Results of a fixed name overwrite nothing that is read, and a folder is none where something else lies.
    std::fs::create_dir(bench.path("figures")).unwrap();
    for name in ["figure-uncurated.png", "grid.png", "row0001-col0002.png", "frame000001.png"] {
        std::fs::copy(bench.path("tiny.safetensors"), bench.path("figures").join(name)).unwrap();
        let line = match name {
            "figure-uncurated.png" => "figures --only uncurated",
            "grid.png" => "generate --seeds 0-3",
            "frame000001.png" => "interpolate --seeds 0,1 --frames 2",
            _ => "mix --rows 1 --cols 2",
        };
        let line = format!("{line} --network figures/{name} --out figures");
        bench.one_sentence(&line, &[&format!("figures/{name} is read by this command")]);
    }
    for line in ["generate --network tiny.safetensors", "figures --network tiny.safetensors --only uncurated", "man"] {
        let out = if line == "man" { "" } else { " --out" };
        bench.one_sentence(&format!("{line}{out} file"), &["file is a file, not a folder; name another place"]);
        #[cfg(unix)]
        bench.one_sentence(
            &format!("{line}{out} /dev/null"),
            &["/dev/null is a device or a pipe, not a folder; name another place"],
        );
    }
    bench.ok("generate --network tiny.safetensors --seeds 1 --out new.png/");
    assert!(bench.path("new.png/seed0001.png").exists());
    #[cfg(target_os = "linux")]
    {
        // In a folder that is gone.
        let program = env!("CARGO_BIN_EXE_stylegan");
        let script = format!("mkdir gone && cd gone && rmdir ../gone && {program} train --data ../small --out r");
        let output =
            std::process::Command::new("sh").args(["-c", &script]).current_dir(bench.path("")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains("../small: the folder in which"), "{said}");
    }
    for line in ["classifier --data classes.zip --out pictures", "export --network tiny.safetensors --onnx pictures"] {
        bench.one_sentence(line, &["pictures is a folder"]);
    }
}

#[test]
fn one_name_twice_is_one_file() {
    let bench = Bench::with_network();
    let names = |folder: &str| {
        let entries = std::fs::read_dir(bench.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let ran = bench.run("generate --network tiny.safetensors --seeds 1,1,0-3,2 --out o");
    assert_eq!((ran.code, names("o").len()), (0, 4), "{}", ran.stderr);
    assert!(ran.stderr.contains("4 pictures in o"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--seeds: left out 3 of 7, which had been given before\n"), "{}", ran.stderr);
    bench.ok("mix --network tiny.safetensors --rows 1,1 --cols 2,2,3 --zoom 1 --no-captions --out m");
    assert_eq!(names("m"), ["grid.png", "row0001-col0002.png", "row0001-col0003.png"]);
    // Where they do not share a name, what was asked for twice is there twice.
    assert_eq!(bench.size("m/grid.png"), (4 * 18 + 2, 3 * 18 + 2));
    bench.ok("generate --network tiny.safetensors --seeds 1,1 --zoom 1 --no-captions --out twice.png");
    assert_eq!(bench.size("twice.png"), (2 * 18 + 2, 18 + 2));
    bench.ok("interpolate --network tiny.safetensors --seeds 1,1 --frames 2 --out w");
    assert_eq!(names("w").len(), 4);
    bench.ok("figures --network tiny.safetensors --seeds 1,1 --only noise,noise --out f");
    assert_eq!(names("f"), ["figure-noise.png"]);
}

#[test]
fn a_walk_leaves_no_frames_of_an_older_one_and_takes_nothing_of_the_users() {
    let bench = Bench::with_network();
    let walk = |frames: u32, out: &str| {
        bench.run(&format!("interpolate --network tiny.safetensors --seeds 1,2 --frames {frames} --out {out}"))
    };
    walk(4, "w");
    for name in ["w/frame1.png", "w/frame000009.txt", "w/mine.png", "walk.tmp.gif"] {
        std::fs::write(bench.path(name), "mine").unwrap();
    }
    let ran = walk(3, "w");
    assert!(ran.code == 0 && ran.stderr.contains("2 frames of an older walk"), "{}", ran.stderr);
    assert_eq!(std::fs::read_dir(bench.path("w")).unwrap().count(), 6 + 3);
    assert_eq!(walk(3, "walk.gif").code, 0);
    // The licence of the network that comes along has letters that not every PNG chunk holds.
    bench.ok("interpolate --network avatars-64 --seeds 0,1 --frames 1 --zoom 1 --out walk.png");
    assert_eq!(std::fs::read(bench.path("walk.tmp.gif")).unwrap(), b"mine");
}
