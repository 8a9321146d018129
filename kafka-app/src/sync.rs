//! Atomics by a name of ours, so that a permutation test can put others in their place.

pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
