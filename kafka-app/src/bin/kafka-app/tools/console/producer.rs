//! `kafka-console-producer`: lines of standard input become records.

use std::{
    collections::{BTreeMap, VecDeque},
    future::{Future as _, poll_fn},
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use clap::Parser;
use kafka_app::{ErrorKind, KafkaApp, KafkaTemplate, PendingSend, ProducerRecord};
use tokio::{sync::mpsc, time::Instant};

use super::line_reader::{LineParser, Lines};
use crate::{
    failure::Failure,
    tools::{
        Output, ToolCommand,
        client::{self, Client, ClientSettings},
        stop::Stop,
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
/// As Java's `retry.backoff.ms`: between two looks for a topic that is not there.
const BACK_OFF: Duration = Duration::from_millis(100);
/// Blocks of lines that wait to be sent, so that a slow cluster slows reading down.
const BLOCKS: usize = 16;
const BLOCK_BYTES: usize = 64 * 1024;

impl ToolCommand for ConsoleProducer {
    async fn run(self, _: &mut Output) -> Result<u8, Failure> {
        client::log_to_standard_error();
        let parser = self.parser()?;
        let settings = ClientSettings::translate(Client::Producer, &self.java_properties()?)?;
        let app =
            KafkaApp::with_configuration(settings.configuration()).start().await.map_err(|e| client::failed(&e))?;
        client::tell_lost_brokers(app.template());
        let mut stop = Stop::listen()?;
        let mut sender = Sender {
            template: app.template(),
            topic: self.topic.as_str().into(),
            is_sync: self.sync,
            max_block: settings.own_number("max.block.ms").map_or(MAX_BLOCK, milliseconds),
            topic_is_there: None,
            pending: VecDeque::new(),
        };
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

/// Sends records and tells which could not be sent.
struct Sender {
    template: KafkaTemplate<Bytes, Bytes>,
    topic: Arc<str>,
    is_sync: bool,
    max_block: Duration,
    /// Whether the topic was there when it was looked for; `None`: it was not looked for.
    topic_is_there: Option<bool>,
    /// In the order in which they were sent.
    pending: VecDeque<PendingSend>,
}

impl Sender {
    /// Up to the end of the lines, a line that is no record, or a signal; what was sent is waited for.
    async fn send_lines(
        &mut self,
        mut parser: LineParser,
        mut lines: mpsc::Receiver<io::Result<Vec<Bytes>>>,
        stop: &mut Stop,
    ) -> Result<u8, Failure> {
        loop {
            let block = tokio::select! {
                biased;
                code = stop.requested() => {
                    self.finish().await;
                    return Ok(code);
                }
                block = lines.recv() => block,
                () = self.tell_failures(1), if !self.pending.is_empty() => continue,
            };
            let sent = match block {
                Some(Ok(lines)) => tokio::select! {
                    sent = self.send_block(&mut parser, &lines) => sent,
                    // The next turn takes it up.
                    _ = stop.requested() => continue,
                },
                Some(Err(error)) => Err(Failure::Failed(format!("standard input cannot be read: {error}"))),
                None => {
                    return tokio::select! {
                        () = self.finish() => Ok(0),
                        code = stop.requested() => {
                            self.finish().await;
                            Ok(code)
                        }
                    };
                }
            };
            if let Err(failure) = sent {
                self.finish().await;
                return Err(failure);
            }
        }
    }

    async fn send_block(&mut self, parser: &mut LineParser, lines: &[Bytes]) -> Result<(), Failure> {
        for line in lines {
            let record = parser.record(line).map_err(Failure::Failed)?;
            self.send(ProducerRecord { topic: Some(Arc::clone(&self.topic)), ..record }).await?;
        }
        // Those that are answered already.
        self.tell_failures(0).await;
        Ok(())
    }

    /// # Errors
    /// The record was to be waited for and could not be sent.
    async fn send(&mut self, record: ProducerRecord) -> Result<(), Failure> {
        let sent = match self.find_topic().await {
            Ok(()) => match self.template.enqueue_record(record).await {
                Ok(pending) if self.is_sync => pending.await.map(drop),
                Ok(pending) => {
                    self.pending.push_back(pending);
                    return Ok(());
                }
                Err(failed) => Err(failed),
            }
            .map_err(|failed| (failed.to_string(), failed.into_parts().0)),
            Err(why) => Err((why, record)),
        };
        match sent {
            Ok(()) => Ok(()),
            Err((why, _)) if self.is_sync => Err(Failure::Failed(why)),
            Err((why, record)) => {
                self.tell(&record, &why);
                Ok(())
            }
        }
    }

    /// The first record waits for its topic as long as it may, the others look whether it has come.
    async fn find_topic(&mut self) -> Result<(), String> {
        if self.topic_is_there == Some(true) {
            return Ok(());
        }
        let deadline = match self.topic_is_there {
            None => Instant::now() + self.max_block,
            Some(_) => Instant::now() + BACK_OFF,
        };
        let found = loop {
            let why = match tokio::time::timeout_at(deadline, self.template.partitions_for(&self.topic)).await {
                Ok(Ok(_)) => break Ok(()),
                Ok(Err(error)) if never_mends(&error) => break Err(error.to_string()),
                Ok(Err(error)) => Some(error),
                Err(_late) => None,
            };
            if Instant::now() + BACK_OFF >= deadline {
                let (topic, ms) = (&self.topic, self.max_block.as_millis());
                let why = why.map(|error| format!(": {error}")).unwrap_or_default();
                break Err(format!("Topic {topic} not present in metadata after {ms} ms.{why}"));
            }
            tokio::time::sleep(BACK_OFF).await;
        };
        self.topic_is_there = Some(found.is_ok());
        found
    }

    /// Waits for the first `n_awaited` answers, takes those that are there behind them, and tells which are failures.
    async fn tell_failures(&mut self, n_awaited: usize) {
        let mut n_awaited = n_awaited;
        while let Some(pending) = self.pending.front_mut() {
            let answer = poll_fn(|cx| match Pin::new(&mut *pending).poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if n_awaited == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            let Some(answer) = answer.await else { return };
            n_awaited = n_awaited.saturating_sub(1);
            self.pending.pop_front();
            if let Err(failed) = answer {
                let why = failed.to_string();
                self.tell(failed.record(), &why);
            }
        }
    }

    async fn finish(&mut self) {
        self.tell_failures(usize::MAX).await;
    }

    fn tell(&self, record: &ProducerRecord, why: &str) {
        let size =
            |part: &Option<Bytes>| part.as_ref().map_or("null".to_owned(), |part| format!("{} bytes", part.len()));
        client::say(format_args!(
            "Error when sending message to topic {} with key: {}, value: {} with error: {why}",
            self.topic,
            size(&record.key),
            size(&record.payload)
        ));
    }
}

/// A topic that one has no right to, or whose name cannot be, is not waited for.
fn never_mends(error: &kafka_app::Error) -> bool {
    let text = error.to_string();
    error.kind() == ErrorKind::Refused && ["authorization failed", "Invalid topic"].iter().any(|why| text.contains(why))
}

fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

/// Reads on a thread of its own, since that blocks; with a prompt before each line if a terminal is on both ends.
fn lines_of_standard_input() -> Result<mpsc::Receiver<io::Result<Vec<Bytes>>>, Failure> {
    let (blocks, lines) = mpsc::channel(BLOCKS);
    let has_prompt = io::stdin().is_terminal() && io::stdout().is_terminal();
    let read = move || {
        if let Err(error) = read_lines(&mut io::stdin().lock(), has_prompt, &blocks) {
            // Whoever reads them has ended.
            let _gone = blocks.blocking_send(Err(error));
        }
    };
    std::thread::Builder::new()
        .name("standard-input".to_owned())
        .spawn(read)
        .map_err(|error| Failure::Failed(format!("no thread to read standard input on: {error}")))?;
    Ok(lines)
}

fn read_lines(
    input: &mut impl io::Read,
    has_prompt: bool,
    blocks: &mpsc::Sender<io::Result<Vec<Bytes>>>,
) -> io::Result<()> {
    let mut lines = Lines::default();
    loop {
        if has_prompt {
            io::stdout().write_all(b">")?;
            io::stdout().flush()?;
        }
        let buffer = lines.buffer();
        let length = buffer.len();
        // A line that is longer than a block doubles it, so that it is not read in ever so many pieces.
        buffer.resize(length + BLOCK_BYTES.max(length), 0);
        let read = match input.read(&mut buffer[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            read => read.map(Some),
        };
        buffer.truncate(length + read.as_ref().ok().copied().flatten().unwrap_or(0));
        let is_end = read? == Some(0);
        let mut complete = lines.complete();
        if is_end {
            complete.extend(lines.last());
        }
        if !complete.is_empty() && blocks.blocking_send(Ok(complete)).is_err() || is_end {
            return Ok(());
        }
    }
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

    #[test]
    fn standard_input_is_read_in_blocks_of_whole_lines_and_a_last_line_may_have_no_end() {
        let text = "x".repeat(3 * BLOCK_BYTES) + "\nshort\nlast";
        let (blocks, mut lines) = mpsc::channel(100);
        read_lines(&mut text.as_bytes(), false, &blocks).unwrap();
        drop(blocks);
        let mut all = Vec::new();
        while let Some(block) = lines.blocking_recv() {
            all.extend(block.unwrap());
        }
        assert_eq!(all.iter().map(Bytes::len).collect::<Vec<_>>(), [3 * BLOCK_BYTES, 5, 4]);
    }
}
