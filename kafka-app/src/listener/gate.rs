//! [`Gate`]: lanes go in and out; once it is closed nobody comes in, and who closed it sees everyone that is inside.
//!
//! Both are one word, so there is one order in which lanes came and the gate was closed, whatever the processor does.
//! `tests/permutations` runs this file with loom's atomics, in every order that threads may take.

use crate::sync::{AtomicUsize, Ordering};

/// Who is inside, and whether others may follow.
#[derive(Debug, Default)]
pub(crate) struct Gate(AtomicUsize);

const CLOSED: usize = 1;
const ONE_INSIDE: usize = 2;

impl Gate {
    /// Nobody comes in any more.
    pub(crate) fn close(&self) {
        self.0.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Counts one in, whether it may stay or not: the answer says which, and [`Gate::leave`] is to follow in either case.
    pub(crate) fn enter(&self) -> bool {
        self.0.fetch_add(ONE_INSIDE, Ordering::AcqRel) & CLOSED == 0
    }

    /// Counts one out.
    pub(crate) fn leave(&self) {
        self.0.fetch_sub(ONE_INSIDE, Ordering::AcqRel);
    }

    /// How many are inside.
    pub(crate) fn n_inside(&self) -> usize {
        self.0.load(Ordering::Acquire) / ONE_INSIDE
    }

    /// Whether anyone is inside. Once false behind [`Gate::close`], nobody that may stay comes in again.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.load(Ordering::Acquire) >= ONE_INSIDE
    }
}
