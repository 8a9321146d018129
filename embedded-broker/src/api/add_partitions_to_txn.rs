//! AddPartitionsToTxn, versions 0 to 5: partitions join a transaction, which begins with the first.
//!
//! To version 3 it is what clients send before they write (those of KIP-890 do not any more); from 4 on Kafka's brokers ask
//! each other with it, for many transactional ids at once, and may only verify. As Kafka: one partition that is not there, or
//! may not be written to, keeps all others out (OPERATION_NOT_ATTEMPTED). Before version 2 PRODUCER_FENCED goes by the name of
//! INVALID_PRODUCER_EPOCH.

use std::sync::Arc;

use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::offset_commit::exists;
use super::{Refusal, RequestContext};
use crate::coordinator::transaction::record::{Generation, TopicPartition};
use crate::error::ErrorCode;
use crate::internal_topics::is_internal;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: AddPartitionsToTxnRequest,
) -> Result<AddPartitionsToTxnResponse, Refusal> {
    if cx.version >= 4 {
        if let Err(denied) = cx.require(Operation::ClusterAction, Resource::Cluster) {
            return Ok(AddPartitionsToTxnResponse::default().with_error_code(denied.code()));
        }
        let results = request.transactions.iter().map(|transaction| {
            AddPartitionsToTxnResult::default()
                .with_transactional_id(transaction.transactional_id.clone())
                .with_topic_results(add(cx, transaction))
        });
        return Ok(AddPartitionsToTxnResponse::default().with_results_by_transaction(results.collect()));
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics);
    Ok(AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(add(cx, &transaction)))
}

fn add(cx: &RequestContext<'_>, asked: &AddPartitionsToTxnTransaction) -> Vec<AddPartitionsToTxnTopicResult> {
    // What brokers send is allowed as a whole.
    let is_client = cx.version < 4;
    let transaction = Resource::TransactionalId(&asked.transactional_id);
    if let Err(denied) = cx.require(Operation::Write, transaction)
        && is_client
    {
        return told(&asked.topics, |_, _| Err(denied));
    }
    let topics = cx.cluster.topics();
    let find = |(topic, index): (&str, i32)| {
        if is_client {
            // As Kafka: the topics of its coordinators are nobody's to write to.
            if is_internal(topic) {
                return Err(ErrorCode::TopicAuthorizationFailed);
            }
            cx.require(Operation::Write, Resource::Topic(topic))?;
        }
        if exists(&topics, topic, index) { Ok(()) } else { Err(ErrorCode::UnknownTopicOrPartition) }
    };
    if partitions(&asked.topics).any(|partition| find(partition).is_err()) {
        return told(&asked.topics, |topic, index| find((topic, index)).and(Err(ErrorCode::OperationNotAttempted)));
    }
    if asked.verify_only {
        return told(&asked.topics, |topic, index| verify(cx, asked, (Arc::from(topic), index)));
    }
    let added = add_all(cx, asked);
    told(&asked.topics, |_, _| added)
}

fn partitions(topics: &[AddPartitionsToTxnTopic]) -> impl Iterator<Item = (&str, i32)> {
    topics.iter().flat_map(|topic| topic.partitions.iter().map(move |&index| (topic.name.as_str(), index)))
}

fn add_all(cx: &RequestContext<'_>, asked: &AddPartitionsToTxnTransaction) -> Result<(), ErrorCode> {
    if asked.transactional_id.is_empty() {
        return Err(ErrorCode::InvalidRequest);
    }
    let cell = cx.find_transaction(&asked.transactional_id)?.ok_or(ErrorCode::InvalidProducerIdMapping)?;
    let generation = if cx.version >= 5 { Generation::V2 } else { Generation::V1 };
    let added: Vec<TopicPartition> =
        partitions(&asked.topics).map(|(topic, index)| (Arc::from(topic), index)).collect();
    let (producer_id, epoch) = (asked.producer_id.0, asked.producer_epoch);
    cell.turn(cx.cluster, |transaction, turn| transaction.add_partitions(producer_id, epoch, &added, generation, turn))
        .map_err(|code| fenced_until(cx, 2, code))
}

fn verify(
    cx: &RequestContext<'_>,
    asked: &AddPartitionsToTxnTransaction,
    partition: TopicPartition,
) -> Result<(), ErrorCode> {
    if asked.transactional_id.is_empty() {
        return Err(ErrorCode::InvalidRequest);
    }
    let cell = cx.find_transaction(&asked.transactional_id)?.ok_or(ErrorCode::InvalidProducerIdMapping)?;
    cell.look(|transaction| transaction.verify_partition(asked.producer_id.0, asked.producer_epoch, &partition))
}

/// Clients of versions below `version` do not know PRODUCER_FENCED.
pub(super) fn fenced_until(cx: &RequestContext<'_>, version: i16, code: ErrorCode) -> ErrorCode {
    let is_old = cx.version < version && code == ErrorCode::ProducerFenced;
    if is_old { ErrorCode::InvalidProducerEpoch } else { code }
}

fn told(
    topics: &[AddPartitionsToTxnTopic],
    result: impl Fn(&str, i32) -> Result<(), ErrorCode>,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let told = topics.iter().map(|topic| {
        let results = topic.partitions.iter().map(|&index| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(index)
                .with_partition_error_code(super::convert::code(&result(&topic.name, index)))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(results.collect())
    });
    told.collect()
}
