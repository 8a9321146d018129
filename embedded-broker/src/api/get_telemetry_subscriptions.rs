//! GetTelemetrySubscriptions, version 0: which metrics a client shall push (KIP-714).
//!
//! As Kafka: a client without an id is given one; subscriptions come from the configs of client metrics; one that asks
//! before its interval is over is THROTTLING_QUOTA_EXCEEDED, unless it was told that what it pushed was wrong.
//! Listed in ApiVersions only where the broker was told to receive metrics, as with a plugin in Kafka; answered always.

use kafka_protocol::messages::{GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse};
use uuid::Uuid;

use super::{Refusal, RequestContext};
use crate::protocol::StrBytes;

/// zstd, lz4, gzip, snappy: what clients shall prefer comes first.
const COMPRESSION_TYPES: [i8; 4] = [4, 3, 1, 2];

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: GetTelemetrySubscriptionsRequest,
) -> Result<GetTelemetrySubscriptionsResponse, Refusal> {
    let asked = request.client_instance_id;
    let client = cx.telemetry_client(if asked.is_nil() { Uuid::new_v4() } else { asked });
    let cluster = cx.cluster;
    let response = GetTelemetrySubscriptionsResponse::default();
    let instance = match cluster.telemetry.get(&client, &cluster.resource_configs(), cluster.clock.now()) {
        Ok(instance) => instance,
        Err(code) => return Ok(response.with_error_code(code.code())),
    };
    let metrics = instance.metrics.into_iter().map(StrBytes::from_string).collect();
    Ok(response
        .with_client_instance_id(client.instance_id)
        .with_subscription_id(instance.subscription_id)
        .with_accepted_compression_types(COMPRESSION_TYPES.to_vec())
        .with_push_interval_ms(instance.interval_ms)
        .with_telemetry_max_bytes(i32::try_from(cluster.settings.telemetry_max_bytes).unwrap_or(i32::MAX))
        .with_delta_temporality(true)
        .with_requested_metrics(metrics))
}
