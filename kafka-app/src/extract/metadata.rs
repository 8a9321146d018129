//! [`RecordMetadata`] and [`DeliveryAttempt`]: where the record is, and how often it was delivered.

use std::sync::Arc;

use super::{FromBatch, FromRecord};
use crate::{
    handler::{BatchContext, RecordContext, Rejection},
    record::RecordMetadata,
};

impl<'r> FromRecord<'r> for RecordMetadata {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        Ok(Self {
            topic: Arc::clone(cx.topic),
            partition: cx.partition,
            offset: cx.record.offset(),
            timestamp: cx.record.timestamp(),
            leader_epoch: cx.record.leader_epoch(),
        })
    }
}

/// Which delivery of this record to its handler it is, from 1. Those in place are counted in memory, and a restart begins at 1
/// again; those from retry topics are counted in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryAttempt(pub u32);

impl<'r> FromRecord<'r> for DeliveryAttempt {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        Ok(Self(cx.attempt))
    }
}

/// That of its first record: in place all are at the same delivery, in a retry topic they need not be.
impl<'r> FromBatch<'r> for DeliveryAttempt {
    fn from_batch(cx: &BatchContext<'r>, _: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection> {
        Ok(Self(cx.records.first().map_or(1, |record| record.attempt)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    #[test]
    fn the_attempt_counts_from_one() {
        assert_eq!(TestRecord::new("p").extract::<DeliveryAttempt>().unwrap(), DeliveryAttempt(1));
    }
}
