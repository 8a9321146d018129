//! What is checked of librdkafka properties: names, roles, values, and who may set them.

use crate::config::{
    KafkaProperties, ListenerSettings,
    client_map::{Client, said_for_client},
    client_rules,
    java_keys::instead_of,
    librdkafka_keys::{Key, Role},
    mistake::{Mistakes, did_you_mean},
    properties::is_secret,
};

/// Checks every property and every typed value that becomes one, wherever it was said.
pub(crate) fn check(properties: &KafkaProperties, mistakes: &Mistakes) {
    for cluster in std::iter::once(properties).chain(properties.clusters.values()) {
        check_clients(cluster, mistakes);
    }
    check_listener_defaults(properties, mistakes);
    check_listener_properties("kafka.listener", &properties.listener.settings, properties, mistakes);
    for (id, settings) in &properties.listeners {
        check_listener_properties(&format!("kafka.listeners.{id}"), settings, properties, mistakes);
    }
}

/// What is said of the clients of one cluster.
fn check_clients(properties: &KafkaProperties, mistakes: &Mistakes) {
    check_servers(properties, mistakes);
    for client in [Client::Consumer, Client::Producer, Client::Admin] {
        let said = said_for_client(properties, client);
        for said in said.iter().filter(|said| said.is_typed) {
            check_typed(properties, &said.path, &said.key, &said.value, mistakes);
        }
        client_rules::check(client, &said, |path| (properties.origin(path), path.to_owned()), mistakes);
    }
    check_password_is_used(properties, mistakes);
    let (root, own) = properties.own();
    let tables = [
        ("", None, &own.client.properties),
        (".consumer", Some(Role::Consumer), &own.consumer.client.properties),
        (".producer", Some(Role::Producer), &own.producer.client.properties),
        (".admin", Some(Role::Any), &own.admin.client.properties),
    ];
    for (section, role, table) in tables {
        for (name, value) in table.iter() {
            let path = format!("{root}{section}.properties.{name}");
            check_property(&path, role, name, value, properties.origin(&path), mistakes);
        }
    }
}

/// A password that no client sends would leave a connection open to all that was meant not to be.
fn check_password_is_used(properties: &KafkaProperties, mistakes: &Mistakes) {
    let clients = [Client::Consumer, Client::Producer, Client::Admin].map(|client| said_for_client(properties, client));
    let password = clients.iter().find_map(|said| client_rules::last(said, "sasl.password"));
    // A cluster without a login may be beside others that share one.
    let (root, _) = properties.own();
    let password = password.filter(|password| password.path.starts_with(&format!("{root}.")));
    if let Some(password) = password.filter(|_| !clients.iter().any(|said| client_rules::uses_sasl(said))) {
        let text = format!("has no effect: {root}.security.protocol is neither sasl_ssl nor sasl_plaintext");
        mistakes.add(properties.origin(&password.path), &password.path, text);
    }
}

/// What only one listener can have.
fn check_listener_defaults(properties: &KafkaProperties, mistakes: &Mistakes) {
    let settings = &properties.listener.settings;
    let said = [
        ("topics", settings.topics.is_some(), "kafka.listeners.<id>.topics"),
        ("topic-pattern", settings.topic_pattern.is_some(), "kafka.listeners.<id>.topic-pattern"),
        ("partitions", settings.partitions.is_some(), "kafka.listeners.<id>.partitions"),
        ("from", settings.from.is_some(), "kafka.listeners.<id>.from"),
        ("start-after", settings.start_after.is_some(), "kafka.listeners.<id>.start-after"),
        ("send-to", settings.send_to.is_some(), "kafka.listeners.<id>.send-to"),
        ("reply", settings.reply.is_some(), "kafka.listeners.<id>.reply"),
        ("cluster", settings.cluster.is_some(), "kafka.listeners.<id>.cluster"),
        ("group-id", settings.group_id.is_some(), "kafka.consumer.group-id"),
    ];
    for (key, _, instead) in said.iter().filter(|(_, is_said, _)| *is_said) {
        let path = format!("kafka.listener.{key}");
        mistakes.add(properties.origin(&path), path, format!("is not for all listeners: use {instead}"));
    }
}

fn check_listener_properties(
    section: &str,
    settings: &ListenerSettings,
    properties: &KafkaProperties,
    mistakes: &Mistakes,
) {
    for (name, value) in &settings.properties {
        let path = format!("{section}.properties.{name}");
        check_property(&path, Some(Role::Consumer), name, value, properties.origin(&path), mistakes);
    }
}

/// Checks one entry of a pass-through table. `role` is the kind of client the table is for; `None`: all of them.
pub(crate) fn check_property(
    path: &str,
    role: Option<Role>,
    name: &str,
    value: &str,
    origin: &str,
    mistakes: &Mistakes,
) {
    let mistake = |text: String| mistakes.add(origin, path, text);
    if let Some(instead) = instead_of(name) {
        return mistake(format!("is a property of the Java client: {instead}"));
    }
    if let Some((_, owner)) = OWNED.iter().find(|(owned, _)| *owned == name) {
        return mistake(format!("belongs to the framework: {owner}"));
    }
    let Some(key) = Key::find(name) else {
        return mistake(format!("librdkafka has no such property{}", did_you_mean(name, names_for(role))));
    };
    if !fits_role(role, key.role) {
        return mistake(wrong_role(name, key.role));
    }
    if let Err(expected) = key.check(value) {
        mistake(format!("expected {expected}{}", got(name, value)));
    }
}

fn fits_role(table: Option<Role>, key: Role) -> bool {
    table.is_none() || key == Role::Any || table == Some(key)
}

fn wrong_role(name: &str, role: Role) -> String {
    // Java's consumers have this one too, and mean by it what librdkafka calls otherwise.
    let (is_of, mut cure) = match role {
        Role::Producer => ("producers", "set it under [kafka.producer.properties]"),
        Role::Consumer | Role::Any => ("consumers", "set it under [kafka.consumer.properties]"),
    };
    if name == "request.timeout.ms" {
        cure = "for other clients use \"socket.timeout.ms\"";
    }
    format!("is a property of {is_of} only; {cure}")
}

fn names_for(role: Option<Role>) -> impl Iterator<Item = &'static str> {
    Key::names().filter(move |name| {
        let fits = Key::find(name).is_some_and(|key| fits_role(role, key.role));
        fits && !OWNED.iter().any(|(owned, _)| owned == name)
    })
}

/// `, got …`, unless the value may be a secret.
fn got(name: &str, value: &str) -> String {
    if is_secret(name) { String::new() } else { format!(", got `{value}`") }
}

fn check_typed(properties: &KafkaProperties, path: &str, key: &str, value: &str, mistakes: &Mistakes) {
    let Some(known) = Key::find(key) else { return };
    if let Err(expected) = known.check(value) {
        mistakes.add(properties.origin(path), path, format!("expected {expected} (as {key}){}", got(path, value)));
    }
}

fn check_servers(properties: &KafkaProperties, mistakes: &Mistakes) {
    let (root, own) = properties.own();
    let clients = [
        ("", &own.client),
        (".consumer", &own.consumer.client),
        (".producer", &own.producer.client),
        (".admin", &own.admin.client),
    ];
    for (section, client) in clients {
        let Some(servers) = &client.bootstrap_servers else { continue };
        let path = format!("{root}{section}.bootstrap-servers");
        if let Err(text) = servers_are_right(section.is_empty(), servers) {
            mistakes.add(properties.origin(&path), path, text);
        }
    }
}

fn servers_are_right(is_shared: bool, servers: &[String]) -> Result<(), String> {
    if servers.is_empty() {
        return Err("expected at least one host:port".to_owned());
    }
    if servers.iter().any(|server| server == "embedded") {
        return match servers {
            [_] if !is_shared => Err("only kafka.bootstrap-servers can be `embedded`".to_owned()),
            [_] if cfg!(feature = "embedded") => Ok(()),
            [_] => Err("`embedded` needs the feature `embedded` of kafka-app".to_owned()),
            _ => Err("`embedded` stands alone, without other servers".to_owned()),
        };
    }
    servers.iter().try_for_each(|server| server_is_right(server))
}

/// `host`, `host:port`, `[v6]:port`, each with `PLAINTEXT://` or the like before it, as librdkafka reads them.
fn server_is_right(server: &str) -> Result<(), String> {
    let address = server.split_once("://").map_or(server, |(_, address)| address);
    let (host, port) = match address.strip_prefix('[') {
        Some(v6) => v6.split_once(']').map(|(host, rest)| (host, rest.strip_prefix(':'))).unwrap_or_default(),
        None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
    };
    let has_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if host.is_empty() || host.contains(char::is_whitespace) || !has_port {
        return Err(format!("expected host:port, got `{server}`"));
    }
    Ok(())
}

const COMMITS: &str = "kafka.listener.ack-mode says when offsets are committed, delivery what that promises";
const CALLBACKS: &str = "it serves the callbacks itself";

/// Properties the framework sets by itself, each with the key to use.
const OWNED: &[(&str, &str)] = &[
    ("bootstrap.servers", "use kafka.bootstrap-servers"),
    ("metadata.broker.list", "use kafka.bootstrap-servers"),
    ("client.id", "use kafka.client-id; every client appends its own part"),
    ("group.id", "use kafka.consumer.group-id, or group of the listener"),
    ("group.protocol.type", "there is only `consumer`"),
    ("enable.auto.commit", COMMITS),
    ("auto.commit.enable", COMMITS),
    ("enable.auto.offset.store", COMMITS),
    ("auto.commit.interval.ms", "use ack-time of the listener, or kafka.consumer.auto-commit-interval"),
    ("offset.store.method", "offsets are stored in Kafka"),
    ("offset.store.path", "offsets are stored in Kafka"),
    ("offset.store.sync.interval.ms", "offsets are stored in Kafka"),
    ("enable.partition.eof", "the ends of partitions are no records"),
    ("transactional.id", "use kafka.producer.transaction-id-prefix; each producer appends its own part"),
    ("delivery.report.only.error", "sends wait for their acknowledgment"),
    ("produce.offset.report", "sends always report their offset"),
    ("enabled_events", CALLBACKS),
    ("log.queue", CALLBACKS),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes_of(role: Option<Role>, name: &str, value: &str) -> Vec<String> {
        let mistakes = Mistakes::default();
        check_property("p", role, name, value, "a.toml:1", &mistakes);
        mistakes.into_vec().into_iter().map(|mistake| mistake.text).collect()
    }

    fn mistake(role: Option<Role>, name: &str, value: &str) -> String {
        let list = mistakes_of(role, name, value);
        assert_eq!(list.len(), 1, "{name}: {list:?}");
        list.concat()
    }

    #[test]
    fn right_properties_pass() {
        assert_eq!(mistakes_of(None, "linger.ms", "5"), [""; 0]);
        assert_eq!(mistakes_of(Some(Role::Consumer), "session.timeout.ms", "6000"), [""; 0]);
        assert_eq!(mistakes_of(Some(Role::Any), "socket.timeout.ms", "6000"), [""; 0]);
    }

    #[test]
    fn an_unknown_property_gets_the_nearest_name_of_its_role() {
        let text = mistake(Some(Role::Producer), "lingr.ms", "5");
        assert_eq!(text, "librdkafka has no such property; did you mean `linger.ms`?");
        assert_eq!(mistake(None, "qqqq", "5"), "librdkafka has no such property");
    }

    #[test]
    fn a_java_property_gets_its_twin() {
        for (name, cure) in [
            ("key.serializer", "types"),
            ("max.poll.records", "batch(max_records"),
            ("buffer.memory", "kafka.producer.buffer-memory"),
            ("sasl.jaas.config", "sasl.username"),
            ("ssl.truststore.location", "ssl.ca.location"),
            ("fetch.max.wait.ms", "fetch-max-wait"),
            ("spring.json.trusted.packages", "Spring"),
        ] {
            let text = mistake(None, name, "x");
            assert!(text.starts_with("is a property of the Java client: ") && text.contains(cure), "{text}");
        }
    }

    #[test]
    fn what_the_framework_owns_names_its_key() {
        for (name, cure) in [
            ("group.id", "kafka.consumer.group-id"),
            ("enable.auto.commit", "ack-mode"),
            ("enable.auto.offset.store", "ack-mode"),
            ("auto.commit.interval.ms", "ack-time"),
            ("transactional.id", "transaction-id-prefix"),
            ("bootstrap.servers", "kafka.bootstrap-servers"),
            ("client.id", "kafka.client-id"),
        ] {
            let text = mistake(None, name, "x");
            assert!(text.starts_with("belongs to the framework: ") && text.contains(cure), "{text}");
        }
        for (name, _) in OWNED {
            assert!(Key::find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_property_of_another_kind_of_client_is_a_mistake() {
        let text = mistake(Some(Role::Consumer), "linger.ms", "5");
        assert_eq!(text, "is a property of producers only; set it under [kafka.producer.properties]");
        let text = mistake(Some(Role::Producer), "session.timeout.ms", "5");
        assert_eq!(text, "is a property of consumers only; set it under [kafka.consumer.properties]");
        assert!(mistake(Some(Role::Consumer), "request.timeout.ms", "5").contains("socket.timeout.ms"));
    }

    #[test]
    fn wrong_values_are_shown_and_secret_ones_are_not() {
        assert_eq!(mistake(None, "linger.ms", "soon"), "expected a number from 0 to 900000, got `soon`");
        assert!(!got("sasl.password", "hunter2").contains("hunter2"));
    }

    #[test]
    fn servers_are_hosts_with_ports() {
        for right in ["localhost:9092", "broker", "[::1]:9092", "PLAINTEXT://a:1", "10.0.0.1:65535"] {
            assert_eq!(server_is_right(right), Ok(()), "{right}");
        }
        for wrong in ["", ":9092", "a:", "a:0", "a:70000", "a b:1", "[::1:9092", "a:b:1"] {
            assert!(server_is_right(wrong).is_err(), "{wrong}");
        }
        assert!(servers_are_right(true, &[]).is_err());
        assert!(servers_are_right(true, &["embedded".into(), "a:1".into()]).is_err());
        assert!(servers_are_right(false, &["embedded".into()]).is_err());
        assert_eq!(servers_are_right(true, &["embedded".into()]).is_ok(), cfg!(feature = "embedded"));
    }
}
