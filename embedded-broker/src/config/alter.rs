//! Changes of configs: what a resource's configs are after a request, or why it is refused.

use std::collections::BTreeSet;

use super::check::{self, InvalidConfig};
use super::def::{ConfigDef, ConfigType, Update};
use super::layers::{BrokerLayers, Configs};
use super::{broker_defs, topic_defs};
use crate::error::{Error, ErrorCode};

/// One change of an IncrementalAlterConfigs request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op<'a> {
    Set(&'a str),
    Delete,
    /// Adds elements to a list, those it lacks.
    Append(&'a str),
    /// Takes elements from a list.
    Subtract(&'a str),
}

/// The longest value Kafka can store.
const MAX_VALUE_LEN: usize = 32_767;

/// The configs after the changes, which are not yet checked for their values.
///
/// # Errors
///
/// `INVALID_CONFIG` when something is appended to what is no list, or a value is too long.
pub(crate) fn apply<'a>(
    find: fn(&str) -> Option<&'static ConfigDef>,
    current: &Configs,
    ops: impl IntoIterator<Item = (&'a str, Op<'a>)>,
) -> Result<Configs, Error> {
    let mut configs = current.clone();
    for (name, op) in ops {
        let value = match op {
            Op::Delete => {
                configs.remove(name);
                continue;
            }
            Op::Set(value) => value.to_owned(),
            Op::Append(more) => edit_list(find, current, name, "APPEND", |list| {
                for element in check::elements(more) {
                    if !list.contains(&element) {
                        list.push(element);
                    }
                }
            })?,
            Op::Subtract(less) => edit_list(find, current, name, "SUBTRACT", |list| {
                let less = check::elements(less);
                list.retain(|element| !less.contains(element));
            })?,
        };
        if value.len() > MAX_VALUE_LEN {
            let why =
                "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.";
            return Err(Error::with_code(ErrorCode::InvalidConfig, why));
        }
        configs.insert(name.to_owned(), value);
    }
    Ok(configs)
}

/// A list that is not set starts from Kafka's default, not from what the brokers say.
fn edit_list<'a>(
    find: fn(&str) -> Option<&'static ConfigDef>,
    current: &'a Configs,
    name: &str,
    verb: &str,
    edit: impl FnOnce(&mut Vec<&'a str>),
) -> Result<String, Error> {
    let def = find(name).filter(|def| def.kind == ConfigType::List);
    let Some(def) = def else {
        let why = format!("Can't {verb} to key {name} because its type is not LIST.");
        return Err(Error::with_code(ErrorCode::InvalidConfig, why));
    };
    let old = current.get(name).map(String::as_str).or(def.default).unwrap_or_default();
    let mut list = check::elements(old);
    edit(&mut list);
    Ok(list.join(","))
}

/// Checks all configs a topic would have, by themselves and against each other.
///
/// # Errors
///
/// `INVALID_CONFIG`, with Kafka's words.
pub(crate) fn check_topic(layers: &BrokerLayers, node: i32, topic: &Configs) -> Result<(), Error> {
    let stranger = topic.keys().find(|name| topic_defs::find(name).is_none());
    if let Some(name) = stranger {
        return Err(invalid(format!("Unknown topic config name: {name}")));
    }
    for (name, value) in topic {
        if let Some(def) = topic_defs::find(name) {
            check::canonical(def, value).map_err(|InvalidConfig(why)| invalid(why))?;
        }
    }
    let number = |name: &str| -> Option<i64> {
        let value = layers.topic_value(node, topic_defs::find(name)?, topic).ok().flatten()?;
        value.parse().ok()
    };
    let lags = number("min.compaction.lag.ms").zip(number("max.compaction.lag.ms"));
    if let Some((min, max)) = lags.filter(|(min, max)| min > max) {
        let why =
            format!("conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})");
        return Err(invalid(why));
    }
    let remote = topic.get("remote.storage.enable").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    if remote {
        let why = "Tiered Storage functionality is disabled in the broker. \
                   Topic cannot be configured with remote log storage.";
        return Err(invalid(why));
    }
    Ok(())
}

/// Whose configs a change of broker configs is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokerScope {
    /// One broker, by its node id.
    Node,
    /// The default of all.
    AllNodes,
}

/// Security configs that Kafka takes per listener only.
const PER_LISTENER: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// Checks all dynamic configs a broker, or all of them, would have.
///
/// What Kafka could change in a running listener (`listeners`, `ssl.*`, `sasl.*`) is refused here as not dynamic: it
/// would be taken and do nothing.
///
/// # Errors
///
/// `INVALID_REQUEST`, with Kafka's words.
pub(crate) fn check_broker(scope: BrokerScope, configs: &Configs) -> Result<(), Error> {
    let known = || configs.keys().filter_map(|name| broker_defs::find(name));
    refuse_any("Cannot update these configs dynamically: Set", known().filter(|def| def.update == Update::ReadOnly))?;
    refuse_any(
        "These security configs can be dynamically updated only per-listener using the listener prefix: HashSet",
        known().filter(|def| PER_LISTENER.contains(&def.name)),
    )?;
    for (name, value) in configs {
        if let Some(def) = broker_defs::find(name) {
            check::canonical(def, value).map_err(|InvalidConfig(why)| invalid_request(why))?;
        }
    }
    let of_listeners = known().filter(|def| def.update == Update::PerBroker);
    let why = match scope {
        BrokerScope::Node => "Cannot update these configs dynamically: Set",
        BrokerScope::AllNodes => {
            "Cannot update these configs at default cluster level, broker id must be specified: Set"
        }
    };
    refuse_any(why, of_listeners)
}

/// Kafka does not let `min.insync.replicas` differ between brokers, nor go, while it tracks eligible leader replicas.
///
/// # Errors
///
/// `INVALID_CONFIG`, with Kafka's words.
pub(crate) fn check_min_insync_replicas(scope: BrokerScope, old: &Configs, new: &Configs) -> Result<(), Error> {
    let name = "min.insync.replicas";
    match scope {
        BrokerScope::Node if new.get(name) != old.get(name) => {
            Err(invalid("Broker-level min.insync.replicas cannot be altered while ELR is enabled."))
        }
        BrokerScope::AllNodes if old.contains_key(name) && !new.contains_key(name) => {
            Err(invalid("Cluster-level min.insync.replicas cannot be removed while ELR is enabled."))
        }
        _ => Ok(()),
    }
}

fn refuse_any<'a>(why: &str, defs: impl Iterator<Item = &'a ConfigDef>) -> Result<(), Error> {
    let names: BTreeSet<&str> = defs.map(|def| def.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.into_iter().collect();
    Err(invalid_request(format!("{why}({})", names.join(", "))))
}

fn invalid(why: impl Into<String>) -> Error {
    Error::with_code(ErrorCode::InvalidConfig, why)
}

fn invalid_request(why: impl Into<String>) -> Error {
    Error::with_code(ErrorCode::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn after(current: &[(&str, &str)], name: &str, op: Op<'_>) -> Result<Configs, String> {
        apply(topic_defs::find, &configs(current), [(name, op)]).map_err(|error| error.message().to_owned())
    }

    fn topic_error(pairs: &[(&str, &str)]) -> (Option<ErrorCode>, String) {
        let error = check_topic(&BrokerLayers::default(), 1, &configs(pairs)).expect_err("refused");
        (error.code(), error.message().to_owned())
    }

    fn broker_error(scope: BrokerScope, pairs: &[(&str, &str)]) -> (Option<ErrorCode>, String) {
        let error = check_broker(scope, &configs(pairs)).expect_err("refused");
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn appending_starts_from_kafkas_default_and_adds_nothing_twice() {
        let appended = after(&[], "cleanup.policy", Op::Append("compact"));
        assert_eq!(appended, Ok(configs(&[("cleanup.policy", "delete,compact")])));
        let again = after(&[("cleanup.policy", "delete,compact")], "cleanup.policy", Op::Append("compact"));
        assert_eq!(again, appended);
    }

    #[test]
    fn subtracting_what_is_not_there_changes_nothing() {
        assert_eq!(
            after(&[("cleanup.policy", "compact")], "cleanup.policy", Op::Subtract("delete")),
            Ok(configs(&[("cleanup.policy", "compact")]))
        );
        assert_eq!(
            after(&[("cleanup.policy", "compact")], "cleanup.policy", Op::Subtract("compact")),
            Ok(configs(&[("cleanup.policy", "")]))
        );
    }

    #[test]
    fn only_lists_can_be_appended_to() {
        assert_eq!(
            after(&[], "retention.ms", Op::Append("5")),
            Err("Can't APPEND to key retention.ms because its type is not LIST.".to_owned())
        );
        assert_eq!(
            after(&[], "nope", Op::Subtract("5")),
            Err("Can't SUBTRACT to key nope because its type is not LIST.".to_owned())
        );
    }

    #[test]
    fn deleting_what_is_not_set_is_no_error() {
        assert_eq!(after(&[], "retention.ms", Op::Delete), Ok(Configs::new()));
        assert_eq!(after(&[], "nope", Op::Delete), Ok(Configs::new()));
    }

    #[test]
    fn a_value_longer_than_kafka_can_store_is_refused() {
        let long = "x".repeat(MAX_VALUE_LEN + 1);
        assert!(after(&[], "retention.ms", Op::Set(&long)).is_err());
    }

    #[test]
    fn unknown_topic_configs_are_named() {
        let refused = (Some(ErrorCode::InvalidConfig), "Unknown topic config name: nope".to_owned());
        assert_eq!(topic_error(&[("nope", "2"), ("delete.retention.ms", "-1")]), refused);
    }

    #[test]
    fn compaction_lags_must_not_cross() {
        let (_, why) = topic_error(&[("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")]);
        assert_eq!(why, "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)");
    }

    #[test]
    fn read_only_broker_configs_are_refused_by_name() {
        for scope in [BrokerScope::Node, BrokerScope::AllNodes] {
            assert_eq!(
                broker_error(scope, &[("num.partitions", "3")]),
                (
                    Some(ErrorCode::InvalidRequest),
                    "Cannot update these configs dynamically: Set(num.partitions)".to_owned()
                )
            );
        }
    }

    #[test]
    fn broker_values_are_checked_but_unknown_names_are_kept() {
        let (_, why) = broker_error(BrokerScope::Node, &[("log.cleaner.threads", "x")]);
        assert_eq!(why, "Invalid value x for configuration log.cleaner.threads: Not a number of type INT");
        assert!(check_broker(BrokerScope::Node, &configs(&[("nope", "3"), ("message.max.bytes", "5")])).is_ok());
    }

    #[test]
    fn min_insync_replicas_is_one_for_all_brokers() {
        let set = configs(&[("min.insync.replicas", "1")]);
        let none = Configs::new();
        assert!(check_min_insync_replicas(BrokerScope::Node, &none, &set).is_err());
        assert!(check_min_insync_replicas(BrokerScope::AllNodes, &set, &none).is_err());
        assert!(check_min_insync_replicas(BrokerScope::AllNodes, &none, &set).is_ok());
    }
}
