//! [`DoneBits`]: which records of a window are finished, told by many lanes to one pump without a lock.
//!
//! `tests/permutations` runs this file with loom's atomics, in every order that threads may take.

use crate::sync::{AtomicU64, Ordering};

/// One bit for each record of the window: set by lanes, cleared by the pump as the watermark passes.
pub(crate) struct DoneBits {
    /// No bit below this is set any more: a late report of a record that is settled already does no harm.
    front: AtomicU64,
    words: Box<[AtomicU64]>,
}

impl DoneBits {
    pub(crate) fn new(room: u64) -> Self {
        // A power of two, so that a remainder is a mask.
        let words = (room.div_ceil(64) + 1).next_power_of_two();
        Self { front: AtomicU64::new(0), words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Records the bits are for.
    pub(crate) fn window(&self) -> u64 {
        self.words.len() as u64 * 64
    }

    /// Marks a record as finished: at most once for each that was dispatched.
    pub(crate) fn set(&self, seq: u64) {
        if seq >= self.front.load(Ordering::Acquire) {
            self.word(seq).fetch_or(1 << (seq % 64), Ordering::Release);
        }
    }

    /// Whether a record is finished.
    pub(crate) fn is_set(&self, seq: u64) -> bool {
        seq < self.front.load(Ordering::Acquire) || self.word(seq).load(Ordering::Acquire) & (1 << (seq % 64)) != 0
    }

    pub(crate) fn is_any_set(&self, front: u64, end: u64) -> bool {
        (front..end).any(|seq| self.is_set(seq))
    }

    fn word(&self, seq: u64) -> &AtomicU64 {
        &self.words[usize::try_from(seq / 64).unwrap_or_default() & (self.words.len() - 1)]
    }

    /// The first sequence from `front` on whose bit is not set, at most `end`; bits of whole words passed are cleared.
    pub(crate) fn take_from(&self, front: u64, end: u64) -> u64 {
        let mut at = front;
        while at < end {
            let word = self.word(at);
            let bits = word.load(Ordering::Acquire) >> (at % 64);
            let ones = u64::from(bits.trailing_ones()).min(end - at);
            at += ones;
            if ones == 0 || !at.is_multiple_of(64) {
                break;
            }
            // The word is passed for good: the next lap over it starts clean.
            word.store(0, Ordering::Release);
        }
        self.front.store(at, Ordering::Release);
        at
    }
}

impl std::fmt::Debug for DoneBits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DoneBits").field("front", &self.front).finish_non_exhaustive()
    }
}
