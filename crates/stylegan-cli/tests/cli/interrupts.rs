//! Ctrl-C, SIGTERM and SIGHUP: heeded at once, leaving nothing half-written, saying how to go on.
#![cfg(target_os = "linux")]

use crate::bench::Bench;
use crate::verbs::bench;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use stylegan_core::checkpoint::Checkpoint;

/// A second, and what a machine with other work may take to notice.
const AT_ONCE: Duration = Duration::from_secs(4);

/// Starts `line` with SIGHUP as it is by default, whatever runs these tests.
fn start(bench: &Bench, line: &str) -> Child {
    let stylegan = bench.command(line);
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP").arg(stylegan.get_program()).args(stylegan.get_args());
    command.current_dir(bench.path("")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn wait_for(what: &str, arrived: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !arrived() {
        assert!(Instant::now() < deadline, "{what} was waited for in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends `signal` once the work is under way; returns the exit code and what was said.
fn interrupt(bench: &Bench, line: &str, signal: &str, under_way: impl Fn() -> bool) -> (Option<i32>, String) {
    let mut child = start(bench, line);
    wait_for(line, under_way);
    assert!(child.try_wait().unwrap().is_none(), "{line} had ended already");
    send(signal, &child);
    let sent = Instant::now();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let code = child.wait().unwrap().code();
    assert!(sent.elapsed() < AT_ONCE, "{line}: {:?} after {signal}", sent.elapsed());
    (code, said)
}

/// Whether something unfinished lies in `folder`.
fn at_work(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
}

#[test]
fn every_verb_ends_at_once_and_leaves_nothing_half_written() {
    let bench = bench();
    let jobs = [
        ("data build avatars --size 64 --count 1000000 --out huge.zip", "-INT", ""),
        ("data build avatars --size 64 --count 1000000 --format folder --out huge", "-HUP", ""),
        ("data build earth --size 64 --out runs/earth.zip", "-TERM", "runs"),
        // The built-in set of a run is drawn before the run begins.
        ("train --config tiny.toml --data avatars --set data.count=1000000 --out run", "-INT", "run/data"),
        ("interpolate --network tiny.safetensors --seeds 0-999 --frames 1000 --out walk.gif", "-HUP", ""),
        ("interpolate --network tiny.safetensors --seeds 0-999 --frames 1000 --out walk.png", "-INT", ""),
    ];
    for (line, signal, folder) in jobs {
        let (code, said) = interrupt(&bench, line, signal, || at_work(&bench.path(folder)));
        assert_eq!(code, Some(130), "{line}: {said}");
        assert!(said.ends_with("the same command starts again\n"), "{line}: {said}");
        assert_eq!(bench.leftovers(), <[&Path; 0]>::default(), "{line}");
    }
    for name in ["huge.zip", "huge", "runs/earth.zip", "walk.gif", "walk.png", "run/config.toml"] {
        assert!(!bench.path(name).exists(), "{name}");
    }

    // Pictures of a folder stay, and each is whole.
    let jobs = [
        ("generate --network tiny.safetensors --seeds 0-999999 --out faces", "-TERM", "faces"),
        ("interpolate --network tiny.safetensors --seeds 0-999 --frames 1000 --out frames", "-INT", "frames"),
    ];
    for (line, signal, folder) in jobs {
        let begun = || std::fs::read_dir(bench.path(folder)).is_ok_and(|entries| entries.count() > 20);
        let (code, said) = interrupt(&bench, line, signal, begun);
        assert_eq!((code, bench.leftovers().len()), (Some(130), 0), "{line}: {said}");
        for entry in std::fs::read_dir(bench.path(folder)).unwrap() {
            image::open(entry.unwrap().path()).unwrap();
        }
    }
}

/// Verbs that compute for long before they write anything.
#[test]
fn nothing_is_computed_to_its_end() {
    let bench = bench();
    let jobs = [
        ("mix --network tiny.safetensors --rows 0-299 --cols 0-299 --out mix.png", 130),
        ("figures --network tiny.safetensors --seeds 0-3 --realisations 100000 --out figures", 130),
        ("generate --network tiny.safetensors --seeds 0-999999 --out all.safetensors", 130),
        ("eval --network tiny.safetensors --data pictures --metrics ppl_wend --count 1000000 --out e.json", 130),
        ("eval --network tiny.safetensors --data pictures --metrics kid --count 1000000 --cache kept --out e.json", 75),
    ];
    for (line, code) in jobs {
        let started = Instant::now();
        let (found, said) = interrupt(&bench, line, "-INT", || started.elapsed() > Duration::from_millis(700));
        assert_eq!(found, Some(code), "{line}: {said}");
        let how = if code == 75 { "goes on from the features in kept\n" } else { "the same command starts again\n" };
        assert!(said.ends_with(how), "{line}: {said}");
        assert!(bench.leftovers().is_empty(), "{line}");
    }
}

/// The trials of a plan are in a folder of their own, which goes with it.
#[test]
fn a_plan_leaves_no_trial() {
    let bench = bench();
    std::fs::create_dir(bench.path("trials")).unwrap();
    let mut command = bench.command("plan --config tiny.toml --data small --seconds 1000");
    let mut child = command.env("TMPDIR", bench.path("trials")).stderr(Stdio::null()).spawn().unwrap();
    let trials = || std::fs::read_dir(bench.path("trials")).unwrap().count();
    wait_for("a trial", || trials() > 0);
    send("-INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(trials(), 0);
}

/// A classifier's run is saved, and the same command goes on with it to the same file.
#[test]
fn a_classifier_goes_on() {
    let bench = bench();
    let line = |out: &str, kimg: f64| format!("classifier --data classes.zip --out {out}.safetensors --kimg {kimg}");
    let started = Instant::now();
    let begun = || bench.path("c.run/config.toml").exists() && started.elapsed() > Duration::from_millis(700);
    let (code, said) = interrupt(&bench, &line("c", 10000.), "-INT", begun);
    assert_eq!(code, Some(75), "{said}");
    assert!(said.ends_with("the same command goes on\n") && bench.leftovers().is_empty(), "{said}");
    assert!(!bench.path("c.safetensors").exists() && bench.path("c.run/stats.jsonl").exists());
    // Fewer pictures than it has seen: the saved state is the classifier, and the file says how many that saw.
    let ran = bench.run(&line("c", 0.001));
    assert!(ran.code == 0 && ran.stderr.contains("its saved state is what is written"), "{}", ran.stderr);
    let file = Checkpoint::open(bench.path("c.safetensors")).unwrap();
    let saved = Checkpoint::open(&stylegan_train::checkpoints::list(&bench.path("c.run")).unwrap()[0]).unwrap();
    let images = |checkpoint: &Checkpoint| checkpoint.metadata().unwrap().images;
    assert!(images(&file) == images(&saved) && images(&file) > 1);
}

/// An inversion is saved and goes on to the bytes of one that ran through, film and all.
#[test]
fn an_inversion_goes_on() {
    let bench = bench();
    let line = |out: &str| {
        format!(
            "invert --network tiny.safetensors --space w+ --steps 80 --video --out {out} pictures/000.png pictures/001.png"
        )
    };
    bench.ok(&line("straight"));
    let begun = || {
        let made = bench.path("cut").metadata().and_then(|folder| folder.modified());
        made.is_ok_and(|made| made.elapsed().is_ok_and(|since| since > Duration::from_millis(500)))
    };
    let (code, said) = interrupt(&bench, &line("cut"), "-INT", begun);
    assert_eq!(code, Some(75), "{said}");
    assert!(said.contains("interrupted and saved in cut; the same command goes on with"), "{said}");
    let unfinished = |name: &str| bench.path(format!("cut/{name}-unfinished.safetensors")).exists();
    assert!(unfinished("000") || unfinished("001"), "{said}");
    let ran = bench.run(&line("cut"));
    assert!(ran.code == 0 && ran.stderr.contains("going on after step"), "{}", ran.stderr);
    for name in ["000.safetensors", "000-reconstruction.png", "000.gif", "001.safetensors", "001.gif", "sheet.png"] {
        let read = |folder: &str| std::fs::read(bench.path(folder).join(name)).unwrap();
        assert!(read("straight") == read("cut"), "{name}");
    }
    assert!(!unfinished("000") && !unfinished("001") && bench.leftovers().is_empty());
}

/// A checkpoint that is being evaluated is on the disk already: there is nothing to wait for.
#[test]
fn evaluation_within_training_is_cut_short() {
    let bench = bench();
    let line = "train --config tiny.toml --data small --out run --kimg 0.2 --set output.checkpoint_kimg=0.1 \
                --set eval.metrics=[\"ppl_wend\"] --set eval.kimg=0.1 --set eval.count=1000000";
    let saved = || bench.path("run/network-000000.safetensors").exists();
    let (code, said) = interrupt(&bench, line, "-INT", saved);
    assert_eq!(code, Some(75), "{said}");
    assert!(said.contains("go on with: stylegan train --out run"), "{said}");
    assert!(bench.ok("inspect run").contains("0.104 kimg"));
    bench.ok("train --out run --set eval.metrics=[]");
    bench.ok("train --config tiny.toml --data small --out straight --kimg 0.2 --set output.checkpoint_kimg=0.1");
    let last = |run: &str| std::fs::read(bench.path(format!("{run}/network-000000.safetensors"))).unwrap();
    assert!(last("run") == last("straight"));
}

/// What was started by `nohup` outlives its terminal.
#[test]
fn nohup_is_respected() {
    let bench = bench();
    let stylegan = bench.command("train --config tiny.toml --data small --out run --kimg 2");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(stylegan.get_program()).args(stylegan.get_args());
    let mut child = command.current_dir(bench.path("")).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    said.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("kimg "))).unwrap().unwrap();
    send("-HUP", &child);
    // The terminal goes, and what was said to it.
    drop(said);
    assert_eq!(Bench::code_within(child, 120, "train"), 0);
    assert!(bench.ok("inspect run").contains(" 2 kimg"));
}
