//! [`Ack`] as an argument: of one record, or of a whole batch.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::{FromBatch, FromRecord, payload::rejected};
use crate::{
    handler::{BatchContext, Declaration, RecordContext, Rejection},
    listener::{Ack, AckSource, AckTarget, Acked},
};

impl<'r> FromRecord<'r> for Ack {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        cx.ack.map(Self::new).ok_or_else(not_manual)
    }

    fn declare(declaration: &mut Declaration) {
        declaration.takes_ack();
    }
}

/// Acknowledges all records of the batch that could be decoded, or has all of them delivered again.
impl<'r> FromBatch<'r> for Ack {
    fn from_batch(cx: &BatchContext<'r>, _: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection> {
        let sources: Option<Vec<_>> = cx.records.iter().map(|record| record.ack).collect();
        let sources = sources.ok_or_else(not_manual)?;
        let seq = sources.first().map_or(0, |source| source.seq);
        let members = sources.iter().map(|source| (source.seq, Arc::clone(source.target))).collect();
        let target: Arc<dyn AckTarget> = Arc::new(WholeBatch { members, rejected: Arc::clone(cx.rejected) });
        Ok(Self::new(AckSource { seq, target: &target }))
    }

    fn declare(declaration: &mut Declaration) {
        declaration.takes_ack();
    }
}

/// The records of a batch, in their order, acknowledged as one.
struct WholeBatch {
    members: Vec<(u64, Arc<dyn AckTarget>)>,
    /// Filled when the batch is decoded, which may be after this was made: these go the dead-letter way.
    rejected: Arc<Mutex<Vec<u64>>>,
}

impl WholeBatch {
    fn decoded(&self) -> impl Iterator<Item = &(u64, Arc<dyn AckTarget>)> {
        let rejected = self.rejected.lock().clone();
        self.members.iter().filter(move |(seq, _)| !rejected.contains(seq))
    }
}

impl AckTarget for WholeBatch {
    /// The last record's answer is the batch's: its offset is committed when all before it are acknowledged.
    fn acknowledge(&self, _: u64) -> Acked {
        let answers = self.decoded().map(|(seq, target)| target.acknowledge(*seq));
        answers.last().unwrap_or_else(Acked::marked)
    }

    /// From the first record on, which holds all others.
    fn nack(&self, _: u64, delay: Duration) {
        if let Some((seq, target)) = self.decoded().next() {
            target.nack(*seq, delay);
        }
    }

    fn dropped(&self, _: u64) {
        self.decoded().for_each(|(seq, target)| target.dropped(*seq));
    }
}

fn not_manual() -> Rejection {
    rejected::<Ack, _>(r#"the listener does not acknowledge by hand: declare `ack = "manual"` or `"manual-immediate"`"#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{AckEvent, TestRecord, acks};

    #[test]
    fn an_ack_needs_a_manual_ack_mode() {
        let error = TestRecord::new("p").extract::<Ack>().unwrap_err().to_string();
        assert!(error.contains(r#"declare `ack = "manual"`"#), "{error}");
    }

    #[test]
    fn the_ack_of_a_batch_is_that_of_each_decoded_record() {
        let acks = acks();
        let members = (3..=5).map(|seq| (seq, acks.target())).collect();
        // Record 3 could not be decoded.
        let batch = WholeBatch { members, rejected: Arc::new(Mutex::new(vec![3])) };
        drop(batch.acknowledge(3));
        batch.nack(3, Duration::from_secs(1));
        batch.dropped(3);
        let expected = [
            AckEvent::Acknowledged(4),
            AckEvent::Acknowledged(5),
            AckEvent::Nacked(4, Duration::from_secs(1)),
            AckEvent::Dropped(4),
            AckEvent::Dropped(5),
        ];
        assert_eq!(acks.events(), expected);
    }
}
