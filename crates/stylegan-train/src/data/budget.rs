//! Memory for pictures that are being decoded, shared between threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that all threads together may decode into (1 GiB): more than a hundred pictures of
/// 1024x1024 pixels at once, or one of the largest.
const BYTES: u64 = 1 << 30;

/// Makes threads wait until what others decode leaves room. A picture larger than the whole budget
/// has its turn alone.
#[derive(Debug)]
pub(super) struct Budget {
    whole: u64,
    left: Mutex<u64>,
    returned: Condvar,
}

/// For maps that are decoded one by one, outside of a set: memory is the process's, whoever asks for it.
pub(super) static OF_PROCESS: Budget = Budget::new(BYTES);

/// A part of the budget, until it is dropped.
pub(super) struct Turn<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(BYTES)
    }
}

impl Budget {
    const fn new(whole: u64) -> Self {
        Self { whole, left: Mutex::new(whole), returned: Condvar::new() }
    }

    /// Waits for this many bytes.
    pub(super) fn take(&self, bytes: u64) -> Turn<'_> {
        let bytes = bytes.min(self.whole);
        let mut left = self.lock();
        while *left < bytes {
            left = self.returned.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
        *left -= bytes;
        Turn { budget: self, bytes }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        // A number is whole whenever the lock is released.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.budget.lock() += self.bytes;
        self.budget.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn no_more_is_taken_than_there_is_and_all_have_their_turn() {
        let budget = Budget::new(100);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|threads| {
            // One asks for more than there will ever be.
            for wanted in [40, 70, 100, 1000, 30, 30, 30, 60] {
                let (budget, now, most) = (&budget, &now, &most);
                threads.spawn(move || {
                    for _ in 0..50 {
                        let turn = budget.take(wanted);
                        most.fetch_max(now.fetch_add(turn.bytes, Ordering::SeqCst) + turn.bytes, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(turn.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 100);
        assert_eq!(*budget.lock(), 100);
    }
}
