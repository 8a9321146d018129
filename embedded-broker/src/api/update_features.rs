//! UpdateFeatures, versions 0 to 2: moves features of the cluster to other levels.
//!
//! As Kafka: all of them or none; the answer has the first reason why not. Versions 0 and 1 list what was changed. The
//! rules are in `features.rs`.

use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::update_features_response::UpdatableFeatureResult;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::features::Change;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: UpdateFeaturesRequest,
) -> Result<UpdateFeaturesResponse, Refusal> {
    if let Err(denied) = cx.authorize(Operation::Alter, Resource::Cluster) {
        let (code, text) = failure(&denied);
        return Ok(UpdateFeaturesResponse::default().with_error_code(code).with_error_message(text));
    }
    let updates = request
        .feature_updates
        .iter()
        .map(|update| (update.feature.as_str(), update.max_version_level, kind(cx.version, update)));
    let response = UpdateFeaturesResponse::default();
    if let Err(why) = cx.cluster.update_features(updates, request.validate_only) {
        let why = format!("The update failed for all features since the following feature had an error: {why}");
        let code = ErrorCode::InvalidUpdateVersion.code();
        return Ok(response.with_error_code(code).with_error_message(Some(StrBytes::from_string(why))));
    }
    let response = response.with_error_message(None);
    if cx.version >= 2 {
        return Ok(response);
    }
    let results = request.feature_updates.into_iter().map(|update| {
        // As Kafka: the text of success is the name of its code.
        let text = Some(StrBytes::from_static_str("NONE"));
        UpdatableFeatureResult::default().with_feature(update.feature).with_error_message(text)
    });
    Ok(response.with_results(results.collect()))
}

fn kind(version: i16, update: &FeatureUpdateKey) -> Option<Change> {
    match update.upgrade_type {
        _ if version == 0 => Some(if update.allow_downgrade { Change::SafeDowngrade } else { Change::Upgrade }),
        1 => Some(Change::Upgrade),
        2 => Some(Change::SafeDowngrade),
        3 => Some(Change::UnsafeDowngrade),
        _ => None,
    }
}
