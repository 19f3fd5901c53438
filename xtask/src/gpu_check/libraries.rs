//! The libraries that a program for GPUs is linked to: where they are, and what brings those that are missing.

use crate::cargo::output;
use crate::failure::{Failure, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders with libraries that the loader does not look into by itself, for `LD_LIBRARY_PATH`.
///
/// # Errors
/// A line for each library that is nowhere, with what brings it.
pub(super) fn find(program: &Path) -> Result<OsString> {
    let mut folders = known_folders();
    let path = |folders: &[PathBuf]| std::env::join_paths(folders).map_err(Failure::other);
    let missing = missing(program, &path(&folders)?)?;
    if missing.is_empty() {
        folders.dedup();
        return path(&folders);
    }
    let lines = missing.iter().map(|library| format!("\n  {library}: {}", source(library)));
    Err(Failure::other(format!("{} does not start here; missing are{}", program.display(), lines.collect::<String>())))
}

/// The libraries that the loader does not find, by what `ldd` says.
fn missing(program: &Path, folders: &OsString) -> Result<Vec<String>> {
    let said = output(Command::new("ldd").arg(program).env("LD_LIBRARY_PATH", folders))?;
    if !said.status.success() {
        return Err(Failure::other(format!("{} is no program that ldd can read", program.display())));
    }
    Ok(not_found(&String::from_utf8_lossy(&said.stdout)))
}

fn not_found(ldd: &str) -> Vec<String> {
    let missing = ldd.lines().filter_map(|line| line.trim().strip_suffix("=> not found"));
    missing.map(|library| library.trim().to_owned()).collect()
}

/// What is set already, toolkits, and the wheels of PyPI in the Python at hand.
#[allow(clippy::disallowed_methods, reason = "the loader reads it as well")]
fn known_folders() -> Vec<PathBuf> {
    let set = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&set).filter(|folder| folder.is_dir()).collect();
    let children = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let toolkits = children(Path::new("/usr/local")).into_iter();
    let named = |folder: &PathBuf| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cuda"));
    folders.extend(toolkits.filter(named).map(|toolkit| toolkit.join("lib64")).filter(|folder| folder.is_dir()));
    let mut python = Command::new("python3");
    python.args(["-c", "import site; print(*site.getsitepackages(), site.getusersitepackages(), sep='\\n')"]);
    if let Ok(said) = output(&mut python) {
        let places = String::from_utf8_lossy(&said.stdout).into_owned();
        for wheel in places.lines().flat_map(|place| children(&Path::new(place).join("nvidia"))) {
            folders.extend([wheel.join("lib")].into_iter().filter(|folder| folder.is_dir()));
        }
    }
    folders
}

/// What brings a library.
fn source(library: &str) -> &'static str {
    match library.split(".so").next().unwrap_or_default() {
        "libcuda" => "NVIDIA's driver, of release 580 or newer",
        "libcublas" | "libcublasLt" => "a CUDA 13 toolkit, or `pip install nvidia-cublas==13.*`",
        "libcurand" => "a CUDA 13 toolkit, or `pip install nvidia-curand==10.*`",
        "libcudart" => "a CUDA 13 toolkit, or `pip install nvidia-cuda-runtime==13.*`",
        "libnvrtc" => "a CUDA 13 toolkit, or `pip install nvidia-cuda-nvrtc==13.*`",
        _ => "the system's package manager",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_libraries_are_named_with_what_brings_them() {
        let ldd = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibcuda.so.1 => not found\n\tlibcublas.so.13 => not found\n\
                   \tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n";
        assert_eq!(not_found(ldd), ["libcuda.so.1", "libcublas.so.13"]);
        assert!(source("libcuda.so.1").contains("driver") && source("libcublas.so.13").contains("nvidia-cublas"));
        assert!(not_found("\tstatically linked\n").is_empty());
    }
}
