//! `kafka-app broker`: the embedded broker in the foreground.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use embedded_broker::{EmbeddedBroker, EmbeddedBrokerBuilder, Error};
use tokio::io::{AsyncBufReadExt, BufReader};
use tracing_subscriber::EnvFilter;

use crate::{arguments::key_and_value, failure::Failure, java_properties, say, shutdown, terminal, verbs::Console};

/// Where Kafka's clients look first.
const DEFAULT_LISTENER: &str = "localhost:9092";

/// As many as `num.partitions` says.
const DEFAULT_PARTITIONS: i32 = -1;

#[derive(Debug, Args)]
#[command(
    about = "Run a Kafka broker in the foreground, for development",
    long_about = "Run a Kafka broker in the foreground, for development\n\n\
        One node, or a cluster of several with --brokers. Without --data-dir everything is in memory and gone when it ends. \
        When it serves it prints one line, BOOTSTRAP_SERVERS=HOST:PORT,..., on standard output; with several listeners \
        LISTENERS=NAME://HOST:PORT,... follows on it. Ctrl-C or SIGTERM ends it.\n\n\
        A cluster does what is typed or piped to it, a line each: stop 2, crash 1, restart 2, and what help lists.",
    after_long_help = "Examples:\n  \
        kafka-app broker --topic orders:3 --topic invoices\n  \
        kafka-app broker --listen localhost:0 --property auto.create.topics.enable=false\n  \
        kafka-app broker --data-dir ./kafka-data --property log.flush.interval.messages=1\n  \
        kafka-app broker --brokers 3 --topic orders:3\n  \
        kafka-app broker --properties-file config/server.properties --property num.partitions=6"
)]
pub(crate) struct BrokerCommand {
    /// Where to listen [default: localhost:9092]; may be repeated
    ///
    /// In front of the address may stand a name, as in SSL://localhost:9093: that of a security protocol, or one that the
    /// property listener.security.protocol.map explains. With port 0 the system chooses one. Says the same as the
    /// property listeners; advertised.listeners of a properties file does not count then.
    #[arg(long, value_name = "[NAME://]HOST:PORT", value_parser = listener)]
    listen: Vec<String>,

    /// The id of the node [default: 1]; says the same as the property node.id
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i32).range(0..))]
    node_id: Option<i32>,

    /// Run so many nodes as one cluster
    ///
    /// Their ids and ports count on from those of the first one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    brokers: u16,

    /// Keep everything in this directory, and begin with what is there
    ///
    /// It is made if it is not there. What was acknowledged survives when the broker is killed; with
    /// --property log.flush.interval.messages=1 also when the machine loses its power. With --brokers each node has a
    /// directory of its own below it, node-1 and so on.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Make this topic before the first client connects; may be repeated
    ///
    /// Without a number it has as many partitions as the property num.partitions says.
    #[arg(long = "topic", value_name = "NAME[:PARTITIONS]")]
    topics: Vec<TopicToMake>,

    /// Set a property of Kafka's server, such as num.partitions=3; may be repeated
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = key_and_value)]
    properties: Vec<(String, String)>,

    /// Read properties from a file in the form of Kafka's server.properties; --property wins over it
    #[arg(long, value_name = "FILE")]
    properties_file: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TopicToMake {
    name: String,
    partitions: i32,
}

impl BrokerCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        log_to_standard_error();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))?;
        let obeys = self.brokers > 1 && may_read_standard_input();
        let broker = self.start()?;
        say_what_is_ignored(&broker);
        let served = runtime.block_on(serve_until_signal(&broker, obeys));
        // Who reads the standard input cannot be woken.
        runtime.shutdown_background();
        served?;
        broker.stop();
        Ok(())
    }

    fn start(self) -> Result<EmbeddedBroker, Failure> {
        let mut builder = EmbeddedBroker::builder().configs(self.properties()?).brokers(self.brokers);
        if let Some(dir) = self.data_dir {
            builder = builder.data_dir(dir);
        }
        let add = |builder: EmbeddedBrokerBuilder, topic: TopicToMake| builder.topic(topic.name, topic.partitions);
        self.topics.into_iter().fold(builder, add).start().map_err(|error| start_failure(&error))
    }

    /// What counts of the command line, then of the file, then of what this program does by itself.
    fn properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut said = BTreeMap::new();
        let listen = (!self.listen.is_empty()).then(|| ("listeners".to_owned(), self.listen.join(",")));
        let node_id = self.node_id.map(|id| ("node.id".to_owned(), id.to_string()));
        for (key, value) in listen.into_iter().chain(node_id).chain(self.properties.iter().cloned()) {
            if said.insert(key.clone(), value).is_some() {
                return Err(Failure::Usage(format!("{key} is given twice")));
            }
        }
        let mut properties = BTreeMap::from([("listeners".to_owned(), format!("PLAINTEXT://{DEFAULT_LISTENER}"))]);
        if let Some(file) = &self.properties_file {
            properties.extend(read_properties(file)?);
        }
        if !self.listen.is_empty() {
            // What a file tells clients is true of the listeners of the file.
            properties.remove("advertised.listeners");
        }
        properties.extend(said);
        Ok(properties)
    }
}

/// Warnings and errors of the broker, unless `RUST_LOG` asks for more.
fn log_to_standard_error() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = terminal::in_colours(&io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    // That nobody hears it is no reason to panic.
    log.log_internal_errors(false).init();
}

fn say_what_is_ignored(broker: &EmbeddedBroker) {
    let ignored = broker.ignored_configs();
    if !ignored.is_empty() {
        say::line(format_args!("properties that have no meaning here: {}", ignored.join(", ")));
    }
}

/// Says that the broker serves, when a signal can end it already, and does what it is told until that signal.
async fn serve_until_signal(broker: &EmbeddedBroker, obeys: bool) -> Result<(), Failure> {
    let serve = async {
        writeln!(io::stdout(), "{}", where_it_serves(broker))?;
        if obeys {
            obey_standard_input(broker).await?;
        }
        std::future::pending().await
    };
    let ended = tokio::select! {
        biased;
        signal = shutdown::signal() => signal.map(drop),
        failed = serve => failed,
    };
    ended.map_err(|error: io::Error| Failure::Failed(error.to_string()))
}

/// Answers what is done on standard output and what is not on standard error, until the standard input ends.
async fn obey_standard_input(broker: &EmbeddedBroker) -> io::Result<()> {
    let mut console = Console::new(broker);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match console.obey(&line) {
            Ok(done) if done.is_empty() => {}
            Ok(done) => writeln!(io::stdout(), "{done}")?,
            Err(refused) => say::line(refused),
        }
    }
    Ok(())
}

/// In the background of a terminal, a program that reads from it is stopped by the system.
fn may_read_standard_input() -> bool {
    #[cfg(unix)]
    {
        let foreground = rustix::termios::tcgetpgrp(io::stdin());
        // Where there is no terminal, nobody is stopped.
        foreground.map_or(true, |group| group == rustix::process::getpgrp())
    }
    #[cfg(not(unix))]
    true
}

/// In a form that a shell can take in: `BOOTSTRAP_SERVERS=localhost:9092`.
fn where_it_serves(broker: &EmbeddedBroker) -> String {
    let listeners: Vec<_> = broker.listeners().map(|(name, address)| format!("{name}://{address}")).collect();
    let all = if listeners.len() > 1 { format!(" LISTENERS={}", listeners.join(",")) } else { String::new() };
    format!("BOOTSTRAP_SERVERS={}{all}", broker.bootstrap_servers())
}

fn read_properties(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let bytes = fs::read(file).map_err(|error| Failure::Failed(format!("cannot read {}: {error}", file.display())))?;
    java_properties::parse(&bytes).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

/// What Kafka has a code for is a mistake in what was asked; the rest is this machine's.
fn start_failure(error: &Error) -> Failure {
    let text = error.to_string();
    if error.code().is_some() { Failure::Usage(text) } else { Failure::Failed(text) }
}

/// In Kafka's spelling; the broker reads the rest of it.
fn listener(text: &str) -> Result<String, String> {
    let (name, address) = text.split_once("://").unwrap_or(("PLAINTEXT", text));
    match address.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => Ok(format!("{name}://{address}")),
        Some((_, port)) => Err(format!("the port must be a number up to 65535, not {port:?}")),
        None => Err("it must have the form HOST:PORT or NAME://HOST:PORT".to_owned()),
    }
}

impl FromStr for TopicToMake {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, partitions)) = text.split_once(':') else {
            return Ok(Self { name: text.to_owned(), partitions: DEFAULT_PARTITIONS });
        };
        match partitions.parse() {
            Ok(partitions) if partitions > 0 => Ok(Self { name: name.to_owned(), partitions }),
            _ => Err(format!("the number of partitions must be at least 1, not {partitions:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_without_a_name_is_in_plain_text() {
        assert_eq!(listener("localhost:9092"), Ok("PLAINTEXT://localhost:9092".to_owned()));
        assert_eq!(listener("SSL://[::1]:0"), Ok("SSL://[::1]:0".to_owned()));
        assert_eq!(listener("9092"), Err("it must have the form HOST:PORT or NAME://HOST:PORT".to_owned()));
        assert_eq!(listener("localhost:99999"), Err("the port must be a number up to 65535, not \"99999\"".to_owned()));
    }

    #[test]
    fn a_topic_without_a_number_has_the_brokers_default() {
        let topic = |name: &str, partitions| Ok(TopicToMake { name: name.to_owned(), partitions });
        assert_eq!("orders:3".parse(), topic("orders", 3));
        assert_eq!("orders".parse(), topic("orders", DEFAULT_PARTITIONS));
        assert!("orders:0".parse::<TopicToMake>().is_err());
        assert!("orders:".parse::<TopicToMake>().is_err());
    }

    #[test]
    fn a_property_has_a_key_and_everything_after_the_first_equals_sign_is_its_value() {
        assert_eq!(key_and_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(key_and_value("a="), Ok(("a".to_owned(), String::new())));
        assert!(key_and_value("=b").is_err());
        assert!(key_and_value("a").is_err());
    }
}
