//! Messages that cannot be written end no work: `2>&1 | head -1`, `2>/dev/full`, a closed terminal.

use crate::bench::Bench;
use crate::verbs::{JOBS, bench};
use std::process::Stdio;

/// Ample for a job of a second on a busy machine; before, the jobs hung for ever.
const SECONDS: u64 = 120;

#[test]
fn no_verb_needs_a_listener() {
    let bench = bench();
    for job in JOBS {
        // -vvv has the libraries speak as well.
        let mut child = bench.command(&format!("{job} -vvv")).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(Bench::code_within(child, SECONDS, job), 0, "{job}");
    }
    let results = std::fs::read_dir(bench.path("")).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("out")
    });
    assert_eq!(
        results.count(),
        JOBS.len() + 2,
        "eval leaves two files, a classifier and a segmenter their runs as well, doctor none"
    );
    // Nor does an error: its code tells it.
    for (job, code) in [("generate --network gone.safetensors", 2), ("data doctor gone", 2), ("inspect gone", 2)] {
        let mut child = bench.command(job).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(Bench::code_within(child, SECONDS, job), code, "{job}");
    }
}

/// With -v every verb says what it reads and writes, with -vv also what it computes on.
#[test]
fn verbs_say_what_they_read_and_write() {
    let bench = bench();
    for job in JOBS.iter().filter(|job| job.contains(" out")) {
        let ran = bench.run(&format!("{job} -v"));
        assert!(ran.code == 0 && ran.stderr.contains("wrote out"), "{job}: {}", ran.stderr);
        let network =
            ["tiny.safetensors", "painter.safetensors", "ada.pkl"].into_iter().find(|name| job.contains(name));
        let read = network.is_none_or(|name| ran.stderr.contains(&format!("reads {name}")));
        assert!(read && !ran.stderr.contains("instruction set"), "{job}: {}", ran.stderr);
    }
    let said = bench.run("inspect tiny.safetensors -vv --threads 2").stderr;
    assert!(said.contains("reads tiny.safetensors") && said.contains("instruction set: "), "{said}");
    assert!(said.contains("threads: 2"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn full_disks_take_no_messages() {
    let bench = bench();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for job in JOBS {
        let child = bench.command(job).stderr(full()).stdout(Stdio::null()).spawn().unwrap();
        assert_eq!(Bench::code_within(child, SECONDS, job), 0, "{job}");
    }
    // A result that was asked for and cannot be written is another matter.
    let child = bench.command("inspect tiny.safetensors").stdout(full()).spawn().unwrap();
    assert_eq!(Bench::code_within(child, SECONDS, "inspect"), 1);
    for line in ["--help", "--version", "train --help"] {
        let output = bench.command(line).stdout(full()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(said.starts_with("error: cannot write to the standard output: No space left"), "{line}: {said}");
    }
}

/// Who reads results may have had enough (`| head -1`).
#[test]
fn results_need_no_reader() {
    let bench = bench();
    for job in JOBS.iter().chain(&["inspect tiny.safetensors", "train --config tiny.toml --print-config"]) {
        let mut child = bench.command(job).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(Bench::code_within(child, SECONDS, job), 0, "{job}");
    }
}
