//! What a compaction must leave of each producer.

use std::collections::HashMap;

use super::{Producer, ProducerStates};

/// What of a producer must not be compacted away: its last sequence, or else its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastRecord {
    pub(crate) epoch: i16,
    /// Of its last batch of data, if that is remembered.
    pub(crate) last_offset: Option<i64>,
}

impl ProducerStates {
    /// By producer id.
    pub(crate) fn last_records(&self) -> HashMap<i64, LastRecord> {
        self.by_id.iter().map(|(id, producer)| (*id, producer.last_record())).collect()
    }
}

impl Producer {
    fn last_record(&self) -> LastRecord {
        let last_offset = self.batches.back().map(|newest| {
            // Sequences count records; after the largest comes 0.
            let span = i64::from(newest.last_sequence) - i64::from(newest.first_sequence);
            newest.base_offset + span.rem_euclid(1 << 31)
        });
        LastRecord { epoch: self.epoch, last_offset }
    }
}
