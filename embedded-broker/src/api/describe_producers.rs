//! DescribeProducers, version 0: what each partition remembers of its producers, and which of them have a transaction open.
//!
//! Different from Kafka: what there is no [`Room`] for is INVALID_REQUEST.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};

use super::answer::failure;
use super::room::Room;
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::log::ProducerDescription;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topics, check_name};

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeProducersRequest,
) -> Result<DescribeProducersResponse, Refusal> {
    let topics = cx.cluster.topics();
    let mut room = Room::new();
    let answers = request.topics.into_iter().map(|asked| {
        let partitions = asked.partition_indexes.iter().map(|&index| {
            let response = PartitionResponse::default().with_partition_index(index);
            let found = room.check().map_err(too_many).and_then(|()| find(cx, &topics, &asked, index));
            room.take(1 + found.as_ref().map_or(0, Vec::len), 0);
            match found {
                Ok(producers) => response.with_active_producers(producers.into_iter().map(to_wire).collect()),
                Err(error) => {
                    let (code, message) = failure(&error);
                    response.with_error_code(code).with_error_message(message)
                }
            }
        });
        let partitions = partitions.collect();
        TopicResponse::default().with_name(asked.name).with_partitions(partitions)
    });
    Ok(DescribeProducersResponse::default().with_topics(answers.collect()))
}

fn too_many(code: ErrorCode) -> Error {
    Error::with_code(code, "Too many producers are asked for in one request.")
}

fn find(
    cx: &RequestContext<'_>,
    topics: &Topics,
    asked: &TopicRequest,
    index: i32,
) -> Result<Vec<ProducerDescription>, Error> {
    check_name(&asked.name)?;
    cx.authorize(Operation::Read, Resource::Topic(&asked.name))?;
    let missing = |words: &str| Error::with_code(ErrorCode::UnknownTopicOrPartition, words);
    // As Kafka: only a topic that is not there is told in words.
    let topic =
        topics.by_name(&asked.name).ok_or_else(|| missing("This server does not host this topic-partition."))?;
    let partition = topic.partition(index).ok_or_else(|| missing(""))?;
    partition.producers(Some(cx.node_id)).map_err(|code| Error::with_code(code, ""))
}

fn to_wire(producer: ProducerDescription) -> ProducerState {
    ProducerState::default()
        .with_producer_id(ProducerId(producer.producer_id))
        .with_producer_epoch(producer.epoch.into())
        .with_last_sequence(producer.last_sequence)
        .with_last_timestamp(producer.last_timestamp)
        .with_coordinator_epoch(producer.coordinator_epoch)
        .with_current_txn_start_offset(producer.open_since)
}
