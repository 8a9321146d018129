//! `upgrade`, `downgrade` and `disable`: other levels for features.

use std::{collections::BTreeMap, io::Write};

use super::{
    HowDown, Levels,
    versions::{FEATURES, METADATA_VERSION, MetadataVersion},
};
use crate::{
    failure::Failure,
    tools::{AnyConnection, Output, java_order},
    wire::{Cluster, FeatureUpdate, KafkaError, UpgradeType, update_features},
};

/// What is to be done.
#[derive(Debug)]
pub(super) struct Update {
    verb: &'static str,
    /// In the order in which they are sent, which decides of which error is told.
    levels: Vec<FeatureUpdate>,
    kind: UpgradeType,
    dry_run: bool,
}

impl Update {
    /// Features are to have higher levels.
    ///
    /// # Errors
    /// The levels cannot be understood.
    pub(super) fn upgrade(levels: &Levels, dry_run: bool, out: &mut Output) -> Result<Self, Failure> {
        let kind = UpgradeType::Upgrade;
        Ok(Self { verb: "upgrade", levels: wanted(levels, kind, out)?, kind, dry_run })
    }

    /// Features are to have lower levels.
    ///
    /// # Errors
    /// The levels cannot be understood.
    pub(super) fn downgrade(levels: &Levels, how: &HowDown, out: &mut Output) -> Result<Self, Failure> {
        let kind = how.kind();
        Ok(Self { verb: "downgrade", levels: wanted(levels, kind, out)?, kind, dry_run: how.dry_run })
    }

    /// Features are to be off.
    ///
    /// # Errors
    /// One is named twice.
    pub(super) fn disable(features: &[String], how: &HowDown) -> Result<Self, Failure> {
        let levels = features.iter().map(|feature| (feature.clone(), 0)).collect();
        Ok(Self { verb: "disable", levels: in_order(levels)?, kind: how.kind(), dry_run: how.dry_run })
    }

    /// Does it, and says what became of each feature.
    ///
    /// # Errors
    /// Nothing is to be done, or it was not done.
    pub(super) async fn done(self, connection: &AnyConnection, out: &mut Output) -> Result<u8, Failure> {
        if self.levels.is_empty() {
            return Err(Failure::Failed(format!("You must specify at least one feature to {}", self.verb)));
        }
        if self.levels.iter().any(|update| update.feature.trim().is_empty()) {
            return Err(Failure::Failed("Provided feature can not be empty.".to_owned()));
        }
        let done = match Cluster::connect(connection.settings()?, "updateFeatures").await {
            Ok(cluster) => update_features(&cluster, &self.levels, self.kind, self.dry_run).await,
            Err(error) => Err(error),
        };
        let words = |done: Result<(), KafkaError>| done.map_err(|error| error.message().to_owned());
        let done: BTreeMap<String, Result<(), String>> = match done {
            Ok(done) => done.into_iter().map(|(feature, done)| (feature, words(done))).collect(),
            Err(error) => self.levels.iter().map(|update| (update.feature.clone(), Err(error.message()))).collect(),
        };
        let failed = done.values().filter(|done| done.is_err()).count();
        out.write_all(self.told(&done).as_bytes())?;
        match failed {
            0 => Ok(0),
            _ => Err(Failure::Failed(format!("{failed} out of {} operation(s) failed.", self.levels.len()))),
        }
    }

    /// A line a feature, in the order of their names.
    fn told(&self, done: &BTreeMap<String, Result<(), String>>) -> String {
        let level = |feature: &str| {
            let update = self.levels.iter().find(|update| update.feature == feature);
            update.map(|update| update.level).unwrap_or_default()
        };
        let line = |(feature, done): (&String, &Result<(), String>)| match (done, self.verb) {
            (Ok(()), verb) => {
                let was = if self.dry_run { "can be" } else { "was" };
                match verb {
                    "disable" => format!("{feature} {was} disabled.\n"),
                    _ => format!("{feature} {was} {verb}d to {}.\n", level(feature)),
                }
            }
            (Err(problem), verb) => {
                let could = if self.dry_run { "Can" } else { "Could" };
                match verb {
                    "disable" => format!("{could} not disable {feature}. {problem}\n"),
                    _ => format!("{could} not {verb} {feature} to {}. {problem}\n", level(feature)),
                }
            }
        };
        done.iter().map(line).collect()
    }
}

impl HowDown {
    fn kind(&self) -> UpgradeType {
        if self.is_unsafe { UpgradeType::UnsafeDowngrade } else { UpgradeType::SafeDowngrade }
    }
}

fn wanted(levels: &Levels, kind: UpgradeType, out: &mut Output) -> Result<Vec<FeatureUpdate>, Failure> {
    if levels.metadata.is_some() && levels.release_version.is_none() {
        writeln!(out, " `metadata` flag is deprecated and may be removed in a future release.")?;
    }
    in_order(listed(levels, kind).map_err(Failure::Failed)?)
}

fn listed(levels: &Levels, kind: UpgradeType) -> Result<Vec<(String, i16)>, String> {
    let Levels { metadata, release_version, feature } = levels;
    let metadata_level = |name: &str| {
        let version = MetadataVersion::named(name).ok_or_else(|| {
            format!("Unknown metadata.version {name}. Supported metadata.version are {}", MetadataVersion::all_names())
        })?;
        Ok::<_, String>((version, (METADATA_VERSION.to_owned(), version.level())))
    };
    if let Some(release) = release_version {
        if metadata.is_some() || !feature.is_empty() {
            return Err("Can not specify `release-version` with other feature flags.".to_owned());
        }
        let (version, of_metadata) = metadata_level(release)?;
        let defaults = FEATURES.iter().map(|feature| (feature.name.to_owned(), feature.default_level(version)));
        // Nothing is upgraded to 0.
        let sent = defaults.filter(|(_, level)| kind != UpgradeType::Upgrade || *level > 0);
        return Ok([of_metadata].into_iter().chain(sent).collect());
    }
    let mut all = Vec::new();
    if let Some(name) = metadata {
        all.push(metadata_level(name)?.1);
    }
    for feature in feature {
        let (name, level) = name_and_level(feature)?;
        all.push((name.to_owned(), level));
    }
    Ok(all)
}

/// As Java's tool sends them, each once.
fn in_order(mut levels: Vec<(String, i16)>) -> Result<Vec<FeatureUpdate>, Failure> {
    for (index, (feature, _)) in levels.iter().enumerate() {
        if levels[..index].iter().any(|(earlier, _)| earlier == feature) {
            return Err(Failure::Failed(format!("Feature {feature} was specified more than once.")));
        }
    }
    java_order::by_hash(&mut levels, java_order::DEFAULT_CAPACITY, |(feature, _)| feature);
    Ok(levels.into_iter().map(|(feature, level)| FeatureUpdate { feature, level }).collect())
}

/// A feature and its level, as `NAME=LEVEL`.
///
/// # Errors
/// In Kafka's words, if it is something else.
pub(super) fn name_and_level(text: &str) -> Result<(&str, i16), String> {
    let unreadable = |why: &str| format!("Can't parse feature=level string {text}: {why}");
    let (name, level) = text.split_once('=').ok_or_else(|| unreadable("equals sign not found."))?;
    let (name, level) = (name.trim(), level.trim());
    let number = level.parse().map_err(|_| unreadable(&format!("unable to parse {level} as a short.")))?;
    Ok((name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(metadata: Option<&str>, release: Option<&str>, feature: &[&str]) -> Levels {
        let owned = |text: &str| text.to_owned();
        Levels {
            metadata: metadata.map(owned),
            release_version: release.map(owned),
            feature: feature.iter().copied().map(owned).collect(),
        }
    }

    #[test]
    fn levels_are_said_one_by_one_or_by_a_release() {
        let listed = |levels, kind| {
            listed(&levels, kind)
                .map(|all| all.into_iter().map(|(name, level)| format!("{name}={level}")).collect::<Vec<_>>().join(" "))
        };
        let up = UpgradeType::Upgrade;
        assert_eq!(
            listed(levels(Some("4.0"), None, &["group.version = 1"]), up).unwrap(),
            "metadata.version=25 group.version=1"
        );
        assert_eq!(
            listed(levels(None, Some("4.0"), &[]), up).unwrap(),
            "metadata.version=25 kraft.version=1 transaction.version=2 group.version=1"
        );
        assert_eq!(
            listed(levels(None, Some("3.3-IV3"), &[]), UpgradeType::SafeDowngrade).unwrap(),
            "metadata.version=7 kraft.version=0 transaction.version=0 group.version=0 \
             eligible.leader.replicas.version=0 share.version=0 streams.version=0"
        );
        for (levels, words) in [
            (levels(None, Some("4.0"), &["a=1"]), "Can not specify `release-version` with other feature flags."),
            (levels(None, None, &["a"]), "Can't parse feature=level string a: equals sign not found."),
            (levels(None, None, &["a=x"]), "Can't parse feature=level string a=x: unable to parse x as a short."),
        ] {
            assert_eq!(listed(levels, up).unwrap_err(), words);
        }
        let unknown = listed(levels(None, Some("9.9"), &[]), up).unwrap_err();
        assert!(unknown.starts_with("Unknown metadata.version 9.9. Supported metadata.version are 3.3-IV3, "));
    }

    #[test]
    fn what_became_of_each_feature_is_told_by_name() {
        let mut update = Update {
            verb: "upgrade",
            levels: in_order(vec![("b".to_owned(), 2), ("a".to_owned(), 1)]).unwrap(),
            kind: UpgradeType::Upgrade,
            dry_run: false,
        };
        let done = BTreeMap::from([("a".to_owned(), Ok(())), ("b".to_owned(), Err("No.".to_owned()))]);
        assert_eq!(update.told(&done), "a was upgraded to 1.\nCould not upgrade b to 2. No.\n");
        update.dry_run = true;
        update.verb = "disable";
        assert_eq!(update.told(&done), "a can be disabled.\nCan not disable b. No.\n");
        let twice = in_order(vec![("a".to_owned(), 1), ("a".to_owned(), 2)]).unwrap_err();
        assert_eq!(twice.to_string(), "Feature a was specified more than once.");
    }
}
