//! Memory of the process: what tensors give back, and the most there was.

/// Tells the C library to keep the memory of freed tensors for the next ones. Programs call it
/// first; later calls do nothing.
///
/// Without it, every tensor of more than a few hundred kilobytes comes fresh from the system and
/// goes back at once, and the system clears each page again: a third of the time of a picture of
/// 1024x1024 pixels and of a training step. With it a process keeps the memory of its largest
/// moment until it ends. Only glibc has such a setting; elsewhere nothing happens.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        const TRIM_THRESHOLD: i32 = -1;
        const TOP_PAD: i32 = -2;
        const MMAP_THRESHOLD: i32 = -3;
        const ARENA_MAX: i32 = -8;
        static ONCE: std::sync::Once = std::sync::Once::new();
        // One arena for all threads: those of gradient passes free what others allocated.
        ONCE.call_once(|| {
            // SAFETY: a function of glibc that any thread may call at any time; what it does not take it ignores, and says 0.
            let set = |parameter, value| unsafe { mallopt(parameter, value) } != 0;
            set(ARENA_MAX, 1);
            // Before 2.35 no larger threshold was taken, and the next setting fixed it at 128 KiB.
            if !set(MMAP_THRESHOLD, i32::MAX) {
                set(MMAP_THRESHOLD, 32 << 20);
            }
            set(TRIM_THRESHOLD, i32::MAX);
            set(TOP_PAD, 32 << 20);
        });
    }
}

/// The most memory that this process has held so far, in bytes; `None` where the system does not say.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kib << 10)
}
