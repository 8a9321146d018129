//! [`ClusterOptions`]: which cluster a command talks to, and [`OutputOptions`]: how it answers.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use kafka_app::{
    KafkaApp, RunningApp,
    admin::AdminClient,
    config::{KafkaProperties, KafkaPropertiesBuilder},
};

use super::table::Format;
use crate::{arguments::key_and_value, failure::Failure, say};

/// Which cluster is meant: as applications find it, in configuration files and the environment, and what is said here over it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterOptions {
    /// The brokers to connect to first [default: those of the configuration, else localhost:9092]
    #[arg(short, long, value_name = "HOST:PORT,...")]
    bootstrap_server: Option<String>,

    /// A cluster of the configuration, one of kafka.clusters [default: that of kafka itself]
    #[arg(short, long, value_name = "NAME")]
    cluster: Option<String>,

    /// Where kafka-app.toml and the files of its profiles are
    #[arg(long, value_name = "DIR", default_value = ".")]
    config_dir: PathBuf,

    /// A profile of the configuration, as in KAFKA_APP_PROFILE; may be repeated
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,

    /// A property of the client by librdkafka's name, such as security.protocol=SSL; may be repeated
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE", value_parser = key_and_value)]
    properties: Vec<(String, String)>,

    /// How long each question to the cluster may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl ClusterOptions {
    /// The configuration of the cluster that is meant.
    ///
    /// # Errors
    /// Mistakes in it, all of them; or there is no cluster of that name.
    pub(crate) fn configuration(&self) -> Result<KafkaProperties, Failure> {
        self.configuration_with(&[])
    }

    /// As [`Self::configuration`], with these keys of the cluster over it, such as `consumer.isolation-level`.
    ///
    /// # Errors
    /// As [`Self::configuration`].
    pub(crate) fn configuration_with(&self, set: &[(&str, String)]) -> Result<KafkaProperties, Failure> {
        let mut properties = self.layers(set).load().map_err(|error| Failure::Usage(error.to_string()))?;
        let Some(name) = &self.cluster else { return Ok(properties) };
        let known: Vec<_> = properties.clusters.keys().cloned().collect();
        properties.clusters.remove(name).ok_or_else(|| {
            Failure::Usage(match known.as_slice() {
                [] => format!("there is no cluster {name}: the configuration has none under kafka.clusters"),
                known => format!("there is no cluster {name} under kafka.clusters, but {}", known.join(", ")),
            })
        })
    }

    fn layers(&self, set: &[(&str, String)]) -> KafkaPropertiesBuilder {
        let mut layers = KafkaProperties::builder().directory(&self.config_dir).process_environment();
        if !self.profiles.is_empty() {
            layers = layers.profiles(&self.profiles);
        }
        let at = self.cluster.as_ref().map_or_else(|| "kafka".to_owned(), |name| format!("kafka.clusters.{name}"));
        if let Some(servers) = &self.bootstrap_server {
            layers = layers.set(format!("{at}.bootstrap-servers"), servers);
        }
        let layers = set.iter().fold(layers, |layers, (key, value)| layers.set(format!("{at}.{key}"), value));
        let property = |layers: KafkaPropertiesBuilder, (key, value): &(String, String)| {
            layers.set(format!("{at}.properties.{key}"), value)
        };
        self.properties.iter().fold(layers, property)
    }

    /// An application on the configuration, without listeners: what sends. How large a record may be is the topic's to say,
    /// unless the configuration says it of producers.
    ///
    /// # Errors
    /// Mistakes in the configuration, or the client refuses it.
    pub(crate) async fn start(&self, set: &[(&str, String)]) -> Result<RunningApp, Failure> {
        // For the words of its own mistakes.
        self.configuration()?;
        let set = [&[(MAX_BYTES, MAX_RECORD_BYTES.to_owned())], set].concat();
        // Who sends waits for every answer before it closes.
        let layers = self.layers(&set).set("kafka.template.close-timeout", "200ms");
        let started = KafkaApp::with_configuration(layers).start().await;
        started.map_err(|error| Failure::Usage(error.to_string()))
    }

    /// The cluster by the name that an application has for it.
    pub(crate) fn name(&self) -> &str {
        self.cluster.as_deref().unwrap_or("default")
    }

    /// What was said here of a property of the client, by librdkafka's name.
    pub(crate) fn property(&self, key: &str) -> Option<&str> {
        self.properties.iter().rev().find(|(said, _)| said == key).map(|(_, value)| value.as_str())
    }

    /// How long each question to the cluster may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// An admin client of the cluster.
    ///
    /// # Errors
    /// Mistakes in the configuration, or the client refuses it.
    pub(crate) fn admin(&self) -> Result<AdminClient, Failure> {
        Ok(AdminClient::new(&self.configuration()?)?.with_timeout(self.timeout))
    }
}

/// The client's own limit, 1 MB by default.
const MAX_BYTES: &str = "properties.message.max.bytes";
const MAX_RECORD_BYTES: &str = "500000000";

/// How a command that lists something answers.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputOptions {
    /// The form of what is listed
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Whether a command that destroys something has to ask first.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct YesOption {
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
}

impl YesOption {
    /// Asks at the terminal whether to go on; without one, only `--yes` lets it go on.
    ///
    /// # Errors
    /// The answer is no, or there is nobody to ask.
    pub(crate) fn confirm(self, question: &str) -> Result<(), Failure> {
        use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
        if self.yes {
            return Ok(());
        }
        if !stdin().is_terminal() || !stderr().is_terminal() {
            return Err(Failure::Usage(format!("{question} Nobody can be asked here: say --yes")));
        }
        write!(stderr(), "{question} [y/N] ")?;
        let mut answer = String::new();
        stdin().lock().read_line(&mut answer).map_err(|error| Failure::Failed(error.to_string()))?;
        if !answer.ends_with('\n') {
            // Ctrl-D is an answer, too, and nobody has ended its line.
            say::line("");
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::Failed("nothing was changed".to_owned())),
        }
    }
}
