//! The kernels of `kernels/*.cu`, compiled by the system's C++ compiler and run without a GPU, by the launches that a
//! device gets. Every run is repeated in other orders of threads and blocks, with the same bits expected, and with single
//! barriers left out, with other results expected.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use crate::support::tell;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use stylegan_kernels::cuda::Launch;

/// Orders in which threads and blocks are taken: forward, reverse, two that are random.
const SCHEDULES: &[c_uint] = &[0, 1, 2, 3];

/// Launches of at most this many blocks are repeated without each of their barriers.
const FEW_BLOCKS: u32 = 40;

/// Numbers on either side of every array, NaN in front of and behind it.
const GUARD: usize = 64;

const NO_BARRIER: c_uint = c_uint::MAX;

type Emulate = unsafe extern "C" fn(
    *const c_char,
    c_uint,
    c_uint,
    c_uint,
    *mut *mut c_void,
    c_uint,
    c_uint,
    *mut c_char,
    usize,
) -> c_int;

pub struct Emulator {
    emulate: Emulate,
    /// Orders that a launch is repeated in.
    schedules: &'static [c_uint],
    /// Barriers met so far, and whether a launch was found that needs each.
    barriers: BTreeMap<String, bool>,
}

/// An argument of a kernel.
pub enum Arg<'a> {
    In(&'a [f32]),
    /// An input that is left out.
    Null,
    /// A result of this many numbers.
    Out(usize),
    /// What is changed in place.
    InOut(&'a [f32]),
}

impl Emulator {
    /// `None`, with a word that says so, where no C++ compiler is.
    pub fn new() -> Option<Self> {
        static LIBRARY: OnceLock<Option<Emulate>> = OnceLock::new();
        let emulate = (*LIBRARY.get_or_init(load))?;
        Some(Self { emulate, schedules: SCHEDULES, barriers: BTreeMap::new() })
    }

    /// One that runs a launch once, forward and with all barriers, for launches that take long.
    pub fn in_one_order() -> Option<Self> {
        Some(Self { schedules: &[], ..Self::new()? })
    }

    /// The results of a launch, the same in all schedules.
    #[track_caller]
    pub fn run<P: Copy>(&mut self, launch: &Launch<P>, args: &[Arg]) -> Vec<Vec<f32>> {
        let (results, sites) = self.once(launch, args, 0, NO_BARRIER).unwrap();
        for &schedule in self.schedules {
            let (again, _) = self.once(launch, args, schedule, NO_BARRIER).unwrap();
            assert!(same(&again, &results), "{}: other results in schedule {schedule}", launch.kernel.name);
        }
        for (skip, site) in sites.into_iter().enumerate() {
            let needed = self.barriers.entry(site).or_default();
            if *needed || launch.blocks > FEW_BLOCKS || self.schedules.is_empty() {
                continue;
            }
            *needed = self.schedules.iter().any(|&schedule| {
                run_once(self.emulate, launch, args, schedule, skip as c_uint)
                    .map_or(true, |(again, _)| !same(&again, &results))
            });
        }
        results
    }

    /// The results of a launch in one schedule, and its barriers.
    pub fn once<P: Copy>(
        &self,
        launch: &Launch<P>,
        args: &[Arg],
        schedule: c_uint,
        skip: c_uint,
    ) -> Result<(Vec<Vec<f32>>, Vec<String>), String> {
        run_once(self.emulate, launch, args, schedule, skip)
    }

    /// Every barrier that was met was needed by some launch.
    #[track_caller]
    pub fn all_barriers_are_needed(&self) {
        let unneeded: Vec<_> = self.barriers.iter().filter(|(_, needed)| !**needed).collect();
        assert!(unneeded.is_empty(), "without these barriers nothing changes: {unneeded:?}");
    }
}

fn run_once<P: Copy>(
    emulate: Emulate,
    launch: &Launch<P>,
    args: &[Arg],
    schedule: c_uint,
    skip: c_uint,
) -> Result<(Vec<Vec<f32>>, Vec<String>), String> {
    let name = CString::new(launch.kernel.name).unwrap();
    let guarded = |numbers: &[f32]| [&[f32::NAN; GUARD], numbers, &[f32::NAN; GUARD]].concat();
    let mut arrays: Vec<Option<Vec<f32>>> = args
        .iter()
        .map(|arg| match *arg {
            Arg::In(numbers) | Arg::InOut(numbers) => Some(guarded(numbers)),
            Arg::Null => None,
            Arg::Out(len) => Some(guarded(&vec![f32::NAN; len])),
        })
        .collect();
    let mut params = launch.params;
    let mut pointers: Vec<*mut f32> = arrays
        .iter_mut()
        .map(|array| array.as_mut().map_or(std::ptr::null_mut(), |array| array[GUARD..].as_mut_ptr()))
        .collect();
    let mut list: Vec<*mut c_void> = vec![(&raw mut params).cast()];
    list.extend(pointers.iter_mut().map(|pointer| std::ptr::from_mut(pointer).cast::<c_void>()));
    let mut message = [0 as c_char; 4096];
    let Launch { blocks, threads, shared, .. } = *launch;
    // SAFETY: the library's one function, by its declaration. Parameters and arrays live as long as the call; that a
    // kernel keeps within its arrays is what the tests are for, and guards around them catch it where it writes beyond.
    let code = unsafe {
        let (list, message) = (list.as_mut_ptr(), message.as_mut_ptr());
        emulate(name.as_ptr(), blocks, threads, shared, list, schedule, skip, message, 4096)
    };
    // SAFETY: the function has written a text that ends with 0.
    let text = unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy().into_owned();
    if code != 0 {
        return Err(text);
    }
    let mut results = vec![];
    for (array, arg) in arrays.into_iter().zip(args) {
        let Some(array) = array else { continue };
        let end = array.len() - GUARD;
        if !array[..GUARD].iter().chain(&array[end..]).all(|guard| guard.is_nan()) {
            return Err(format!("{}: an array is written beyond its ends", launch.kernel.name));
        }
        match arg {
            Arg::Out(_) | Arg::InOut(_) => results.push(array[GUARD..end].to_vec()),
            Arg::In(numbers) if !same_bits(&array[GUARD..end], numbers) => {
                return Err(format!("{}: an input is written", launch.kernel.name));
            }
            _ => {}
        }
    }
    Ok((results, text.lines().map(str::to_owned).collect()))
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

fn same(a: &[Vec<f32>], b: &[Vec<f32>]) -> bool {
    a.iter().zip(b).all(|(a, b)| same_bits(a, b))
}

/// Compiles the emulator unless that has been done for the same sources, and loads it.
fn load() -> Option<Emulate> {
    if !cfg!(target_os = "linux") {
        tell("NOT RUN: the CUDA kernels in the emulator, which is for Linux");
        return None;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.join("../../kernels"), here.join("tests/emulator")];
    let mut hasher = DefaultHasher::new();
    for folder in &folders {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end != "md" && end != "rs")) {
            std::fs::read(file).unwrap().hash(&mut hasher);
        }
    }
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cuda_emulator_{:016x}.so", hasher.finish()));
    if !library.exists() {
        let unfinished = library.with_extension(std::process::id().to_string());
        let mut compiler = Command::new("c++");
        // Without contraction, as the CPU's loops: the GPU contracts, within the same bounds.
        compiler.args(["-std=c++17", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-DEMULATED"]);
        // With the feature `cuda` the library that stands for the driver is loaded as well, and has the same names.
        compiler.arg("-Wl,-Bsymbolic");
        compiler.args(["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-I"]).arg(&folders[0]);
        compiler.arg("-I").arg(&folders[1]).arg(folders[1].join("emulator.cpp")).arg("-o").arg(&unfinished);
        let Ok(status) = compiler.status() else {
            tell("NOT RUN: the CUDA kernels in the emulator, as no C++ compiler (c++) is installed");
            return None;
        };
        assert!(status.success(), "the kernels do not compile as C++");
        std::fs::rename(&unfinished, &library).unwrap();
    }
    open(&library)
}

#[cfg(unix)]
fn open(library: &Path) -> Option<Emulate> {
    use std::os::unix::ffi::OsStrExt;
    unsafe extern "C" {
        fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
        fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    }
    const NOW: c_int = 2;
    let path = CString::new(library.as_os_str().as_bytes()).unwrap();
    // SAFETY: a library that was just compiled from the sources beside this file; nothing in it runs when it is loaded.
    unsafe {
        let handle = dlopen(path.as_ptr(), NOW);
        assert!(!handle.is_null(), "{} does not load", library.display());
        let symbol = dlsym(handle, c"emulate".as_ptr());
        assert!(!symbol.is_null(), "{} has no function `emulate`", library.display());
        Some(std::mem::transmute::<*mut c_void, Emulate>(symbol))
    }
}

#[cfg(not(unix))]
fn open(_library: &Path) -> Option<Emulate> {
    None
}
