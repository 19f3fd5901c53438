//! Stands before the system's library in a process whose threads are to run out: once the file exists that `NO_THREADS`
//! names, no thread can be started any more.

use std::ffi::{c_char, c_int, c_void};

/// The answer of a system that has no more (on Linux).
const EAGAIN: c_int = 11;

/// Where to look for a function: after this library.
const NEXT: *mut c_void = -1isize as *mut c_void;

unsafe extern "C" {
    fn dlsym(place: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Work = extern "C" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C" fn(*mut c_void, *const c_void, Work, *mut c_void) -> c_int;

/// As the system's, until there is the file.
///
/// # Safety
/// As the system's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(id: *mut c_void, how: *const c_void, work: Work, with: *mut c_void) -> c_int {
    if std::env::var_os("NO_THREADS").is_some_and(|file| std::path::Path::new(&file).exists()) {
        return EAGAIN;
    }
    // SAFETY: the system's library has this function, and it takes what this one was given.
    unsafe {
        let create: Create = std::mem::transmute(dlsym(NEXT, c"pthread_create".as_ptr()));
        create(id, how, work, with)
    }
}
