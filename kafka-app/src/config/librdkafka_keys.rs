//! The properties of the bundled librdkafka (2.12.1), from its CONFIGURATION.md: names, roles, types and ranges.
//!
//! They are known here so that a wrong one is found before a client exists, together with all other mistakes.

use Kind::{Acks, Boolean, CodeOnly, Decimal, ExactList, Exactly, Flags, Integer, OneOf, Text};
use Role::{Any, Consumer, Producer};

/// A property of librdkafka.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    /// The name we use for it where librdkafka has two; empty: this one.
    same_as: &'static str,
}

/// Which clients have a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Any,
    Consumer,
    Producer,
}

/// What a property's value must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Integer(i64, i64),
    Decimal(f64, f64),
    Boolean,
    /// One of these names, in any case.
    OneOf(&'static [&'static str]),
    /// One of these names, letter by letter.
    Exactly(&'static [&'static str]),
    /// Any of these names, letter by letter, separated by commas.
    ExactList(&'static [&'static str]),
    /// Any of these names, separated by commas; a sign before a name is allowed.
    Flags(&'static [&'static str]),
    /// A number from -1 to 1000, or `all`.
    Acks,
    Text,
    /// A callback or an object: cannot be set by text.
    CodeOnly,
}

impl Key {
    /// The property of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KEYS.binary_search_by(|key| key.name.cmp(name)).ok().map(|idx| &KEYS[idx])
    }

    /// The one name of a property that librdkafka knows by two; unknown names are kept.
    pub(crate) fn canonical(name: &str) -> &str {
        match Self::find(name) {
            Some(key) if !key.same_as.is_empty() => key.same_as,
            _ => name,
        }
    }

    /// The property that an environment variable's tail names: `LINGER_MS` → `linger.ms`, `LOG_LEVEL` → `log_level`.
    pub(crate) fn from_env_tail(tail: &str) -> String {
        let dotted = tail.to_ascii_lowercase().replace('_', ".");
        let known = KEYS.iter().find(|key| key.name.replace('_', ".") == dotted);
        known.map_or(dotted, |key| key.name.to_owned())
    }

    /// All names.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        KEYS.iter().map(|key| key.name)
    }

    /// Says what is wrong with a value, in words that fit behind "expected".
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        let fits = match self.kind {
            Integer(min, max) => value.parse::<i64>().is_ok_and(|n| (min..=max).contains(&n)),
            Decimal(min, max) => value.parse::<f64>().is_ok_and(|n| (min..=max).contains(&n)),
            Boolean => ["true", "false", "t", "f", "1", "0"].iter().any(|b| value.eq_ignore_ascii_case(b)),
            OneOf(names) => is_in(names, value.trim()),
            Exactly(names) => names.contains(&value),
            ExactList(names) => value.split(',').all(|name| names.contains(&name.trim())),
            Flags(names) => value.split(',').all(|flag| is_in(names, flag.trim().trim_start_matches(['+', '-']))),
            Acks => is_in(&["all"], value) || value.parse::<i64>().is_ok_and(|n| (-1..=1000).contains(&n)),
            Text => true,
            CodeOnly => false,
        };
        if fits { Ok(()) } else { Err(self.kind.expected()) }
    }
}

impl Kind {
    fn expected(self) -> String {
        match self {
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Decimal(min, max) => format!("a number from {min} to {max}"),
            Self::Boolean => "true or false".to_owned(),
            Self::OneOf(names) | Self::Exactly(names) => format!("one of {}", names.join(", ")),
            Self::Flags(names) | Self::ExactList(names) => format!("some of {}, separated by commas", names.join(", ")),
            Self::Acks => "all, or a number from -1 to 1000".to_owned(),
            Self::Text => "text".to_owned(),
            Self::CodeOnly => "nothing here: it cannot be set by configuration".to_owned(),
        }
    }
}

fn is_in(names: &[&str], value: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(value))
}

/// Checked by a function of librdkafka's own, so not in its table of ranges.
const PARTITIONERS: &[&str] =
    &["random", "consistent", "consistent_random", "murmur2", "murmur2_random", "fnv1a", "fnv1a_random"];
const ASSIGNORS: &[&str] = &["range", "roundrobin", "cooperative-sticky"];

const fn key(name: &'static str, role: Role, kind: Kind, same_as: &'static str) -> Key {
    Key { name, role, kind, same_as }
}

/// Sorted by name.
const KEYS: &[Key] = &[
    key("acks", Producer, Acks, ""),
    key("allow.auto.create.topics", Any, Boolean, ""),
    key("api.version.fallback.ms", Any, Integer(0, 604_800_000), ""),
    key("api.version.request", Any, Boolean, ""),
    key("api.version.request.timeout.ms", Any, Integer(1, 300_000), ""),
    key("auto.commit.enable", Consumer, Boolean, ""),
    key("auto.commit.interval.ms", Consumer, Integer(0, 86_400_000), ""),
    key(
        "auto.offset.reset",
        Consumer,
        OneOf(&["smallest", "earliest", "beginning", "largest", "latest", "end", "error"]),
        "",
    ),
    key("background_event_cb", Any, CodeOnly, ""),
    key("batch.num.messages", Producer, Integer(1, 1_000_000), ""),
    key("batch.size", Producer, Integer(1, 2_147_483_647), ""),
    key("bootstrap.servers", Any, Text, ""),
    key("broker.address.family", Any, OneOf(&["any", "v4", "v6"]), ""),
    key("broker.address.ttl", Any, Integer(0, 86_400_000), ""),
    key("broker.version.fallback", Any, Text, ""),
    key("builtin.features", Any, CodeOnly, ""),
    key("check.crcs", Consumer, Boolean, ""),
    key("client.dns.lookup", Any, OneOf(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"]), ""),
    key("client.id", Any, Text, ""),
    key("client.rack", Any, Text, ""),
    key("closesocket_cb", Any, CodeOnly, ""),
    key("compression.codec", Producer, OneOf(&["none", "gzip", "snappy", "lz4", "zstd"]), "compression.type"),
    key("compression.level", Producer, Integer(-1, 12), ""),
    key("compression.type", Producer, OneOf(&["none", "gzip", "snappy", "lz4", "zstd"]), ""),
    key("connect_cb", Any, CodeOnly, ""),
    key("connections.max.idle.ms", Any, Integer(0, 2_147_483_647), ""),
    key("consume.callback.max.messages", Consumer, Integer(0, 1_000_000), ""),
    key("consume_cb", Consumer, CodeOnly, ""),
    key("coordinator.query.interval.ms", Consumer, Integer(1, 3_600_000), ""),
    key(
        "debug",
        Any,
        Flags(&[
            "generic",
            "broker",
            "topic",
            "metadata",
            "feature",
            "queue",
            "msg",
            "protocol",
            "cgrp",
            "security",
            "fetch",
            "interceptor",
            "plugin",
            "consumer",
            "admin",
            "eos",
            "mock",
            "assignor",
            "conf",
            "telemetry",
            "all",
        ]),
        "",
    ),
    key("default_topic_conf", Any, CodeOnly, ""),
    key("delivery.report.only.error", Producer, Boolean, ""),
    key("delivery.timeout.ms", Producer, Integer(0, 2_147_483_647), ""),
    key("dr_cb", Producer, CodeOnly, ""),
    key("dr_msg_cb", Producer, CodeOnly, ""),
    key("enable.auto.commit", Consumer, Boolean, ""),
    key("enable.auto.offset.store", Consumer, Boolean, ""),
    key("enable.gapless.guarantee", Producer, Boolean, ""),
    key("enable.idempotence", Producer, Boolean, ""),
    key("enable.metrics.push", Any, Boolean, ""),
    key("enable.partition.eof", Consumer, Boolean, ""),
    key("enable.random.seed", Any, Boolean, ""),
    key("enable.sasl.oauthbearer.unsecure.jwt", Any, Boolean, ""),
    key("enable.ssl.certificate.verification", Any, Boolean, ""),
    key("enabled_events", Any, Integer(0, 2_147_483_647), ""),
    key("error_cb", Any, CodeOnly, ""),
    key("fetch.error.backoff.ms", Consumer, Integer(0, 300_000), ""),
    key("fetch.max.bytes", Consumer, Integer(0, 2_147_483_135), ""),
    key("fetch.message.max.bytes", Consumer, Integer(1, 1_000_000_000), "max.partition.fetch.bytes"),
    key("fetch.min.bytes", Consumer, Integer(1, 100_000_000), ""),
    key("fetch.queue.backoff.ms", Consumer, Integer(0, 300_000), ""),
    key("fetch.wait.max.ms", Consumer, Integer(0, 300_000), ""),
    key("group.id", Consumer, Text, ""),
    key("group.instance.id", Consumer, Text, ""),
    key("group.protocol", Consumer, OneOf(&["classic", "consumer"]), ""),
    key("group.protocol.type", Consumer, Text, ""),
    key("group.remote.assignor", Consumer, Text, ""),
    key("heartbeat.interval.ms", Consumer, Integer(1, 3_600_000), ""),
    key("https.ca.location", Any, Text, ""),
    key("https.ca.pem", Any, Text, ""),
    key("interceptors", Any, CodeOnly, ""),
    key("internal.termination.signal", Any, Integer(0, 128), ""),
    key("isolation.level", Consumer, OneOf(&["read_uncommitted", "read_committed"]), ""),
    key("linger.ms", Producer, Decimal(0.0, 900000.0), ""),
    key("log.connection.close", Any, Boolean, ""),
    key("log.queue", Any, Boolean, ""),
    key("log.thread.name", Any, Boolean, ""),
    key("log_cb", Any, CodeOnly, ""),
    key("log_level", Any, Integer(0, 7), ""),
    key("max.in.flight", Any, Integer(1, 1_000_000), "max.in.flight.requests.per.connection"),
    key("max.in.flight.requests.per.connection", Any, Integer(1, 1_000_000), ""),
    key("max.partition.fetch.bytes", Consumer, Integer(1, 1_000_000_000), ""),
    key("max.poll.interval.ms", Consumer, Integer(1, 86_400_000), ""),
    key("message.copy.max.bytes", Any, Integer(0, 1_000_000_000), ""),
    key("message.max.bytes", Any, Integer(1000, 1_000_000_000), ""),
    key("message.send.max.retries", Producer, Integer(0, 2_147_483_647), "retries"),
    key("message.timeout.ms", Producer, Integer(0, 2_147_483_647), "delivery.timeout.ms"),
    key("metadata.broker.list", Any, Text, "bootstrap.servers"),
    key("metadata.max.age.ms", Any, Integer(1, 86_400_000), ""),
    key("metadata.recovery.rebootstrap.trigger.ms", Any, Integer(0, 2_147_483_647), ""),
    key("metadata.recovery.strategy", Any, OneOf(&["none", "rebootstrap"]), ""),
    key("msg_order_cmp", Producer, CodeOnly, ""),
    key("oauthbearer_token_refresh_cb", Any, CodeOnly, ""),
    key("offset.store.method", Consumer, OneOf(&["none", "file", "broker"]), ""),
    key("offset.store.path", Consumer, Text, ""),
    key("offset.store.sync.interval.ms", Consumer, Integer(-1, 86_400_000), ""),
    key("offset_commit_cb", Consumer, CodeOnly, ""),
    key("opaque", Any, CodeOnly, ""),
    key("open_cb", Any, CodeOnly, ""),
    key("partition.assignment.strategy", Consumer, ExactList(ASSIGNORS), ""),
    key("partitioner", Producer, Exactly(PARTITIONERS), ""),
    key("partitioner_cb", Producer, CodeOnly, ""),
    key("plugin.library.paths", Any, Text, ""),
    key("produce.offset.report", Producer, Boolean, ""),
    key("queue.buffering.backpressure.threshold", Producer, Integer(1, 1_000_000), ""),
    key("queue.buffering.max.kbytes", Producer, Integer(1, 2_147_483_647), ""),
    key("queue.buffering.max.messages", Producer, Integer(0, 2_147_483_647), ""),
    key("queue.buffering.max.ms", Producer, Decimal(0.0, 900000.0), "linger.ms"),
    key("queued.max.messages.kbytes", Consumer, Integer(1, 2_097_151), ""),
    key("queued.min.messages", Consumer, Integer(1, 10_000_000), ""),
    key("queuing.strategy", Producer, OneOf(&["fifo", "lifo"]), ""),
    key("rebalance_cb", Consumer, CodeOnly, ""),
    key("receive.message.max.bytes", Any, Integer(1000, 2_147_483_647), ""),
    key("reconnect.backoff.jitter.ms", Any, Integer(0, 3_600_000), ""),
    key("reconnect.backoff.max.ms", Any, Integer(0, 3_600_000), ""),
    key("reconnect.backoff.ms", Any, Integer(0, 3_600_000), ""),
    key("request.required.acks", Producer, Acks, "acks"),
    key("request.timeout.ms", Producer, Integer(1, 900_000), ""),
    key("resolve_cb", Any, CodeOnly, ""),
    key("retries", Producer, Integer(0, 2_147_483_647), ""),
    key("retry.backoff.max.ms", Any, Integer(1, 300_000), ""),
    key("retry.backoff.ms", Any, Integer(1, 300_000), ""),
    key("sasl.kerberos.keytab", Any, Text, ""),
    key("sasl.kerberos.kinit.cmd", Any, Text, ""),
    key("sasl.kerberos.min.time.before.relogin", Any, Integer(0, 86_400_000), ""),
    key("sasl.kerberos.principal", Any, Text, ""),
    key("sasl.kerberos.service.name", Any, Text, ""),
    key("sasl.mechanism", Any, Text, ""),
    key("sasl.mechanisms", Any, Text, "sasl.mechanism"),
    key("sasl.oauthbearer.assertion.algorithm", Any, OneOf(&["RS256", "ES256"]), ""),
    key("sasl.oauthbearer.assertion.claim.aud", Any, Text, ""),
    key("sasl.oauthbearer.assertion.claim.exp.seconds", Any, Integer(1, 2_147_483_647), ""),
    key("sasl.oauthbearer.assertion.claim.iss", Any, Text, ""),
    key("sasl.oauthbearer.assertion.claim.jti.include", Any, Boolean, ""),
    key("sasl.oauthbearer.assertion.claim.nbf.seconds", Any, Integer(0, 2_147_483_647), ""),
    key("sasl.oauthbearer.assertion.claim.sub", Any, Text, ""),
    key("sasl.oauthbearer.assertion.file", Any, Text, ""),
    key("sasl.oauthbearer.assertion.jwt.template.file", Any, Text, ""),
    key("sasl.oauthbearer.assertion.private.key.file", Any, Text, ""),
    key("sasl.oauthbearer.assertion.private.key.passphrase", Any, Text, ""),
    key("sasl.oauthbearer.assertion.private.key.pem", Any, Text, ""),
    key("sasl.oauthbearer.client.credentials.client.id", Any, Text, "sasl.oauthbearer.client.id"),
    key("sasl.oauthbearer.client.credentials.client.secret", Any, Text, "sasl.oauthbearer.client.secret"),
    key("sasl.oauthbearer.client.id", Any, Text, ""),
    key("sasl.oauthbearer.client.secret", Any, Text, ""),
    key("sasl.oauthbearer.config", Any, Text, ""),
    key("sasl.oauthbearer.extensions", Any, Text, ""),
    key(
        "sasl.oauthbearer.grant.type",
        Any,
        OneOf(&["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"]),
        "",
    ),
    key("sasl.oauthbearer.metadata.authentication.type", Any, OneOf(&["none", "azure_imds"]), ""),
    key("sasl.oauthbearer.method", Any, OneOf(&["default", "oidc"]), ""),
    key("sasl.oauthbearer.scope", Any, Text, ""),
    key("sasl.oauthbearer.token.endpoint.url", Any, Text, ""),
    key("sasl.password", Any, Text, ""),
    key("sasl.username", Any, Text, ""),
    key("security.protocol", Any, OneOf(&["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]), ""),
    key("session.timeout.ms", Consumer, Integer(1, 3_600_000), ""),
    key("socket.blocking.max.ms", Any, Integer(1, 60_000), ""),
    key("socket.connection.setup.timeout.ms", Any, Integer(1000, 2_147_483_647), ""),
    key("socket.keepalive.enable", Any, Boolean, ""),
    key("socket.max.fails", Any, Integer(0, 1_000_000), ""),
    key("socket.nagle.disable", Any, Boolean, ""),
    key("socket.receive.buffer.bytes", Any, Integer(0, 100_000_000), ""),
    key("socket.send.buffer.bytes", Any, Integer(0, 100_000_000), ""),
    key("socket.timeout.ms", Any, Integer(10, 300_000), ""),
    key("socket_cb", Any, CodeOnly, ""),
    key("ssl.ca.certificate.stores", Any, Text, ""),
    key("ssl.ca.location", Any, Text, ""),
    key("ssl.ca.pem", Any, Text, ""),
    key("ssl.certificate.location", Any, Text, ""),
    key("ssl.certificate.pem", Any, Text, ""),
    key("ssl.certificate.verify_cb", Any, CodeOnly, ""),
    key("ssl.cipher.suites", Any, Text, ""),
    key("ssl.crl.location", Any, Text, ""),
    key("ssl.curves.list", Any, Text, ""),
    key("ssl.endpoint.identification.algorithm", Any, OneOf(&["none", "https"]), ""),
    key("ssl.engine.id", Any, Text, ""),
    key("ssl.engine.location", Any, Text, ""),
    key("ssl.key.location", Any, Text, ""),
    key("ssl.key.password", Any, Text, ""),
    key("ssl.key.pem", Any, Text, ""),
    key("ssl.keystore.location", Any, Text, ""),
    key("ssl.keystore.password", Any, Text, ""),
    key("ssl.providers", Any, Text, ""),
    key("ssl.sigalgs.list", Any, Text, ""),
    key("ssl_ca", Any, CodeOnly, ""),
    key("ssl_certificate", Any, CodeOnly, ""),
    key("ssl_engine_callback_data", Any, CodeOnly, ""),
    key("ssl_key", Any, CodeOnly, ""),
    key("statistics.interval.ms", Any, Integer(0, 86_400_000), ""),
    key("stats_cb", Any, CodeOnly, ""),
    key("sticky.partitioning.linger.ms", Producer, Integer(0, 900_000), ""),
    key("throttle_cb", Any, CodeOnly, ""),
    key("topic.blacklist", Any, Text, ""),
    key("topic.metadata.propagation.max.ms", Any, Integer(0, 3_600_000), ""),
    key("topic.metadata.refresh.fast.cnt", Any, Integer(0, 1000), ""),
    key("topic.metadata.refresh.fast.interval.ms", Any, Integer(1, 60_000), ""),
    key("topic.metadata.refresh.interval.ms", Any, Integer(-1, 3_600_000), ""),
    key("topic.metadata.refresh.sparse", Any, Boolean, ""),
    key("transaction.timeout.ms", Producer, Integer(1000, 2_147_483_647), ""),
    key("transactional.id", Producer, Text, ""),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_property_is_found_by_its_name() {
        assert_eq!(KEYS.len(), 190);
        for key in KEYS {
            assert_eq!(Key::find(key.name), Some(key));
            assert!(key.same_as.is_empty() || Key::find(key.same_as).is_some(), "{key:?}");
        }
        assert_eq!(KEYS.iter().map(|key| key.name).collect::<BTreeSet<_>>().len(), KEYS.len());
    }

    #[test]
    fn a_property_with_two_names_has_one_canonical_name() {
        assert_eq!(Key::canonical("queue.buffering.max.ms"), "linger.ms");
        assert_eq!(Key::canonical("metadata.broker.list"), "bootstrap.servers");
        assert_eq!(Key::canonical("linger.ms"), "linger.ms");
        assert_eq!(Key::canonical("no.such"), "no.such");
    }

    #[test]
    fn values_are_checked_as_librdkafka_does() {
        let check = |name, value| Key::find(name).expect(name).check(value);
        assert_eq!(check("session.timeout.ms", "0"), Err("a whole number from 1 to 3600000".into()));
        assert_eq!(check("session.timeout.ms", "soon"), Err("a whole number from 1 to 3600000".into()));
        assert_eq!(check("linger.ms", "0.5"), Ok(()));
        assert_eq!(check("socket.keepalive.enable", "yes"), Err("true or false".into()));
        assert_eq!(check("security.protocol", "SASL_SSL"), Ok(()));
        assert_eq!(check("compression.type", "lzma"), Err("one of none, gzip, snappy, lz4, zstd".into()));
        assert_eq!(check("debug", "cgrp,fetch"), Ok(()));
        assert!(check("debug", "cgrp,everything").is_err());
        assert_eq!(check("acks", "all"), Ok(()));
        assert!(check("acks", "most").is_err());
        assert!(check("partitioner", "Murmur2").is_err(), "librdkafka compares it letter by letter");
        assert!(check("socket.keepalive.enable", " true").is_err());
        assert!(check("rebalance_cb", "x").is_err());
    }

    #[test]
    fn environment_tails_become_property_names() {
        assert_eq!(Key::from_env_tail("LINGER_MS"), "linger.ms");
        assert_eq!(Key::from_env_tail("LOG_LEVEL"), "log_level");
        assert_eq!(Key::from_env_tail("NO_SUCH_THING"), "no.such.thing");
    }
}
