//! [`Scan`]: a topic from where a group stands to where it ends now, read by a client that is no member of the group.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::Headers as _,
};

use super::offsets::client;
use crate::{
    error::{Error, ErrorKind, Result},
    listener::later,
    record::{Headers, OwnedRecord, RawRecord, Timestamp},
};

/// How long one look for a record lasts.
const LOOK: Duration = Duration::from_millis(500);

/// A topic from where a group stands to where it ends now. Its calls wait for the network: call them off the async threads.
pub(crate) struct Scan {
    consumer: BaseConsumer,
    topic: String,
    /// Partitions that are not read to their end, with that.
    open: BTreeMap<i32, i64>,
}

impl Scan {
    /// Begins where the group of `properties` stands, or at the first record.
    pub(crate) fn begin(
        properties: &BTreeMap<String, String>,
        topic: &str,
        from_beginning: bool,
        timeout: Duration,
    ) -> Result<Self> {
        let consumer = client(properties)?;
        let failed = |what: &str, error: &KafkaError| refused(topic, what, error);
        let metadata = consumer.fetch_metadata(Some(topic), timeout).map_err(|e| failed("it is not found", &e))?;
        let partitions = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
        let partitions = partitions.map(|found| found.partitions().iter().map(|p| p.id()).collect::<Vec<_>>());
        let partitions = partitions.filter(|partitions| !partitions.is_empty());
        let partitions =
            partitions.ok_or_else(|| Error::new(ErrorKind::Refused, format!("there is no topic `{topic}`")))?;
        let mut positions = TopicPartitionList::new();
        for partition in &partitions {
            positions.add_partition(topic, *partition);
        }
        if !from_beginning {
            positions =
                consumer.committed_offsets(positions, timeout).map_err(|e| failed("where its group stands", &e))?;
        }
        let mut open = BTreeMap::new();
        let mut assigned = TopicPartitionList::new();
        for partition in partitions {
            let (first, end) =
                consumer.fetch_watermarks(topic, partition, timeout).map_err(|e| failed("where it ends", &e))?;
            let stands = positions.find_partition(topic, partition).map(|at| at.offset());
            let from = match stands {
                Some(Offset::Offset(offset)) => offset.max(first),
                _ => first,
            };
            if from < end {
                open.insert(partition, end);
                let added = assigned.add_partition_offset(topic, partition, Offset::Offset(from));
                added.map_err(|e| failed("where it begins", &e))?;
            }
        }
        consumer.assign(&assigned).map_err(|e| failed("it cannot be read", &e))?;
        Ok(Self { consumer, topic: topic.to_owned(), open })
    }

    /// The next records, up to `most`; none when all is read that there was at the beginning.
    pub(crate) fn next(&mut self, most: usize, timeout: Duration) -> Result<Vec<(i32, RawRecord)>> {
        let mut records = Vec::new();
        let mut deadline = later(Instant::now(), timeout);
        while !self.open.is_empty() && records.len() < most {
            match self.consumer.poll(LOOK) {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    let Some(end) = self.open.get(&partition).copied() else { continue };
                    if offset < end {
                        records.push((partition, owned(&message)));
                    }
                    if offset + 1 >= end {
                        self.open.remove(&partition);
                    }
                    deadline = later(Instant::now(), timeout);
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.open.remove(&partition);
                }
                Some(Err(error)) if Instant::now() >= deadline => {
                    return Err(refused(&self.topic, "it cannot be read", &error));
                }
                // The client goes on by itself.
                Some(Err(error)) => {
                    tracing::warn!(topic = self.topic, %error, "a topic that is replayed cannot be read yet")
                }
                None if !records.is_empty() => break,
                None if Instant::now() >= deadline => {
                    let text = format!("topic `{}` cannot be read: no broker answered within {timeout:?}", self.topic);
                    return Err(Error::new(ErrorKind::Unavailable, text));
                }
                None => {}
            }
        }
        Ok(records)
    }

    /// The group stands behind these from here on.
    pub(crate) fn commit(&self, behind: &BTreeMap<i32, i64>) -> Result<()> {
        let mut positions = TopicPartitionList::new();
        for (partition, offset) in behind {
            let added = positions.add_partition_offset(&self.topic, *partition, Offset::Offset(offset + 1));
            added.map_err(|e| refused(&self.topic, "its position", &e))?;
        }
        if behind.is_empty() {
            return Ok(());
        }
        let committed = self.consumer.commit(&positions, CommitMode::Sync);
        committed.map_err(|e| refused(&self.topic, "how far it was replayed cannot be committed", &e))
    }
}

fn refused(topic: &str, what: &str, error: &KafkaError) -> Error {
    Error::new(ErrorKind::Unavailable, format!("topic `{topic}`: {what}")).with_source(error.to_string())
}

/// A copy that keeps nothing of the client.
fn owned(message: &impl Message) -> RawRecord {
    let mut headers = Headers::new();
    for header in message.headers().into_iter().flat_map(|all| all.iter()) {
        headers.push(header.key, header.value.map(bytes::Bytes::copy_from_slice));
    }
    let timestamp = match message.timestamp() {
        rdkafka::Timestamp::NotAvailable => Timestamp::NotAvailable,
        rdkafka::Timestamp::CreateTime(ms) => Timestamp::CreateTime(ms),
        rdkafka::Timestamp::LogAppendTime(ms) => Timestamp::LogAppendTime(ms),
    };
    RawRecord::from(OwnedRecord {
        offset: message.offset(),
        timestamp,
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(<[u8]>::to_vec),
        headers,
        leader_epoch: None,
    })
}
