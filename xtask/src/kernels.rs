//! `cargo xtask kernels`: compiles `kernels/*.cu` to the files that are kept in the repository.
//!
//! Each kernel file becomes PTX for the oldest GPUs that CUDA 13 knows, which drivers compile for the GPU at hand.
//! `ptxas` compiles it for all architectures here, to see that no register spills; what each kernel takes is kept
//! beside the PTX, in `table.txt`, with hashes that tie both to the sources.

use crate::cargo::{output, root};
use crate::failure::{Failure, Result};
use crate::say::say;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What PTX is written for.
const OLDEST: &str = "compute_75";

/// What it is compiled for as a check.
const ARCHITECTURES: [&str; 7] = ["75", "80", "86", "89", "90", "100", "120"];

const HEADER: &str = "common.cuh";

/// Where nvcc comes from where no toolkit is installed.
const NVCC: &str = "nvcc 13.0 is needed: name it with --nvcc FILE, or put it on the PATH; without a CUDA toolkit, \
                    `pip install --no-deps --target T nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 \
                    nvidia-nvvm==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85` puts one into \
                    T/nvidia/cu13/bin";

/// Compiles all kernels with `--nvcc FILE`, or the nvcc on the PATH.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let nvcc = match args {
        [] => PathBuf::from("nvcc"),
        [option, file] if option == "--nvcc" => PathBuf::from(file),
        _ => return Err(Failure::wrong("`kernels` takes no arguments but `--nvcc FILE`")),
    };
    let version = output(Command::new(&nvcc).arg("--version")).map_err(|_| Failure::other(NVCC))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let release = version.lines().find_map(|line| line.split_once("release ")).map_or("?", |(_, release)| release);
    if !release.starts_with("13.0") {
        return Err(Failure::other(format!("nvcc is of release {release}; {NVCC}")));
    }
    let (sources, target) = (root().join("kernels"), root().join("crates/stylegan-kernels/src/cuda/ptx"));
    let header = read(&sources.join(HEADER))?;
    let mut table = String::from("# Written by `cargo xtask kernels`: module, hash of its sources, hash of its PTX.\n");
    let mut usage = Usage::new();
    for file in kernels(&sources)? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let ptx = target.join(&name).with_extension("ptx");
        say(&format!("kernels: {name}"));
        let mut compile = Command::new(&nvcc);
        compile.args(["-O3", "-std=c++17", "--ptx", "-Werror=all-warnings", "-arch", OLDEST]);
        checked(compile.arg(&file).arg("-o").arg(&ptx))?;
        let source = [read(&file)?, header.clone()].concat();
        let _ = writeln!(table, "{name} {:016x} {:016x}", hash(&source), hash(&read(&ptx)?));
        for architecture in ARCHITECTURES {
            let mut assemble = Command::new(nvcc.with_file_name("ptxas"));
            assemble.args(["-v", "--warn-on-spills", "-arch", &format!("sm_{architecture}")]);
            take(&checked(assemble.arg(&ptx).args(["-o", "/dev/null"]))?, architecture, &mut usage)?;
        }
    }
    let _ = writeln!(
        table,
        "# Registers of each kernel on compute {}; none spills, none has shared memory of fixed size.",
        ARCHITECTURES.join(", ")
    );
    for (kernel, registers) in usage {
        let registers: Vec<String> = registers.iter().map(u32::to_string).collect();
        let _ = writeln!(table, "{kernel} {}", registers.join(" "));
    }
    fs::write(target.join("table.txt"), table).map_err(Failure::other)
}

/// Registers of each kernel, by architecture.
type Usage = BTreeMap<String, Vec<u32>>;

/// Reads the report of ptxas.
fn take(report: &str, architecture: &str, usage: &mut Usage) -> Result<()> {
    let mut kernel = "";
    for line in report.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            kernel = rest.split('\'').next().unwrap_or_default();
        }
        // With the comma before it: 40 bytes end in a 0, too.
        let spills = line.contains("bytes spill") && !line.contains(", 0 bytes spill stores, 0 bytes spill loads");
        if spills || line.contains("bytes smem") {
            return Err(Failure::other(format!("{kernel} on compute {architecture}: {}", line.trim())));
        }
        if let Some((_, rest)) = line.split_once("Used ") {
            let registers = rest.split(' ').next().and_then(|number| number.parse().ok());
            let registers = registers.ok_or_else(|| Failure::other(format!("ptxas says `{line}`")))?;
            usage.entry(kernel.to_owned()).or_default().push(registers);
        }
    }
    Ok(())
}

fn kernels(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Failure::other)?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "cu"));
    files.sort();
    Ok(files)
}

/// Runs a compiler and takes what it reports.
fn checked(command: &mut Command) -> Result<String> {
    let done = output(command)?;
    let report = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    if done.status.success() { Ok(report) } else { Err(Failure::other(report)) }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|e| Failure::other(format!("{}: {e}", file.display())))
}

/// FNV-1a: ties files together, against mistakes and not against attackers. The test of the kernels has the same.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_and_spills_refused() {
        let report = |spilled: u32| {
            format!(
                "ptxas info    : Compiling entry function 'adam' for 'sm_90'\n    0 bytes stack frame, {spilled} bytes spill \
                 stores, 0 bytes spill loads\nptxas info    : Used 23 registers, used 0 barriers\n"
            )
        };
        let mut usage = Usage::new();
        assert!(take(&report(0), "90", &mut usage).is_ok());
        assert_eq!(usage["adam"], [23]);
        for spilled in [8, 10, 40] {
            assert!(take(&report(spilled), "90", &mut usage).is_err(), "{spilled}");
        }
    }
}
