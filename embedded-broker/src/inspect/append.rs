//! Records that a test puts into a log without a client, and what becomes of those who write.

use std::sync::Arc;

use crate::cluster::Cluster;
use crate::error::{Error, ErrorCode};
use crate::inspect::topic::TopicView;
use crate::log::{EndMarker, MadeBatch, MadeRecord, OneBatch, Place, Proof, Rejected, Unpacker, validate};
use crate::partition::{Claim, Partition, Sender, Unappended};

/// A record to be [appended](TopicView::append).
///
/// ```
/// use embedded_broker::ProducerRecord;
///
/// let record = ProducerRecord::new("4200").key("order-1").header("trace", "abc").timestamp(1_700_000_000_000);
/// let tombstone = ProducerRecord::tombstone("order-1");
/// let with_key: ProducerRecord = ("order-1", "4200").into();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a record does nothing until it is appended"]
pub struct ProducerRecord {
    record: MadeRecord,
    timestamp: Option<i64>,
}

impl ProducerRecord {
    /// A record of this value, without a key.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self { record: MadeRecord { value: Some(value.into()), ..MadeRecord::default() }, timestamp: None }
    }

    /// A record without a value: whoever compacts drops what was there of this key.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Self { record: MadeRecord { key: Some(key.into()), ..MadeRecord::default() }, timestamp: None }
    }

    /// Gives it a key. The partition is chosen by whoever appends it, whatever the key is.
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.record.key = Some(key.into());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.record.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Gives it this time, in milliseconds since 1970, instead of the broker's.
    pub fn timestamp(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }
}

impl From<&str> for ProducerRecord {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<(&str, &str)> for ProducerRecord {
    fn from((key, value): (&str, &str)) -> Self {
        Self::new(value).key(key)
    }
}

impl TopicView {
    /// Appends records to a partition as one batch, as a producer would, and returns the offset of the first.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// broker.topic("orders").append(0, ["first", "second"])?;
    /// let offset = broker.topic("orders").append(0, [("key", "third")])?;
    /// assert_eq!(offset, 2);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic or partition, there are no records, or the topic does not take them.
    pub fn append<R: Into<ProducerRecord>>(
        &self,
        partition: i32,
        records: impl IntoIterator<Item = R>,
    ) -> Result<i64, Error> {
        self.append_of(MadeBatch::default(), partition, records.into_iter().map(Into::into).collect())
    }

    /// Appends records of a transaction that is then aborted: readers of committed ones must not see them. Returns the offset
    /// of the first.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// broker.topic("orders").append_aborted(0, ["never happened"])?;
    /// assert_eq!(broker.topic("orders").records()?.len(), 1);
    /// assert!(broker.topic("orders").committed_records()?.is_empty());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn append_aborted<R: Into<ProducerRecord>>(
        &self,
        partition: i32,
        records: impl IntoIterator<Item = R>,
    ) -> Result<i64, Error> {
        let producer_id = self.cluster.next_producer_id();
        let of_producer = MadeBatch { producer: Some((producer_id, 0, 0)), is_transactional: true };
        let offset = self.append_of(of_producer, partition, records.into_iter().map(Into::into).collect())?;
        let marker = EndMarker { producer_id, producer_epoch: 0, coordinator_epoch: 0, committed: false };
        let ended = self.partition(partition)?.append_marker(&marker, Sender::INSIDE, self.cluster.clock.wall_ms());
        ended.map_err(|rejected| Error::with_code(rejected.code, rejected.message))?;
        Ok(offset)
    }

    /// Forgets the producers that have written to the topic, as their expiry does (`producer.id.expiration.ms`): what they
    /// send next is taken for the first of an unknown producer, a repetition too. Those with an open transaction stay.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// broker.topic("orders").forget_producers()?;
    /// assert!(broker.topic("orders").producers()?.is_empty());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn forget_producers(&self) -> Result<(), Error> {
        self.topic()?.partitions.iter().for_each(|partition| partition.expire_producers(i64::MAX, 0));
        Ok(())
    }

    fn append_of(&self, batch: MadeBatch, partition: i32, records: Vec<ProducerRecord>) -> Result<i64, Error> {
        let topic = self.topic()?;
        let found = self.partition(partition)?;
        let now_ms = self.cluster.clock.wall_ms();
        let records: Vec<_> = records.into_iter().map(|one| (one.timestamp.unwrap_or(now_ms), one.record)).collect();
        let place = Place { topic: &topic.name, partition };
        append(&self.cluster, &found, place, &batch.encode(&records))
    }

    pub(crate) fn partition(&self, index: i32) -> Result<Arc<Partition>, Error> {
        self.topic()?.partition(index).cloned().ok_or_else(|| {
            let message = format!("topic {} has no partition {index}", self.name());
            Error::with_code(ErrorCode::UnknownTopicOrPartition, message)
        })
    }
}

/// Appends a batch by the way that those of clients go.
fn append(cluster: &Cluster, partition: &Partition, place: Place<'_>, bytes: &[u8]) -> Result<i64, Error> {
    /// Of Produce: everything is allowed.
    const VERSION: i16 = 13;
    let now_ms = cluster.clock.wall_ms();
    let refused = |rejected: Rejected| Error::with_code(rejected.code, rejected.message);
    let batch = OneBatch::read(bytes, VERSION).map_err(refused)?;
    let config = partition.config();
    let batch = validate(batch, place, &config, now_ms, &mut Unpacker::default()).map_err(refused)?;
    let claim = |proof| Claim { proof, bumps_epoch: true, now_ms };
    let appended = match partition.append_in(&batch, claim(Proof::None), Sender::INSIDE) {
        // Nobody but this test has the producer id, and it says itself that its transaction is open.
        Err(Unappended::Unverified(guard)) => {
            partition.append_in(&batch, claim(Proof::Verified(guard)), Sender::INSIDE)
        }
        other => other,
    };
    let written = appended.map_err(|unappended| refused(unappended.into_rejected()))?;
    Ok(written.appended.base_offset)
}
