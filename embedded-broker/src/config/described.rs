//! Configs as they are described: the value in force, where it comes from, and what it hides.

use std::borrow::Cow;

use super::def::{ConfigDef, ConfigType, Update};
use super::layers::{BrokerLayers, ConfigSource, Configs, names_in_other_units};
use super::{broker_defs, server_names, topic_defs};

/// One config of one resource, with the value in force and those it hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigEntry {
    pub(crate) name: Cow<'static, str>,
    /// Absent when the value is null or must not be shown.
    pub(crate) value: Option<String>,
    /// Absent for configs that Kafka does not know; a broker keeps those for its plugins.
    pub(crate) kind: Option<ConfigType>,
    pub(crate) source: ConfigSource,
    pub(crate) read_only: bool,
    pub(crate) sensitive: bool,
    pub(crate) synonyms: Vec<Synonym>,
}

impl ConfigEntry {
    /// A config that has no synonyms but itself, where it is set.
    pub(crate) fn new(def: &'static ConfigDef, value: Option<String>, source: ConfigSource) -> Self {
        let own = || Synonym { name: Cow::Borrowed(def.name), value: value.clone(), source };
        let synonyms = if source == ConfigSource::Default { Vec::new() } else { vec![own()] };
        Self {
            name: Cow::Borrowed(def.name),
            value,
            kind: Some(def.kind),
            source,
            read_only: false,
            sensitive: false,
            synonyms,
        }
    }
}

/// A place the value of a config could come from, the best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synonym {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: Option<String>,
    pub(crate) source: ConfigSource,
}

impl BrokerLayers {
    /// All configs of a broker.
    pub(crate) fn describe_broker(&self, node: i32) -> Vec<ConfigEntry> {
        let strangers = self.layers(node).into_iter().flat_map(|(layer, _)| layer.keys());
        let strangers: std::collections::BTreeSet<&str> =
            strangers.map(String::as_str).filter(|name| broker_defs::find(name).is_none()).collect();
        let known = broker_defs::ALL.iter().map(|def| self.broker_entry(node, def));
        known.chain(strangers.into_iter().map(|name| self.stranger(node, name))).collect()
    }

    /// What was set while running for all brokers.
    pub(crate) fn describe_brokers_default(&self) -> Vec<ConfigEntry> {
        let entries = self.dynamic_default.keys().map(|name| {
            let mut entry = match broker_defs::find(name) {
                Some(def) => self.broker_entry(i32::MIN, def),
                None => self.stranger(i32::MIN, name),
            };
            entry.synonyms.retain(|synonym| synonym.source == ConfigSource::DynamicDefaultBroker);
            entry
        });
        entries.collect()
    }

    /// All configs of a topic, as the node sees them.
    pub(crate) fn describe_topic(&self, node: i32, topic: &Configs) -> Vec<ConfigEntry> {
        topic_defs::ALL.iter().map(|def| self.topic_entry(node, def, topic)).collect()
    }

    fn topic_entry(&self, node: i32, def: &'static ConfigDef, topic: &Configs) -> ConfigEntry {
        let value = self.topic_value(node, def, topic).unwrap_or_default();
        let mut synonyms = match def.broker_names.first() {
            Some(name) => self.synonyms(node, name, def.broker_names),
            None => Vec::new(),
        };
        if topic.contains_key(def.name) {
            let own = Synonym { name: Cow::Borrowed(def.name), value: value.clone(), source: ConfigSource::Topic };
            synonyms.insert(0, own);
        }
        ConfigEntry {
            name: Cow::Borrowed(def.name),
            value,
            kind: Some(def.kind),
            source: synonyms.first().map_or(ConfigSource::Default, |best| best.source),
            read_only: false,
            sensitive: def.is_sensitive(),
            synonyms,
        }
    }

    fn broker_entry(&self, node: i32, def: &'static ConfigDef) -> ConfigEntry {
        let synonyms = self.synonyms(node, def.name, names_in_other_units(def.name));
        let value = self.value(node, def.name).unwrap_or_default().filter(|_| !def.is_sensitive());
        ConfigEntry {
            name: Cow::Borrowed(def.name),
            value,
            kind: Some(def.kind),
            source: synonyms.first().map_or(ConfigSource::Default, |best| best.source),
            read_only: def.update == Update::ReadOnly,
            sensitive: def.is_sensitive(),
            synonyms,
        }
    }

    /// A config that is shown because it is set: of one listener, unlisted, or not known at all. Kafka hides the value of
    /// what it does not know: it could be a plugin's password.
    fn stranger(&self, node: i32, name: &str) -> ConfigEntry {
        let def = server_names::find(name);
        let sensitive = def.is_none_or(ConfigDef::is_sensitive);
        let synonym = |name: &str, value: &str, source| Synonym {
            name: Cow::Owned(name.to_owned()),
            value: (!sensitive).then(|| value.to_owned()),
            source,
        };
        let of_all_listeners = server_names::of_listener(name);
        let mut synonyms = Vec::new();
        for (layer, source) in self.layers(node) {
            let places = [Some(name), of_all_listeners].into_iter().flatten();
            synonyms.extend(places.filter_map(|name| Some(synonym(name, layer.get(name)?, source))));
        }
        let default = of_all_listeners.and_then(|name| broker_defs::find(name)?.default.map(|value| (name, value)));
        synonyms.extend(default.map(|(name, value)| synonym(name, value, ConfigSource::Default)));
        let own = synonyms.iter().find(|synonym| synonym.name == name);
        ConfigEntry {
            name: Cow::Owned(name.to_owned()),
            value: own.and_then(|synonym| synonym.value.clone()),
            kind: def.map(|def| def.kind),
            source: own.map_or(ConfigSource::Default, |synonym| synonym.source),
            read_only: true,
            sensitive,
            synonyms,
        }
    }

    /// All places that give one of `names`, by layer; those before the first that gives `name` itself do not count.
    fn synonyms(&self, node: i32, name: &str, names: &[&'static str]) -> Vec<Synonym> {
        let own;
        let names = if names.is_empty() {
            own = broker_defs::find(name).map(|def| [def.name]);
            own.as_ref().map_or(&[][..], |own| &own[..])
        } else {
            names
        };
        let mut synonyms = Vec::new();
        for (layer, source) in self.layers(node) {
            for name in names {
                if let Some(value) = layer.get(*name) {
                    synonyms.push(shown(name, value, source));
                }
            }
        }
        for name in names {
            if let Some(default) = broker_defs::find(name).and_then(|def| def.default) {
                synonyms.push(shown(name, default, ConfigSource::Default));
            }
        }
        let first = synonyms.iter().position(|synonym| synonym.name == name);
        synonyms.drain(..first.unwrap_or(synonyms.len()));
        synonyms
    }
}

fn shown(name: &'static str, value: &str, source: ConfigSource) -> Synonym {
    let sensitive = broker_defs::find(name).is_some_and(ConfigDef::is_sensitive);
    Synonym { name: Cow::Borrowed(name), value: (!sensitive).then(|| value.to_owned()), source }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn entry(entries: &[ConfigEntry], name: &str) -> ConfigEntry {
        entries.iter().find(|entry| entry.name == name).expect("a known config").clone()
    }

    fn places(entry: &ConfigEntry) -> Vec<(String, ConfigSource)> {
        let text = |synonym: &Synonym| format!("{}={}", synonym.name, synonym.value.as_deref().unwrap_or("-"));
        entry.synonyms.iter().map(|synonym| (text(synonym), synonym.source)).collect()
    }

    #[test]
    fn a_topic_without_configs_shows_kafkas_defaults_and_where_they_come_from() {
        let entries = BrokerLayers::default().describe_topic(1, &Configs::new());
        assert_eq!(entries.len(), 33);
        let policy = entry(&entries, "cleanup.policy");
        assert_eq!((policy.value.as_deref(), policy.source), (Some("delete"), ConfigSource::Default));
        assert_eq!(places(&policy), [("log.cleanup.policy=delete".to_owned(), ConfigSource::Default)]);
        let retention = entry(&entries, "retention.ms");
        assert_eq!((retention.value.as_deref(), retention.source), (Some("604800000"), ConfigSource::Default));
        assert_eq!(places(&retention), []);
    }

    #[test]
    fn a_topics_own_value_comes_first_then_each_broker_layer() {
        let layers = BrokerLayers {
            file: configs(&[("log.cleanup.policy", "compact")]),
            dynamic_default: configs(&[("log.cleanup.policy", "delete,compact")]),
            ..BrokerLayers::default()
        };
        let policy = entry(&layers.describe_topic(1, &configs(&[("cleanup.policy", " delete")])), "cleanup.policy");
        assert_eq!((policy.value.as_deref(), policy.source), (Some("delete"), ConfigSource::Topic));
        assert_eq!(
            places(&policy),
            [
                ("cleanup.policy=delete".to_owned(), ConfigSource::Topic),
                ("log.cleanup.policy=delete,compact".to_owned(), ConfigSource::DynamicDefaultBroker),
                ("log.cleanup.policy=compact".to_owned(), ConfigSource::StaticBroker),
                ("log.cleanup.policy=delete".to_owned(), ConfigSource::Default),
            ]
        );
    }

    #[test]
    fn a_brokers_own_value_hides_the_brokers_default() {
        let layers = BrokerLayers {
            dynamic_default: configs(&[("message.max.bytes", "100")]),
            dynamic: BTreeMap::from([(2, configs(&[("message.max.bytes", "200")]))]),
            ..BrokerLayers::default()
        };
        assert_eq!(layers.value(1, "message.max.bytes"), Ok(Some("100".to_owned())));
        assert_eq!(layers.value(2, "message.max.bytes"), Ok(Some("200".to_owned())));
    }

    #[test]
    fn a_broker_shows_all_its_configs_and_no_password() {
        let layers = BrokerLayers {
            file: configs(&[("ssl.key.password", "hush-1"), ("my.plugin.token", "hush-1")]),
            ..BrokerLayers::default()
        };
        let entries = layers.describe_broker(1);
        assert_eq!(entries.len(), 317);
        assert!(!format!("{entries:?}").contains("hush-1"));
        let stranger = entry(&entries, "my.plugin.token");
        assert!(stranger.sensitive && stranger.read_only && stranger.kind.is_none());
        assert!(entry(&entries, "num.partitions").read_only);
    }

    #[test]
    fn the_brokers_default_shows_only_what_was_set_for_all() {
        let layers = BrokerLayers {
            file: configs(&[("min.insync.replicas", "3")]),
            dynamic_default: configs(&[("min.insync.replicas", "1")]),
            ..BrokerLayers::default()
        };
        let entries = layers.describe_brokers_default();
        assert_eq!(entries.len(), 1);
        assert_eq!(places(&entries[0]), [("min.insync.replicas=1".to_owned(), ConfigSource::DynamicDefaultBroker)]);
    }
}
