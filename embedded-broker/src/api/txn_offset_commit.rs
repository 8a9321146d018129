//! TxnOffsetCommit, versions 0 to 5: a group's progress, as part of a transaction.
//!
//! The offsets are staged until the transaction ends; meanwhile OffsetFetch with `require_stable` answers
//! UNSTABLE_OFFSET_COMMIT for their partitions. From version 3 a member says who it is, and is refused when the group has
//! moved on (KIP-447). To version 4 the group must have been announced by AddOffsetsToTxn; from 5 on this does it.

use kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::convert::code;
use super::offset_commit::find;
use super::{Refusal, RequestContext};
use crate::coordinator::group::OffsetToCommit;
use crate::coordinator::group::classic::Identity;
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::transactions::{Admission, Writer};

type Results = Vec<Result<(), ErrorCode>>;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: TxnOffsetCommitRequest,
) -> Result<TxnOffsetCommitResponse, Refusal> {
    let mut results = commit(cx, &request).into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().zip(results.by_ref().take(topic.partitions.len()));
        let partitions = partitions.map(|(partition, result)| {
            let index = partition.partition_index;
            TxnOffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code(&result))
        });
        TxnOffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    Ok(TxnOffsetCommitResponse::default().with_topics(topics.collect()))
}

/// One result for each partition, in the order asked.
fn commit(cx: &RequestContext<'_>, request: &TxnOffsetCommitRequest) -> Results {
    let may_commit = cx
        .require(Operation::Write, Resource::TransactionalId(&request.transactional_id))
        .and_then(|()| cx.require(Operation::Read, Resource::Group(&request.group_id)));
    if let Err(denied) = may_commit {
        return request.topics.iter().flat_map(|topic| &topic.partitions).map(|_| Err(denied)).collect();
    }
    let topics = cx.cluster.topics();
    let partitions = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (&*topic.name, p)));
    let known: Results = partitions.map(|(topic, p)| find(cx, &topics, topic, p.partition_index)).collect();
    let all = |error| -> Results { known.iter().map(|known| Err(known.err().unwrap_or(error))).collect() };
    if !known.contains(&Ok(())) {
        return all(ErrorCode::UnknownTopicOrPartition);
    }
    if request.group_id.is_empty() {
        return all(ErrorCode::InvalidGroupId);
    }
    if let Err(error) = cx.find_group(&request.group_id) {
        return all(error);
    }
    let writer = Writer {
        transactional_id: &request.transactional_id,
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let admission = Admission::of_offset_commit(cx.version);
    let offsets = cx.cluster.offsets_partition(&request.group_id);
    let transactions = &cx.cluster.transactions;
    // The transaction stays locked while the offsets are staged: it cannot end in between.
    let staged = transactions.admit(cx.cluster, cx.waiter, admission, writer, &offsets, || stage(cx, request, &known));
    staged.and_then(|staged| staged).unwrap_or_else(all)
}

fn stage(
    cx: &RequestContext<'_>,
    request: &TxnOffsetCommitRequest,
    known: &[Result<(), ErrorCode>],
) -> Result<Results, ErrorCode> {
    let cell = match cx.find_group(&request.group_id)? {
        Some(cell) => cell,
        None if request.generation_id < 0 => cx.find_or_create_group(&request.group_id)?,
        None => return Err(ErrorCode::IllegalGeneration),
    };
    let staged = cell.turn(cx.cluster, |group, turn| {
        let identity = Identity {
            member_id: &request.member_id,
            instance_id: request.group_instance_id.as_deref(),
            generation: request.generation_id,
        };
        group.validate_transactional_commit(identity, turn)?;
        let partitions = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (topic, p)));
        let results = partitions.zip(known).map(|((topic, partition), known)| {
            known.and_then(|()| group.stage_offset(request.producer_id.0, &read(&topic.name, partition), turn))
        });
        Ok(results.collect())
    });
    cx.cluster.groups.forget_unborn(&cell, cx.cluster);
    staged
}

fn read<'a>(topic: &'a str, partition: &'a TxnOffsetCommitRequestPartition) -> OffsetToCommit<'a> {
    OffsetToCommit {
        topic,
        partition: partition.partition_index,
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_deref().unwrap_or_default(),
        retention: None,
    }
}
