//! How the tools that produce and consume make their clients: properties as Java clients have them, translated.

mod java_keys;
mod translate;
mod troubles;

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use kafka_app::{
    KafkaTemplate,
    config::{KafkaProperties, KafkaPropertiesBuilder},
};
use tracing_subscriber::EnvFilter;

pub(crate) use translate::{Client, ClientSettings};
pub(crate) use troubles::Troubles;

use super::connection::read_properties;
use crate::failure::Failure;

/// Java's properties of a client: those of a file, and over them those that were said one by one.
///
/// # Errors
/// The file cannot be read, or a property is not of the form `name=value`.
pub(crate) fn java_properties(file: Option<&PathBuf>, said: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut properties = file.map(|path| read_properties(path)).transpose()?.unwrap_or_default();
    properties.extend(key_values(said)?);
    Ok(properties)
}

/// `name=value`, one by one; a name alone has an empty value if it ends with `=`.
///
/// # Errors
/// One of them has no `=`, as Apache's tools say it.
pub(crate) fn key_values(said: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(Failure::Failed(format!("Invalid command line properties: '{text}'"))),
    };
    said.iter().map(pair).collect()
}

/// Has errors of clients told on standard error, or what `RUST_LOG` wants. Warnings are left to the tools: of brokers that
/// come and go a client tells more than one wants to know who prints records.
pub(crate) fn log_to_standard_error() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,kafka_app::client=error,librdkafka=error"));
    let colours = io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    // Whoever came first is as good.
    let _ = log.try_init();
}

/// How often it is looked which brokers a producer cannot reach, and for how long one may be away without a word.
const LOOK: Duration = Duration::from_secs(1);

/// Tells which brokers a producer cannot reach, as long as the tool runs.
pub(crate) fn tell_lost_brokers(template: KafkaTemplate<(), ()>) {
    tokio::spawn(async move {
        let mut troubles = Troubles::default();
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            for broker in template.unreachable_brokers() {
                if broker.unreachable_for >= LOOK {
                    troubles.tell(&format!("the broker {} cannot be reached", broker.name));
                }
            }
        }
    });
}

impl ClientSettings {
    /// The configuration of an application that has one kind of client; what is not translated is told on standard error.
    pub(crate) fn configuration(&self) -> KafkaPropertiesBuilder {
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
        builder
    }
}

/// A value of the configuration in which what looks like a placeholder is none.
pub(crate) fn literal(value: &str) -> String {
    value.replace("${", "\\${")
}

/// What keeps a client from being made or from doing its work.
pub(crate) fn failed(error: &kafka_app::Error) -> Failure {
    Failure::Failed(error.to_string())
}

/// Says something on standard error; nobody is left to be told that this could not be said.
pub(crate) fn say(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
