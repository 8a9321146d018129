//! DescribeLogDirs, versions 1 to 4: what each partition takes up.
//!
//! As Kafka: null asks for every partition, and what is not there is left out without an error. The sizes are the bytes
//! held. The directory is the one the configs name, though the log is in memory; the size of its volume is unknown (-1).

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
        None => topics.iter().map(|topic| describe(topic, |_| true)).collect(),
        Some(asked) => asked_for(&topics, asked),
    };
    let dir = DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_string(cx.cluster.log_dir(cx.node_id)))
        .with_topics(described);
    Ok(DescribeLogDirsResponse::default().with_results(vec![dir]))
}

fn asked_for(topics: &Topics, asked: &[DescribableLogDirTopic]) -> Vec<DescribeLogDirsTopic> {
    let mut by_name: BTreeMap<&str, HashSet<i32>> = BTreeMap::new();
    for topic in asked {
        by_name.entry(topic.topic.as_str()).or_default().extend(&topic.partitions);
    }
    let found = by_name.into_iter().filter_map(|(name, partitions)| {
        let topic = describe(topics.by_name(name)?, |index| partitions.contains(&index));
        (!topic.partitions.is_empty()).then_some(topic)
    });
    found.collect()
}

fn describe(topic: &Topic, wanted: impl Fn(i32) -> bool) -> DescribeLogDirsTopic {
    let partitions = topic.partitions.iter().zip(0..).filter(|(_, index)| wanted(*index)).map(|(partition, index)| {
        let size = i64::try_from(partition.size()).unwrap_or(i64::MAX);
        DescribeLogDirsPartition::default().with_partition_index(index).with_partition_size(size)
    });
    DescribeLogDirsTopic::default()
        .with_name(TopicName(StrBytes::from_string(topic.name.as_ref().to_owned())))
        .with_partitions(partitions.collect())
}
