//! Where the value of a config comes from: the topic, this broker, the brokers' default, what was given at start, or
//! Kafka's default, in that order.

use std::collections::BTreeMap;

use super::check::{self, InvalidConfig};
use super::def::ConfigDef;
use super::{broker_defs, server_names};

/// Configs as they were said, by name.
pub(crate) type Configs = BTreeMap<String, String>;

/// Where a value comes from, with Kafka's number for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigSource {
    Topic,
    DynamicBroker,
    DynamicDefaultBroker,
    StaticBroker,
    Default,
    BrokerLogger,
    ClientMetrics,
    Group,
}

impl ConfigSource {
    pub(crate) const fn wire(self) -> i8 {
        match self {
            Self::Topic => 1,
            Self::DynamicBroker => 2,
            Self::DynamicDefaultBroker => 3,
            Self::StaticBroker => 4,
            Self::Default => 5,
            Self::BrokerLogger => 6,
            Self::ClientMetrics => 7,
            Self::Group => 8,
        }
    }
}

/// Everything that was said about the brokers' configs.
#[derive(Debug, Clone, Default)]
pub(crate) struct BrokerLayers {
    /// Given at start for all brokers.
    pub(crate) file: Configs,
    /// Given at start for one broker, by node id.
    pub(crate) node_file: BTreeMap<i32, Configs>,
    /// Set while running, for all brokers.
    pub(crate) dynamic_default: Configs,
    /// Set while running, by node id.
    pub(crate) dynamic: BTreeMap<i32, Configs>,
}

impl BrokerLayers {
    /// The value in force on a node, in canonical form, or nothing where it is null.
    ///
    /// # Errors
    ///
    /// When a value is not legal; values are checked before they are taken, so this says where a check is missing.
    pub(crate) fn value(&self, node: i32, name: &str) -> Result<Option<String>, InvalidConfig> {
        let said = self.said(node, name).map(|(value, _)| value);
        match server_names::find(name) {
            Some(def) => said.map(|value| check::canonical(def, value)).transpose(),
            None => Ok(said.map(str::to_owned)),
        }
    }

    /// Everything that was said of the configs of a node, each by its nearest layer.
    #[cfg(feature = "tls")]
    pub(crate) fn in_force(&self, node: i32) -> Configs {
        let mut configs = Configs::new();
        for (layer, _) in self.layers(node).into_iter().rev() {
            configs.extend(layer.clone());
        }
        configs
    }

    /// The value a topic has on a node, in canonical form, or nothing where it is null.
    ///
    /// # Errors
    ///
    /// As [`BrokerLayers::value`].
    pub(crate) fn topic_value(
        &self,
        node: i32,
        def: &'static ConfigDef,
        topic: &Configs,
    ) -> Result<Option<String>, InvalidConfig> {
        if let Some(value) = topic.get(def.name) {
            return check::canonical(def, value).map(Some);
        }
        for (index, name) in def.broker_names.iter().enumerate() {
            if let Some(value) = self.value(node, name)? {
                return Ok(Some(in_unit_of_topic(index, name, value)));
            }
        }
        Ok(def.default.map(str::to_owned))
    }

    /// The value as it was said, from the nearest layer, and that layer.
    fn said(&self, node: i32, name: &str) -> Option<(&str, ConfigSource)> {
        let default = || broker_defs::find(name)?.default.map(|value| (value, ConfigSource::Default));
        let said = self.places(node, name).next();
        said.or_else(default)
    }

    fn places(&self, node: i32, name: &str) -> impl Iterator<Item = (&str, ConfigSource)> {
        self.layers(node).into_iter().filter_map(move |(layer, source)| Some((layer.get(name)?.as_str(), source)))
    }

    pub(super) fn layers(&self, node: i32) -> Vec<(&Configs, ConfigSource)> {
        let dynamic = self.dynamic.get(&node).map(|layer| (layer, ConfigSource::DynamicBroker));
        let node_file = self.node_file.get(&node).map(|layer| (layer, ConfigSource::StaticBroker));
        let default = (&self.dynamic_default, ConfigSource::DynamicDefaultBroker);
        let file = (&self.file, ConfigSource::StaticBroker);
        dynamic.into_iter().chain([default]).chain(node_file).chain([file]).collect()
    }
}

/// Times that Kafka takes in several units, the finest first: the finest that is set counts.
const UNITS: &[&[&str]] = &[
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
];

pub(super) fn names_in_other_units(name: &str) -> &'static [&'static str] {
    UNITS.iter().find(|names| names.contains(&name)).copied().unwrap_or_default()
}

/// Topics know milliseconds only. A negative time has no unit: it means "for ever".
fn in_unit_of_topic(index: usize, name: &str, value: String) -> String {
    let factor = match name.rsplit_once('.').map(|(_, unit)| unit) {
        Some("hours") if index > 0 => 3_600_000,
        Some("minutes") if index > 0 => 60_000,
        _ => return value,
    };
    match value.parse::<i64>() {
        Ok(time) if time < 0 => "-1".to_owned(),
        Ok(time) => time.saturating_mul(factor).to_string(),
        Err(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::topic_defs;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_finest_unit_of_a_time_counts() {
        let retention = topic_defs::find("retention.ms").expect("a topic config");
        let value = |pairs: &[(&str, &str)]| {
            let layers = BrokerLayers { file: configs(pairs), ..BrokerLayers::default() };
            layers.topic_value(1, retention, &Configs::new()).expect("legal values")
        };
        assert_eq!(value(&[]).as_deref(), Some("604800000"));
        assert_eq!(value(&[("log.retention.hours", "2")]).as_deref(), Some("7200000"));
        assert_eq!(value(&[("log.retention.hours", "2"), ("log.retention.minutes", "3")]).as_deref(), Some("180000"));
        assert_eq!(value(&[("log.retention.hours", "-1")]).as_deref(), Some("-1"));
        assert_eq!(value(&[("log.retention.minutes", "3"), ("log.retention.ms", "5")]).as_deref(), Some("5"));
    }
}
