//! InitProducerId, versions 0 to 5, for idempotent producers.
//!
//! As Kafka: every producer without a transactional id gets a fresh producer id with epoch 0; one that comes back with
//! what it had (from version 3) gets a fresh id as well.
//! Left out: transactional ids. They are answered with UNSUPPORTED_VERSION, which clients take for fatal: the
//! requests of transactions are not served yet, so nothing that follows could work.

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: InitProducerIdRequest,
) -> Result<InitProducerIdResponse, Refusal> {
    let refused = |code: ErrorCode| {
        let response = InitProducerIdResponse::default();
        Ok(response.with_error_code(code.code()).with_producer_id(ProducerId(-1)).with_producer_epoch(-1))
    };
    match request.transactional_id {
        None => {}
        Some(id) if id.is_empty() => return refused(ErrorCode::InvalidRequest),
        Some(id) => {
            tracing::warn!(transactional_id = %id.0, "transactions are not served by the embedded broker yet");
            return refused(ErrorCode::UnsupportedVersion);
        }
    }
    if (request.producer_id.0 == -1) != (request.producer_epoch == -1) {
        return refused(ErrorCode::InvalidRequest);
    }
    let producer_id = ProducerId(cx.cluster.next_producer_id());
    Ok(InitProducerIdResponse::default().with_producer_id(producer_id).with_producer_epoch(0))
}
