//! How the tools that produce and consume make their clients: properties as Java clients have them, translated.

mod java_keys;
mod translate;

use std::{collections::BTreeMap, io, net::ToSocketAddrs as _, path::PathBuf};

use kafka_app::{
    KafkaTemplate,
    config::{KafkaProperties, KafkaPropertiesBuilder},
};
use tracing_subscriber::EnvFilter;

pub(crate) use translate::{Client, ClientSettings};

use super::connection::read_properties;
pub(crate) use crate::say::{Troubles, line as say};
use crate::{failure::Failure, terminal};

/// Java's properties of a client: those of a file, and over them those that were said one by one.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn java_properties(file: Option<&PathBuf>, said: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut properties = file.map(|path| read_properties(path)).transpose()?.unwrap_or_default();
    properties.extend(key_values(said));
    Ok(properties)
}

/// `name=value`, one by one; what has no value has an empty one, as for Apache's tools.
pub(crate) fn key_values(said: &[String]) -> Vec<(String, String)> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (name.to_owned(), value.to_owned())
    };
    said.iter().map(pair).collect()
}

/// Has warnings of clients told on standard error, as Apache's tools do, or what `RUST_LOG` wants. What happens to consumers
/// the tools tell themselves. With `only_errors`, of producers errors alone: one with transactions warns of a coordinator that
/// it has not found yet.
pub(crate) fn log_to_standard_error(only_errors: bool) {
    let default = if only_errors { "warn,librdkafka=error,kafka_app::client=error" } else { "warn,librdkafka=error" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = terminal::in_colours(&io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    // That nobody hears it is no reason to panic.
    let log = log.log_internal_errors(false);
    // Whoever came first is as good.
    let _ = log.try_init();
}

impl ClientSettings {
    /// The configuration of an application that has one kind of client; what is not translated is told on standard error.
    ///
    /// # Errors
    /// No address of a broker is one, as Java's clients say it.
    pub(crate) fn configuration(&self) -> Result<KafkaPropertiesBuilder, Failure> {
        check_servers(&self.bootstrap_servers)?;
        for note in &self.notes {
            tracing::warn!("{note}");
        }
        let section = format!("kafka.{}", self.client.section());
        let mut builder = KafkaProperties::builder()
            .set("kafka.bootstrap-servers", self.bootstrap_servers.as_str())
            .set(format!("{section}.client-id"), literal(&self.client_id))
            // Tools have waited for every answer before they close.
            .set("kafka.template.close-timeout", "200ms");
        for (name, value) in &self.properties {
            builder = builder.set(format!("{section}.properties.{name}"), literal(value));
        }
        Ok(builder)
    }
}

/// Java's clients end at once where an address is none, or none of them is known.
fn check_servers(servers: &str) -> Result<(), Failure> {
    let mut servers = servers.split(',').map(str::trim).filter(|server| !server.is_empty()).peekable();
    if servers.peek().is_some() {
        let mut are_known = false;
        for server in servers {
            let address = server.split_once("://").map_or(server, |(_, address)| address);
            match address.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {}
                _ => return Err(Failure::Failed(format!("Invalid url in bootstrap.servers: {server}"))),
            }
            are_known = are_known || address.to_socket_addrs().is_ok_and(|mut found| found.next().is_some());
        }
        if are_known {
            return Ok(());
        }
    }
    Err(Failure::Failed("No resolvable bootstrap urls given in bootstrap.servers".to_owned()))
}

/// A value of the configuration in which what looks like a placeholder is none.
pub(crate) fn literal(value: &str) -> String {
    value.replace("${", "\\${")
}

/// Resolves when it is known that no broker lets a producer in: as Java's, it does not wait for one that does.
pub(crate) async fn shut_out<K: ?Sized, V: ?Sized>(template: &KafkaTemplate<K, V>, topic: &str) -> kafka_app::Error {
    match template.partitions_for(topic).await {
        Err(error) if error.is_authentication() => error,
        _ => std::future::pending().await,
    }
}

/// What keeps a client from being made or from doing its work.
pub(crate) fn failed(error: &kafka_app::Error) -> Failure {
    Failure::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_brokers_have_ports_and_one_of_them_is_known() {
        let refused = |servers: &str| check_servers(servers).err().map(|error| error.to_string());
        assert_eq!(refused("127.0.0.1:1, [::1]:2"), None);
        assert_eq!(refused("no.such.host.invalid:1,127.0.0.1:1"), None);
        assert_eq!(refused("127.0.0.1").as_deref(), Some("Invalid url in bootstrap.servers: 127.0.0.1"));
        let unknown = "No resolvable bootstrap urls given in bootstrap.servers";
        assert_eq!(refused("no.such.host.invalid:1").as_deref(), Some(unknown));
        assert_eq!(refused("").as_deref(), Some(unknown));
    }

    #[test]
    fn properties_are_names_and_values() {
        let said = ["a=1", "b==", "c"].map(str::to_owned);
        let pairs = [("a", "1"), ("b", "="), ("c", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(key_values(&said), pairs);
    }
}
