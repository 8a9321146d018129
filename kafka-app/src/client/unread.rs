//! [`is_unread`]: whether a group has records left that it has not handled.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};

use super::offsets::{client, refused};
use crate::{
    error::{Error, ErrorKind, Result},
    listener::later,
    record::TopicPartition,
};

/// How long one look for a record lasts.
const LOOK: Duration = Duration::from_millis(500);

/// Whether a group has records left before these offsets. Committed offsets alone do not tell: what lies between one and
/// the end may be markers of transactions, or gone. So the group's place is read, by a client that is no member of it.
/// Blocks for up to `timeout` a topic; `properties` name the cluster and the group, and have `enable.partition.eof`.
pub(crate) fn is_unread(
    properties: &BTreeMap<String, String>,
    upto: &[(TopicPartition, i64)],
    timeout: Duration,
) -> Result<bool> {
    let mut by_topic: BTreeMap<&str, BTreeMap<i32, i64>> = BTreeMap::new();
    for (at, end) in upto {
        by_topic.entry(&at.topic).or_default().insert(at.partition, *end);
    }
    let from_latest = properties.get("auto.offset.reset").is_some_and(|reset| matches!(&**reset, "latest" | "largest"));
    for (topic, ends) in by_topic {
        let consumer = client(properties)?;
        let looking = Looking { consumer, topic, open: ends, deadline: later(Instant::now(), timeout) };
        if looking.finds_any(from_latest, timeout)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// All partitions of these topics.
pub(crate) fn partitions(
    properties: &BTreeMap<String, String>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<TopicPartition>> {
    let consumer = client(properties)?;
    let mut all = Vec::new();
    for topic in topics {
        let numbers = super::lag::partitions_of(&consumer, topic, timeout)?;
        all.extend(numbers.into_iter().map(|number| TopicPartition::new(topic.as_str(), number)));
    }
    Ok(all)
}

struct Looking<'t> {
    consumer: BaseConsumer,
    topic: &'t str,
    /// Partitions that may have records left, with where they end.
    open: BTreeMap<i32, i64>,
    deadline: Instant,
}

impl Looking<'_> {
    fn finds_any(mut self, from_latest: bool, timeout: Duration) -> Result<bool> {
        self.go_to_the_groups_place(from_latest, timeout)?;
        while !self.open.is_empty() {
            match self.consumer.poll(LOOK) {
                Some(Ok(message)) => {
                    let end = self.open.get(&message.partition()).copied();
                    if end.is_some_and(|end| message.offset() < end) {
                        return Ok(true);
                    }
                    self.open.remove(&message.partition());
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.open.remove(&partition);
                }
                Some(Err(error)) if Instant::now() >= self.deadline => {
                    return Err(refused(&format!("what is left of {}", self.topic), &error));
                }
                None if Instant::now() >= self.deadline => {
                    let text = format!("topic `{}` cannot be read: no broker answered within {timeout:?}", self.topic);
                    return Err(Error::new(ErrorKind::Unavailable, text));
                }
                // The client goes on by itself.
                Some(Err(_)) | None => {}
            }
        }
        Ok(false)
    }

    fn go_to_the_groups_place(&mut self, from_latest: bool, timeout: Duration) -> Result<()> {
        let mut asked = TopicPartitionList::new();
        for partition in self.open.keys() {
            asked.add_partition(self.topic, *partition);
        }
        let committed =
            self.consumer.committed_offsets(asked, timeout).map_err(|e| refused("committed offsets", &e))?;
        let mut places = TopicPartitionList::new();
        for at in committed.elements() {
            let end = self.open.get(&at.partition()).copied().unwrap_or_default();
            let place = match at.offset() {
                Offset::Offset(offset) if offset < end => Offset::Offset(offset),
                Offset::Invalid if !from_latest => Offset::Beginning,
                // It is there, or has nothing to do with what was there before it came.
                _ => {
                    self.open.remove(&at.partition());
                    continue;
                }
            };
            let added = places.add_partition_offset(self.topic, at.partition(), place);
            added.map_err(|e| refused("a place to read from", &e))?;
        }
        self.consumer.assign(&places).map_err(|e| refused("records that are left", &e))
    }
}
