//! DeleteRecords, versions 0 to 2: moves the start of a partition's log.
//!
//! As Kafka: only the leader deletes; -1 stands for all records that can be read, and no others can be deleted; an
//! offset below the start is no error and answers the start; a topic that is only compacted keeps its records
//! (POLICY_VIOLATION).

use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::config::{check, topic_defs};
use crate::error::ErrorCode;
use crate::internal_topics::is_internal;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topic;

pub(crate) fn handle(cx: &RequestContext<'_>, request: DeleteRecordsRequest) -> Result<DeleteRecordsResponse, Refusal> {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            let answer = DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
            match delete(cx, &topic.name, asked) {
                Ok(low_watermark) => answer.with_low_watermark(low_watermark),
                Err(code) => answer.with_low_watermark(-1).with_error_code(code.code()),
            }
        });
        let partitions = partitions.collect();
        DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions)
    });
    Ok(DeleteRecordsResponse::default().with_topics(topics.collect()))
}

fn delete(cx: &RequestContext<'_>, name: &TopicName, asked: &DeleteRecordsPartition) -> Result<i64, ErrorCode> {
    cx.require(Operation::Delete, Resource::Topic(name))?;
    let topics = cx.cluster.topics();
    if is_internal(name) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let topic = topics.by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let partition = topic.partition(asked.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if keeps_records(cx, topic) {
        return Err(ErrorCode::PolicyViolation);
    }
    partition.delete_records(Some(cx.node_id), asked.offset)
}

fn keeps_records(cx: &RequestContext<'_>, topic: &Topic) -> bool {
    let layers = cx.cluster.broker_configs();
    let policy = topic_defs::find("cleanup.policy")
        .and_then(|def| layers.topic_value(cx.node_id, def, &topic.configs).ok().flatten())
        .unwrap_or_default();
    !check::elements(&policy).contains(&"delete")
}
