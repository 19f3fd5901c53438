//! `cargo xtask cuda`: the feature `cuda` without CUDA and without a GPU.
//!
//! A stand-in for nvcc lets candle's CUDA code be compiled, all but its kernels; a stand-in for the driver and cuBLAS runs ours
//! in the emulator. Everything goes below `target/cuda`: the feature would have the rest of the workspace compiled anew.

use crate::cargo::{cargo, root, wait};
use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Answers what build scripts ask, and writes empty files.
const NVCC: &str = r#"#!/bin/sh
out= dir= before=
for arg; do
  case $before in -o) out=$arg ;; --output-directory) dir=$arg ;; esac
  case $arg in
    --version) printf 'nvcc\n\n\nCuda compilation tools, release 13.0, V13.0.88\n'; exit ;;
    --list-gpu-code) printf 'sm_75\nsm_80\nsm_90\n'; exit ;;
    --list-gpu-arch) printf 'compute_75\ncompute_80\ncompute_90\n'; exit ;;
    *.cu) [ -n "$dir" ] && : > "$dir/$(basename "${arg%.cu}").ptx" ;;
  esac
  before=$arg
done
case $out in
  '') ;;
  *.a) printf '!<arch>\n' > "$out" ;;
  *) : > "$out" ;;
esac
"#;

/// The libraries that candle links.
const LIBRARIES: [&str; 6] = ["cuda", "cublas", "cublasLt", "curand", "nvrtc", "cudart"];

/// Runs the operations on the stand-in for a GPU.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    if !args.is_empty() {
        return Err(Failure::wrong("`cuda` takes no arguments"));
    }
    let folder = root().join("target/cuda");
    let (nvcc, libraries) = (folder.join("nvcc"), folder.join("lib"));
    fs::create_dir_all(&libraries).map_err(Failure::other)?;
    write_program(&nvcc)?;
    compile_driver(&libraries)?;
    let mut test = cargo("test");
    test.current_dir(root())
        .env("CARGO_TARGET_DIR", &folder)
        .env("NVCC", &nvcc)
        .env("CUDARC_CUDA_VERSION", "13000")
        .env("CUDA_COMPUTE_CAP", "75")
        .env("LIBRARY_PATH", &libraries)
        .env("LD_LIBRARY_PATH", &libraries);
    test.args(["--locked", "--package", "stylegan-kernels", "--features", "cuda", "--test", "cuda_device"]);
    // Compiled in a tenth of the time; the tests are small.
    test.args(["--config", "profile.dev.package.'*'.opt-level=0"]);
    // Second derivatives need candle's own kernels, which have no code here.
    wait(test.args(["--", "--skip", "second_derivatives"]))
}

/// Compiles the library that stands for the driver, under the names of all libraries.
fn compile_driver(folder: &Path) -> Result<()> {
    let (kernels, emulator) = (root().join("kernels"), root().join("crates/stylegan-kernels/tests/emulator"));
    let library = folder.join("libcuda.so.1");
    let mut compiler = Command::new("c++");
    compiler.args(["-std=c++17", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-DEMULATED", "-Wno-unknown-pragmas"]);
    compiler.arg("-I").arg(kernels).arg("-I").arg(&emulator).arg(emulator.join("driver.cpp"));
    wait(compiler.args(["-Wl,-soname,libcuda.so.1", "-o"]).arg(&library))?;
    for name in LIBRARIES {
        let link = folder.join(format!("lib{name}.so"));
        fs::copy(&library, link).map_err(Failure::other)?;
    }
    Ok(())
}

#[cfg(unix)]
fn write_program(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(file, NVCC).map_err(Failure::other)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).map_err(Failure::other)
}

#[cfg(not(unix))]
fn write_program(_: &Path) -> Result<()> {
    Err(Failure::other("the stand-in for nvcc is a script for Unix"))
}
