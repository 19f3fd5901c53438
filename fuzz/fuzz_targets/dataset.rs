//! Training sets in ZIP archives: opening one, examining it, loading its first picture and hashing it end
//! with a result or an error. Bytes that are no archive are packed into one, as labels of a picture if they look like JSON,
//! else as a picture, so that mutations reach these readers past the checksums of the archive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};
use stylegan_train::data::{Dataset, SampleRequest, doctor};
use zip::write::{SimpleFileOptions, ZipWriter};

// Panics of picture decoders are caught; those that are not end the process all the same.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| ())), |bytes: &[u8]| {
    let picture = include_bytes!("../seeds/dataset/rgb.png");
    match bytes {
        [b'P', b'K', ..] => open(bytes),
        [b'{', ..] => open(&archive(&[("a.png", picture), ("b.png", picture), ("dataset.json", bytes)])),
        _ => open(&archive(&[("a.png", bytes), ("b.jpg", bytes), ("c.webp", bytes)])),
    }
});

fn open(archive: &[u8]) {
    let Ok(mut file) = tempfile::Builder::new().suffix(".zip").tempfile() else { return };
    if file.write_all(archive).is_err() {
        return;
    }
    drop(doctor::examine(file.path(), None, || ()));
    if let Ok(set) = Dataset::open(file.path())
        && !set.is_empty()
    {
        drop(set.load(&[SampleRequest { index: 0, mirror: false }]));
        drop(set.hash().map(str::len));
    }
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        drop(writer.start_file(*name, SimpleFileOptions::default()));
        drop(writer.write_all(bytes));
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}
