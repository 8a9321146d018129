//! One call into a transaction: what it is told about the world, and what it wants done.

use std::collections::BTreeSet;

use super::config::TransactionConfig;
use super::record::{TopicPartition, TransactionRecord};

/// The time, the settings and new producer ids of one call, and everything the call wants done.
pub(crate) struct Turn<'a> {
    /// Milliseconds since 1970, as clients are shown them.
    pub(crate) now_ms: i64,
    pub(crate) config: &'a TransactionConfig,
    /// Gives a producer id nobody had before.
    pub(crate) new_producer_id: &'a mut dyn FnMut() -> i64,
    /// Facts in the order they became true. They are applied already: replaying them gives the same state.
    pub(crate) records: Vec<TransactionRecord>,
    /// The end of a transaction that was decided: written to its partitions after the answer is given.
    pub(crate) markers: Option<Markers>,
}

/// What is to be written where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Markers {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) committed: bool,
    /// In the order in which they are written.
    pub(crate) partitions: BTreeSet<TopicPartition>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(now_ms: i64, config: &'a TransactionConfig, new_producer_id: &'a mut dyn FnMut() -> i64) -> Self {
        Self { now_ms, config, new_producer_id, records: Vec::new(), markers: None }
    }
}
