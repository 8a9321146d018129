//! Where a group and its topics stand: committed offsets and end offsets, asked of the broker and not of our own bookkeeping.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use crate::{
    error::{Error, ErrorKind, Result},
    listener::{PartitionLag, later},
    record::TopicPartition,
};

/// Committed and end offsets of every partition of `topics`, in their order. Blocks for up to `timeout` per question: call
/// it off the async threads. `properties` name the cluster and the group; the group is not joined.
pub(crate) fn partition_lag(
    properties: &BTreeMap<String, String>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<PartitionLag>> {
    let config = properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<ClientConfig>();
    let consumer: BaseConsumer = config.create().map_err(|e| refused("a client", &e))?;
    let mut partitions = TopicPartitionList::new();
    for topic in topics {
        for partition in partitions_of(&consumer, topic, timeout)? {
            partitions.add_partition(topic, partition);
        }
    }
    let committed = consumer.committed_offsets(partitions, timeout).map_err(|e| refused("committed offsets", &e))?;
    committed
        .elements()
        .iter()
        .map(|at| {
            let end = consumer.fetch_watermarks(at.topic(), at.partition(), timeout);
            let (_, end_offset) =
                end.map_err(|e| refused(&format!("end offset of {}-{}", at.topic(), at.partition()), &e))?;
            let committed = match at.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            Ok(PartitionLag { topic: at.topic().to_owned(), partition: at.partition(), committed, end_offset })
        })
        .collect()
}

/// One question is given up after this long and asked again, as long as there is time.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Where each of these partitions ends now: what is sent from now on lies behind it. Blocks for up to `timeout` in all.
pub(crate) fn end_offsets(
    properties: &BTreeMap<String, String>,
    partitions: &[TopicPartition],
    timeout: Duration,
) -> Result<Vec<(TopicPartition, i64)>> {
    let deadline = later(Instant::now(), timeout);
    let config = properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<ClientConfig>();
    let consumer: BaseConsumer = config.create().map_err(|e| refused("a client", &e))?;
    partitions.iter().map(|at| Ok((at.clone(), end_offset(&consumer, at, deadline)?))).collect()
}

/// Asks again while the partition moves or its topic is so new that not every broker knows it.
fn end_offset(consumer: &BaseConsumer, at: &TopicPartition, deadline: Instant) -> Result<i64> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = match consumer.fetch_watermarks(&at.topic, at.partition, left.min(ATTEMPT)) {
            Ok((_, end)) => return Ok(end),
            Err(error) => error,
        };
        // Who leads it is asked anew; that is also what keeps this from turning without a pause.
        let goes_on = !left.is_zero()
            && is_passing(&error)
            && consumer.fetch_metadata(Some(&at.topic), left.min(ATTEMPT)).is_ok();
        if !goes_on {
            return Err(refused(&format!("end offset of {at}"), &error));
        }
    }
}

fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        LeaderNotAvailable, NotLeaderForPartition, OperationTimedOut, UnknownPartition, UnknownTopicOrPartition,
    };
    let passing =
        [LeaderNotAvailable, NotLeaderForPartition, OperationTimedOut, UnknownPartition, UnknownTopicOrPartition];
    error.rdkafka_error_code().is_some_and(|code| passing.contains(&code))
}

fn partitions_of(consumer: &BaseConsumer, topic: &str, timeout: Duration) -> Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), timeout).map_err(|e| refused(&format!("topic {topic}"), &e))?;
    let found = metadata.topics().iter().find(|t| t.name() == topic && t.error().is_none());
    let found = found.ok_or_else(|| Error::new(ErrorKind::Refused, format!("there is no topic {topic}")))?;
    Ok(found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
}

fn refused(what: &str, error: &KafkaError) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot ask the broker for {what}")).with_source(error.to_string())
}
