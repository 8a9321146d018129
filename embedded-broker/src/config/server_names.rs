//! Every name that a Kafka `server.properties` may hold, and what a name means that carries a prefix.

use super::def::ConfigDef;
use super::{broker_defs, check, unlisted_defs};

/// Configs of plugins, which nobody but the plugin knows.
const PLUGIN_PREFIXES: &[&str] = &["rlmm.config.", "rsm.config."];

/// What Kafka had before 4.0: it lets old files hold them, and ignores them.
const RETIRED: &[&str] = &[
    "broker.id.generation.enable",
    "control.plane.listener.name",
    "inter.broker.protocol.version",
    "log.message.downconversion.enable",
    "log.message.format.version",
    "log.message.timestamp.difference.max.ms",
    "offsets.commit.required.acks",
    "password.encoder.secret",
    "reserved.broker.max.id",
    "zookeeper.clientCnxnSocket",
    "zookeeper.connect",
    "zookeeper.connection.timeout.ms",
    "zookeeper.max.in.flight.requests",
    "zookeeper.metadata.migration.enable",
    "zookeeper.session.timeout.ms",
    "zookeeper.set.acl",
];

/// The definition of a broker config, whatever form its name has: `num.partitions`, one that Kafka does not list, or
/// either for one listener (`listener.name.internal.ssl.keystore.location`).
pub(crate) fn find(name: &str) -> Option<&'static ConfigDef> {
    let plain = |name: &str| broker_defs::find(name).or_else(|| unlisted_defs::find(name));
    plain(name).or_else(|| plain(of_listener(name)?))
}

/// The name without its listener, and without the SASL mechanism behind that: of
/// `listener.name.internal.plain.sasl.jaas.config` it is `sasl.jaas.config`.
pub(crate) fn of_listener(name: &str) -> Option<&str> {
    let (_, config) = name.strip_prefix("listener.name.")?.split_once('.')?;
    let of_mechanism = || config.split_once('.').map(|(_, config)| config).filter(|config| is_of_mechanism(config));
    if broker_defs::find(config).is_some() { Some(config) } else { of_mechanism() }
}

fn is_of_mechanism(config: &str) -> bool {
    (config.starts_with("sasl.") || config == "connections.max.reauth.ms") && broker_defs::find(config).is_some()
}

/// Checks that Kafka would start with this config.
///
/// # Errors
///
/// What is wrong with the value, or the nearest name of one that is unknown.
pub(crate) fn check(name: &str, value: &str) -> Result<(), String> {
    if let Some(def) = find(name) {
        return check::canonical(def, value).map(drop).map_err(|error| error.to_string());
    }
    if RETIRED.contains(&name) || PLUGIN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Ok(());
    }
    let near = nearest(name).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    Err(format!("Kafka has no broker config {name}{near}"))
}

fn nearest(name: &str) -> Option<&'static str> {
    let listed = broker_defs::ALL.iter().map(|def| def.name);
    let by_likeness = listed.chain(unlisted_defs::names()).map(|known| (strsim::jaro(name, known), known));
    let (likeness, known) = by_likeness.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness > 0.8).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_of_one_listener_is_the_same_config() {
        let name = |name| find(name).map(|def| def.name);
        assert_eq!(name("listener.name.internal.ssl.keystore.location"), Some("ssl.keystore.location"));
        assert_eq!(name("listener.name.internal.scram-sha-256.sasl.jaas.config"), Some("sasl.jaas.config"));
        assert_eq!(name("listener.name.internal.plain.num.partitions"), None);
        assert_eq!(name("listener.name.internal"), None);
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_one_and_a_far_one_gets_none() {
        let refused = check("auto.create.topic.enable", "true").unwrap_err();
        assert!(refused.ends_with("did you mean auto.create.topics.enable?"), "{refused}");
        assert_eq!(check("zzz", "1").unwrap_err(), "Kafka has no broker config zzz");
    }

    #[test]
    fn what_old_files_and_plugins_hold_is_known() {
        for name in ["zookeeper.connect", "rsm.config.bucket", "unstable.api.versions.enable"] {
            assert_eq!(check(name, "true"), Ok(()), "{name}");
        }
    }
}
