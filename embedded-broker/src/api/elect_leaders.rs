//! ElectLeaders, versions 0 to 2: has the preferred replica lead, or any replica where nobody leads.
//!
//! As Kafka on a cluster whose leaders are all there: no election is needed. When all partitions are asked for (null),
//! those that need none are left out of their topics.

use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

/// 0 elects the preferred replica, 1 any.
const ELECTION_TYPES: [i8; 2] = [0, 1];

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: ElectLeadersRequest) -> Result<ElectLeadersResponse, Refusal> {
    let topics = cx.cluster.topics();
    let denied = cx.authorize(Operation::Alter, Resource::Cluster).err();
    let unknown = (!ELECTION_TYPES.contains(&request.election_type)).then(|| {
        Error::with_code(ErrorCode::InvalidRequest, format!("Unknown election type {}", request.election_type))
    });
    let unknown = denied.or(unknown);
    let results = match &request.topic_partitions {
        Some(asked) => asked.iter().map(|topic| elect(&topics, topic, unknown.as_ref())).collect(),
        None if unknown.is_some() => Vec::new(),
        None => {
            topics.iter().map(|topic| ReplicaElectionResult::default().with_topic(wire_name(&topic.name))).collect()
        }
    };
    let response = ElectLeadersResponse::default().with_replica_election_results(results);
    let code = unknown.as_ref().and_then(Error::code).unwrap_or(ErrorCode::None);
    Ok(if cx.version >= 1 { response.with_error_code(code.code()) } else { response })
}

fn wire_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn elect(topics: &Topics, asked: &TopicPartitions, refused: Option<&Error>) -> ReplicaElectionResult {
    let results = asked.partitions.iter().map(|index| {
        let (code, why) = match refused {
            Some(error) => (error.code().unwrap_or(ErrorCode::InvalidRequest), error.message().to_owned()),
            None => outcome(topics, &asked.topic, *index),
        };
        PartitionResult::default()
            .with_partition_id(*index)
            .with_error_code(code.code())
            .with_error_message(Some(StrBytes::from_string(why)))
    });
    ReplicaElectionResult::default().with_topic(asked.topic.clone()).with_partition_result(results.collect())
}

fn outcome(topics: &Topics, name: &str, index: i32) -> (ErrorCode, String) {
    let unknown = ErrorCode::UnknownTopicOrPartition;
    match topics.by_name(name) {
        None => (unknown, format!("No such topic as {name}")),
        Some(topic) if topic.partition(index).is_none() => (unknown, format!("No such partition as {name}-{index}")),
        Some(_) => (ErrorCode::ElectionNotNeeded, "Leader election not needed for topic partition.".to_owned()),
    }
}
