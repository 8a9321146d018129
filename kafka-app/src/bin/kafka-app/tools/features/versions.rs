//! The features of Kafka 4.1.1: their levels, and which of them belong together.

use std::fmt;

/// The feature that says how metadata are written; its levels have names.
pub(super) const METADATA_VERSION: &str = "metadata.version";

/// The level of the first of [`VERSIONS`].
const FIRST: i16 = 7;

/// The levels of `metadata.version`, in their order: the release they came with, and which one of it.
const VERSIONS: [(&str, &str); 23] = [
    ("3.3", "IV3"),
    ("3.4", "IV0"),
    ("3.5", "IV0"),
    ("3.5", "IV1"),
    ("3.5", "IV2"),
    ("3.6", "IV0"),
    ("3.6", "IV1"),
    ("3.6", "IV2"),
    ("3.7", "IV0"),
    ("3.7", "IV1"),
    ("3.7", "IV2"),
    ("3.7", "IV3"),
    ("3.7", "IV4"),
    ("3.8", "IV0"),
    ("3.9", "IV0"),
    ("4.0", "IV0"),
    ("4.0", "IV1"),
    ("4.0", "IV2"),
    ("4.0", "IV3"),
    ("4.1", "IV0"),
    ("4.1", "IV1"),
    // These two are not stable, and no release stands for them.
    ("4.2", "IV0"),
    ("4.2", "IV1"),
];

/// A level of `metadata.version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MetadataVersion(i16);

impl MetadataVersion {
    pub(super) const OLDEST: Self = Self(FIRST);
    /// The newest that is stable.
    pub(super) const LATEST: Self = Self(27);

    /// The level, if there is such a one.
    pub(super) fn of_level(level: i16) -> Option<Self> {
        Self::all().find(|version| version.0 == level)
    }

    /// What a release means by its name: `3.9`, `3.9.1` or `3.9-IV0`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let release = match name.match_indices('.').nth(1) {
            Some((end, rest)) if name.len() > end + rest.len() => &name[..end],
            _ => name,
        };
        let mut of_release = Self::all().filter(|version| *version <= Self::LATEST && version.name().0 == release);
        of_release.next_back().or_else(|| Self::all().find(|version| version.to_string() == release))
    }

    pub(super) fn level(self) -> i16 {
        self.0
    }

    /// The names of all that are stable, from the oldest on.
    pub(super) fn all_names() -> String {
        let stable = Self::all().filter(|version| *version <= Self::LATEST);
        stable.map(|version| version.to_string()).collect::<Vec<_>>().join(", ")
    }

    fn all() -> impl DoubleEndedIterator<Item = Self> {
        (FIRST..=29).map(Self)
    }

    fn name(self) -> (&'static str, &'static str) {
        usize::try_from(self.0 - FIRST).ok().and_then(|index| VERSIONS.get(index)).copied().unwrap_or_default()
    }
}

/// As Kafka writes it: `3.9-IV0`.
impl fmt::Display for MetadataVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (release, step) = self.name();
        write!(f, "{release}-{step}")
    }
}

/// A feature other than `metadata.version`.
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    /// From 0 on, the level of `metadata.version` that each of its levels came with.
    came_with: &'static [i16],
}

/// In the order in which Kafka's tools tell them.
pub(super) const FEATURES: [Feature; 6] = [
    Feature { name: "kraft.version", came_with: &[7, 21] },
    Feature { name: "transaction.version", came_with: &[7, 24, 24] },
    Feature { name: "group.version", came_with: &[7, 22] },
    Feature { name: ELIGIBLE_LEADERS, came_with: &[7, 26] },
    Feature { name: "share.version", came_with: &[7, 28] },
    Feature { name: "streams.version", came_with: &[7, 29] },
];
const ELIGIBLE_LEADERS: &str = "eligible.leader.replicas.version";

impl Feature {
    /// The level that belongs to one of `metadata.version`.
    pub(super) fn default_level(&self, metadata: MetadataVersion) -> i16 {
        let later = self.came_with.iter().position(|level| *level > metadata.level());
        i16::try_from(later.unwrap_or(self.came_with.len())).unwrap_or(i16::MAX) - 1
    }

    /// Whether it has this level.
    pub(super) fn has(&self, level: i16) -> bool {
        usize::try_from(level).is_ok_and(|level| level < self.came_with.len())
    }

    /// The `metadata.version` that it needs at a level, if it needs one.
    pub(super) fn needs(&self, level: i16) -> Option<MetadataVersion> {
        (self.name == ELIGIBLE_LEADERS && level == 1).then_some(MetadataVersion(23))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_in_several_ways() {
        for (name, level) in [("3.9", 21), ("3.9.1", 21), ("4.0", 25), ("4.0-IV1", 23), ("4.1", 27), ("4.2-IV1", 29)] {
            assert_eq!(MetadataVersion::named(name).map(MetadataVersion::level), Some(level), "{name}");
        }
        for name in ["4.2", "", "9.9", "4", "3.8."] {
            assert_eq!(MetadataVersion::named(name), None, "{name}");
        }
    }

    #[test]
    fn levels_have_names() {
        assert_eq!(MetadataVersion::OLDEST.to_string(), "3.3-IV3");
        assert_eq!(MetadataVersion::LATEST.to_string(), "4.1-IV1");
        assert!(MetadataVersion::all_names().starts_with("3.3-IV3, 3.4-IV0, "));
        assert!(MetadataVersion::all_names().ends_with(", 4.1-IV0, 4.1-IV1"));
        assert_eq!([MetadataVersion::of_level(6), MetadataVersion::of_level(30)], [None, None]);
    }
}
