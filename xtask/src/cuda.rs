//! `cargo xtask cuda`: the feature `cuda` without CUDA and without a GPU.
//!
//! A stand-in for nvcc lets candle's CUDA code be compiled, all but its kernels; a stand-in for the driver and cuBLAS runs ours
//! and candle's in the emulator. Everything goes below `target/cuda`: the feature would have the rest of the workspace compiled
//! anew.

use crate::cargo::{cargo, output, root, wait};
use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
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

/// Runs the tests of GPUs on the stand-in for one; with `--check` compiles the whole workspace for GPUs as far as types.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let check = match args {
        [] => false,
        [option] if option == "--check" => true,
        _ => return Err(Failure::wrong("`cuda` takes no arguments but `--check`")),
    };
    let folder = root().join("target/cuda");
    let (nvcc, libraries) = (folder.join("nvcc"), folder.join("lib"));
    fs::create_dir_all(&libraries).map_err(Failure::other)?;
    write_program(&nvcc)?;
    let mut command = cargo(if check { "check" } else { "test" });
    command
        .current_dir(root())
        .env("CARGO_TARGET_DIR", &folder)
        .env("NVCC", &nvcc)
        .env("CUDARC_CUDA_VERSION", "13000")
        .env("CUDA_COMPUTE_CAP", "75")
        .args(["--locked", "--workspace", "--features", "stylegan-cli/cuda,stylegan-cli/nccl,stylegan-tests/cuda"]);
    // Compiled in a tenth of the time; the tests are small.
    for faster in ["opt-level=0", "debug=false", "package.'*'.opt-level=0", "package.stylegan-metrics.opt-level=0"] {
        command.args(["--config", &format!("profile.dev.{faster}")]);
    }
    command.args(["--config", "profile.dev.package.stylegan-kernels.opt-level=1"]);
    if check {
        return wait(&mut command);
    }
    compile_driver(&libraries)?;
    command.env("LIBRARY_PATH", &libraries).env("LD_LIBRARY_PATH", &libraries);
    wait(command.args(["--test", "cuda_device", "--test", "golden"]))
}

/// Compiles the library that stands for the driver, under the names of all libraries.
fn compile_driver(folder: &Path) -> Result<()> {
    let (kernels, emulator) = (root().join("kernels"), root().join("crates/stylegan-kernels/tests/emulator"));
    let library = folder.join("libcuda.so.1");
    let mut compiler = Command::new("c++");
    compiler.args(["-std=c++17", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-DEMULATED", "-Wno-unknown-pragmas"]);
    for includes in [kernels, emulator.join("candle"), candle_kernels()?, emulator.clone()] {
        compiler.arg("-I").arg(includes);
    }
    compiler.arg(emulator.join("driver.cpp"));
    wait(compiler.args(["-Wl,-soname,libcuda.so.1", "-o"]).arg(&library))?;
    for name in LIBRARIES {
        let link = folder.join(format!("lib{name}.so"));
        fs::copy(&library, link).map_err(Failure::other)?;
    }
    Ok(())
}

/// Where cargo keeps the sources of candle's own kernels.
fn candle_kernels() -> Result<PathBuf> {
    let about = output(Command::new("rustc").arg("-vV"))?;
    let about = String::from_utf8_lossy(&about.stdout).into_owned();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let mut metadata = cargo("metadata");
    metadata.current_dir(root()).args(["--locked", "--format-version", "1", "--features", "stylegan-cli/cuda"]);
    let metadata = output(metadata.args(["--filter-platform", host]))?;
    let text = String::from_utf8_lossy(&metadata.stdout);
    let manifest = text.split("\"manifest_path\":\"").filter_map(|rest| rest.split('"').next());
    let manifest = manifest.map(Path::new).find(|file| {
        let package = file.parent().and_then(Path::file_name).unwrap_or_default();
        package.to_string_lossy().starts_with("candle-kernels-")
    });
    let folder = manifest.and_then(Path::parent).ok_or_else(|| {
        Failure::other(format!(
            "cargo does not say where the package candle-kernels lies: {}",
            String::from_utf8_lossy(&metadata.stderr).trim()
        ))
    })?;
    Ok(folder.join("src"))
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
