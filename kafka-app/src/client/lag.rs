//! Where a group and its topics stand: committed offsets and end offsets, asked of the broker and not of our own bookkeeping.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use super::offsets::{client, refused};
use crate::{
    error::{Error, ErrorKind, Result},
    listener::PartitionLag,
};

/// Committed and end offsets of every partition of `topics`, in their order. Blocks for up to `timeout` per question: call
/// it off the async threads. `properties` name the cluster and the group; the group is not joined.
pub(crate) fn partition_lag(
    properties: &BTreeMap<String, String>,
    topics: &[String],
    timeout: Duration,
) -> Result<Vec<PartitionLag>> {
    let consumer = client(properties)?;
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

pub(super) fn partitions_of(consumer: &BaseConsumer, topic: &str, timeout: Duration) -> Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), timeout).map_err(|e| refused(&format!("topic {topic}"), &e))?;
    let found = metadata.topics().iter().find(|t| t.name() == topic && t.error().is_none());
    let found = found.ok_or_else(|| Error::new(ErrorKind::Refused, format!("there is no topic {topic}")))?;
    Ok(found.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
}
