//! Records as plain values: what arrives, what is sent, and where.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::client::NativeRecord;

/// A record as it arrived, undecoded; nothing of it is copied out of the client's buffer.
pub struct RawRecord(Repr);

/// The double for tests and for records that do not come from the client costs one predictable branch.
enum Repr {
    Native(NativeRecord),
    Owned(Box<OwnedRecord>),
}

/// A record with all its parts on the heap: for tests of handlers and policies without a broker.
#[derive(Debug, Clone, Default)]
pub struct OwnedRecord {
    /// Position in its partition.
    pub offset: i64,
    /// When it was made or appended.
    pub timestamp: Timestamp,
    /// Key bytes; `None` is a null key.
    pub key: Option<Vec<u8>>,
    /// Payload bytes; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers in their order on the wire; names may repeat.
    pub headers: Headers,
    /// The leader epoch it was fetched under, where the client knows it.
    pub leader_epoch: Option<i32>,
}

impl RawRecord {
    pub(crate) fn native(record: NativeRecord) -> Self {
        Self(Repr::Native(record))
    }

    /// Position in its partition.
    #[must_use]
    pub fn offset(&self) -> i64 {
        match &self.0 {
            Repr::Native(record) => record.offset(),
            Repr::Owned(record) => record.offset,
        }
    }

    /// When the record was made (`CreateTime`) or appended (`LogAppendTime`).
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        match &self.0 {
            Repr::Native(record) => record.timestamp(),
            Repr::Owned(record) => record.timestamp,
        }
    }

    /// Key bytes; `None` is a null key.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::Native(record) => record.key(),
            Repr::Owned(record) => record.key.as_deref(),
        }
    }

    /// Payload bytes; `None` is a tombstone.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::Native(record) => record.payload(),
            Repr::Owned(record) => record.payload.as_deref(),
        }
    }

    /// Calls `visit` with each header in order. The client parses headers on the first touch only, so a listener that
    /// never asks pays nothing.
    pub fn for_each_header<'r>(&'r self, mut visit: impl FnMut(&'r str, Option<&'r [u8]>)) {
        match &self.0 {
            Repr::Native(record) => record.for_each_header(&mut visit),
            Repr::Owned(record) => record.headers.iter().for_each(|(name, value)| visit(name, value)),
        }
    }

    /// The value of the last header of that name, as [`Headers::last`].
    pub(crate) fn last_header<'r>(&'r self, name: &str) -> Option<Option<&'r [u8]>> {
        let mut last = None;
        self.for_each_header(|header, value| {
            if header == name {
                last = Some(value);
            }
        });
        last
    }

    /// The leader epoch the record was fetched under, where the broker told it.
    #[must_use]
    pub fn leader_epoch(&self) -> Option<i32> {
        match &self.0 {
            Repr::Native(record) => record.leader_epoch(),
            Repr::Owned(record) => record.leader_epoch,
        }
    }

    /// Bytes of key and payload together: what the in-flight bound counts.
    #[must_use]
    pub fn size(&self) -> usize {
        self.key().map_or(0, <[u8]>::len) + self.payload().map_or(0, <[u8]>::len)
    }
}

impl RawRecord {
    /// A copy of its own, that keeps nothing of the client.
    pub(crate) fn detached(&self) -> Self {
        let mut headers = Headers::new();
        self.for_each_header(|name, value| headers.push(name, value.map(Bytes::copy_from_slice)));
        Self::from(OwnedRecord {
            offset: self.offset(),
            timestamp: self.timestamp(),
            key: self.key().map(<[u8]>::to_vec),
            payload: self.payload().map(<[u8]>::to_vec),
            headers,
            leader_epoch: self.leader_epoch(),
        })
    }
}

impl From<OwnedRecord> for RawRecord {
    fn from(record: OwnedRecord) -> Self {
        Self(Repr::Owned(Box::new(record)))
    }
}

impl fmt::Debug for RawRecord {
    /// Shows sizes, never contents: payloads do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRecord").field("offset", &self.offset()).field("size", &self.size()).finish_non_exhaustive()
    }
}

/// When a record was made or appended, in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Timestamp {
    /// The record has none.
    #[default]
    NotAvailable,
    /// Set by the producer.
    CreateTime(i64),
    /// Set by the broker.
    LogAppendTime(i64),
}

impl Timestamp {
    /// The milliseconds, whoever set them.
    #[must_use]
    pub fn to_millis(self) -> Option<i64> {
        match self {
            Self::NotAvailable => None,
            Self::CreateTime(ms) | Self::LogAppendTime(ms) => Some(ms),
        }
    }
}

/// Record headers: ordered, names may repeat, values may be null.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Option<Bytes>)>);

impl Headers {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a header; an earlier one of the same name stays.
    pub fn push(&mut self, name: impl Into<String>, value: Option<Bytes>) {
        self.0.push((name.into(), value));
    }

    /// The value of the last header of that name, as Kafka's `lastHeader`; `Some(None)` is a null value.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<Option<&[u8]>> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_deref())
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_deref()))
    }

    /// Number of headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes every header whose name the predicate rejects.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }
}

/// A topic and a partition of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of a topic.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Where a record is and when it was made; Kafka's `ConsumerRecordMetadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMetadata {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, from 0.
    pub partition: i32,
    /// Position in the partition.
    pub offset: i64,
    /// When it was made or appended.
    pub timestamp: Timestamp,
    /// Leader epoch, where the broker told it.
    pub leader_epoch: Option<i32>,
}

/// A record to be sent: typed for a template, or already encoded, as it comes back in a `SendError`.
///
/// ```
/// use kafka_app::ProducerRecord;
///
/// let record = ProducerRecord::to("orders").key("42").payload("two shoes").header("source", "shop").partition(1);
/// assert_eq!(record.topic.as_deref(), Some("orders"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProducerRecord<K = Bytes, V = Bytes> {
    /// Topic; for what a listener returns, `None` means its `send_to`.
    pub topic: Option<Arc<str>>,
    /// Partition; `None` leaves it to the partitioner.
    pub partition: Option<i32>,
    /// Milliseconds since 1970 UTC; `None` is now.
    pub timestamp: Option<i64>,
    /// Key; `None` is a null key.
    pub key: Option<K>,
    /// Payload; `None` is a tombstone.
    pub payload: Option<V>,
    /// Headers.
    pub headers: Headers,
}

impl<K, V> ProducerRecord<K, V> {
    /// A record for a topic, without key and payload yet.
    #[must_use]
    pub fn to(topic: impl Into<Arc<str>>) -> Self {
        let topic = Some(topic.into());
        Self { topic, partition: None, timestamp: None, key: None, payload: None, headers: Headers::new() }
    }

    /// With this key.
    #[must_use]
    pub fn key(self, key: K) -> Self {
        Self { key: Some(key), ..self }
    }

    /// With this payload.
    #[must_use]
    pub fn payload(self, payload: V) -> Self {
        Self { payload: Some(payload), ..self }
    }

    /// To this partition, from 0, instead of the partitioner's.
    #[must_use]
    pub fn partition(self, partition: i32) -> Self {
        Self { partition: Some(partition), ..self }
    }

    /// Made at this time, in milliseconds since 1970 UTC, instead of when it is sent.
    #[must_use]
    pub fn timestamp(self, millis: i64) -> Self {
        Self { timestamp: Some(millis), ..self }
    }

    /// With one more header; names may repeat.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push(name, Some(Bytes::copy_from_slice(value.as_ref())));
        self
    }
}

/// Where an acknowledged record was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendResult {
    /// Partition, from 0.
    pub partition: i32,
    /// Offset in the partition; -1 with `acks=0`.
    pub offset: i64,
}
