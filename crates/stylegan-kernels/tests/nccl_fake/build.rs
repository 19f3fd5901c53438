//! Builds the library that stands for NVIDIA's; tests of several crates take this file in.

use std::path::Path;
use std::process::Command;

const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../stylegan-kernels/tests/nccl_fake/library.rs");

/// Builds it in `folder`, under NCCL's name and, unless the program is linked with CUDA's, under that.
pub(crate) fn build_library(folder: &Path) {
    let library = folder.join("libnccl.so.2");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=cdylib", "-Cpanic=abort", "-o"]).arg(&library).arg(LIBRARY);
    assert!(rustc.status().unwrap().success());
    if cfg!(not(feature = "cuda")) {
        std::os::unix::fs::symlink(&library, folder.join("libcuda.so.1")).unwrap();
    }
}
