//! PushTelemetry, version 0: metrics of a client (KIP-714).
//!
//! As Kafka: an id that cannot be a client's is INVALID_REQUEST; then its last push, its interval, its subscription, the
//! compression and the size are looked at, in this order. What does not unpack is INVALID_RECORD.
//! Different: the last pushes are kept for tests to look at; there is no plugin to give them to.

use kafka_protocol::messages::{PushTelemetryRequest, PushTelemetryResponse};
use uuid::Uuid;

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::kafka_id::kafka_id;
use crate::log::{Compression, unpack};
use crate::telemetry::{Push, PushedMetrics};

/// Kafka has these two for itself: none, and the id of its metadata topic.
const RESERVED: [Uuid; 2] = [Uuid::nil(), Uuid::from_u128(1)];

pub(crate) fn handle(cx: &RequestContext<'_>, request: PushTelemetryRequest) -> Result<PushTelemetryResponse, Refusal> {
    let code = take(cx, request).err().unwrap_or(ErrorCode::None);
    Ok(PushTelemetryResponse::default().with_error_code(code.code()))
}

fn take(cx: &RequestContext<'_>, request: PushTelemetryRequest) -> Result<(), ErrorCode> {
    if RESERVED.contains(&request.client_instance_id) {
        return Err(ErrorCode::InvalidRequest);
    }
    let cluster = cx.cluster;
    let client = cx.telemetry_client(request.client_instance_id);
    let push = Push {
        subscription_id: request.subscription_id,
        terminating: request.terminating,
        compression: request.compression_type,
        len: request.metrics.len(),
    };
    let max_bytes = cluster.settings.telemetry_max_bytes;
    cluster.telemetry.push(&client, &cluster.resource_configs(), &push, max_bytes, cluster.clock.now())?;
    if request.metrics.is_empty() {
        return Ok(());
    }
    let compression =
        Compression::of_code(i16::from(request.compression_type)).ok_or(ErrorCode::UnsupportedCompressionType)?;
    let metrics = unpack(compression, &request.metrics).map_err(|_| ErrorCode::InvalidRecord)?;
    cluster.telemetry.keep(PushedMetrics {
        client_instance_id: kafka_id(client.instance_id),
        client_id: client.client_id,
        terminating: request.terminating,
        metrics: metrics.into(),
    });
    Ok(())
}
