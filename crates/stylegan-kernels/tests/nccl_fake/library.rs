//! What the tests of the exchange between GPUs load in the place of libnccl.so.2 and, unless a GPU is emulated already, of
//! libcuda.so.1: a GPU whose memory is the process's own, and a group whose ranks put what they send into files of one folder.
//!
//! The functions have NVIDIA's names and arguments. As with the real ones an exchange only begins where it is
//! called; it goes on while somebody asks the stream whether it is done. The n-th thing that a rank sends to
//! another is the file `n-FROM-TO`; an exchange is done when all files that it waits for are there. A file
//! called `broken` in the folder is a lost connection. The folder is the one that the name of the group says.
#![allow(non_snake_case, clippy::missing_safety_doc)]

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

type Code = u32;
const OK: Code = 0;
const NOT_READY: Code = 600;
const REMOTE_ERROR: Code = 6;

/// A member of a group.
struct Member {
    folder: PathBuf,
    rank: usize,
    /// For each rank, how many things were sent to it and taken from it.
    counts: Vec<[usize; 2]>,
}

/// What this process still waits for: a file, where its bytes go, and whether they are f32 to be added there.
struct Awaited {
    file: PathBuf,
    to: usize,
    len: usize,
    adds: bool,
}

static AWAITED: Mutex<Vec<Awaited>> = Mutex::new(vec![]);

/// The name of a group.
#[repr(C)]
pub struct Id([u8; 128]);

impl Member {
    fn send(&mut self, to: usize, from: *const c_void, len: usize) {
        // SAFETY: the caller's buffer, which is memory of this process.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), len) };
        let [sent, _] = &mut self.counts[to];
        let file = self.folder.join(format!("{sent}-{}-{to}", self.rank));
        *sent += 1;
        let unfinished = file.with_extension(format!("unfinished-{}", self.rank));
        fs::write(&unfinished, bytes).unwrap();
        fs::rename(&unfinished, file).unwrap();
    }

    fn receive(&mut self, from: usize, to: *mut c_void, len: usize, adds: bool) {
        let [_, taken] = &mut self.counts[from];
        let file = self.folder.join(format!("{taken}-{from}-{}", self.rank));
        *taken += 1;
        AWAITED.lock().unwrap().push(Awaited { file, to: to as usize, len, adds });
    }
}

/// Takes up what has come; whether anything is still on its way.
fn go_on() -> bool {
    let mut awaited = AWAITED.lock().unwrap();
    // In order, as sums are.
    while let Some(first) = awaited.first() {
        let Ok(bytes) = fs::read(&first.file) else { return true };
        assert_eq!(bytes.len(), first.len, "{}", first.file.display());
        // SAFETY: the caller's buffer of `len` bytes, which lives until the stream is done.
        let to = unsafe { std::slice::from_raw_parts_mut(first.to as *mut u8, first.len) };
        if first.adds {
            for (sum, value) in to.as_chunks_mut::<4>().0.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *sum = (f32::from_le_bytes(*sum) + f32::from_le_bytes(*value)).to_le_bytes();
            }
        } else {
            to.copy_from_slice(&bytes);
        }
        // Nobody else reads it.
        fs::remove_file(&first.file).unwrap();
        awaited.remove(0);
    }
    false
}

fn member<'a>(group: *mut c_void) -> &'a mut Member {
    // SAFETY: what ncclCommInitRank gave, which is never freed.
    unsafe { &mut *group.cast::<Member>() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclGetUniqueId(id: *mut [u8; 128]) -> Code {
    let folder = std::env::var("FAKE_NCCL").unwrap();
    let name = format!("{folder}/{}", std::process::id());
    fs::create_dir_all(&name).unwrap();
    // SAFETY: the caller has room for an id.
    let id = unsafe { &mut *id };
    id.fill(0);
    id[..name.len()].copy_from_slice(name.as_bytes());
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommInitRank(group: *mut *mut c_void, ranks: c_int, id: Id, rank: c_int) -> Code {
    let name = String::from_utf8(id.0.to_vec()).unwrap();
    let folder = PathBuf::from(name.trim_end_matches('\0'));
    let member = Member { folder, rank: rank as usize, counts: vec![[0; 2]; ranks as usize] };
    fs::write(member.folder.join(format!("joined-{rank}")), "").unwrap();
    while (0..ranks).any(|rank| !member.folder.join(format!("joined-{rank}")).exists()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: the caller has room for a handle.
    unsafe { *group = Box::into_raw(Box::new(member)).cast() };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommCount(group: *mut c_void, ranks: *mut c_int) -> Code {
    // SAFETY: the caller has room for a number.
    unsafe { *ranks = member(group).counts.len() as c_int };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommGetAsyncError(group: *mut c_void, problem: *mut Code) -> Code {
    let broken = member(group).folder.join("broken").exists();
    // SAFETY: the caller has room for a code.
    unsafe { *problem = if broken { REMOTE_ERROR } else { OK } };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclCommAbort(_group: *mut c_void) -> Code {
    AWAITED.lock().unwrap().clear();
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclGetErrorString(code: Code) -> *const c_char {
    let text = if code == REMOTE_ERROR { c"remote process exited or there was a network error" } else { c"an error" };
    text.as_ptr()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclGroupStart() -> Code {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclGroupEnd() -> Code {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclSend(
    from: *const c_void,
    count: usize,
    _kind: Code,
    to: c_int,
    group: *mut c_void,
    _stream: *mut c_void,
) -> Code {
    member(group).send(to as usize, from, count);
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclRecv(
    to: *mut c_void,
    count: usize,
    _kind: Code,
    from: c_int,
    group: *mut c_void,
    _stream: *mut c_void,
) -> Code {
    member(group).receive(from as usize, to, count, false);
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclAllGather(
    from: *const c_void,
    to: *mut c_void,
    count: usize,
    _kind: Code,
    group: *mut c_void,
    _stream: *mut c_void,
) -> Code {
    let member = member(group);
    for rank in 0..member.counts.len() {
        member.send(rank, from, count);
        // SAFETY: a place in the caller's buffer, which has room for all ranks.
        member.receive(rank, unsafe { to.cast::<u8>().add(rank * count) }.cast(), count, false);
    }
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ncclAllReduce(
    from: *const c_void,
    to: *mut c_void,
    count: usize,
    _kind: Code,
    _sum: Code,
    group: *mut c_void,
    _stream: *mut c_void,
) -> Code {
    let member = member(group);
    for rank in 0..member.counts.len() {
        member.send(rank, from, 4 * count);
        member.receive(rank, to, 4 * count, rank > 0);
    }
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamQuery(_stream: *mut c_void) -> Code {
    if go_on() { NOT_READY } else { OK }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamSynchronize(_stream: *mut c_void) -> Code {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAlloc_v2(at: *mut u64, len: usize) -> Code {
    let bytes = vec![0xffu8; len + 8].into_boxed_slice();
    let memory = Box::leak(bytes).as_mut_ptr();
    // SAFETY: eight bytes more were asked for, and the caller has room for an address.
    unsafe {
        memory.cast::<u64>().write_unaligned(len as u64);
        *at = memory as u64 + 8;
    }
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemFree_v2(at: u64) -> Code {
    let memory = (at - 8) as *mut u8;
    // SAFETY: what cuMemAlloc_v2 leaked, of the length that stands before it.
    unsafe {
        let len = memory.cast::<u64>().read_unaligned() as usize + 8;
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(memory, len)));
    }
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyHtoD_v2(to: u64, from: *const c_void, len: usize) -> Code {
    // SAFETY: the caller's, of `len` bytes.
    unsafe { std::ptr::copy_nonoverlapping(from.cast::<u8>(), to as *mut u8, len) };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyDtoH_v2(to: *mut c_void, from: u64, len: usize) -> Code {
    // SAFETY: the caller's, of `len` bytes.
    unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to.cast::<u8>(), len) };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuInit(_flags: c_uint) -> Code {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGetErrorName(_code: Code, name: *mut *const c_char) -> Code {
    // SAFETY: the caller has room for an address.
    unsafe { *name = c"an error".as_ptr() };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGet(device: *mut c_int, number: c_int) -> Code {
    // SAFETY: the caller has room for a number.
    unsafe { *device = number };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDevicePrimaryCtxRetain(context: *mut *mut c_void, device: c_int) -> Code {
    // SAFETY: the caller has room for a handle.
    unsafe { *context = (device + 1) as usize as *mut c_void };
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxSetCurrent(_context: *mut c_void) -> Code {
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamCreate(stream: *mut *mut c_void, _flags: c_uint) -> Code {
    // SAFETY: the caller has room for a handle.
    unsafe { *stream = 8 as *mut c_void };
    OK
}
