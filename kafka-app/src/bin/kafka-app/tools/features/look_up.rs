//! `version-mapping` and `feature-dependencies`: which levels belong together; no broker is asked.

use super::{
    update,
    versions::{FEATURES, METADATA_VERSION, MetadataVersion},
};

/// The levels that belong to a release, the newest without one.
///
/// # Errors
/// There is no such release.
pub(super) fn mapping(release: Option<&str>) -> Result<String, String> {
    let latest = MetadataVersion::LATEST.to_string();
    let release = release.unwrap_or(&latest);
    let version = MetadataVersion::named(release).ok_or_else(|| {
        let (first, last) = (MetadataVersion::OLDEST, MetadataVersion::LATEST);
        format!("Unknown release version '{release}'. Supported versions are: {first} to {last}")
    })?;
    let features = FEATURES
        .iter()
        .map(|feature| format!("{}={}\n", feature.name, feature.default_level(version)))
        .collect::<String>();
    Ok(format!("{METADATA_VERSION}={} ({release})\n{features}", version.level()))
}

/// What a feature needs at a level, said as `NAME=LEVEL`.
///
/// # Errors
/// There is no such feature or level.
pub(super) fn dependencies(feature: &str) -> Result<String, String> {
    let (name, level) = update::name_and_level(feature)?;
    if name == METADATA_VERSION {
        let version = MetadataVersion::of_level(level).ok_or_else(|| format!("Unknown metadata.version {level}"))?;
        return Ok(format!("{name}={level} ({version}) has no dependencies.\n"));
    }
    let feature =
        FEATURES.iter().find(|feature| feature.name == name).ok_or_else(|| format!("Unknown feature: {name}"))?;
    if !feature.has(level) {
        return Err(format!("No feature:{name} with feature level {level}"));
    }
    Ok(match feature.needs(level) {
        None => format!("{name}={level} has no dependencies.\n"),
        Some(needed) => format!("{name}={level} requires:\n    {METADATA_VERSION}={} ({needed})\n", needed.level()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_levels() {
        let expected = "metadata.version=27 (4.1-IV1)\nkraft.version=1\ntransaction.version=2\ngroup.version=1\n\
                        eligible.leader.replicas.version=1\nshare.version=0\nstreams.version=0\n";
        assert_eq!(mapping(None).unwrap(), expected);
        let expected = "metadata.version=21 (3.9)\nkraft.version=1\ntransaction.version=0\ngroup.version=0\n\
                        eligible.leader.replicas.version=0\nshare.version=0\nstreams.version=0\n";
        assert_eq!(mapping(Some("3.9")).unwrap(), expected);
        assert!(mapping(Some("4.2-IV0")).unwrap().contains("\nshare.version=1\nstreams.version=0\n"));
        assert_eq!(
            mapping(Some("4.2")).unwrap_err(),
            "Unknown release version '4.2'. Supported versions are: 3.3-IV3 to 4.1-IV1"
        );
    }

    #[test]
    fn a_feature_may_need_another() {
        for (feature, told) in [
            ("group.version=1", "group.version=1 has no dependencies.\n"),
            ("metadata.version=25", "metadata.version=25 (4.0-IV3) has no dependencies.\n"),
            (
                "eligible.leader.replicas.version=1",
                "eligible.leader.replicas.version=1 requires:\n    metadata.version=23 (4.0-IV1)\n",
            ),
        ] {
            assert_eq!(dependencies(feature), Ok(told.to_owned()));
        }
        for (feature, words) in [
            ("metadata.version=99", "Unknown metadata.version 99"),
            ("ghost=1", "Unknown feature: ghost"),
            ("group.version=5", "No feature:group.version with feature level 5"),
        ] {
            assert_eq!(dependencies(feature), Err(words.to_owned()));
        }
    }
}
