//! Training sets in ZIP archives, labels included: opening one and loading its first picture ends with
//! a picture or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Write;
use stylegan_train::data::{Dataset, SampleRequest};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::Builder::new().suffix(".zip").tempfile() else { return };
    if file.write_all(bytes).is_err() {
        return;
    }
    if let Ok(set) = Dataset::open(file.path())
        && !set.is_empty()
    {
        drop(set.load(&[SampleRequest { index: 0, mirror: false }]));
    }
});
