//! InitProducerId, versions 0 to 5: an id for an idempotent producer, or the next epoch of a transactional one.
//!
//! As Kafka: every producer without a transactional id gets a fresh producer id with epoch 0, also one that comes back
//! with what it had (from version 3). While a transaction of the id is open or its markers are written, the answer is
//! CONCURRENT_TRANSACTIONS, at once; asking begins the abort. Before version 4 PRODUCER_FENCED goes by the name of
//! INVALID_PRODUCER_EPOCH.

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::{Refusal, RequestContext};
use crate::coordinator::transaction::InitRequest;
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: InitProducerIdRequest,
) -> Result<InitProducerIdResponse, Refusal> {
    let response = InitProducerIdResponse::default();
    Ok(match init(cx, &request) {
        Ok((id, epoch)) => response.with_producer_id(ProducerId(id)).with_producer_epoch(epoch),
        Err(code) => {
            let is_old = cx.version < 4 && code == ErrorCode::ProducerFenced;
            let code = if is_old { ErrorCode::InvalidProducerEpoch } else { code };
            response.with_error_code(code.code()).with_producer_id(ProducerId(-1)).with_producer_epoch(-1)
        }
    })
}

fn init(cx: &RequestContext<'_>, request: &InitProducerIdRequest) -> Result<(i64, i16), ErrorCode> {
    may_produce(cx, request.transactional_id.as_ref().map(|id| id.as_str()))?;
    let (producer_id, epoch) = (request.producer_id.0, request.producer_epoch);
    if (producer_id == -1) != (epoch == -1) {
        return Err(ErrorCode::InvalidRequest);
    }
    let Some(transactional_id) = &request.transactional_id else { return Ok((cx.cluster.next_producer_id(), 0)) };
    if transactional_id.is_empty() {
        return Err(ErrorCode::InvalidRequest);
    }
    let expected = (producer_id != -1).then_some((producer_id, epoch));
    let init = InitRequest { timeout_ms: request.transaction_timeout_ms, expected };
    init.check(cx.cluster.settings.transactions.max_timeout_ms)?;
    cx.find_transaction(transactional_id)?;
    let cell = cx.cluster.transactions.find_or_create(transactional_id, cx.cluster);
    cell.turn(cx.cluster, |transaction, turn| transaction.init_producer_id(&init, turn))
}

/// As Kafka: whoever may write to some topic may do so idempotently.
fn may_produce(cx: &RequestContext<'_>, transactional_id: Option<&str>) -> Result<(), ErrorCode> {
    if let Some(id) = transactional_id {
        return cx.require(Operation::Write, Resource::TransactionalId(id));
    }
    if cx.may_to_any_topic(Operation::Write) {
        return Ok(());
    }
    cx.require(Operation::IdempotentWrite, Resource::Cluster)
}
