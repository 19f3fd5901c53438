//! The processor's tiles (Intel AMX), by inline assembly: Rust has no stable functions for them.
//!
//! No register of tiles may be live between two pieces of assembly, since the compiler knows them as clobbered
//! only. So a block is one piece, from zeroed sums to stored ones.

use super::SIDE;
use super::bf16::Pairs;
use super::block::{Blocks, Step};
use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Says that this process may use tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permission(());

impl Permission {
    /// The permission, where the processor has tiles of bf16 numbers, the system keeps them across changes of threads,
    /// and grants them. It is asked once; what it says holds for all threads.
    pub(super) fn of_this_process() -> Option<Self> {
        static GRANTED: OnceLock<bool> = OnceLock::new();
        let granted = *GRANTED.get_or_init(|| processor_has_tiles() && system_keeps_tiles() && system_grants_tiles());
        granted.then_some(Self(()))
    }
}

/// AMX-TILE and AMX-BF16 (Intel's manual, volume 2, CPUID leaf 7).
fn processor_has_tiles() -> bool {
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    let leaves = __cpuid_count(0, 0).eax;
    leaves >= 7 && __cpuid_count(7, 0).edx & (AMX_BF16 | AMX_TILE) == AMX_BF16 | AMX_TILE
}

/// Whether the system has switched both parts of the tiles' state on (XCR0).
fn system_keeps_tiles() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    const TILE_STATES: u32 = 0b11 << 17;
    if __cpuid_count(1, 0).ecx & OSXSAVE == 0 {
        return false;
    }
    let low: u32;
    // SAFETY: OSXSAVE says that the instruction is there; it reads register 0 into eax and edx alone.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") _, options(nomem, nostack, preserves_flags));
    }
    low & TILE_STATES == TILE_STATES
}

/// Asks Linux, which keeps so large a state for those alone who ask: an older one, or one that forbids the call, answers
/// with an error.
fn system_grants_tiles() -> bool {
    const ARCH_PRCTL: isize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let answer: isize;
    // SAFETY: a system call with two numbers, which reads and writes none of our memory; it destroys rcx and r11.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => answer, in("rdi") ARCH_REQ_XCOMP_PERM,
             in("rsi") XFEATURE_XTILEDATA, out("rcx") _, out("r11") _, options(nostack));
    }
    answer == 0
}

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_per_row: [u16; 16],
    rows: [u8; 16],
}

/// All eight tiles of 16 rows of 64 bytes, configured on this thread until dropped. Not to be sent to another; a
/// thread has one at a time.
pub(crate) struct Tiles(PhantomData<*const ()>);

impl Tiles {
    pub(super) fn configured(_: Permission) -> Self {
        let mut configuration =
            Configuration { palette: 1, start_row: 0, reserved: [0; 14], bytes_per_row: [0; 16], rows: [0; 16] };
        configuration.bytes_per_row[..8].fill(size_of::<Pairs>() as u16);
        configuration.rows[..8].fill(SIDE as u8);
        // SAFETY: the permission says that tiles are there and granted. 64 bytes are read.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const configuration,
                 out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                 out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                 options(nostack, readonly, preserves_flags));
        }
        Self(PhantomData)
    }

    /// The sums over `steps` for two left tiles, whose lines are `stride` lines apart, and two right ones.
    ///
    /// # Safety
    /// There is a step, and all 16 lines of each tile of each step may be read.
    pub(super) unsafe fn sums(
        &self,
        left: [*const Pairs; 2],
        stride: usize,
        right: [*const Pairs; 2],
        steps: &[Step],
        sums: &mut Blocks,
    ) {
        // SAFETY: tiles are configured on this thread while `self` lives, which does not leave it. The caller vouches for
        // what is read. What is written lies in `sums`: four tiles of 1 KiB, the first of which takes stores
        // on the way, too, before it gets its own. At least one step, so that the counter ends at 0.
        unsafe {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                "2:",
                "mov {p}, [{step}]", "add {p}, {left}",
                "mov {q}, [{step} + 8]", "add {q}, {right}",
                "tileloadd tmm4, [{p} + {stride}*1]",
                "tileloadd tmm6, [{q} + {line}*1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "add {q}, {right_next}",
                "tileloadd tmm7, [{q} + {line}*1]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "add {p}, {left_next}",
                "tileloadd tmm5, [{p} + {stride}*1]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                // A store that nobody reads, every 16 steps: after some 2000 cycles without one, the next costs 900
                // (measured on Sapphire Rapids).
                "test {steps}, 15", "jnz 3f",
                "tilestored [{sums} + {line}*1], tmm4",
                "3:",
                "add {step}, 16", "dec {steps}", "jnz 2b",
                "tilestored [{sums} + {line}*1], tmm0",
                "tilestored [{sums} + {line}*1 + 1024], tmm1",
                "tilestored [{sums} + {line}*1 + 2048], tmm2",
                "tilestored [{sums} + {line}*1 + 3072], tmm3",
                step = inout(reg) steps.as_ptr() => _,
                steps = inout(reg) steps.len() => _,
                left = in(reg) left[0],
                left_next = in(reg) left[1].addr().wrapping_sub(left[0].addr()),
                right = in(reg) right[0],
                right_next = in(reg) right[1].addr().wrapping_sub(right[0].addr()),
                stride = in(reg) stride * size_of::<Pairs>(),
                line = in(reg) size_of::<Pairs>(),
                sums = in(reg) &raw mut *sums,
                p = out(reg) _, q = out(reg) _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack)
            );
        }
    }
}

impl Drop for Tiles {
    /// Gives the tiles back, so that an idle thread has no 8 KiB of them to be kept.
    fn drop(&mut self) {
        // SAFETY: a value exists, so tiles are granted; nothing holds on to them.
        unsafe {
            asm!("tilerelease",
                 out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                 out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                 options(nostack, nomem, preserves_flags));
        }
    }
}
