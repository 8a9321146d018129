//! `describe`: which features the brokers could have, and which they have.

use std::collections::BTreeMap;

use kafka_protocol::messages::{ApiVersionsResponse, api_versions_response::SupportedFeatureKey};

use super::versions::{METADATA_VERSION, MetadataVersion};

/// The features that a node tells of.
pub(super) fn render(versions: &ApiVersionsResponse) -> String {
    let in_use: BTreeMap<&str, i16> =
        versions.finalized_features.iter().map(|feature| (feature.name.as_str(), feature.max_version_level)).collect();
    let epoch = match versions.finalized_features_epoch {
        epoch @ 0.. => epoch.to_string(),
        _ => "-".to_owned(),
    };
    let mut features: Vec<&SupportedFeatureKey> = versions.supported_features.iter().collect();
    features.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    let line = |feature: &SupportedFeatureKey| {
        let name = feature.name.as_str();
        format!(
            "Feature: {name}\tSupportedMinVersion: {}\tSupportedMaxVersion: {}\tFinalizedVersionLevel: {}\tEpoch: {epoch}\n",
            level(name, feature.min_version),
            level(name, feature.max_version),
            level(name, in_use.get(name).copied().unwrap_or_default()),
        )
    };
    features.into_iter().map(line).collect()
}

fn level(feature: &str, level: i16) -> String {
    match MetadataVersion::of_level(level) {
        _ if feature != METADATA_VERSION => level.to_string(),
        Some(version) => version.to_string(),
        None => format!("UNKNOWN {level}"),
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::{messages::api_versions_response::FinalizedFeatureKey, protocol::StrBytes};

    use super::*;

    #[test]
    fn features_are_sorted_and_levels_of_metadata_have_names() {
        let supported = |name: &'static str, min, max| {
            SupportedFeatureKey::default()
                .with_name(StrBytes::from_static_str(name))
                .with_min_version(min)
                .with_max_version(max)
        };
        let in_use = FinalizedFeatureKey::default()
            .with_name(StrBytes::from_static_str("metadata.version"))
            .with_max_version_level(27);
        let versions = ApiVersionsResponse::default()
            .with_supported_features(vec![supported("metadata.version", 7, 99), supported("group.version", 0, 1)])
            .with_finalized_features(vec![in_use])
            .with_finalized_features_epoch(2251);
        assert_eq!(
            render(&versions),
            "Feature: group.version\tSupportedMinVersion: 0\tSupportedMaxVersion: 1\tFinalizedVersionLevel: 0\tEpoch: 2251\n\
             Feature: metadata.version\tSupportedMinVersion: 3.3-IV3\tSupportedMaxVersion: UNKNOWN 99\t\
             FinalizedVersionLevel: 4.1-IV1\tEpoch: 2251\n"
        );
    }
}
