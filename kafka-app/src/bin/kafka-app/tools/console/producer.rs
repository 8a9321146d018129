//! `kafka-console-producer`: lines of standard input become records.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::Parser;
use kafka_app::KafkaApp;

use super::{line_reader::LineParser, sender::Sender, standard_input::lines_of_standard_input};
use crate::{
    failure::Failure,
    stop::Stop,
    tools::{
        Output, ToolCommand,
        client::{self, Client, ClientSettings},
    },
};

/// This tool helps to read data from standard input and publish it to Kafka.
#[derive(Debug, Parser)]
pub(crate) struct ConsoleProducer {
    /// The topic to send records to
    #[arg(long)]
    topic: String,

    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap_server: String,

    /// Wait for the acknowledgment of each record before the next
    #[arg(long)]
    sync: bool,

    /// none, gzip, snappy, lz4 or zstd; gzip if none is named
    #[arg(long, num_args = 0..=1, default_missing_value = "gzip", value_name = "CODEC")]
    compression_codec: Option<String>,

    /// Most bytes of a batch
    #[arg(long, value_name = "BYTES")]
    batch_size: Option<i32>,

    /// Most bytes of a batch; counts before --batch-size
    #[arg(long, value_name = "BYTES")]
    max_partition_memory_bytes: Option<i32>,

    /// How often a record is sent again
    #[arg(long, value_name = "N")]
    message_send_max_retries: Option<i32>,

    /// How long to wait before a record is sent again
    #[arg(long, value_name = "MS")]
    retry_backoff_ms: Option<i64>,

    /// How long a record may wait for others to fill a batch with
    #[arg(long, value_name = "MS")]
    timeout: Option<i64>,

    /// Which acknowledgment is wanted: 0, 1, or all (-1)
    #[arg(long, value_name = "ACKS", allow_negative_numbers = true)]
    request_required_acks: Option<String>,

    /// How long a broker may wait for its replicas
    #[arg(long, value_name = "MS")]
    request_timeout_ms: Option<i32>,

    /// How old what is known of the cluster may become
    #[arg(long, value_name = "MS")]
    metadata_expiry_ms: Option<i64>,

    /// How long the topic is waited for
    #[arg(long, value_name = "MS")]
    max_block_ms: Option<u64>,

    /// Most bytes of records that wait to be sent
    #[arg(long, value_name = "BYTES")]
    max_memory_bytes: Option<i64>,

    /// Size of the buffer of a socket
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    socket_buffer_size: Option<i32>,

    /// The class that reads lines; there is LineMessageReader
    #[arg(long, value_name = "CLASS", default_value = LINE_READER)]
    line_reader: String,

    /// How lines are read: parse.key, key.separator, parse.headers, headers.delimiter, headers.separator,
    /// headers.key.separator, ignore.error, null.marker
    #[arg(long, visible_alias = "reader-property", value_name = "NAME=VALUE")]
    property: Vec<String>,

    /// Read properties of the reader from a file
    #[arg(long, value_name = "FILE")]
    reader_config: Option<PathBuf>,

    /// A property of the client, as Java's producers have it
    #[arg(long, visible_alias = "command-property", value_name = "NAME=VALUE")]
    producer_property: Vec<String>,

    /// Read properties of the client from a file
    #[arg(long = "producer.config", visible_alias = "command-config", value_name = "FILE")]
    producer_config: Option<PathBuf>,
}

const LINE_READER: &str = "org.apache.kafka.tools.LineMessageReader";
/// As Java's `max.block.ms`.
const MAX_BLOCK: Duration = Duration::from_secs(60);

impl ToolCommand for ConsoleProducer {
    async fn run(self, _: &mut Output) -> Result<u8, Failure> {
        client::log_to_standard_error(false);
        let parser = self.parser()?;
        let settings = ClientSettings::translate(Client::Producer, &self.java_properties()?)?;
        let app =
            KafkaApp::with_configuration(settings.configuration()?).start().await.map_err(|e| client::failed(&e))?;
        let mut stop = Stop::listen()?;
        let max_block = settings.own_number("max.block.ms").map_or(MAX_BLOCK, milliseconds);
        let mut sender = Sender::new(app.template(), &self.topic, self.sync, max_block);
        let done = sender.send_lines(parser, lines_of_standard_input()?, &mut stop).await;
        if let Err(cut_off) = app.stop().await.into_result() {
            client::say(cut_off);
        }
        done
    }
}

impl ConsoleProducer {
    fn parser(&self) -> Result<LineParser, Failure> {
        if !matches!(self.line_reader.as_str(), LINE_READER | "kafka.tools.ConsoleProducer$LineMessageReader") {
            let text = format!("{}: classes are not run here; the reader is {LINE_READER}", self.line_reader);
            return Err(Failure::Failed(text));
        }
        let properties = client::java_properties(self.reader_config.as_ref(), &self.property)?;
        LineParser::configured(&properties).map_err(Failure::Failed)
    }

    /// What is said by an option of its own wins.
    fn java_properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut java = client::java_properties(self.producer_config.as_ref(), &self.producer_property)?;
        fn text(value: Option<impl ToString>) -> Option<String> {
            value.map(|value| value.to_string())
        }
        let codec = self.compression_codec.as_deref().map(|codec| if codec.is_empty() { "gzip" } else { codec });
        let said = [
            ("bootstrap.servers", Some(self.bootstrap_server.clone())),
            ("compression.type", Some(codec.unwrap_or("none").to_owned())),
            ("linger.ms", text(self.timeout)),
            ("acks", self.request_required_acks.clone()),
            ("request.timeout.ms", text(self.request_timeout_ms)),
            ("retries", text(self.message_send_max_retries)),
            ("retry.backoff.ms", text(self.retry_backoff_ms)),
            ("send.buffer.bytes", text(self.socket_buffer_size)),
            ("buffer.memory", text(self.max_memory_bytes)),
            ("batch.size", text(self.max_partition_memory_bytes.or(self.batch_size))),
            ("metadata.max.age.ms", text(self.metadata_expiry_ms)),
            ("max.block.ms", text(self.max_block_ms)),
        ];
        java.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        java.entry("client.id".to_owned()).or_insert_with(|| "console-producer".to_owned());
        Ok(java)
    }
}

fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(arguments: &[&str]) -> BTreeMap<String, String> {
        let all = ["tool", "--topic", "t", "--bootstrap-server", "b:1"].iter().chain(arguments);
        ConsoleProducer::try_parse_from(all).unwrap().java_properties().unwrap()
    }

    #[test]
    fn options_win_over_properties_and_only_what_is_said_is_set() {
        let said = java(&["--producer-property", "acks=1", "--producer-property", "bootstrap.servers=other:1"]);
        let expected = [
            ("acks", "1"),
            ("bootstrap.servers", "b:1"),
            ("client.id", "console-producer"),
            ("compression.type", "none"),
        ];
        assert_eq!(said.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
        let both = java(&[
            "--command-property",
            "acks=1",
            "--request-required-acks",
            "0",
            "--batch-size",
            "5",
            "--max-partition-memory-bytes",
            "7",
            "--compression-codec",
        ]);
        let get = |name: &str| both.get(name).map(String::as_str);
        assert_eq!((get("acks"), get("batch.size"), get("compression.type")), (Some("0"), Some("7"), Some("gzip")));
    }
}
