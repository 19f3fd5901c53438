//! Safetensors files with and without metadata: opening, checking and loading one ends with a network
//! or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Write;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::import::is_foreign;
use stylegan_core::Model;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(bytes).is_err() || is_foreign(file.path()).unwrap_or(true) {
        return;
    }
    if let Ok(checkpoint) = Checkpoint::open(file.path()) {
        drop(checkpoint.verify());
    }
    drop(Model::load(file.path(), &candle_core::Device::Cpu));
});
