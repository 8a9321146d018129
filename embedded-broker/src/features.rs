//! The features of the cluster (KIP-584): which levels there are, which one is in use, and how it may change.
//!
//! The one list of them: what ApiVersions tells and what UpdateFeatures allows derive from it.

use std::collections::BTreeMap;

use parking_lot::RwLock;

/// A feature and its levels.
#[derive(Debug)]
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    pub(crate) min: i16,
    pub(crate) max: i16,
    /// The level of a new cluster; 0 is "off".
    at_start: i16,
}

const fn feature(name: &'static str, min: i16, max: i16, at_start: i16) -> Feature {
    Feature { name, min, max, at_start }
}

/// Kafka 4.1's, without those whose requests are not served.
pub(crate) const FEATURES: &[Feature] = &[
    feature(ELIGIBLE_LEADER_REPLICAS, 0, 1, 1),
    feature(GROUP, 0, 1, 1),
    feature("kraft.version", 0, 1, 0),
    feature(METADATA, 7, 27, 27),
    feature(TRANSACTION, 0, 2, 2),
];

/// At 1 `min.insync.replicas` cannot differ between brokers.
pub(crate) const ELIGIBLE_LEADER_REPLICAS: &str = "eligible.leader.replicas.version";
/// At 0 there are no consumer groups of KIP-848.
pub(crate) const GROUP: &str = "group.version";
const METADATA: &str = "metadata.version";
/// Clients speak the protocol of KIP-890 at 2 and above.
const TRANSACTION: &str = "transaction.version";

/// What Kafka 4.1 has and this broker does not serve: it is off, and may be said to be.
const NOT_SERVED: &[&str] = &["share.version", "streams.version"];

/// The lowest level of `metadata.version` that Kafka goes back to: below it, what the log holds would be lost.
const LOWEST_SAFE_METADATA: i16 = 23;

/// What a change is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Upgrade,
    SafeDowngrade,
    UnsafeDowngrade,
}

/// The levels in use; a feature at level 0 is not among them.
#[derive(Debug)]
pub(crate) struct Features {
    levels: RwLock<BTreeMap<&'static str, i16>>,
}

impl Default for Features {
    fn default() -> Self {
        let levels = FEATURES.iter().map(|feature| (feature.name, feature.at_start)).filter(|(_, level)| *level > 0);
        Self { levels: RwLock::new(levels.collect()) }
    }
}

impl Features {
    /// The level in use; 0 of a feature that is off, or that nobody knows.
    pub(crate) fn level(&self, name: &str) -> i16 {
        self.levels.read().get(name).copied().unwrap_or(0)
    }

    /// Every feature in use and its level, by name.
    pub(crate) fn in_use(&self) -> Vec<(&'static str, i16)> {
        self.levels.read().iter().map(|(name, level)| (*name, *level)).collect()
    }

    /// The levels that change by these updates, all or none of them. `node` is the controller, which Kafka names.
    ///
    /// # Errors
    ///
    /// Why the first one that cannot change cannot, in Kafka's words.
    pub(crate) fn updated<'a>(
        &self,
        node: i32,
        updates: impl Iterator<Item = (&'a str, i16, Option<Change>)>,
    ) -> Result<Vec<(&'static str, i16)>, String> {
        let levels = self.levels.read();
        let mut changed = Vec::new();
        for (name, level, upgrade) in updates {
            let current = levels.get(name).copied().unwrap_or(0);
            check(node, name, current, level, upgrade)?;
            let known = FEATURES.iter().find(|feature| feature.name == name).map(|feature| feature.name);
            changed.extend(known.map(|name| (name, level)));
        }
        Ok(changed)
    }

    /// Moves a feature to a level that it has.
    pub(crate) fn set(&self, name: &'static str, level: i16) {
        let mut levels = self.levels.write();
        if level > 0 {
            levels.insert(name, level);
        } else {
            levels.remove(name);
        }
    }
}

/// A feature of this name that has this level.
pub(crate) fn supported(name: &str, level: i16) -> Option<&'static str> {
    let has = |feature: &&Feature| level == 0 || (feature.min..=feature.max).contains(&level);
    FEATURES.iter().find(|feature| feature.name == name).filter(has).map(|feature| feature.name)
}

/// Whether a feature may go from one level to another, by Kafka's rules in Kafka's order.
fn check(node: i32, name: &str, current: i16, level: i16, upgrade: Option<Change>) -> Result<(), String> {
    let refused = |why: &str| Err(format!("Invalid update version {level} for feature {name}. {why}"));
    let Some(upgrade) = upgrade else {
        return refused("The controller does not support the given upgrade type.");
    };
    if level < 0 {
        return refused("A feature version cannot be less than 0.");
    }
    if level == 0 && NOT_SERVED.contains(&name) {
        return Ok(());
    }
    let Some(feature) = FEATURES.iter().find(|feature| feature.name == name) else {
        // "Off" is supported by who does not know it.
        return refused(&match level {
            0 => format!("Feature {name} not found."),
            _ => format!("Local controller {node} does not support this feature."),
        });
    };
    if !(feature.min..=feature.max).contains(&level) {
        let (min, max) = (feature.min, feature.max);
        return refused(&format!("Local controller {node} only supports versions {min}-{max}"));
    }
    if level < current && upgrade == Change::Upgrade {
        return refused(
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe \
             downgrade.",
        );
    }
    if level > current && upgrade != Change::Upgrade {
        return refused("Can't downgrade to a newer version.");
    }
    if name == METADATA && level < LOWEST_SAFE_METADATA {
        let why = match upgrade {
            Change::UnsafeDowngrade => "Unsafe metadata downgrade is not supported in this version.",
            _ => "Refusing to perform the requested downgrade because it might delete metadata information.",
        };
        return Err(format!("Invalid metadata.version {level}. {why}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(features: &Features, updates: &[(&str, i16, Option<Change>)]) -> Result<(), String> {
        let changed = features.updated(1, updates.iter().copied())?;
        changed.into_iter().for_each(|(name, level)| features.set(name, level));
        Ok(())
    }

    #[test]
    fn levels_go_down_only_when_that_is_said() {
        let features = Features::default();
        let why = update(&features, &[(GROUP, 0, Some(Change::Upgrade))]).unwrap_err();
        assert!(why.starts_with("Invalid update version 0 for feature group.version. Can't downgrade"), "{why}");
        assert_eq!(update(&features, &[(GROUP, 0, Some(Change::SafeDowngrade))]), Ok(()));
        assert_eq!(features.level(GROUP), 0);
        assert!(features.in_use().iter().all(|(name, _)| *name != GROUP));
        let why = update(&features, &[(GROUP, 1, Some(Change::UnsafeDowngrade))]).unwrap_err();
        assert!(why.ends_with("Can't downgrade to a newer version."), "{why}");
        assert_eq!(update(&features, &[(GROUP, 1, Some(Change::Upgrade))]), Ok(()));
        assert_eq!(features.level(GROUP), 1);
    }

    #[test]
    fn all_change_or_none() {
        let features = Features::default();
        let both = [(GROUP, 0, Some(Change::SafeDowngrade)), ("nope", 1, Some(Change::Upgrade))];
        let why = "Invalid update version 1 for feature nope. Local controller 1 does not support this feature.";
        assert_eq!(update(&features, &both).unwrap_err(), why);
        assert_eq!(features.level(GROUP), 1);
    }

    #[test]
    fn the_level_a_cluster_starts_with_is_one_it_supports() {
        for feature in FEATURES {
            assert!((feature.min..=feature.max).contains(&feature.at_start), "{}", feature.name);
        }
        assert!(FEATURES.is_sorted_by_key(|feature| feature.name));
    }
}
