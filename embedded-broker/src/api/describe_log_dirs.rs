//! DescribeLogDirs, versions 1 to 4: what each partition takes up.
//!
//! As Kafka: null asks for every partition, and what is not there is left out without an error. A node tells of the replicas
//! it has, of the bytes each holds, and how far it is behind the high watermark. The directory is the node's own, and without
//! a data directory the one the configs name, though the log is in memory; the size of its volume is unknown (-1).

use std::collections::{BTreeMap, HashSet};

use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topic, Topics};

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeLogDirsRequest,
) -> Result<DescribeLogDirsResponse, Refusal> {
    if let Err(denied) = cx.require(Operation::Describe, Resource::Cluster) {
        let response = DescribeLogDirsResponse::default();
        return Ok(if cx.version >= 3 { response.with_error_code(denied.code()) } else { response });
    }
    let topics = cx.cluster.topics();
    let described = match &request.topics {
        None => topics.iter().filter_map(|topic| describe(topic, cx.node_id, |_| true)).collect(),
        Some(asked) => asked_for(&topics, asked, cx.node_id),
    };
    let dir = DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_string(cx.cluster.log_dir(cx.node_id)))
        .with_topics(described);
    Ok(DescribeLogDirsResponse::default().with_results(vec![dir]))
}

fn asked_for(topics: &Topics, asked: &[DescribableLogDirTopic], node: i32) -> Vec<DescribeLogDirsTopic> {
    let mut by_name: BTreeMap<&str, HashSet<i32>> = BTreeMap::new();
    for topic in asked {
        by_name.entry(topic.topic.as_str()).or_default().extend(&topic.partitions);
    }
    let found = by_name
        .into_iter()
        .filter_map(|(name, partitions)| describe(topics.by_name(name)?, node, |index| partitions.contains(&index)));
    found.collect()
}

/// The replicas that a node has of a topic; `None` if it has none of those that are wanted.
fn describe(topic: &Topic, node: i32, wanted: impl Fn(i32) -> bool) -> Option<DescribeLogDirsTopic> {
    let wanted = topic.partitions.iter().zip(0..).filter(|(_, index)| wanted(*index));
    let partitions = wanted.filter_map(|(partition, index)| {
        let (size, lag) = partition.size_at(node)?;
        let described = DescribeLogDirsPartition::default()
            .with_partition_index(index)
            .with_partition_size(i64::try_from(size).unwrap_or(i64::MAX));
        Some(described.with_offset_lag(lag))
    });
    let partitions: Vec<_> = partitions.collect();
    (!partitions.is_empty()).then(|| {
        DescribeLogDirsTopic::default()
            .with_name(TopicName(StrBytes::from_string(topic.name.as_ref().to_owned())))
            .with_partitions(partitions)
    })
}
