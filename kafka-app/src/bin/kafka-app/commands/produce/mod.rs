//! `kafka-app produce`: records from standard input or files.

mod input;
mod lines;
mod progress;
mod rate;
mod sender;

use std::{
    io::{IsTerminal as _, stdin},
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use indicatif::HumanBytes;
use kafka_app::{ErrorKind, Headers, KafkaTemplate};

use input::Input;
use lines::{LineForm, LineFormat};
use progress::Progress;
use rate::{Pace, Rate};
use sender::{Counts, Sender};

use super::{ClusterOptions, escaped::Escaped};
use crate::{arguments::key_and_value, failure::Failure, say, stop::Stop};

/// Send records from standard input or files
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app produce orders\n  \
    seq 1000 | kafka-app produce numbers --rate 100/s\n  \
    kafka-app produce orders -K : --file orders.txt\n  \
    kafka-app produce orders --key 42 --header trace=t1 --whole --file shoes.bin\n  \
    kafka-app produce orders --format jsonl < orders.jsonl\n\n\
    With --format jsonl a line is an object: {\"topic\": …, \"partition\": …, \"timestamp\": …, \"headers\": [{\"key\": …, \
    \"value\": …}], \"key\": …, \"value\": …}, of which only the value has to be there. Keys and values are strings, null, or \
    {\"base64\": \"…\"} for bytes that are no UTF-8. It is what `consume -o jsonl` prints.\n\
    It ends when all records are acknowledged. Exit code 1: some were not, or a line is no record.")]
pub(crate) struct ProduceCommand {
    /// The topic; with --format jsonl each line may name its own
    #[arg(value_name = "TOPIC", required_unless_present = "format")]
    topic: Option<String>,
    /// A file to read instead of standard input, or - for that; may be repeated
    #[arg(short, long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What a line is
    #[arg(long, value_enum, value_name = "FORM")]
    format: Option<Form>,
    /// A line is a key and a value, with this between them; \t and \x00 may be said
    #[arg(short = 'K', long, value_name = "SEP", conflicts_with_all = ["format", "key", "whole"])]
    key_separator: Option<Escaped>,
    /// The key of every record
    #[arg(short, long, value_name = "KEY", conflicts_with = "format")]
    key: Option<String>,
    /// A header of every record; may be repeated
    #[arg(short = 'H', long = "header", value_name = "KEY=VALUE", value_parser = key_and_value)]
    headers: Vec<(String, String)>,
    /// An empty value is a tombstone
    #[arg(short = 'Z', long, conflicts_with = "format")]
    tombstones: bool,
    /// Each file is one record, with all its bytes
    #[arg(long, conflicts_with = "format")]
    whole: bool,
    /// The partition of every record [default: by key]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    /// The partition that an object names does not count, as for a topic that has others
    #[arg(long, conflicts_with = "partition", requires = "format")]
    any_partition: bool,

    /// none, gzip, snappy, lz4 or zstd [default: as the configuration says]
    #[arg(short = 'z', long, value_name = "TYPE")]
    compression: Option<String>,
    /// Which acknowledgment is awaited: all, 1 or 0 [default: as the configuration says, else all]
    #[arg(long, value_name = "ACKS", allow_negative_numbers = true)]
    acks: Option<String>,
    /// At most so many records in a time, such as 100/s or 6000/m
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    /// Go on after a line that is no record, and after a record that is refused
    #[arg(long)]
    skip_bad: bool,
    /// Say nothing of how much is sent
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A JSON object, a record with all its parts
    Jsonl,
}

impl ProduceCommand {
    /// # Errors
    /// Not all was sent.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let input = self.input()?;
        input.check()?;
        let progress = Progress::of(&input, self.quiet);
        let mut stop = Stop::listen()?;
        let settings = self.settings();
        let app = tokio::select! {
            code = stop.requested() => return Err(Failure::Stopped(code)),
            app = self.cluster.start(&settings) => app?,
        };
        let template = app.template_of(self.cluster.name())?;
        if let Some(topic) = &self.topic {
            tokio::select! {
                code = stop.requested() => return Err(Failure::Stopped(code)),
                found = self.find(topic, &template) => found?,
            }
        }
        if input.has_standard_input() && stdin().is_terminal() && !self.quiet {
            let what = if self.whole { "all that is typed is a record" } else { "each line is a record" };
            say::line(format_args!("{what}; Ctrl-D ends"));
        }
        let start = Instant::now();
        let pace = self.rate.map(|rate| Pace::new(rate, start));
        let mut sender = Sender::new(template, pace, self.skip_bad, progress);
        let end = sender.send_all(input.read()?, &mut stop).await;
        sender.progress.finish();
        if !self.quiet {
            say::line(summary(&sender.counts, start.elapsed()));
        }
        let result = sender.result(&end);
        // All that was sent has been answered.
        drop(sender);
        let _ = app.stop().await;
        result
    }

    /// Has the topic made where the cluster makes topics by itself.
    async fn find(&self, topic: &str, template: &KafkaTemplate<Bytes, Bytes>) -> Result<(), Failure> {
        let timeout = self.cluster.timeout();
        let why = match tokio::time::timeout(timeout, template.partitions_for(topic)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if error.kind() == ErrorKind::Unavailable || error.is_authentication() => error.to_string(),
            Ok(Err(error)) => format!("{error}; `kafka-app topic create {topic}` makes it"),
            Err(_late) => {
                let servers = self.cluster.configuration()?.client.bootstrap_servers.unwrap_or_default().join(",");
                let waited = humantime::format_duration(timeout);
                format!("no broker answered at {servers} within {waited}: is it there? --timeout waits longer")
            }
        };
        Err(Failure::Failed(format!("topic {topic}: {why}")))
    }

    fn input(&self) -> Result<Input, Failure> {
        if self.key_separator.as_ref().is_some_and(|separator| separator.0.is_empty()) {
            return Err(Failure::Usage("--key-separator must not be empty".to_owned()));
        }
        let mut headers = Headers::new();
        self.headers.iter().for_each(|(name, value)| headers.push(name, Some(value.clone().into())));
        let form = match (&self.format, &self.key_separator) {
            (Some(Form::Jsonl), _) => LineForm::Json,
            (None, Some(separator)) => LineForm::Keyed(separator.0.clone()),
            (None, None) => LineForm::Value,
        };
        let format = LineFormat {
            form,
            topic: self.topic.as_deref().map(Into::into),
            partition: self.partition,
            any_partition: self.any_partition,
            key: self.key.clone().map(Into::into),
            headers,
            tombstones: self.tombstones,
        };
        let files = if self.files.is_empty() { vec![PathBuf::from("-")] } else { self.files.clone() };
        Ok(Input { files, whole: self.whole, format })
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = Vec::new();
        settings.extend(self.compression.clone().map(|codec| ("producer.compression-type", codec)));
        settings.extend(self.acks.clone().map(|acks| ("producer.acks", acks)));
        settings
    }
}

/// What was done, for people.
fn summary(counts: &Counts, took: Duration) -> String {
    let Counts { n_sent, n_failed, n_bad, n_bytes } = *counts;
    let mut text = format!("{n_sent} records sent, {} in {:.1} s", HumanBytes(n_bytes), took.as_secs_f64());
    if n_failed > 0 {
        text += &format!(", {n_failed} could not be sent");
    }
    if n_bad > 0 {
        text += &format!(", {n_bad} lines are no records");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_what_went_wrong_too() {
        let counts = Counts { n_sent: 3, n_failed: 0, n_bad: 0, n_bytes: 2048 };
        assert_eq!(summary(&counts, Duration::from_millis(1250)), "3 records sent, 2.00 KiB in 1.2 s");
        let counts = Counts { n_failed: 2, n_bad: 1, ..counts };
        let text = "3 records sent, 2.00 KiB in 0.0 s, 2 could not be sent, 1 lines are no records";
        assert_eq!(summary(&counts, Duration::ZERO), text);
    }
}
