//! Folders as people have them: links, pipes, what cannot be read.
#![cfg(unix)]

use crate::pictures::*;
use std::os::unix::fs::symlink;
use stylegan_train::data::{Dataset, Files as Listed, Problem, doctor};

fn pipe(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn each_folder_is_listed_once_whatever_leads_to_it() {
    let place = Place::new();
    let root = place.folder("set", &good());
    let hash = Dataset::open(&root).unwrap().hash().unwrap().to_string();
    for name in ["a", "b", "00/up", "zz"] {
        symlink(&root, root.join(name)).unwrap();
    }
    symlink(root.join("01"), root.join("again")).unwrap();
    let set = Dataset::open(&root).unwrap();
    // Their own names, not those of the links, though those come first in the order of names.
    assert_eq!(set.names(), good().into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert_eq!(set.hash().unwrap(), hash);
    let notes: Vec<&str> = set.notes().map(|note| note.file.as_str()).collect();
    assert_eq!(notes, ["00/up", "a", "again", "b", "zz"]);
    // A link to a folder elsewhere is followed, once.
    let other = place.folder("other", &vec![("x.png".to_string(), png(rgb(8, 6, 9)))]);
    symlink(&other, root.join("c")).unwrap();
    symlink(&other, root.join("d")).unwrap();
    let set = Dataset::open(&root).unwrap();
    assert_eq!((set.len(), set.names()[4].as_str()), (5, "c/x.png"));
}

#[test]
fn nothing_but_files_is_opened() {
    let place = Place::new();
    let root = place.folder("set", &good());
    pipe(&root.join("01/pipe.png"));
    pipe(&root.join("pipe.txt"));
    let _socket = std::os::unix::net::UnixListener::bind(root.join("x.jpg")).unwrap();
    symlink("/dev/zero", root.join("zero.png")).unwrap();
    let report = doctor::examine(&root, None, || {}).unwrap();
    let found: Vec<String> =
        report.findings.iter().map(|finding| format!("{}: {}", finding.file, finding.problem)).collect();
    assert_eq!(
        found,
        ["01/pipe.png: a named pipe, not a file", "x.jpg: a socket, not a file", "zero.png: a device, not a file"]
    );
    assert_eq!((report.pictures, report.usable), (4, 4));
    // What becomes a pipe later is not opened either.
    for name in ["01/pipe.png", "x.jpg", "zero.png"] {
        std::fs::remove_file(root.join(name)).unwrap();
    }
    let set = Dataset::open(&root).unwrap();
    std::fs::remove_file(root.join("01/img1.png")).unwrap();
    pipe(&root.join("01/img1.png"));
    let error = set.pixels(1).unwrap_err().to_string();
    assert!(error.contains("01/img1.png: a named pipe, not a file"), "{error}");
    // Nor labels.
    pipe(&root.join("dataset.json"));
    let files = Listed::open(&root).unwrap();
    assert!(files.findings().iter().any(|finding| finding.file == "dataset.json"));
}

#[test]
fn links_that_lead_nowhere_are_said() {
    let place = Place::new();
    let root = place.folder("set", &good());
    symlink("/nowhere/a.png", root.join("a.png")).unwrap();
    symlink("/nowhere/cats", root.join("cats")).unwrap();
    symlink("loop.png", root.join("loop.png")).unwrap();
    symlink("/nowhere/notes.txt", root.join("notes.txt")).unwrap();
    let found: Vec<String> = Listed::open(&root).unwrap().findings().iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    for (name, target) in [("a.png", "/nowhere/a.png"), ("cats", "/nowhere/cats"), ("loop.png", "loop.png")] {
        let start = format!("{name}: a link to {target}, which cannot be followed");
        assert!(found.iter().any(|finding| finding.starts_with(&start)), "{found:?}");
    }
}

#[test]
fn names_that_are_not_utf8_are_refused_for_what_they_are() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let root = place.folder("set", &good());
    let name = std::ffi::OsStr::from_bytes(b"\xe4.png");
    if std::fs::write(root.join(name), "x").is_err() {
        // Some file systems do not take such names.
        return;
    }
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xe4.txt")), "x").unwrap();
    let files = Listed::open(&root).unwrap();
    assert_eq!(files.findings().len(), 1);
    assert_eq!(files.findings()[0].problem, Problem::Name("is not UTF-8"));
}
