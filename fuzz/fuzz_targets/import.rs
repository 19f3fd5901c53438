//! Pickles, torch files and TensorFlow networks: whatever they hold, reading ends with a result or an
//! error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use stylegan_core::import::import_bytes;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = import_bytes(bytes, Path::new("fuzz.pkl")) {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
});
