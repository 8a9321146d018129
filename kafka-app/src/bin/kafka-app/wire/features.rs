//! The levels of features, which all brokers of a cluster share.

use std::{collections::BTreeMap, iter};

use kafka_protocol::messages::{UpdateFeaturesRequest, update_features_request::FeatureUpdateKey};

use super::{Cluster, KafkaError, Target, WireError, settled::settled, text};

/// Which way a level may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpgradeType {
    Upgrade,
    SafeDowngrade,
    /// Even if metadata are lost by it.
    UnsafeDowngrade,
}

impl UpgradeType {
    fn code(self) -> i8 {
        match self {
            Self::Upgrade => 1,
            Self::SafeDowngrade => 2,
            Self::UnsafeDowngrade => 3,
        }
    }
}

/// The level that a feature is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeatureUpdate {
    pub(crate) feature: String,
    pub(crate) level: i16,
}

/// Changes all of them or none, or says whether that could be.
///
/// # Errors
/// The controller does not answer. Errors of single features are in the answer.
pub(crate) async fn update_features(
    cluster: &Cluster,
    updates: &[FeatureUpdate],
    kind: UpgradeType,
    validate_only: bool,
) -> Result<BTreeMap<String, Result<(), KafkaError>>, WireError> {
    let timeout_ms = i32::try_from(cluster.api_timeout().as_millis()).unwrap_or(i32::MAX);
    let key = |version: i16, update: &FeatureUpdate| {
        let key = FeatureUpdateKey::default().with_feature(text(&update.feature)).with_max_version_level(update.level);
        match version {
            0 => key.with_allow_downgrade(kind != UpgradeType::Upgrade),
            _ => key.with_upgrade_type(kind.code()),
        }
    };
    let ask = async || {
        let request = |version| {
            let updates = updates.iter().map(|update| key(version, update)).collect();
            // What a broker is too old for is refused where it is encoded.
            UpdateFeaturesRequest::default()
                .with_timeout_ms(timeout_ms)
                .with_feature_updates(updates)
                .with_validate_only(validate_only)
        };
        let answer = cluster.send(Target::Controller, request).await?;
        let all = settled(iter::once((answer.error_code, answer.error_message.as_ref())))?;
        Ok((answer.results, all))
    };
    let (results, all) = cluster.retrying("updateFeatures", ask).await?;
    // From version 2 on, one error stands for all.
    let mut done: BTreeMap<String, Result<(), KafkaError>> =
        updates.iter().map(|update| (update.feature.clone(), all.clone())).collect();
    for result in &results {
        let of_feature = KafkaError::check(result.error_code, result.error_message.as_ref());
        done.insert(result.feature.as_str().to_owned(), all.clone().and(of_feature));
    }
    Ok(done)
}
