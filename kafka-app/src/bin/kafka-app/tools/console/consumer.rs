//! `kafka-console-consumer`: records of topics are printed on standard output.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf, time::Duration};

use clap::Parser;
use kafka_app::{KafkaConsumer, OffsetSpec, TopicPartition};

use super::{formatter::Formatter, printer::Printer};
use crate::{
    failure::Failure,
    stop::Stop,
    tools::{
        Output, ToolCommand,
        client::{self, Client, ClientSettings, say},
    },
};

/// This tool helps to read data from Kafka topics and outputs it to standard output.
#[derive(Debug, Parser)]
pub(crate) struct ConsoleConsumer {
    /// The topic to read
    #[arg(long)]
    topic: Option<String>,

    /// A regular expression over the names of topics to read
    #[arg(long, value_name = "REGEX")]
    include: Option<String>,

    /// The partition to read, from its end on unless --offset says otherwise
    #[arg(long)]
    partition: Option<i32>,

    /// Where to begin in the partition: an offset, earliest or latest
    #[arg(long)]
    offset: Option<String>,

    /// A property of the client, as Java's consumers have it
    #[arg(long, visible_alias = "command-property", value_name = "NAME=VALUE")]
    consumer_property: Vec<String>,

    /// Read properties of the client from a file
    #[arg(long = "consumer.config", visible_alias = "command-config", value_name = "FILE")]
    consumer_config: Option<PathBuf>,

    /// The class that prints: DefaultMessageFormatter, LoggingMessageFormatter, NoOpMessageFormatter or
    /// OffsetsMessageFormatter
    #[arg(long, value_name = "CLASS", default_value = "org.apache.kafka.tools.consumer.DefaultMessageFormatter")]
    formatter: String,

    /// What is printed: print.timestamp, print.key, print.offset, print.partition, print.headers, print.value (true or
    /// false), key.separator, line.separator, headers.separator, null.literal, key.deserializer, value.deserializer,
    /// headers.deserializer
    #[arg(long, visible_alias = "formatter-property", value_name = "NAME=VALUE")]
    property: Vec<String>,

    /// Read properties of the formatter from a file
    #[arg(long, value_name = "FILE")]
    formatter_config: Option<PathBuf>,

    /// Where the group has no position, begin with the first record there is instead of the next one to come
    #[arg(long)]
    from_beginning: bool,

    /// Stop after so many records
    #[arg(long, value_name = "N")]
    max_messages: Option<i32>,

    /// Stop when no record has come for so long
    #[arg(long, value_name = "MS")]
    timeout_ms: Option<i64>,

    /// Go on after a record that cannot be printed
    #[arg(long)]
    skip_message_on_error: bool,

    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap_server: String,

    /// The class that reads keys: org.apache.kafka.common.serialization.LongDeserializer, …
    #[arg(long, value_name = "CLASS")]
    key_deserializer: Option<String>,

    /// The class that reads values
    #[arg(long, value_name = "CLASS")]
    value_deserializer: Option<String>,

    /// Say on standard output when it has shut down
    #[arg(long)]
    enable_systest_events: bool,

    /// read_committed: without records of transactions that are open or were aborted; read_uncommitted: all records
    #[arg(long, value_name = "LEVEL")]
    isolation_level: Option<String>,

    /// The group to read as a member of; its positions are committed
    #[arg(long)]
    group: Option<String>,
}

/// How often Java's consumers commit.
const COMMIT_EVERY: Duration = Duration::from_secs(5);

impl ToolCommand for ConsoleConsumer {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        client::log_to_standard_error(false);
        let position = self.check()?;
        let java = self.java_properties()?;
        let mut notes = Vec::new();
        let formatter = Formatter::named(&self.formatter, &self.formatter_properties()?, &mut notes);
        let formatter = formatter.map_err(Failure::Failed)?;
        notes.iter().for_each(say);
        let settings = self.settings(&java)?;
        if let Some(topic) = self.topic.as_deref().filter(|topic| !is_topic_name(topic)) {
            // Java's consumers take every name and learn of the broker that there can be none.
            say(format_args!("Error processing message, terminating consumer process: Invalid topics: [{topic}]"));
            say("Processed a total of 0 messages");
            return Ok(0);
        }
        let mut stop = Stop::listen()?;
        let consumer = self.open(&settings, position).await?;
        let limit = self.max_messages.and_then(|limit| u64::try_from(limit).ok());
        let mut printer = Printer::new(formatter, limit, self.skip_message_on_error);
        let idle_after = self.timeout_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        let ended = printer.run(consumer, idle_after, &mut stop).await;
        if self.enable_systest_events {
            writeln!(out, "shutdown_complete")?;
        }
        ended
    }
}

impl ConsoleConsumer {
    /// Which options go together, in the words of Apache's tool; and where a partition is read from.
    fn check(&self) -> Result<OffsetSpec, Failure> {
        let wrong = |text: &str| Err(Failure::Failed(text.to_owned()));
        if self.topic.is_some() == self.include.is_some() {
            return wrong("Exactly one of --include/--topic is required.");
        }
        if self.partition.is_some() && self.topic.is_none() {
            return wrong("The topic is required when partition is specified.");
        }
        if self.partition.is_some() && self.from_beginning && self.offset.is_some() {
            return wrong("Options from-beginning and offset cannot be specified together.");
        }
        if self.partition.is_none() && self.offset.is_some() {
            return wrong("The partition is required when offset is specified.");
        }
        match self.offset.as_deref() {
            None if self.from_beginning => Ok(OffsetSpec::Earliest),
            None => Ok(OffsetSpec::Latest),
            Some(offset) if offset.eq_ignore_ascii_case("earliest") => Ok(OffsetSpec::Earliest),
            Some(offset) if offset.eq_ignore_ascii_case("latest") => Ok(OffsetSpec::Latest),
            Some(offset) => match offset.parse() {
                Ok(number) if number >= 0 => Ok(OffsetSpec::Offset(number)),
                _ => wrong(&format!(
                    "The provided offset value '{offset}' is incorrect. Valid values are 'earliest', 'latest', or a \
                     non-negative long."
                )),
            },
        }
    }

    /// Java's properties of the client: what is said by an option of its own wins.
    fn java_properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let from_file = client::java_properties(self.consumer_config.as_ref(), &[])?;
        let said: BTreeMap<_, _> = client::key_values(&self.consumer_property).into_iter().collect();
        let mut groups: Vec<&String> = Vec::new();
        for group in self.group.iter().chain(from_file.get("group.id")).chain(said.get("group.id")) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        if groups.len() > 1 {
            let groups = groups.iter().map(|group| format!("'{group}'")).collect::<Vec<_>>().join(", ");
            return Err(Failure::Failed(format!(
                "The group ids provided in different places (directly using '--group', via '--consumer-property', or via \
                 '--consumer.config') do not match. Detected group ids: {groups}"
            )));
        }
        if !groups.is_empty() && self.partition.is_some() {
            let text = "Options group and partition cannot be specified together.";
            return Err(Failure::Failed(text.to_owned()));
        }
        let group = groups.first().map(|group| (*group).clone());
        let mut java = from_file;
        java.extend(said);
        match java.get("auto.offset.reset") {
            Some(reset) if self.from_beginning && reset != "earliest" => {
                return Err(Failure::Failed(format!(
                    "Can't simultaneously specify --from-beginning and 'auto.offset.reset={reset}', please remove one option"
                )));
            }
            Some(_) => {}
            None => {
                let reset = if self.from_beginning { "earliest" } else { "latest" };
                java.insert("auto.offset.reset".to_owned(), reset.to_owned());
            }
        }
        java.insert("bootstrap.servers".to_owned(), self.bootstrap_server.clone());
        if let Some(level) = &self.isolation_level {
            java.insert("isolation.level".to_owned(), level.clone());
        }
        let mut default = |name: &str, value: &str| {
            java.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        };
        default("client.id", "console-consumer");
        default("isolation.level", "read_uncommitted");
        // A group that is not used again has no positions to keep.
        default("enable.auto.commit", if group.is_some() { "true" } else { "false" });
        let group = group.unwrap_or_else(|| format!("console-consumer-{}", any_number()));
        java.insert("group.id".to_owned(), group);
        Ok(java)
    }

    fn formatter_properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut properties = client::java_properties(self.formatter_config.as_ref(), &[])?;
        let classes = [("key.deserializer", &self.key_deserializer), ("value.deserializer", &self.value_deserializer)];
        for (name, class) in classes {
            if let Some(class) = class.as_ref().filter(|class| !class.is_empty()) {
                properties.insert(name.to_owned(), class.clone());
            }
        }
        properties.extend(client::key_values(&self.property));
        Ok(properties)
    }

    fn settings(&self, java: &BTreeMap<String, String>) -> Result<ClientSettings, Failure> {
        let mut settings = ClientSettings::translate(Client::Consumer, java)?;
        // As Java's consumers ask; who reads a pattern takes what there is.
        settings.default("allow.auto.create.topics", if self.include.is_some() { "false" } else { "true" });
        settings.of_tool_in_group(self.include.is_none());
        Ok(settings)
    }

    async fn open(&self, settings: &ClientSettings, position: OffsetSpec) -> Result<KafkaConsumer, Failure> {
        let properties = settings.configuration()?.load().map_err(|error| client::failed(&error))?;
        let commits =
            settings.own.get("enable.auto.commit").is_some_and(|commits| commits.eq_ignore_ascii_case("true"));
        let every = settings.own_number("auto.commit.interval.ms").and_then(|ms| u64::try_from(ms).ok());
        let every = every.map_or(COMMIT_EVERY, |ms| Duration::from_millis(ms.max(1)));
        let group = settings.own.get("group.id").map_or("", String::as_str);
        let builder =
            KafkaConsumer::builder(&properties).group(group).auto_commit(commits.then_some(every)).tell_ends();
        let builder = match (&self.topic, &self.include, self.partition) {
            (Some(topic), _, Some(partition)) => {
                builder.partitions([(TopicPartition::new(topic.as_str(), partition), position)])
            }
            (Some(topic), ..) => builder.topics([topic.as_str()]),
            (None, pattern, _) => builder.topic_pattern(pattern.as_deref().unwrap_or_default()),
        };
        builder.open().await.map_err(|error| client::failed(&error))
    }
}

/// Kafka's rule for names of topics.
fn is_topic_name(name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=249).contains(&name.len()) && name.chars().all(is_of_name) && !matches!(name, "." | "..")
}

/// Of the group that one who names none becomes a member of, as Apache's tool: two at once are not to be the same.
pub(crate) fn any_number() -> u32 {
    uuid::Uuid::new_v4().as_fields().0 % 100_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> ConsoleConsumer {
        ConsoleConsumer::try_parse_from(["tool", "--bootstrap-server", "b:1"].iter().chain(arguments)).unwrap()
    }

    #[track_caller]
    fn refused(arguments: &[&str], expected: &str) {
        let parsed = parsed(arguments);
        let refused = parsed.check().map(drop).and_then(|()| parsed.java_properties().map(drop)).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }

    #[test]
    fn options_that_do_not_go_together_are_refused_in_apaches_words() {
        refused(&[], "Exactly one of --include/--topic is required.");
        refused(&["--topic", "t", "--include", "t.*"], "Exactly one of --include/--topic is required.");
        refused(&["--topic", "t", "--offset", "2"], "The partition is required when offset is specified.");
        refused(
            &["--topic", "t", "--partition", "0", "--from-beginning", "--offset", "3"],
            "Options from-beginning and offset cannot be specified together.",
        );
        refused(
            &["--topic", "t", "--partition", "0", "--group", "g"],
            "Options group and partition cannot be specified together.",
        );
        refused(
            &["--topic", "t", "--group", "g", "--consumer-property", "group.id=other"],
            "The group ids provided in different places (directly using '--group', via '--consumer-property', or via \
             '--consumer.config') do not match. Detected group ids: 'g', 'other'",
        );
        refused(
            &["--topic", "t", "--from-beginning", "--command-property", "auto.offset.reset=latest"],
            "Can't simultaneously specify --from-beginning and 'auto.offset.reset=latest', please remove one option",
        );
        refused(
            &["--topic", "t", "--partition", "0", "--offset=-1"],
            "The provided offset value '-1' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.",
        );
    }

    #[test]
    fn a_partition_is_read_from_its_end_unless_said_otherwise() {
        let at =
            |arguments: &[&str]| parsed(&[&["--topic", "t", "--partition", "0"], arguments].concat()).check().unwrap();
        assert_eq!(at(&[]), OffsetSpec::Latest);
        assert_eq!(at(&["--from-beginning"]), OffsetSpec::Earliest);
        assert_eq!(at(&["--offset", "EARLIEST"]), OffsetSpec::Earliest);
        assert_eq!(at(&["--offset", "7"]), OffsetSpec::Offset(7));
    }

    #[test]
    fn who_names_no_group_has_one_that_commits_nothing() {
        let java = parsed(&["--topic", "t"]).java_properties().unwrap();
        assert!(java["group.id"].starts_with("console-consumer-"), "{java:?}");
        assert_eq!((java["enable.auto.commit"].as_str(), java["auto.offset.reset"].as_str()), ("false", "latest"));
        assert_eq!(java["isolation.level"], "read_uncommitted");
        let java = parsed(&["--topic", "t", "--group", "g", "--from-beginning"]).java_properties().unwrap();
        assert_eq!((java["group.id"].as_str(), java["enable.auto.commit"].as_str()), ("g", "true"));
        assert_eq!(java["auto.offset.reset"], "earliest");
    }
}
