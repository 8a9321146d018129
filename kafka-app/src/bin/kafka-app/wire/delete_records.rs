//! [`delete_records`]: the oldest records of partitions, deleted by their leaders.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse, TopicName,
    delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
    delete_records_response::DeleteRecordsTopicResult,
};

use super::{Cluster, KafkaError, Target, TopicPartition, UnknownTopic, WireError, by_leader, text};

/// Deletes the records before an offset of each partition, -1 being its end; answers with the offset of the first that is left.
pub(crate) async fn delete_records(
    cluster: &Cluster,
    before: &BTreeMap<TopicPartition, i64>,
) -> BTreeMap<TopicPartition, Result<i64, WireError>> {
    let timeout_ms = i32::try_from(cluster.api_timeout().as_millis()).unwrap_or(i32::MAX);
    let ask = async |node, partitions: &[TopicPartition]| {
        let request = |_| request(before, partitions, timeout_ms);
        Ok(low_watermarks(&cluster.send(Target::Node(node), request).await?))
    };
    by_leader(cluster, "deleteRecords", before.keys().cloned().collect(), UnknownTopic::MayCome, ask).await
}

fn request(
    before: &BTreeMap<TopicPartition, i64>,
    partitions: &[TopicPartition],
    timeout_ms: i32,
) -> DeleteRecordsRequest {
    let mut topics: BTreeMap<&str, Vec<DeleteRecordsPartition>> = BTreeMap::new();
    for partition in partitions {
        let Some(&offset) = before.get(partition) else { continue };
        let wanted = DeleteRecordsPartition::default().with_partition_index(partition.1).with_offset(offset);
        topics.entry(&partition.0).or_default().push(wanted);
    }
    let topic = |(name, partitions): (&str, Vec<DeleteRecordsPartition>)| {
        DeleteRecordsTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
    };
    DeleteRecordsRequest::default().with_topics(topics.into_iter().map(topic).collect()).with_timeout_ms(timeout_ms)
}

fn low_watermarks(answer: &DeleteRecordsResponse) -> Vec<(TopicPartition, Result<i64, KafkaError>)> {
    let of_topic = |topic: &DeleteRecordsTopicResult| {
        let done = topic.partitions.iter().map(|partition| {
            let low_watermark = KafkaError::check(partition.error_code, None).map(|()| partition.low_watermark);
            ((topic.name.as_str().to_owned(), partition.partition_index), low_watermark)
        });
        done.collect::<Vec<_>>()
    };
    answer.topics.iter().flat_map(of_topic).collect()
}
