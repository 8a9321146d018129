//! The configs of a group: what may be set for it, and what the coordinator goes by then.

use std::borrow::Cow;
use std::time::Duration;

use super::alter::invalid;
use super::check::{InvalidConfig, canonical};
use super::def::{ConfigDef, int, string};
use super::described::{ConfigEntry, Synonym};
use super::layers::{BrokerLayers, ConfigSource, Configs};
use crate::coordinator::group::config::GroupConfig;
use crate::error::Error;

/// By name; each with the broker config that gives the value when the group has none.
#[rustfmt::skip]
static ALL: &[ConfigDef] = &[
    int("consumer.heartbeat.interval.ms", "5000").at_least(1).or_broker(&["group.consumer.heartbeat.interval.ms"]),
    int("consumer.session.timeout.ms", "45000").at_least(1).or_broker(&["group.consumer.session.timeout.ms"]),
    string("share.auto.offset.reset", "latest").share_offset_reset(),
    int("share.heartbeat.interval.ms", "5000").at_least(1).or_broker(&["group.share.heartbeat.interval.ms"]),
    string("share.isolation.level", "read_uncommitted").one_of(&["read_committed", "read_uncommitted"]),
    int("share.record.lock.duration.ms", "30000").at_least(1000).or_broker(&["group.share.record.lock.duration.ms"]),
    int("share.session.timeout.ms", "45000").at_least(1).or_broker(&["group.share.session.timeout.ms"]),
    int("streams.heartbeat.interval.ms", "5000").at_least(1).or_broker(&["group.streams.heartbeat.interval.ms"]),
    int("streams.num.standby.replicas", "0").at_least(0).or_broker(&["group.streams.num.standby.replicas"]),
    int("streams.session.timeout.ms", "45000").at_least(1).or_broker(&["group.streams.session.timeout.ms"]),
];

/// What the broker's own configs bound: the group's config, its lowest value and its highest. In Kafka's order.
const BOUNDS: &[(&str, Option<&str>, &str)] = &[
    (
        "consumer.heartbeat.interval.ms",
        Some("group.consumer.min.heartbeat.interval.ms"),
        "group.consumer.max.heartbeat.interval.ms",
    ),
    (
        "consumer.session.timeout.ms",
        Some("group.consumer.min.session.timeout.ms"),
        "group.consumer.max.session.timeout.ms",
    ),
    (
        "share.heartbeat.interval.ms",
        Some("group.share.min.heartbeat.interval.ms"),
        "group.share.max.heartbeat.interval.ms",
    ),
    ("share.session.timeout.ms", Some("group.share.min.session.timeout.ms"), "group.share.max.session.timeout.ms"),
    (
        "share.record.lock.duration.ms",
        Some("group.share.min.record.lock.duration.ms"),
        "group.share.max.record.lock.duration.ms",
    ),
    (
        "streams.heartbeat.interval.ms",
        Some("group.streams.min.heartbeat.interval.ms"),
        "group.streams.max.heartbeat.interval.ms",
    ),
    (
        "streams.session.timeout.ms",
        Some("group.streams.min.session.timeout.ms"),
        "group.streams.max.session.timeout.ms",
    ),
    ("streams.num.standby.replicas", None, "group.streams.max.standby.replicas"),
];

/// Members must be heard of more often than they may be silent.
const SESSIONS: &[(&str, &str)] = &[
    ("consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"),
    ("share.session.timeout.ms", "share.heartbeat.interval.ms"),
    ("streams.session.timeout.ms", "streams.heartbeat.interval.ms"),
];

/// The definition of a config by its name.
pub(crate) fn find(name: &str) -> Option<&'static ConfigDef> {
    ALL.iter().find(|def| def.name == name)
}

/// Checks all configs a group would have.
///
/// # Errors
///
/// `INVALID_CONFIG`, with Kafka's words.
pub(crate) fn check(layers: &BrokerLayers, node: i32, group: &Configs) -> Result<(), Error> {
    if let Some(name) = group.keys().find(|name| find(name).is_none()) {
        return Err(invalid(format!("Unknown group config name: {name}")));
    }
    for (name, value) in group {
        if let Some(def) = find(name) {
            canonical(def, value).map_err(|InvalidConfig(why)| invalid(why))?;
        }
    }
    // As Kafka: what is not set is checked with Kafka's default, not the broker's.
    let number = |name: &str| number(group.get(name).map(String::as_str).or_else(|| find(name)?.default));
    let of_broker = |name: &str| number_of(layers, node, name);
    for (name, low, high) in BOUNDS {
        let value = number(name);
        if let Some(low) = low.filter(|low| value < of_broker(low)) {
            return Err(invalid(format!("{name} must be greater than or equal to {low}")));
        }
        if value > of_broker(high) {
            return Err(invalid(format!("{name} must be less than or equal to {high}")));
        }
    }
    match SESSIONS.iter().find(|(session, heartbeat)| number(session) <= number(heartbeat)) {
        Some((session, heartbeat)) => Err(invalid(format!("{session} must be greater than {heartbeat}"))),
        None => Ok(()),
    }
}

fn number(text: Option<&str>) -> i64 {
    text.and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}

fn number_of(layers: &BrokerLayers, node: i32, name: &str) -> i64 {
    number(layers.value(node, name).ok().flatten().as_deref())
}

/// All configs of a group, which need not exist.
pub(crate) fn describe(layers: &BrokerLayers, node: i32, group: &Configs) -> Vec<ConfigEntry> {
    let entries = ALL.iter().map(|def| {
        let set = group.contains_key(def.name);
        let value = layers.topic_value(node, def, group).unwrap_or_default();
        let source = if set { ConfigSource::Group } else { ConfigSource::Default };
        let synonyms = vec![Synonym { name: Cow::Borrowed(def.name), value: value.clone(), source }];
        ConfigEntry { synonyms, ..ConfigEntry::new(def, value, source) }
    });
    entries.collect()
}

/// What the coordinator goes by for a group with these configs.
pub(crate) fn resolve(broker: &GroupConfig, group: &Configs) -> GroupConfig {
    let mut config = broker.clone();
    let time = |name: &str| {
        let ms: u64 = group.get(name)?.trim().parse().ok()?;
        Some(Duration::from_millis(ms))
    };
    if let Some(timeout) = time("consumer.session.timeout.ms") {
        config.consumer_session_timeout = timeout;
    }
    if let Some(interval) = time("consumer.heartbeat.interval.ms") {
        config.consumer_heartbeat_interval = interval;
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn error_of(layers: &BrokerLayers, name: &str, value: &str) -> String {
        let error = check(layers, 1, &configs(&[(name, value)])).expect_err("refused");
        assert_eq!(error.code(), Some(ErrorCode::InvalidConfig));
        error.message().to_owned()
    }

    #[test]
    fn every_default_is_within_the_brokers_bounds() {
        assert!(check(&BrokerLayers::default(), 1, &Configs::new()).is_ok());
    }

    #[test]
    fn the_brokers_configs_bound_those_of_its_groups() {
        let layers = BrokerLayers::default();
        assert_eq!(
            error_of(&layers, "consumer.session.timeout.ms", "44999"),
            "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"
        );
        let file = configs(&[("group.consumer.min.session.timeout.ms", "1000")]);
        let layers = BrokerLayers { file, ..BrokerLayers::default() };
        assert!(check(&layers, 1, &configs(&[("consumer.session.timeout.ms", "44999")])).is_ok());
        assert_eq!(
            error_of(&layers, "consumer.session.timeout.ms", "5000"),
            "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms"
        );
    }

    #[test]
    fn a_group_shows_its_own_value_or_the_brokers() {
        let file = configs(&[("group.consumer.session.timeout.ms", "50000")]);
        let layers = BrokerLayers { file, ..BrokerLayers::default() };
        let shown = |group: &[(&str, &str)]| {
            let entries = describe(&layers, 1, &configs(group));
            let entry =
                entries.into_iter().find(|entry| entry.name == "consumer.session.timeout.ms").expect("a config");
            (entry.value.unwrap_or_default(), entry.source)
        };
        assert_eq!(shown(&[]), ("50000".to_owned(), ConfigSource::Default));
        assert_eq!(shown(&[("consumer.session.timeout.ms", "55000")]), ("55000".to_owned(), ConfigSource::Group));
    }

    #[test]
    fn the_coordinator_goes_by_the_groups_own_value() {
        let resolved = resolve(&GroupConfig::default(), &configs(&[("consumer.session.timeout.ms", "55000")]));
        assert_eq!(resolved.consumer_session_timeout, Duration::from_secs(55));
        assert_eq!(resolved.consumer_heartbeat_interval, GroupConfig::default().consumer_heartbeat_interval);
    }
}
