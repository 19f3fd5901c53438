//! The PTX that is kept belongs to the sources, has every kernel, and spills nothing. Needs neither a compiler nor a GPU.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn ptx(module: &str) -> PathBuf {
    here().join("src/cuda/ptx").join(module).with_extension("ptx")
}

/// (hashes of sources and of PTX by module, registers by kernel) of the table beside the PTX.
fn table() -> (BTreeMap<String, [u64; 2]>, BTreeMap<String, Vec<u32>>) {
    let text = std::fs::read_to_string(here().join("src/cuda/ptx/table.txt")).unwrap();
    let parts: Vec<&str> = text.split("# ").collect();
    let [_, modules, kernels] = parts[..] else { panic!("{} parts", parts.len()) };
    let rows = |part: &str| -> Vec<Vec<String>> {
        part.lines().skip(1).map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    };
    let hash = |digits: &String| u64::from_str_radix(digits, 16).unwrap();
    let modules = rows(modules).into_iter().map(|row| (row[0].clone(), [hash(&row[1]), hash(&row[2])])).collect();
    let numbers = |row: &[String]| row.iter().map(|number| number.parse().unwrap()).collect();
    (modules, rows(kernels).into_iter().map(|row| (row[0].clone(), numbers(&row[1..]))).collect())
}

/// As `cargo xtask kernels` has it: FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The files of kernels, without their ending.
fn modules() -> Vec<String> {
    let entries = std::fs::read_dir(here().join("../../kernels")).unwrap();
    let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut modules: Vec<String> = files.filter_map(|file| Some(file.strip_suffix(".cu")?.to_owned())).collect();
    modules.sort();
    modules
}

#[test]
fn ptx_belongs_to_the_sources() {
    let (hashes, _) = table();
    assert_eq!(hashes.keys().cloned().collect::<Vec<_>>(), modules(), "run `cargo xtask kernels`");
    let header = std::fs::read(here().join("../../kernels/common.cuh")).unwrap();
    for (module, [source, binary]) in hashes {
        let file = here().join("../../kernels").join(&module).with_extension("cu");
        let sources = [std::fs::read(file).unwrap(), header.clone()].concat();
        assert_eq!(hash(&sources), source, "{module}.cu or common.cuh has changed: run `cargo xtask kernels`");
        assert_eq!(hash(&std::fs::read(ptx(&module)).unwrap()), binary, "{module}.ptx has changed");
    }
}

#[test]
fn every_kernel_fits_the_gpus_it_was_checked_for() {
    let (_, registers) = table();
    let mut named: Vec<String> = vec![];
    for module in modules() {
        let source = std::fs::read_to_string(here().join("../../kernels").join(&module).with_extension("cu")).unwrap();
        let text = std::fs::read_to_string(ptx(&module)).unwrap();
        // Drivers compile it for the oldest GPUs that CUDA 13 knows, and for all that came after.
        assert!(text.contains("\n.target sm_75\n"), "{module}");
        let entries: Vec<String> =
            text.split(".entry ").skip(1).map(|rest| rest.split(['(', '\n']).next().unwrap().to_owned()).collect();
        for entry in &entries {
            assert!(source.contains(entry.as_str()), "{module}.cu has no {entry}");
        }
        named.extend(entries);
    }
    named.sort();
    assert_eq!(named, registers.keys().cloned().collect::<Vec<_>>());
    for (kernel, registers) in registers {
        assert_eq!(registers.len(), 7, "{kernel}: compute 7.5, 8.0, 8.6, 8.9, 9.0, 10.0, 12.0");
        // 65536 registers for blocks of 256 threads: four blocks at a time, half of the threads that fit, or more.
        assert!(registers.iter().all(|&used| (1..=64).contains(&used)), "{kernel}: {registers:?}");
    }
}
