//! [`ClientSettings`]: Java's properties of a client as ours.

use std::collections::BTreeMap;

use embedded_broker::client_side;
use kafka_app::config::KafkaProperties;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::java_keys::{Becomes, becomes, of_consumer};
use crate::{failure::Failure, tools::jaas};

/// `reconnect.backoff.max.ms`, unless it is said.
const LONGEST_BACKOFF_MS: i64 = 1000;

/// The kinds of clients that tools have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Consumer,
    Producer,
}

impl Client {
    /// What its part of the configuration is called.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Producer => "producer",
        }
    }
}

/// What a client is made of.
pub(crate) struct ClientSettings {
    pub(crate) client: Client,
    pub(crate) bootstrap_servers: String,
    pub(crate) client_id: String,
    /// What the tool itself is told, by Java's name: `group.id`, `max.block.ms`, …
    pub(crate) own: BTreeMap<String, String>,
    /// librdkafka's properties.
    pub(crate) properties: BTreeMap<String, String>,
    /// What has no counterpart, and what to use instead.
    pub(crate) notes: Vec<String>,
}

impl ClientSettings {
    /// Of Java's properties; librdkafka's own are taken as they are.
    ///
    /// # Errors
    /// A store of keys or certificates cannot be read, or a login is missing.
    pub(crate) fn translate(client: Client, java: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let mut translated = Self {
            client,
            bootstrap_servers: String::new(),
            client_id: String::new(),
            own: BTreeMap::new(),
            properties: BTreeMap::new(),
            notes: Vec::new(),
        };
        translated.stores(java)?;
        for (name, value) in java {
            if let Err(note) = translated.one(name, value, java) {
                translated.notes.push(note);
            }
        }
        // A back-off that is longer than the longest is that one, too, as in Java.
        if let Some(backoff) = translated.properties.get("reconnect.backoff.ms").cloned()
            && backoff.parse().is_ok_and(|ms: i64| ms > LONGEST_BACKOFF_MS)
        {
            translated.default("reconnect.backoff.max.ms", backoff);
        }
        translated.check_login()?;
        translated.bootstrap_servers = translated.own.remove("bootstrap.servers").unwrap_or_default();
        translated.client_id = translated.own.remove("client.id").unwrap_or_default();
        Ok(translated)
    }

    /// Says a property of librdkafka, unless it was said.
    pub(crate) fn default(&mut self, name: &str, value: impl Into<String>) {
        self.properties.entry(name.to_owned()).or_insert_with(|| value.into());
    }

    /// As Java's consumers: partitions by ranges, and a topic that comes later is found soon where topics are named.
    pub(crate) fn of_tool_in_group(&mut self, names_topics: bool) {
        let of_broker = self.properties.get("group.protocol").is_some_and(|protocol| protocol == "consumer");
        if !of_broker {
            self.default("partition.assignment.strategy", "range");
        }
        if names_topics && !of_broker && !self.properties.contains_key("metadata.max.age.ms") {
            self.default("topic.metadata.refresh.interval.ms", "2000");
        }
    }

    /// What was said of a property that the tool reads itself, as a number.
    pub(crate) fn own_number(&self, name: &str) -> Option<i64> {
        self.own.get(name)?.trim().parse().ok()
    }

    /// What cannot be translated is a note.
    fn one(&mut self, name: &str, value: &str, all: &BTreeMap<String, String>) -> Result<(), String> {
        let of_consumer = of_consumer(name).filter(|_| self.client == Client::Consumer);
        let Some(becomes) = of_consumer.or_else(|| becomes(name)) else {
            return self.as_it_is(name, value);
        };
        let value = value.trim();
        match becomes {
            Becomes::Own => {
                self.own.insert(name.to_owned(), value.to_owned());
            }
            Becomes::Nothing | Becomes::Store => {}
            Becomes::Named(other) => return self.as_it_is(other, value),
            Becomes::LowerCase(other) => return self.as_it_is(other, &value.to_lowercase()),
            Becomes::KiB(other) => {
                let bytes: i64 = value.parse().map_err(|_| no_number(name, value))?;
                return self.as_it_is(other, &(bytes / 1024).max(1).to_string());
            }
            Becomes::SocketBuffer(other) => {
                return self.as_it_is(other, if value == "-1" { "0" } else { value });
            }
            Becomes::NoneIfEmpty(other) => return self.as_it_is(other, if value.is_empty() { "none" } else { value }),
            Becomes::OffsetReset => return self.as_it_is(name, if value == "none" { "error" } else { value }),
            Becomes::Assignors => return self.as_it_is(name, &assignors(value)?),
            Becomes::Partitioner => return self.as_it_is("partitioner", partitioner(value)?),
            Becomes::CompressionLevel(codec) => {
                let is_used = all.get("compression.type").is_some_and(|codec_used| codec_used.trim() == codec);
                return if is_used { self.as_it_is("compression.level", value) } else { Ok(()) };
            }
            Becomes::Jaas => return self.log_in(value),
        }
        Ok(())
    }

    /// A property that librdkafka has under this name; the configuration says what is wrong with it.
    fn as_it_is(&mut self, name: &str, value: &str) -> Result<(), String> {
        match unknown(self.client, name) {
            Some(why) => return Err(format!("`{name}` is left out: it {why}")),
            None => self.properties.insert(name.to_owned(), value.to_owned()),
        };
        Ok(())
    }

    /// The login of `sasl.jaas.config`.
    fn log_in(&mut self, value: &str) -> Result<(), String> {
        let jaas = jaas::parse(value).map_err(|error| format!("`sasl.jaas.config` is left out: {error}"))?;
        let names: &[(&str, &str)] = match jaas.module.rsplit('.').next().unwrap_or_default() {
            "PlainLoginModule" | "ScramLoginModule" => &[("username", "sasl.username"), ("password", "sasl.password")],
            "Krb5LoginModule" => &[("keyTab", "sasl.kerberos.keytab"), ("principal", "sasl.kerberos.principal")],
            "OAuthBearerLoginModule" => &[
                ("clientId", "sasl.oauthbearer.client.id"),
                ("clientSecret", "sasl.oauthbearer.client.secret"),
                ("scope", "sasl.oauthbearer.scope"),
            ],
            module => return Err(format!("`sasl.jaas.config` is left out: the login module `{module}` is not known")),
        };
        for (option, name) in names {
            if let Some(value) = jaas.options.get(*option) {
                self.properties.insert((*name).to_owned(), value.clone());
            }
        }
        Ok(())
    }

    /// That a name and a password are missing is said by Java's name for them.
    fn check_login(&self) -> Result<(), Failure> {
        let get = |name: &str| self.properties.get(name).map(String::as_str).unwrap_or_default();
        let mechanism = get("sasl.mechanism");
        let wants_login = get("security.protocol").to_ascii_uppercase().starts_with("SASL")
            && (mechanism == "PLAIN" || mechanism.starts_with("SCRAM-"));
        let has_login =
            !get("sasl.username").is_empty() || self.notes.iter().any(|note| note.contains("sasl.jaas.config"));
        if wants_login && !has_login {
            let text = format!("sasl.mechanism {mechanism} needs sasl.jaas.config, with a login module");
            return Err(Failure::Failed(text));
        }
        Ok(())
    }

    /// Stores of keys and certificates in any form that Java reads, as PEM.
    fn stores(&mut self, java: &BTreeMap<String, String>) -> Result<(), Failure> {
        let wrong = |store: &str, error: String| Failure::Failed(format!("the {store} store: {error}"));
        if let Some(trusted) = client_side::trust_store(java).map_err(|error| wrong("trust", error))? {
            self.properties.insert("ssl.ca.pem".to_owned(), certificates(&trusted));
        }
        if let Some((chain, key)) = client_side::key_store(java).map_err(|error| wrong("key", error))? {
            let label = match key {
                PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
                PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
                _ => "PRIVATE KEY",
            };
            self.properties.insert("ssl.certificate.pem".to_owned(), certificates(&chain));
            self.properties.insert("ssl.key.pem".to_owned(), pem(label, key.secret_der()));
        }
        Ok(())
    }
}

fn certificates(certificates: &[CertificateDer<'_>]) -> String {
    certificates.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut lines = text.as_str();
    let mut pem = format!("-----BEGIN {label}-----\n");
    while !lines.is_empty() {
        let (line, rest) = lines.split_at(lines.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        lines = rest;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// Why a property is one that there is not, or not for this kind of client; its value is looked at later.
fn unknown(client: Client, name: &str) -> Option<String> {
    let path = format!("kafka.{}.properties.{name}", client.section());
    let text = KafkaProperties::builder().set(path, "x").load().err()?.to_string();
    let (_, why) = text.split_once(&format!("properties.{name}: "))?;
    let starts = ["is a property of", "belongs to the framework", "librdkafka has no such property"];
    starts.iter().any(|start| why.starts_with(start)).then(|| {
        match why.strip_prefix("librdkafka has no such property") {
            Some(rest) => format!("is not known{rest}"),
            None => why.to_owned(),
        }
    })
}

fn no_number(name: &str, value: &str) -> String {
    format!("`{name}` is left out: `{value}` is no number")
}

/// `org.apache.kafka.clients.consumer.RangeAssignor,…` as librdkafka calls them.
fn assignors(classes: &str) -> Result<String, String> {
    let named = classes.trim_matches(['[', ']']).split(',').map(|class| {
        match class.trim().trim_start_matches("class ").rsplit('.').next().unwrap_or_default() {
            "RangeAssignor" | "range" => Ok("range"),
            "RoundRobinAssignor" | "roundrobin" => Ok("roundrobin"),
            "CooperativeStickyAssignor" | "cooperative-sticky" => Ok("cooperative-sticky"),
            _ => Err(class.trim()),
        }
    });
    let named = named.collect::<Result<Vec<_>, _>>().map_err(|class| {
        format!("`partition.assignment.strategy` is left out: `{class}` is none of RangeAssignor, RoundRobinAssignor, CooperativeStickyAssignor")
    })?;
    Ok(named.join(","))
}

fn partitioner(class: &str) -> Result<&'static str, String> {
    match class.rsplit('.').next().unwrap_or_default() {
        "" | "DefaultPartitioner" | "UniformStickyPartitioner" => Ok("murmur2_random"),
        "RoundRobinPartitioner" => Ok("random"),
        _ => Err(format!(
            "`partitioner.class` is left out: classes are not run here; see \"partitioner\", not `{class}`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translate(client: Client, java: &[(&str, &str)]) -> ClientSettings {
        let java = java.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        ClientSettings::translate(client, &java).unwrap()
    }

    #[track_caller]
    fn check(client: Client, java: &[(&str, &str)], expected: &[(&str, &str)]) {
        let translated = translate(client, java);
        let got: Vec<_> = translated.properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(got, expected);
        assert_eq!(translated.notes, [""; 0]);
    }

    #[test]
    fn everyday_properties_have_counterparts() {
        let everyday = [("acks", "1"), ("batch.size", "16384"), ("buffer.memory", "33554432"), ("linger.ms", "5")];
        check(
            Client::Producer,
            &everyday,
            &[("acks", "1"), ("batch.size", "16384"), ("linger.ms", "5"), ("queue.buffering.max.kbytes", "32768")],
        );
        check(
            Client::Consumer,
            &[
                ("fetch.max.wait.ms", "10"),
                ("auto.offset.reset", "none"),
                ("request.timeout.ms", "3000"),
                ("receive.buffer.bytes", "-1"),
                ("group.protocol", "CONSUMER"),
            ],
            &[
                ("auto.offset.reset", "error"),
                ("fetch.wait.max.ms", "10"),
                ("group.protocol", "consumer"),
                ("socket.receive.buffer.bytes", "0"),
                ("socket.timeout.ms", "3000"),
            ],
        );
        let classes =
            "org.apache.kafka.clients.consumer.RangeAssignor, org.apache.kafka.clients.consumer.RoundRobinAssignor";
        check(
            Client::Consumer,
            &[("partition.assignment.strategy", classes)],
            &[("partition.assignment.strategy", "range,roundrobin")],
        );
    }

    #[test]
    fn the_level_of_a_compression_counts_where_that_is_used() {
        let levels =
            |codec| [("compression.type", codec), ("compression.zstd.level", "7"), ("compression.gzip.level", "2")];
        check(Client::Producer, &levels("zstd"), &[("compression.level", "7"), ("compression.type", "zstd")]);
        check(Client::Producer, &levels("lz4"), &[("compression.type", "lz4")]);
    }

    #[test]
    fn a_login_becomes_a_name_and_a_password() {
        let login =
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"alice\" password=\"s$\";";
        let java =
            [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "SCRAM-SHA-256"), ("sasl.jaas.config", login)];
        check(
            Client::Consumer,
            &java,
            &[
                ("sasl.mechanism", "SCRAM-SHA-256"),
                ("sasl.password", "s$"),
                ("sasl.username", "alice"),
                ("security.protocol", "sasl_plaintext"),
            ],
        );
    }

    #[test]
    fn a_back_off_may_be_longer_than_the_longest_that_nobody_said() {
        check(
            Client::Producer,
            &[("reconnect.backoff.ms", "3000")],
            &[("reconnect.backoff.max.ms", "3000"), ("reconnect.backoff.ms", "3000")],
        );
        check(Client::Producer, &[("reconnect.backoff.ms", "50")], &[("reconnect.backoff.ms", "50")]);
    }

    #[test]
    fn a_login_that_is_missing_is_told_by_javas_name() {
        let java = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN")];
        let java = java.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let failure = ClientSettings::translate(Client::Producer, &java).err().unwrap();
        assert!(failure.to_string().contains("PLAIN needs sasl.jaas.config"), "{failure}");
    }

    #[test]
    fn stores_become_pem() {
        assert_eq!(pem("X", &[0; 49]), format!("-----BEGIN X-----\n{}\nAA==\n-----END X-----\n", "A".repeat(64)));
        let java = [("ssl.truststore.location".to_owned(), "/no/such.jks".to_owned())].into();
        assert!(
            ClientSettings::translate(Client::Producer, &java).is_err_and(|e| e.to_string().contains("trust store"))
        );
        check(
            Client::Producer,
            &[("ssl.endpoint.identification.algorithm", "")],
            &[("ssl.endpoint.identification.algorithm", "none")],
        );
    }

    #[test]
    fn what_tools_read_themselves_is_kept_apart_and_what_means_nothing_is_left_out() {
        let read = translate(
            Client::Consumer,
            &[("group.id", "g"), ("client.id", "me"), ("bootstrap.servers", "b:1"), ("key.deserializer", "x.Y")],
        );
        assert_eq!((read.bootstrap_servers.as_str(), read.client_id.as_str()), ("b:1", "me"));
        assert_eq!(read.own.get("group.id").map(String::as_str), Some("g"));
        assert!(read.properties.is_empty() && read.notes.is_empty());
    }

    #[test]
    fn what_has_no_counterpart_is_told_with_what_to_use() {
        let read = translate(
            Client::Producer,
            &[("interceptor.classes", "x.Y"), ("no.such", "1"), ("group.instance.id", "i")],
        );
        assert_eq!(read.properties.len(), 0);
        assert_eq!(read.notes.len(), 3);
        assert!(
            read.notes[1].starts_with("`interceptor.classes` is left out: it is a property of the Java client"),
            "{:?}",
            read.notes
        );
        assert!(read.notes[2].starts_with("`no.such` is left out: it is not known"), "{:?}", read.notes);
    }
}
