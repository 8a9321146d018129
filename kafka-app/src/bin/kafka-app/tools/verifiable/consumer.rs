//! `kafka-verifiable-consumer`: reads records and tells what it was given, what it read and what it committed.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf, time::Duration};

use clap::Parser;
use kafka_app::{ErrorKind, KafkaConsumer, Polled, RawRecord, TopicPartition};
use serde::Serialize;

use super::{Nothing, tell, text};
use crate::{
    failure::Failure,
    stop::Stop,
    tools::{
        Output, ToolCommand,
        client::{self, Client, ClientSettings, Troubles, say},
    },
};

/// This tool consumes messages from a specific topic and emits consumer events (e.g. group rebalances, received messages, and
/// offsets committed) as JSON objects to STDOUT.
#[derive(Debug, Parser)]
pub(crate) struct VerifiableConsumer {
    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap_server: String,

    /// The topic to read
    #[arg(long)]
    topic: String,

    /// classic or consumer
    #[arg(long, default_value = "classic")]
    group_protocol: String,

    /// How the broker shares out partitions, with the protocol `consumer`
    #[arg(long)]
    group_remote_assignor: Option<String>,

    /// The group to read as a member of
    #[arg(long)]
    group_id: String,

    /// A name that the member keeps
    #[arg(long)]
    group_instance_id: Option<String>,

    /// How many records to read; -1: until it is stopped
    #[arg(long, value_name = "N", default_value_t = -1)]
    max_messages: i32,

    /// How long the group waits for a sign of life
    #[arg(long, value_name = "MS")]
    session_timeout: Option<i32>,

    /// Tell each record
    #[arg(long)]
    verbose: bool,

    /// Commit now and then instead of after each poll
    #[arg(long)]
    enable_autocommit: bool,

    /// Where to begin without a position: earliest, latest or none
    #[arg(long, default_value = "earliest")]
    reset_policy: String,

    /// The class that shares out partitions, with the protocol `classic`
    #[arg(long, default_value = "org.apache.kafka.clients.consumer.RangeAssignor")]
    assignment_strategy: String,

    /// Read properties of the client from a file
    #[arg(long = "consumer.config", visible_alias = "command-config", value_name = "FILE")]
    consumer_config: Option<PathBuf>,
}

const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// As Java's consumers.
const COMMIT_EVERY: Duration = Duration::from_secs(5);
/// Most records of a poll, as `max.poll.records`.
const POLL_RECORDS: usize = 500;

impl ToolCommand for VerifiableConsumer {
    const HELP_IS_AN_ANSWER: bool = true;

    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        client::log_to_standard_error(false);
        let mut settings = ClientSettings::translate(Client::Consumer, &self.java_properties()?)?;
        settings.default("allow.auto.create.topics", "true");
        settings.of_tool_in_group(true);
        let properties = settings.configuration()?.load().map_err(|error| client::failed(&error))?;
        let mut stop = Stop::listen()?;
        tell(out, "startup_complete", Nothing {})?;
        out.flush()?;
        let builder = KafkaConsumer::builder(&properties).topics([self.topic.as_str()]).group(self.group_id.as_str());
        let mut consumer = builder
            .auto_commit(self.enable_autocommit.then_some(COMMIT_EVERY))
            .max_records(POLL_RECORDS)
            .open()
            .await
            .map_err(|error| client::failed(&error))?;
        let mut n_left = u64::try_from(self.max_messages).ok();
        let code = self.read(&mut consumer, &mut n_left, &mut stop, out).await?;
        if let Err(error) = consumer.close(CLOSE_TIMEOUT).await {
            say(error);
        }
        while let Some(polled) = consumer.poll() {
            tell_partitions(&polled, out)?;
        }
        tell(out, "shutdown_complete", Nothing {})?;
        Ok(code)
    }
}

impl VerifiableConsumer {
    fn java_properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let protocol = self.group_protocol.to_lowercase();
        if !matches!(protocol.as_str(), "classic" | "consumer") {
            return Err(Failure::Failed(format!("there is no group protocol {}", self.group_protocol)));
        }
        let mut java = client::java_properties(self.consumer_config.as_ref(), &[])?;
        let is_classic = protocol == "classic";
        let said = [
            ("group.protocol", Some(protocol)),
            ("group.remote.assignor", self.group_remote_assignor.clone().filter(|_| !is_classic)),
            ("partition.assignment.strategy", Some(self.assignment_strategy.clone()).filter(|_| is_classic)),
            ("session.timeout.ms", self.session_timeout.map(|ms| ms.to_string())),
            ("group.instance.id", self.group_instance_id.clone()),
            ("bootstrap.servers", Some(self.bootstrap_server.clone())),
            ("auto.offset.reset", Some(self.reset_policy.clone())),
        ];
        java.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        java.entry("client.id".to_owned()).or_insert_with(|| format!("consumer-{}-1", self.group_id));
        java.entry("isolation.level".to_owned()).or_insert_with(|| "read_uncommitted".to_owned());
        Ok(java)
    }

    /// Reads until there are enough or a signal comes; the exit code.
    async fn read(
        &self,
        consumer: &mut KafkaConsumer,
        n_left: &mut Option<u64>,
        stop: &mut Stop,
        out: &mut Output,
    ) -> Result<u8, Failure> {
        let mut troubles = Troubles::default();
        while *n_left != Some(0) {
            let polled = tokio::select! {
                biased;
                code = stop.requested() => return Ok(code),
                polled = consumer.next() => polled,
            };
            match polled {
                Polled::Records { partition, records, .. } => {
                    self.take(consumer, vec![(partition, records)], n_left, out).await?;
                }
                Polled::Trouble(error) if error.kind() == ErrorKind::Unavailable => troubles.tell(&error.to_string()),
                Polled::Trouble(error) | Polled::Failed(error) => {
                    say(format_args!("Error during processing, terminating consumer process: {error}"));
                    return Ok(0);
                }
                other => tell_partitions(&other, out)?,
            }
        }
        Ok(0)
    }

    /// Takes what was read with what more is there now, tells of it and commits it.
    async fn take(
        &self,
        consumer: &mut KafkaConsumer,
        mut polled: Vec<(TopicPartition, Vec<RawRecord>)>,
        n_left: &mut Option<u64>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let mut n_polled: usize = polled.iter().map(|(_, records)| records.len()).sum();
        let mut then = None;
        while n_polled < POLL_RECORDS && then.is_none() {
            match consumer.poll() {
                Some(Polled::Records { partition, records, .. }) => {
                    n_polled += records.len();
                    polled.push((partition, records));
                }
                Some(other) => then = Some(other),
                None => break,
            }
        }
        let mut summaries: Vec<Summary> = Vec::new();
        for (partition, records) in &polled {
            let n_most = n_left.map_or(usize::MAX, |n_left| usize::try_from(n_left).unwrap_or(usize::MAX));
            let records = &records[..records.len().min(n_most)];
            let (Some(first), Some(last)) = (records.first(), records.last()) else { continue };
            for record in records.iter().filter(|_| self.verbose) {
                tell(out, "record_data", RecordData::of(partition, record))?;
            }
            *n_left = n_left.map(|n_left| n_left - records.len() as u64);
            consumer.store(partition, last.offset() + 1, last.leader_epoch());
            match summaries.iter_mut().find(|summary| summary.is_of(partition)) {
                Some(summary) => {
                    summary.count += records.len();
                    summary.max_offset = last.offset();
                }
                None => summaries.push(Summary {
                    topic: partition.topic.to_string(),
                    partition: partition.partition,
                    count: records.len(),
                    min_offset: first.offset(),
                    max_offset: last.offset(),
                }),
            }
        }
        let offsets = summaries.iter().map(Committed::of).collect();
        tell(out, "records_consumed", Consumed { count: n_polled, partitions: summaries })?;
        if !self.enable_autocommit {
            let error = consumer.commit().await.err().map(|error| error.to_string());
            tell(out, "offsets_committed", Commit { offsets, success: error.is_none(), error })?;
        }
        if let Some(then) = then {
            tell_partitions(&then, out)?;
        }
        Ok(out.flush()?)
    }
}

fn tell_partitions(polled: &Polled, out: &mut Output) -> std::io::Result<()> {
    let of = |partitions: &[TopicPartition]| Partitions {
        partitions: partitions
            .iter()
            .map(|at| Partition { topic: at.topic.to_string(), partition: at.partition })
            .collect(),
    };
    match polled {
        Polled::Assigned(partitions) => tell(out, "partitions_assigned", of(partitions))?,
        Polled::Revoked { partitions, .. } => tell(out, "partitions_revoked", of(partitions))?,
        _ => {}
    }
    out.flush()
}

#[derive(Serialize)]
struct Partitions {
    partitions: Vec<Partition>,
}

#[derive(Serialize)]
struct Partition {
    topic: String,
    partition: i32,
}

#[derive(Serialize)]
struct Consumed {
    count: usize,
    partitions: Vec<Summary>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    topic: String,
    partition: i32,
    count: usize,
    min_offset: i64,
    max_offset: i64,
}

impl Summary {
    fn is_of(&self, partition: &TopicPartition) -> bool {
        self.partition == partition.partition && *self.topic == *partition.topic
    }
}

#[derive(Serialize)]
struct Commit {
    offsets: Vec<Committed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    success: bool,
}

#[derive(Serialize)]
struct Committed {
    topic: String,
    partition: i32,
    offset: i64,
}

impl Committed {
    fn of(summary: &Summary) -> Self {
        Self { topic: summary.topic.clone(), partition: summary.partition, offset: summary.max_offset + 1 }
    }
}

#[derive(Serialize)]
struct RecordData {
    key: Option<String>,
    value: Option<String>,
    topic: String,
    partition: i32,
    offset: i64,
}

impl RecordData {
    fn of(at: &TopicPartition, record: &RawRecord) -> Self {
        Self {
            key: record.key().map(text),
            value: record.payload().map(text),
            topic: at.topic.to_string(),
            partition: at.partition,
            offset: record.offset(),
        }
    }
}
