//! ElectLeaders, versions 0 to 2: has the preferred replica lead, or any replica where nobody leads.
//!
//! As Kafka: a partition whose preferred replica leads, or which has any leader at all when any is asked for, needs no election;
//! when all partitions are asked for (null), those are left out of their topics.

use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{ElectLeadersRequest, ElectLeadersResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::partition::Partition;
use crate::protocol::StrBytes;
use crate::replication::Election;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topic, Topics};

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: ElectLeadersRequest) -> Result<ElectLeadersResponse, Refusal> {
    let topics = cx.cluster.topics();
    let election = cx.authorize(Operation::Alter, Resource::Cluster).and_then(|()| election(request.election_type));
    let results = match (&request.topic_partitions, &election) {
        (Some(asked), election) => asked.iter().map(|topic| elect(cx, &topics, topic, election)).collect(),
        (None, Err(_)) => Vec::new(),
        (None, Ok(election)) => topics.iter().map(|topic| elect_all(cx, topic, *election)).collect(),
    };
    let response = ElectLeadersResponse::default().with_replica_election_results(results);
    let code = election.as_ref().err().and_then(Error::code).unwrap_or(ErrorCode::None);
    Ok(if cx.version >= 1 { response.with_error_code(code.code()) } else { response })
}

fn election(wire: i8) -> Result<Election, Error> {
    match wire {
        0 => Ok(Election::Preferred),
        1 => Ok(Election::Unclean),
        _ => Err(Error::with_code(ErrorCode::InvalidRequest, format!("Unknown election type {wire}"))),
    }
}

fn wire_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn elect(
    cx: &RequestContext<'_>,
    topics: &Topics,
    asked: &TopicPartitions,
    election: &Result<Election, Error>,
) -> ReplicaElectionResult {
    let results = asked.partitions.iter().map(|index| {
        let (code, why) = match election {
            Err(error) => (error.code().unwrap_or(ErrorCode::InvalidRequest), Some(error.message().to_owned())),
            Ok(election) => named(cx, topics, (&asked.topic, *index), *election),
        };
        result(*index, code, why)
    });
    ReplicaElectionResult::default().with_topic(asked.topic.clone()).with_partition_result(results.collect())
}

fn elect_all(cx: &RequestContext<'_>, topic: &Topic, election: Election) -> ReplicaElectionResult {
    let outcomes = (0..).zip(&topic.partitions).map(|(index, partition)| (index, outcome(cx, partition, election)));
    let needed = outcomes.filter(|(_, (code, _))| *code != ErrorCode::ElectionNotNeeded);
    let results = needed.map(|(index, (code, why))| result(index, code, why)).collect();
    ReplicaElectionResult::default().with_topic(wire_name(&topic.name)).with_partition_result(results)
}

fn result(index: i32, code: ErrorCode, why: Option<String>) -> PartitionResult {
    PartitionResult::default()
        .with_partition_id(index)
        .with_error_code(code.code())
        .with_error_message(why.map(StrBytes::from_string))
}

fn named(
    cx: &RequestContext<'_>,
    topics: &Topics,
    (name, index): (&TopicName, i32),
    election: Election,
) -> (ErrorCode, Option<String>) {
    let unknown = ErrorCode::UnknownTopicOrPartition;
    let Some(topic) = topics.by_name(name) else {
        return (unknown, Some(format!("No such topic as {}", name.as_str())));
    };
    match topic.partition(index) {
        None => (unknown, Some(format!("No such partition as {}-{index}", name.as_str()))),
        Some(partition) => outcome(cx, partition, election),
    }
}

fn outcome(cx: &RequestContext<'_>, partition: &Partition, election: Election) -> (ErrorCode, Option<String>) {
    let failed = |code, why: &str| (code, Some(why.to_owned()));
    let before = partition.leadership();
    let is_needed = match election {
        Election::Preferred => before.replicas.first() != Some(&before.leader),
        _ => before.leader < 0,
    };
    if !is_needed {
        return failed(ErrorCode::ElectionNotNeeded, "Leader election not needed for topic partition.");
    }
    cx.cluster.elect(|| partition.elect(election));
    match partition.leader().0 == before.leader {
        false => (ErrorCode::None, None),
        true if election == Election::Preferred => {
            failed(ErrorCode::PreferredLeaderNotAvailable, "The preferred leader was not available.")
        }
        true => failed(ErrorCode::EligibleLeadersNotAvailable, "Eligible topic partition leaders are not available."),
    }
}
