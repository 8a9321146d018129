//! [`Collector`]: gathers records of one partition until they make a chunk or a batch: pure.

use std::time::Instant;

use super::{dispatch::Delivered, later::later};
use crate::config::BatchLimits;

/// Records on their way to a hand-over. A record listener's chunk takes what is there; a batch waits to fill.
pub(crate) struct Collector {
    limits: BatchLimits,
    records: Vec<Delivered>,
    n_bytes: u64,
    /// When the oldest came.
    since: Option<Instant>,
}

/// Records with the bytes they hold.
pub(crate) type Gathered = (Vec<Delivered>, u64);

impl Collector {
    pub(crate) fn new(limits: BatchLimits) -> Self {
        Self { limits, records: Vec::new(), n_bytes: 0, since: None }
    }

    /// How many records are gathered.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// How many more records fit.
    pub(crate) fn room(&self) -> usize {
        self.max_records().saturating_sub(self.records.len()).max(1)
    }

    /// Takes a record in; returns the batch that is complete without it, if it does not fit any more. A record larger
    /// than the limit makes a batch of its own.
    pub(crate) fn push(&mut self, record: Delivered, n_bytes: u64, now: Instant) -> Option<Gathered> {
        let is_full = self.n_bytes.saturating_add(n_bytes) > self.limits.max_bytes;
        let complete = if is_full { self.take() } else { None };
        if self.records.is_empty() {
            self.since = Some(now);
        }
        self.records.push(record);
        self.n_bytes += n_bytes;
        complete
    }

    /// What is to be handed over now: a full batch, or one that has waited long enough.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Gathered> {
        let is_full = self.records.len() >= self.max_records() || self.n_bytes >= self.limits.max_bytes;
        let has_waited = self.since.is_some_and(|since| now.duration_since(since) >= self.limits.max_wait);
        if is_full || has_waited { self.take() } else { None }
    }

    /// When the oldest record has waited long enough.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.since.map(|since| later(since, self.limits.max_wait))
    }

    fn max_records(&self) -> usize {
        usize::try_from(self.limits.max_records).unwrap_or(usize::MAX)
    }

    /// What is gathered, due or not.
    pub(crate) fn take(&mut self) -> Option<Gathered> {
        self.since = None;
        let n_bytes = std::mem::take(&mut self.n_bytes);
        let records = std::mem::take(&mut self.records);
        (!records.is_empty()).then_some((records, n_bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::OwnedRecord;

    fn delivered(seq: u64) -> Delivered {
        Delivered { seq, record: OwnedRecord::default().into() }
    }

    fn limits(max_records: u32, max_wait_ms: u64, max_bytes: u64) -> BatchLimits {
        BatchLimits { max_records, max_wait: Duration::from_millis(max_wait_ms), max_bytes }
    }

    fn seqs(gathered: Option<Gathered>) -> Vec<u64> {
        gathered.map(|(records, _)| records.iter().map(|r| r.seq).collect()).unwrap_or_default()
    }

    #[test]
    fn without_a_wait_whatever_is_there_makes_a_batch() {
        let (mut collector, now) = (Collector::new(limits(10, 0, u64::MAX)), Instant::now());
        assert!(collector.take_due(now).is_none());
        collector.push(delivered(0), 1, now);
        collector.push(delivered(1), 1, now);
        assert_eq!(seqs(collector.take_due(now)), [0, 1]);
    }

    #[test]
    fn a_batch_waits_to_fill_from_its_first_record_on() {
        let (mut collector, now) = (Collector::new(limits(10, 50, u64::MAX)), Instant::now());
        collector.push(delivered(0), 1, now);
        collector.push(delivered(1), 1, now + Duration::from_millis(40));
        assert!(collector.take_due(now + Duration::from_millis(49)).is_none());
        assert_eq!(collector.due_at(), Some(now + Duration::from_millis(50)));
        assert_eq!(seqs(collector.take_due(now + Duration::from_millis(50))), [0, 1]);
        assert_eq!(collector.due_at(), None);
    }

    #[test]
    fn a_full_batch_waits_for_nothing() {
        let (mut collector, now) = (Collector::new(limits(2, 1000, u64::MAX)), Instant::now());
        collector.push(delivered(0), 1, now);
        assert_eq!(collector.room(), 1);
        collector.push(delivered(1), 1, now);
        assert_eq!(seqs(collector.take_due(now)), [0, 1]);
    }

    #[test]
    fn a_record_beyond_the_bytes_starts_the_next_batch() {
        let (mut collector, now) = (Collector::new(limits(10, 1000, 100)), Instant::now());
        assert!(collector.push(delivered(0), 60, now).is_none());
        assert_eq!(seqs(collector.push(delivered(1), 60, now)), [0]);
        assert!(collector.take_due(now).is_none());
        assert_eq!(seqs(collector.push(delivered(2), 500, now)), [1]);
        assert_eq!(seqs(collector.take_due(now)), [2], "too large for any batch, it goes alone");
    }
}
