//! AddOffsetsToTxn, versions 0 to 4: a group's offsets join a transaction, for clients from before KIP-890.
//!
//! As in Kafka it is a partition of `__consumer_offsets` that joins, the one that the group belongs to: it is what
//! DescribeTransactions shows. Before version 2 PRODUCER_FENCED goes by the name of INVALID_PRODUCER_EPOCH.

use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::add_partitions_to_txn::fenced_until;
use super::convert::code;
use super::{Refusal, RequestContext};
use crate::coordinator::transaction::record::Generation;
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: AddOffsetsToTxnRequest,
) -> Result<AddOffsetsToTxnResponse, Refusal> {
    let added = add(cx, &request).map_err(|code| fenced_until(cx, 2, code));
    Ok(AddOffsetsToTxnResponse::default().with_error_code(code(&added)))
}

fn add(cx: &RequestContext<'_>, request: &AddOffsetsToTxnRequest) -> Result<(), ErrorCode> {
    cx.require(Operation::Write, Resource::TransactionalId(&request.transactional_id))?;
    cx.require(Operation::Read, Resource::Group(&request.group_id))?;
    if request.transactional_id.is_empty() {
        return Err(ErrorCode::InvalidRequest);
    }
    let cell = cx.find_transaction(&request.transactional_id)?.ok_or(ErrorCode::InvalidProducerIdMapping)?;
    let offsets = [cx.cluster.offsets_partition(&request.group_id)];
    let (producer_id, epoch) = (request.producer_id.0, request.producer_epoch);
    cell.turn(cx.cluster, |transaction, turn| {
        transaction.add_partitions(producer_id, epoch, &offsets, Generation::V1, turn)
    })
}
