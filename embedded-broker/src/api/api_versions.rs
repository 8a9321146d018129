//! ApiVersions, versions 0 to 4: what this broker serves, from the table in `api/mod.rs`.
//!
//! As Kafka 4.1: a version above 4 is answered in the format of version 0 with UNSUPPORTED_VERSION and the range of this
//! key alone (see [`unsupported_version`]); a client name that is none is INVALID_REQUEST; features whose minimum is 0 are
//! listed from version 4 on, because older clients cannot read them.
//! Different: features that need requests this broker does not serve are left out.

use std::ops::RangeInclusive;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::{APIS, Api, Refusal, RequestContext};
use crate::ceilings::Ceilings;
use crate::error::ErrorCode;
use crate::features::FEATURES;
use crate::protocol::{ApiKey, StrBytes};
use crate::security::session::Software;

pub(crate) fn handle(cx: &RequestContext<'_>, request: ApiVersionsRequest) -> Result<ApiVersionsResponse, Refusal> {
    if cx.version >= 3 && !(is_name(&request.client_software_name) && is_name(&request.client_software_version)) {
        return Ok(ApiVersionsResponse::default().with_error_code(ErrorCode::InvalidRequest.code()));
    }
    if cx.version >= 3 {
        let (name, version) = (request.client_software_name.to_string(), request.client_software_version.to_string());
        *cx.session.software.borrow_mut() = Software { name, version };
    }
    let listed = |api: &&Api| cx.cluster.settings.receives_client_metrics || !is_telemetry(api.key);
    let ceilings = &cx.cluster.settings.ceilings;
    let served = |api: &&Api| api.newest(ceilings) >= api.min_version;
    let keys = APIS.iter().filter(listed).filter(served).map(|api| {
        let versions = advertised(api, ceilings);
        ApiVersion::default()
            .with_api_key(api.key as i16)
            .with_min_version(*versions.start())
            .with_max_version(*versions.end())
    });
    let response = ApiVersionsResponse::default().with_api_keys(keys.collect());
    Ok(if cx.version >= 3 && !ceilings.hides_features { with_features(cx, response) } else { response })
}

/// The versions of a request that clients are told of.
pub(crate) fn advertised(api: &Api, ceilings: &Ceilings) -> RangeInclusive<i16> {
    // Produce 0 to 2 are refused, but old clients of librdkafka take a higher minimum for "no compression".
    let min = if api.key == ApiKey::Produce { 0 } else { api.min_version };
    min..=api.newest(ceilings)
}

/// As Kafka: answered always, but listed only where metrics are received.
fn is_telemetry(key: ApiKey) -> bool {
    matches!(key, ApiKey::GetTelemetrySubscriptions | ApiKey::PushTelemetry)
}

/// The answer to a client that asks in the middle of its login.
pub(crate) fn illegal() -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_error_code(ErrorCode::IllegalSaslState.code())
}

fn with_features(cx: &RequestContext<'_>, response: ApiVersionsResponse) -> ApiVersionsResponse {
    let supported = FEATURES.iter().filter(|feature| feature.min > 0 || cx.version >= 4).map(|feature| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(feature.name))
            .with_min_version(feature.min)
            .with_max_version(feature.max)
    });
    let finalized = cx.cluster.features.in_use().into_iter().map(|(name, level)| {
        FinalizedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version_level(level)
            .with_max_version_level(level)
    });
    response
        .with_supported_features(supported.collect())
        .with_finalized_features_epoch(cx.cluster.metadata_offset())
        .with_finalized_features(finalized.collect())
}

/// Kafka's pattern for the name and version of client software.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'.';
    bytes.iter().all(inner)
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// The body that answers a version this broker does not know: version 0, and the range of this key alone.
pub(crate) fn unsupported_version(ceilings: &Ceilings, out: &mut BytesMut) {
    out.put_i16(ErrorCode::UnsupportedVersion.code());
    let own = APIS.iter().filter(|api| api.key == ApiKey::ApiVersions);
    out.put_i32(1);
    for api in own {
        out.put_i16(api.key as i16);
        out.put_i16(api.min_version);
        out.put_i16(api.newest(ceilings));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_names_follow_kafkas_pattern() {
        for good in ["librdkafka", "apache-kafka-java", "4.1.1", "a"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "a\n"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
