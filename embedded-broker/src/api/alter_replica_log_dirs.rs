//! AlterReplicaLogDirs, versions 1 and 2: moves replicas to another directory of their node.
//!
//! As Kafka on a node with one directory: a replica is there already, and no other directory is known.

use std::collections::BTreeMap;

use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: AlterReplicaLogDirsRequest,
) -> Result<AlterReplicaLogDirsResponse, Refusal> {
    let denied = cx.require(Operation::Alter, Resource::Cluster).err();
    let own = cx.cluster.log_dir(cx.node_id);
    let topics = cx.cluster.topics();
    let mut results: BTreeMap<&TopicName, Vec<AlterReplicaLogDirPartitionResult>> = BTreeMap::new();
    for dir in &request.dirs {
        for topic in &dir.topics {
            let found = topics.by_name(&topic.name);
            let answers = topic.partitions.iter().map(|index| {
                let code = match found.and_then(|topic| topic.partition(*index)) {
                    _ if denied.is_some() => ErrorCode::ClusterAuthorizationFailed,
                    _ if dir.path.as_str() != own => ErrorCode::LogDirNotFound,
                    Some(_) => ErrorCode::None,
                    None => ErrorCode::UnknownTopicOrPartition,
                };
                AlterReplicaLogDirPartitionResult::default().with_partition_index(*index).with_error_code(code.code())
            });
            results.entry(&topic.name).or_default().extend(answers);
        }
    }
    let results = results.into_iter().map(|(name, partitions)| {
        AlterReplicaLogDirTopicResult::default().with_topic_name(name.clone()).with_partitions(partitions)
    });
    Ok(AlterReplicaLogDirsResponse::default().with_results(results.collect()))
}
