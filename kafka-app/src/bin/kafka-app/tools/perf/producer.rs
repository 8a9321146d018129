//! `kafka-producer-perf-test`: sends records as fast as it goes, or so many a second, and tells how long they took.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use clap::{ArgGroup, Parser};
use kafka_app::{KafkaApp, KafkaTemplate, SendAllError};
use tokio::sync::Semaphore;

use super::{Pace, latencies::Latencies, payloads::Payloads, print_metrics};
use crate::{
    clock::wall_clock,
    failure::Failure,
    tools::{
        Output, ToolCommand,
        client::{self, Client, ClientSettings, say},
    },
};

/// This tool is used to verify the producer performance. To enable transactions, you can specify a transaction id or set a
/// transaction duration using --transaction-duration-ms.
#[derive(Debug, Parser)]
#[command(group = ArgGroup::new("payload").required(true).args(["record_size", "payload_file", "payload_monotonic"]))]
pub(crate) struct ProducerPerformance {
    /// The topic to send records to
    #[arg(long)]
    topic: String,

    /// How many records to send
    #[arg(long, value_name = "N")]
    num_records: i64,

    /// Bytes of each payload, which are letters by chance
    #[arg(long, value_name = "BYTES")]
    record_size: Option<i32>,

    /// A file of payloads, of which one is taken by chance each time
    #[arg(long, value_name = "FILE")]
    payload_file: Option<PathBuf>,

    /// Payloads are 0, 1, 2, …
    #[arg(long)]
    payload_monotonic: bool,

    /// What is between the payloads of --payload-file
    #[arg(long, default_value = "\\n", value_name = "TEXT")]
    payload_delimiter: String,

    /// Records a second; -1 is as many as go
    #[arg(long, value_name = "N")]
    throughput: f64,

    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap_server: Option<String>,

    /// Properties of the client, as Java's producers have them: bootstrap.servers=… and others
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    producer_props: Vec<String>,

    /// A property of the client
    #[arg(long, value_name = "NAME=VALUE")]
    command_property: Vec<String>,

    /// Read properties of the client from a file
    #[arg(long = "producer.config", visible_alias = "command-config", value_name = "FILE")]
    producer_config: Option<PathBuf>,

    /// Print at the end what was counted: of the metrics of Java's producers record-send-total and record-error-total
    #[arg(long)]
    print_metrics: bool,

    /// Sends in transactions of this id
    #[arg(long, value_name = "ID")]
    transactional_id: Option<String>,

    /// How long a transaction lasts; 3000 if there is an id
    #[arg(long, value_name = "MS")]
    transaction_duration_ms: Option<i64>,
}

/// Records that are handed over at once.
const CHUNK: u64 = 512;
/// Records under way at once: more make them wait for each other only.
const UNDER_WAY: u32 = 32 * 1024;
/// Memory of records under way, as Java's `buffer.memory`.
const BUFFER_MEMORY: u64 = 32 * 1024 * 1024;
const TRANSACTION_DURATION: Duration = Duration::from_secs(3);

type Template = KafkaTemplate<(), [u8]>;

impl ToolCommand for ProducerPerformance {
    const HELP_IS_AN_ANSWER: bool = true;

    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        self.check()?;
        let payloads = self.payloads(out)?;
        out.flush()?;
        let java = self.java_properties()?;
        let settings = ClientSettings::translate(Client::Producer, &java)?;
        let transactions = self.transactions(&settings);
        client::log_to_standard_error(transactions.is_some());
        let mut configuration = settings.configuration()?;
        if let Some((id, _)) = &transactions {
            configuration = configuration.set("kafka.producer.transactional-id", client::literal(id));
        }
        let app = KafkaApp::with_configuration(configuration).start().await.map_err(|e| client::failed(&e))?;
        let n_records = self.num_records.unsigned_abs();
        let mut run = Run {
            topic: self.topic.as_str().into(),
            payloads,
            pace: Pace::new(self.throughput, Instant::now()),
            n_left: n_records,
            latencies: Arc::new(Mutex::new(Latencies::new(n_records, wall_clock()))),
            under_way: Arc::new(Semaphore::new(UNDER_WAY as usize)),
            n_failed: Arc::default(),
        };
        let template = app.template();
        let sent = tokio::select! {
            biased;
            refused = client::shut_out(&template, &self.topic) => {
                say(refused);
                *lock(&run.n_failed) = n_records;
                Ok(())
            }
            sent = run.send(&template, transactions.map(|(_, duration)| duration)) => sent,
        };
        let total = lock(&run.latencies).total(wall_clock());
        let counted = (lock(&run.latencies).n_records(), *lock(&run.n_failed));
        if let Err(cut_off) = app.stop().await.into_result() {
            say(cut_off);
        }
        sent?;
        writeln!(out, "{total}")?;
        if self.print_metrics {
            let id = settings.client_id;
            let name = |metric: &str| format!("producer-metrics:{metric}:{{client-id={id}}}");
            #[expect(clippy::cast_precision_loss, reason = "a count is told with three digits")]
            let metrics = [("record-error-total", counted.1 as f64), ("record-send-total", counted.0 as f64)];
            let names = metrics.map(|(metric, value)| (name(metric), value));
            print_metrics(out, &names.each_ref().map(|(name, value)| (name.as_str(), *value)))?;
        }
        Ok(0)
    }
}

impl ProducerPerformance {
    fn check(&self) -> Result<(), Failure> {
        let positive = |name: &str, number: Option<i64>| match number {
            Some(number) if number <= 0 => Err(Failure::Failed(format!("--{name} should be greater than zero"))),
            _ => Ok(()),
        };
        positive("num-records", Some(self.num_records))?;
        positive("record-size", self.record_size.map(i64::from))?;
        positive("transaction-duration-ms", self.transaction_duration_ms)?;
        let is_connected = self.bootstrap_server.is_some() || self.producer_config.is_some();
        if self.producer_props.is_empty() && self.command_property.is_empty() && !is_connected {
            let text = "Either --producer-props or --producer.config must be specified.";
            return Err(Failure::Failed(text.to_owned()));
        }
        Ok(())
    }

    fn payloads(&self, out: &mut Output) -> Result<Payloads, Failure> {
        if let Some(path) = &self.payload_file {
            writeln!(out, "Reading payloads from: {}", std::path::absolute(path)?.display())?;
            let delimiter = if self.payload_delimiter == "\\n" { "\n" } else { &self.payload_delimiter };
            let payloads = Payloads::of_file(path, delimiter).map_err(Failure::Failed)?;
            writeln!(out, "Number of messages read: {}", payloads.len())?;
            return Ok(payloads);
        }
        let size = self.record_size.and_then(|size| usize::try_from(size).ok());
        Ok(size.map_or(Payloads::Counting(0), Payloads::random))
    }

    fn java_properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let said = [&self.producer_props[..], &self.command_property].concat();
        if let Some(wrong) = said.iter().find(|said| said.split('=').count() < 2) {
            return Err(Failure::Failed(format!("Invalid property: {wrong}")));
        }
        let mut java = client::java_properties(self.producer_config.as_ref(), &said)?;
        if let Some(servers) = &self.bootstrap_server {
            java.insert("bootstrap.servers".to_owned(), servers.clone());
        }
        java.entry("client.id".to_owned()).or_insert_with(|| "perf-producer-client".to_owned());
        Ok(java)
    }

    /// The id of its transactions and how long one lasts, if there are to be some.
    fn transactions(&self, settings: &ClientSettings) -> Option<(String, Duration)> {
        let id = self.transactional_id.clone().or_else(|| settings.own.get("transactional.id").cloned());
        let duration = self.transaction_duration_ms.map(|ms| Duration::from_millis(ms.unsigned_abs()));
        if id.is_none() && duration.is_none() {
            return None;
        }
        let id = id.unwrap_or_else(|| format!("performance-producer-{}", uuid::Uuid::new_v4()));
        Some((id, duration.unwrap_or(TRANSACTION_DURATION)))
    }
}

/// What is being sent.
struct Run {
    topic: Arc<str>,
    payloads: Payloads,
    pace: Pace,
    n_left: u64,
    latencies: Arc<Mutex<Latencies>>,
    under_way: Arc<Semaphore>,
    n_failed: Arc<Mutex<u64>>,
}

/// Payloads that go at once, in one piece of memory.
struct Chunk {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Chunk {
    /// Without keys.
    fn records(&self) -> Vec<(&'static (), &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| (&(), &self.bytes[start..*end])).collect()
    }
}

impl Run {
    /// All records, in transactions of this length if there is one.
    async fn send(&mut self, template: &Template, transactions: Option<Duration>) -> Result<(), Failure> {
        let Some(duration) = transactions else {
            self.send_until(template, None).await;
            return Ok(());
        };
        while self.n_left > 0 {
            let run = &mut *self;
            let work = move |tx: Template| async move {
                run.send_until(&tx, Some(Instant::now() + duration)).await;
                Ok::<_, std::convert::Infallible>(())
            };
            template.in_transaction(work).await.map_err(|error| Failure::Failed(error.to_string()))?;
        }
        Ok(())
    }

    /// The records that are left, up to this time, and waits for their acknowledgments.
    async fn send_until(&mut self, template: &Template, end: Option<Instant>) {
        while self.n_left > 0 && end.is_none_or(|end| Instant::now() < end) {
            let n_now = self.pace.next(CHUNK.min(self.n_left)).await;
            let chunk = self.next_chunk(n_now);
            self.hand_over(template.clone(), chunk).await;
        }
        // All of them are back when nothing is under way.
        let _all = self.under_way.acquire_many(UNDER_WAY).await;
    }

    /// At most so many, and less if they are large.
    fn next_chunk(&mut self, n_most: u64) -> Chunk {
        let mut chunk = Chunk { bytes: Vec::new(), ends: Vec::new() };
        for _ in 0..n_most {
            self.payloads.next(&mut chunk.bytes);
            chunk.ends.push(chunk.bytes.len());
            self.n_left -= 1;
            if as_u64(chunk.bytes.len()) * u64::from(UNDER_WAY) > BUFFER_MEMORY * CHUNK {
                break;
            }
        }
        chunk
    }

    /// Sends a chunk once there is room; what becomes of it is counted when it is known.
    async fn hand_over(&self, template: Template, chunk: Chunk) {
        let by_memory = as_u64(chunk.bytes.len()) * u64::from(UNDER_WAY) / BUFFER_MEMORY;
        let n_permits = by_memory.max(as_u64(chunk.ends.len())).min(u64::from(UNDER_WAY));
        let n_permits = u32::try_from(n_permits).unwrap_or(UNDER_WAY);
        let Ok(permit) = Arc::clone(&self.under_way).acquire_many_owned(n_permits).await else { return };
        let (topic, latencies) = (Arc::clone(&self.topic), Arc::clone(&self.latencies));
        let n_failed = Arc::clone(&self.n_failed);
        let started = Instant::now();
        tokio::spawn(async move {
            let sent = template.send_all(topic, chunk.records()).await;
            let latency = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
            let n_sent = as_u64(sent.as_ref().map_or_else(SendAllError::n_sent, Vec::len));
            if let Err(error) = &sent {
                *lock(&n_failed) += as_u64(error.failures().len());
                say(error);
            }
            let n_bytes = as_u64(chunk.bytes.len()) * n_sent / as_u64(chunk.ends.len()).max(1);
            let line = match n_sent {
                0 => None,
                _ => lock(&latencies).record(n_sent, n_bytes, latency, wall_clock()),
            };
            if let Some(line) = line {
                // Who does not read how it goes may yet read how it was.
                let _ = writeln!(io::stdout(), "{line}");
            }
            drop(permit);
        });
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
