//! CreatePartitions, versions 0 to 3: gives topics more partitions.
//!
//! As Kafka: the count is the new total; an assignment must name every new partition (an empty list names none, null
//! leaves the choice to the broker); each topic is answered by itself; a request adds no more than [`MAX_PARTITIONS`].

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::answer::{count, invalid_request, outcome};
use super::create_topics::MAX_PARTITIONS;
use super::{Refusal, RequestContext};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorCode};
use crate::placement;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: CreatePartitionsRequest,
) -> Result<CreatePartitionsResponse, Refusal> {
    let named = count(request.topics.iter().map(|topic| &topic.name));
    let mut seen = HashSet::with_capacity(named.len());
    let asked: Vec<_> = request.topics.iter().filter(|topic| seen.insert(&topic.name)).collect();
    let mut room = MAX_PARTITIONS;
    let grown = cx.cluster.change_each_topic(&asked, |topics, topic| {
        if named.get(&topic.name) != Some(&1) {
            return Err(invalid_request("Duplicate topic name."));
        }
        may_grow(cx, topic)?;
        grow(cx, topics, topic, &mut room, request.validate_only)
    });
    let results = asked.iter().zip(&grown).map(|(topic, grown)| {
        let (code, text) = outcome(grown);
        let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
        result.with_error_code(code).with_error_message(text)
    });
    Ok(CreatePartitionsResponse::default().with_results(results.collect()))
}

/// As Kafka: without a text.
fn may_grow(cx: &RequestContext<'_>, asked: &CreatePartitionsTopic) -> Result<(), Error> {
    cx.require(Operation::Alter, Resource::Topic(&asked.name)).map_err(|code| Error::with_code(code, ""))
}

/// Grows one topic; `room` is what the request may still add.
fn grow(
    cx: &RequestContext<'_>,
    topics: &mut Topics,
    asked: &CreatePartitionsTopic,
    room: &mut i64,
    validate_only: bool,
) -> Result<(), Error> {
    let cluster = cx.cluster;
    let unknown = || Error::with_code(ErrorCode::UnknownTopicOrPartition, "");
    let topic = Arc::clone(topics.by_name(&asked.name).ok_or_else(unknown)?);
    let present = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let refused = |why: String| Error::with_code(ErrorCode::InvalidPartitions, why);
    if asked.count == present {
        return Err(refused(format!("Topic already has {present} partition(s).")));
    }
    if asked.count < present {
        return Err(refused(format!(
            "The topic {} currently has {present} partition(s); {} would not be an increase.",
            asked.name.as_str(),
            asked.count
        )));
    }
    let more = asked.count - present;
    if i64::from(more) > *room {
        // Kafka has no better answer: the limit is met where nothing expects it.
        return Err(Error::with_code(ErrorCode::UnknownServerError, ""));
    }
    let replicas = replicas(cluster, topics, asked, present, topic.replication_factor())?;
    cx.mutate(replicas.len(), 3)?;
    *room -= i64::from(more);
    if validate_only { Ok(()) } else { cluster.add_partitions(topics, &topic, replicas) }
}

fn replicas(
    cluster: &Cluster,
    topics: &Topics,
    asked: &CreatePartitionsTopic,
    present: i32,
    replication_factor: i16,
) -> Result<Vec<Vec<i32>>, Error> {
    let more = asked.count - present;
    let Some(assignments) = &asked.assignments else {
        return cluster.place_more(topics, more, replication_factor);
    };
    if usize::try_from(more) != Ok(assignments.len()) {
        let why = format!(
            "Attempted to add {more} additional partition(s), but only {} assignment(s) were specified.",
            assignments.len()
        );
        return Err(Error::with_code(ErrorCode::InvalidReplicaAssignment, why));
    }
    let nodes = cluster.node_ids();
    let expected = usize::try_from(replication_factor).ok();
    let alive = cluster.nodes();
    let check = |(index, one): (i32, &CreatePartitionsAssignment)| {
        let replicas: Vec<i32> = one.broker_ids.iter().map(|id| id.0).collect();
        placement::check_manual(&nodes, &replicas, expected)?;
        placement::check_alive(|id| alive.is_up(id), &replicas, index)?;
        Ok(replicas)
    };
    (present..).zip(assignments).map(check).collect()
}
