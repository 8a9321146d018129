//! Whether brokers may be given these configs while they run.

use std::collections::BTreeSet;

use super::invalid;
use crate::config::check::{InvalidConfig, canonical, elements};
use crate::config::def::{ConfigDef, Update};
use crate::config::layers::{BrokerLayers, Configs};
use crate::config::server_names;
use crate::error::{Error, ErrorCode};

/// Whose configs a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
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

/// Configs of one listener that may be the default of all brokers.
const OF_LISTENERS_EVERYWHERE: &[&str] = &["max.connection.creation.rate", "max.connections", "num.network.threads"];

/// What Kafka lets grow to twice, or shrink to half of what it is.
const THREADS: &[&str] = &[
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.reader.threads",
];

/// A listener that runs is not opened elsewhere: these would be taken and do nothing.
const OF_RUNNING_LISTENERS: &[&str] = &["listener.security.protocol.map", "listeners"];

/// Checks all dynamic configs a broker, or all of them, would have. `layers` are the present ones, as `node` sees them.
///
/// # Errors
///
/// `INVALID_REQUEST`, with Kafka's words.
pub(crate) fn check(layers: &BrokerLayers, node: i32, scope: Scope, configs: &Configs) -> Result<(), Error> {
    let known = || configs.keys().filter_map(|name| Some((name.as_str(), server_names::find(name)?)));
    let plain = || known().filter(|(name, _)| server_names::of_listener(name).is_none());
    let fixed =
        |(name, def): &(&str, &ConfigDef)| def.update == Update::ReadOnly || OF_RUNNING_LISTENERS.contains(name);
    refuse_any("Cannot update these configs dynamically: Set", plain().filter(fixed))?;
    refuse_any(
        "These security configs can be dynamically updated only per-listener using the listener prefix: HashSet",
        plain().filter(|(name, _)| PER_LISTENER.contains(name)),
    )?;
    for (name, def) in known() {
        canonical(def, &configs[name]).map_err(|InvalidConfig(why)| invalid_request(why))?;
    }
    if scope == Scope::AllNodes {
        let why = "Cannot update these configs at default cluster level, broker id must be specified: Set";
        refuse_any(why, known().filter(|(name, def)| is_of_one_broker(name, def)))?;
    }
    check_threads(layers, node, configs)?;
    check_amounts(configs)?;
    check_addresses(layers, node, configs)
}

fn is_of_one_broker(name: &str, def: &ConfigDef) -> bool {
    match server_names::of_listener(name) {
        Some(config) => !OF_LISTENERS_EVERYWHERE.contains(&config),
        None => def.update == Update::PerBroker,
    }
}

/// Kafka starts and ends threads a few at a time. There are none of these here, but the rule is seen from outside.
fn check_threads(layers: &BrokerLayers, node: i32, configs: &Configs) -> Result<(), Error> {
    for (name, value) in configs {
        let old: Option<i64> = layers.value(node, name).ok().flatten().and_then(|value| value.parse().ok());
        let Some((old, new)) = old.zip(value.trim().parse::<i64>().ok()).filter(|(old, new)| old != new) else {
            continue;
        };
        let why = if name == "log.cleaner.threads" {
            too_many_cleaners(old, new)
        } else if THREADS.contains(&name.as_str()) {
            too_many_threads(old, new).map(|why| {
                format!("Dynamic thread count update validation failed for {name}={new}, value should {why}")
            })
        } else {
            None
        };
        if let Some(why) = why {
            return Err(invalid_dynamic(&why));
        }
    }
    Ok(())
}

fn too_many_threads(old: i64, new: i64) -> Option<String> {
    if new <= 0 {
        return Some("be at least 1".to_owned());
    }
    if new < old / 2 {
        return Some(format!("be at least half the current value {old}"));
    }
    (new > old * 2).then(|| format!("not be greater than double the current value {old}"))
}

fn too_many_cleaners(old: i64, new: i64) -> Option<String> {
    if new < 1 {
        return None;
    }
    if new < old / 2 {
        return Some(format!("Log cleaner threads cannot be reduced below half the current value {old}"));
    }
    let why = || format!("Log cleaner threads cannot be increased to more than double the current value {old}");
    (new > old * 2).then(why)
}

/// What Kafka checks of times, rates and counts beyond their type.
fn check_amounts(configs: &Configs) -> Result<(), Error> {
    let is_zero = |name: &str| configs.get(name).is_some_and(|value| value.trim() == "0");
    if is_zero("log.cleaner.threads") {
        // Kafka shares a buffer out among its threads before it looks at their number.
        return Err(invalid_request("/ by zero"));
    }
    if is_zero("log.retention.ms") {
        let why = "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1";
        return Err(invalid_request(why));
    }
    if is_zero("log.roll.ms") {
        return Err(invalid_request("requirement failed: log.roll.ms must be greater than or equal to 1"));
    }
    for name in ["max.connections", "max.connection.creation.rate"] {
        let of_listener = |key: &&String| key.ends_with(name) && server_names::of_listener(key) == Some(name);
        if is_zero(name) || configs.keys().find(of_listener).is_some_and(|key| is_zero(key)) {
            return Err(invalid_dynamic(&format!("Invalid {name} 0")));
        }
    }
    let reporters = configs.get("metric.reporters").map(|value| elements(value)).unwrap_or_default();
    if reporters.iter().any(|class| *class != JMX_REPORTER) {
        let why = "Validation of dynamic config update of Set(metric.reporters) failed with class class \
                   kafka.server.DynamicMetricsReporters";
        return Err(invalid_dynamic(why));
    }
    check_connections_per_ip(configs.get("max.connections.per.ip.overrides").map_or("", String::as_str))
}

/// What Kafka checks of addresses that have limits of their own.
fn check_addresses(layers: &BrokerLayers, node: i32, configs: &Configs) -> Result<(), Error> {
    let said = |name: &str| configs.get(name).cloned().or_else(|| layers.value(node, name).ok().flatten());
    let name = "max.connections.per.ip.overrides";
    let overrides = said(name).unwrap_or_default();
    if configs.get("max.connections.per.ip").is_some_and(|value| value.trim() == "0") && overrides.trim().is_empty() {
        let why =
            format!("requirement failed: max.connections.per.ip can be set to zero only if {name} property is set.");
        return Err(invalid_request(why));
    }
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-%._:".contains(&byte);
    let hosts = elements(&overrides).into_iter().filter_map(|pair| Some(pair.rsplit_once(':')?.0.trim()));
    let wrong: Vec<&str> = hosts.filter(|host| !host.bytes().all(is_of_host)).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(invalid_request(format!("{name} contains invalid addresses : {}", wrong.join(","))))
}

/// There are no classes to load here, so this one, which does nothing, is the only one known.
const JMX_REPORTER: &str = "org.apache.kafka.common.metrics.JmxReporter";

/// Pairs of an address and a count, with Java's words for what is none.
fn check_connections_per_ip(pairs: &str) -> Result<(), Error> {
    for pair in elements(pairs) {
        let Some((_, count)) = pair.rsplit_once(':') else {
            let name = "max.connections.per.ip.overrides";
            let len = pair.len();
            let why = format!("Error parsing configuration property '{name}': begin 0, end -1, length {len}");
            return Err(invalid_request(why));
        };
        if count.trim().parse::<i32>().is_err() {
            return Err(invalid_request(format!("For input string: \"{}\"", count.trim())));
        }
    }
    Ok(())
}

/// Kafka does not let `min.insync.replicas` differ between brokers, nor go, while it tracks eligible leader replicas.
///
/// # Errors
///
/// `INVALID_CONFIG`, with Kafka's words.
pub(crate) fn check_min_insync_replicas(scope: Scope, old: &Configs, new: &Configs) -> Result<(), Error> {
    let name = "min.insync.replicas";
    match scope {
        Scope::Node if new.get(name) != old.get(name) => Err(own_min_insync_replicas()),
        Scope::AllNodes if old.contains_key(name) && !new.contains_key(name) => {
            Err(invalid("Cluster-level min.insync.replicas cannot be removed while ELR is enabled."))
        }
        _ => Ok(()),
    }
}

/// Why a broker has no `min.insync.replicas` of its own; Kafka says so even when there is none to take away.
pub(crate) fn own_min_insync_replicas() -> Error {
    invalid("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
}

fn refuse_any<'a>(why: &str, named: impl Iterator<Item = (&'a str, &'a ConfigDef)>) -> Result<(), Error> {
    let names: BTreeSet<&str> = named.map(|(name, _)| name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.into_iter().collect();
    Err(invalid_request(format!("{why}({})", names.join(", "))))
}

fn invalid_request(why: impl Into<String>) -> Error {
    Error::with_code(ErrorCode::InvalidRequest, why)
}

/// Kafka wraps what a part of the broker says of a change in another error's words.
pub(crate) fn invalid_dynamic(why: &str) -> Error {
    invalid_request(format!(
        "Invalid value org.apache.kafka.common.config.ConfigException: {why} for configuration Invalid dynamic configuration"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn error_of(scope: Scope, pairs: &[(&str, &str)]) -> String {
        let error = check(&BrokerLayers::default(), 1, scope, &configs(pairs)).expect_err("refused");
        assert_eq!(error.code(), Some(ErrorCode::InvalidRequest));
        error.message().to_owned()
    }

    fn is_taken(scope: Scope, pairs: &[(&str, &str)]) -> bool {
        check(&BrokerLayers::default(), 1, scope, &configs(pairs)).is_ok()
    }

    #[test]
    fn read_only_configs_are_refused_by_name() {
        for scope in [Scope::Node, Scope::AllNodes] {
            let why = "Cannot update these configs dynamically: Set(num.partitions)";
            assert_eq!(error_of(scope, &[("num.partitions", "3")]), why);
        }
    }

    #[test]
    fn values_are_checked_but_unknown_names_are_kept() {
        let why = "Invalid value x for configuration log.cleaner.threads: Not a number of type INT";
        assert_eq!(error_of(Scope::Node, &[("log.cleaner.threads", "x")]), why);
        assert!(is_taken(Scope::Node, &[("nope", "3"), ("message.max.bytes", "5")]));
    }

    #[test]
    fn threads_at_most_double_and_at_least_halve() {
        let why = |text: &str| {
            format!(
                "Invalid value org.apache.kafka.common.config.ConfigException: {text} for configuration Invalid dynamic configuration"
            )
        };
        let failed = "Dynamic thread count update validation failed for num.io.threads";
        let more = why(&format!("{failed}=17, value should not be greater than double the current value 8"));
        assert_eq!(error_of(Scope::Node, &[("num.io.threads", "17")]), more);
        let less = why(&format!("{failed}=3, value should be at least half the current value 8"));
        assert_eq!(error_of(Scope::AllNodes, &[("num.io.threads", "3")]), less);
        assert!(is_taken(Scope::Node, &[("num.io.threads", "16")]));
        let cleaners = why("Log cleaner threads cannot be increased to more than double the current value 1");
        assert_eq!(error_of(Scope::Node, &[("log.cleaner.threads", "3")]), cleaners);
    }

    #[test]
    fn configs_of_a_listener_are_one_brokers_unless_they_count_connections() {
        let keystore = ("listener.name.plaintext.ssl.keystore.location", "x");
        assert!(is_taken(Scope::Node, &[keystore]));
        assert_eq!(
            error_of(Scope::AllNodes, &[keystore]),
            "Cannot update these configs at default cluster level, broker id must be specified: \
             Set(listener.name.plaintext.ssl.keystore.location)"
        );
        assert!(is_taken(Scope::AllNodes, &[("listener.name.plaintext.max.connections", "5")]));
    }

    #[test]
    fn min_insync_replicas_is_one_for_all_brokers() {
        let set = configs(&[("min.insync.replicas", "1")]);
        let none = Configs::new();
        assert!(check_min_insync_replicas(Scope::Node, &none, &set).is_err());
        assert!(check_min_insync_replicas(Scope::AllNodes, &set, &none).is_err());
        assert!(check_min_insync_replicas(Scope::AllNodes, &none, &set).is_ok());
    }
}
