//! [`Scope`]: how long a transaction's producer may be used.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The time of one transaction, as those see it who send into it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope(Arc<AtomicBool>);

impl Scope {
    /// From now on nothing is taken: what would still be sent belongs to no transaction, or to one of others.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
