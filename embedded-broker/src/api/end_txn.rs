//! EndTxn, versions 0 to 5: commits or aborts a transaction.
//!
//! Answered when the decision is made; the markers follow, and until they are written whoever wants to begin something
//! gets CONCURRENT_TRANSACTIONS. Version 5 (KIP-890) gives the producer the epoch of its next transaction, and
//! recognises a repetition by the epoch before. Before version 2 PRODUCER_FENCED goes by the name of
//! INVALID_PRODUCER_EPOCH.

use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse, ProducerId};

use super::add_partitions_to_txn::fenced_until;
use super::{Refusal, RequestContext};
use crate::coordinator::transaction::record::Generation;
use crate::coordinator::transaction::{EndRequest, Ended};
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(cx: &RequestContext<'_>, request: EndTxnRequest) -> Result<EndTxnResponse, Refusal> {
    let response = EndTxnResponse::default();
    Ok(match end(cx, &request) {
        Ok(Ended { producer_id, epoch }) => {
            response.with_producer_id(ProducerId(producer_id)).with_producer_epoch(epoch)
        }
        Err(code) => response.with_error_code(fenced_until(cx, 2, code).code()),
    })
}

fn end(cx: &RequestContext<'_>, request: &EndTxnRequest) -> Result<Ended, ErrorCode> {
    cx.require(Operation::Write, Resource::TransactionalId(&request.transactional_id))?;
    if request.transactional_id.is_empty() {
        return Err(ErrorCode::InvalidRequest);
    }
    let cell = cx.find_transaction(&request.transactional_id)?.ok_or(ErrorCode::InvalidProducerIdMapping)?;
    let end = EndRequest {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
        commit: request.committed,
        generation: if cx.version >= 5 { Generation::V2 } else { Generation::V1 },
    };
    cell.turn(cx.cluster, |transaction, turn| transaction.end(&end, turn))
}
