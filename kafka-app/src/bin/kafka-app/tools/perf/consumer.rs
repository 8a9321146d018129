//! `kafka-consumer-perf-test`: reads records as fast as it goes, and tells how fast that was.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Parser;
use kafka_app::{ErrorKind, KafkaConsumer, Polled};

use super::{
    date::DateFormat,
    latencies::{as_f64, fixed},
    print_metrics,
};
use crate::{
    clock::wall_clock,
    failure::Failure,
    tools::{
        Output, ToolCommand,
        client::{self, Client, ClientSettings, Troubles, say},
        console::consumer::any_number,
    },
};

/// This tool is used to verify the consumer performance.
#[derive(Debug, Parser)]
pub(crate) struct ConsumerPerformance {
    /// The brokers to connect to first
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap_server: String,

    /// The topic to read
    #[arg(long)]
    topic: String,

    /// The group to read as a member of
    #[arg(long)]
    group: Option<String>,

    /// Most bytes of a partition in one answer
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024)]
    fetch_size: i32,

    /// Where the group has no position, begin with the next record to come instead of the first there is
    #[arg(long)]
    from_latest: bool,

    /// Size of the buffer of a socket
    #[arg(long, value_name = "BYTES")]
    socket_buffer_size: Option<i32>,

    /// Read properties of the client from a file
    #[arg(long = "consumer.config", visible_alias = "command-config", value_name = "FILE")]
    consumer_config: Option<PathBuf>,

    /// A property of the client, as Java's consumers have it
    #[arg(long, value_name = "NAME=VALUE")]
    command_property: Vec<String>,

    /// Print at the end what was counted: of the metrics of Java's consumers records-consumed-total and bytes-consumed-total
    #[arg(long)]
    print_metrics: bool,

    /// Tell how it goes, too
    #[arg(long)]
    show_detailed_stats: bool,

    /// Stop when no record has come for so long
    #[arg(long, value_name = "MS", num_args = 0..=1, default_value = "10000", default_missing_value = "10000")]
    timeout: i64,

    /// How many records to read
    #[arg(long, visible_alias = "num-records", value_name = "N")]
    messages: i64,

    /// How often to tell how it goes
    #[arg(long, value_name = "MS", default_value_t = 5000)]
    reporting_interval: i64,

    /// How times are written, as Java's `SimpleDateFormat`
    #[arg(long, value_name = "PATTERN", default_value = "yyyy-MM-dd HH:mm:ss:SSS")]
    date_format: String,

    /// Without the line of names
    #[arg(long)]
    hide_header: bool,
}

const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// As Java's consumers.
const COMMIT_EVERY: Duration = Duration::from_secs(5);
const NEW_FIELDS: &str = ", rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec";

impl ToolCommand for ConsumerPerformance {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        client::log_to_standard_error(false);
        if self.reporting_interval <= 0 {
            return Err(Failure::Failed("Reporting interval must be greater than 0.".to_owned()));
        }
        let dates = DateFormat::new(&self.date_format).map_err(Failure::Failed)?;
        let mut settings = ClientSettings::translate(Client::Consumer, &self.java_properties()?)?;
        settings.default("allow.auto.create.topics", "true");
        settings.of_tool_in_group(true);
        if !self.hide_header {
            let first = if self.show_detailed_stats { "time, threadId" } else { "start.time, end.time" };
            writeln!(out, "{first}, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec{NEW_FIELDS}")?;
            out.flush()?;
        }
        let properties = settings.configuration()?.load().map_err(|error| client::failed(&error))?;
        let group = settings.own.get("group.id").map_or("", String::as_str);
        let builder = KafkaConsumer::builder(&properties).topics([self.topic.as_str()]).group(group);
        let commits =
            settings.own.get("enable.auto.commit").is_none_or(|commits| !commits.eq_ignore_ascii_case("false"));
        let mut consumer = builder
            .auto_commit(commits.then_some(COMMIT_EVERY))
            .open()
            .await
            .map_err(|error| client::failed(&error))?;
        let mut reading = Reading::begin(wall_clock());
        let read = self.read(&mut consumer, &mut reading, &dates, out).await;
        let end_ms = wall_clock();
        if let Err(error) = consumer.close(CLOSE_TIMEOUT).await {
            say(error);
        }
        read?;
        if !self.show_detailed_stats {
            writeln!(out, "{}", reading.total(&dates, end_ms))?;
        }
        if self.print_metrics {
            let id = settings.client_id;
            let names = ["bytes-consumed-total", "records-consumed-total"];
            let names = names.map(|name| format!("consumer-fetch-manager-metrics:{name}:{{client-id={id}}}"));
            let values = [as_f64(reading.all.n_bytes), as_f64(reading.all.n_records)];
            print_metrics(out, &[(&names[0], values[0]), (&names[1], values[1])])?;
        }
        Ok(0)
    }
}

impl ConsumerPerformance {
    fn java_properties(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut java = client::java_properties(self.consumer_config.as_ref(), &self.command_property)?;
        let group = self.group.clone().unwrap_or_else(|| format!("perf-consumer-{}", any_number()));
        let said = [
            ("bootstrap.servers", Some(self.bootstrap_server.clone())),
            ("group.id", Some(group)),
            ("receive.buffer.bytes", self.socket_buffer_size.map(|size| size.to_string())),
            ("max.partition.fetch.bytes", Some(self.fetch_size.to_string())),
            ("auto.offset.reset", Some(if self.from_latest { "latest" } else { "earliest" }.to_owned())),
            ("check.crcs", Some("false".to_owned())),
        ];
        java.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        java.entry("client.id".to_owned()).or_insert_with(|| "perf-consumer-client".to_owned());
        // As Java's consumers, unless it was said.
        java.entry("isolation.level".to_owned()).or_insert_with(|| "read_uncommitted".to_owned());
        Ok(java)
    }

    async fn read(
        &self,
        consumer: &mut KafkaConsumer,
        reading: &mut Reading,
        dates: &DateFormat,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let n_wanted = u64::try_from(self.messages).unwrap_or(0);
        let timeout = Duration::from_millis(u64::try_from(self.timeout).unwrap_or(0));
        let (mut last, mut troubles) = (Instant::now(), Troubles::default());
        while reading.all.n_records < n_wanted {
            let polled = match consumer.poll() {
                Some(polled) => polled,
                None => match tokio::time::timeout_at((last + timeout).into(), consumer.next()).await {
                    Ok(polled) => polled,
                    Err(_idle) => {
                        writeln!(
                            out,
                            "WARNING: Exiting before consuming the expected number of messages: timeout ({} ms) exceeded. \
                             You can use the --timeout option to increase the timeout.",
                            self.timeout
                        )?;
                        return Ok(());
                    }
                },
            };
            match polled {
                Polled::Records { partition, records, .. } => {
                    last = Instant::now();
                    let n_bytes = records.iter().map(|record| record.size() as u64).sum();
                    reading.all.add(records.len() as u64, n_bytes);
                    if let Some(record) = records.last() {
                        consumer.store(&partition, record.offset() + 1, record.leader_epoch());
                    }
                    let now_ms = wall_clock();
                    if now_ms - reading.round_ms >= self.reporting_interval {
                        let line = reading.round(dates, now_ms);
                        if self.show_detailed_stats {
                            writeln!(out, "{line}")?;
                            out.flush()?;
                        }
                    }
                }
                Polled::Assigned(_) => reading.joined(wall_clock()),
                Polled::Revoked { .. } => reading.join_ms = wall_clock(),
                Polled::Trouble(error) if error.kind() == ErrorKind::Unavailable => troubles.tell(&error.to_string()),
                Polled::Trouble(error) | Polled::Failed(error) => return Err(client::failed(&error)),
                _ => {}
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n_records: u64,
    n_bytes: u64,
}

impl Sums {
    fn add(&mut self, n_records: u64, n_bytes: u64) {
        self.n_records += n_records;
        self.n_bytes += n_bytes;
    }

    fn megabytes(self) -> f64 {
        as_f64(self.n_bytes) / (1024.0 * 1024.0)
    }
}

/// What was read, and when; times in milliseconds since 1970.
#[derive(Debug)]
struct Reading {
    start_ms: i64,
    all: Sums,
    /// Since when the group shares out anew.
    join_ms: i64,
    /// How long that took in all, and since the last line.
    joining_ms: i64,
    joining_of_round_ms: i64,
    round_ms: i64,
    at_round: Sums,
}

impl Reading {
    fn begin(now_ms: i64) -> Self {
        let all = Sums::default();
        Self {
            start_ms: now_ms,
            all,
            join_ms: now_ms,
            joining_ms: 0,
            joining_of_round_ms: 0,
            round_ms: now_ms,
            at_round: all,
        }
    }

    fn joined(&mut self, now_ms: i64) {
        self.joining_ms += now_ms - self.join_ms;
        self.joining_of_round_ms += now_ms - self.join_ms;
    }

    /// The line of how it goes, and the begin of the next round.
    fn round(&mut self, dates: &DateFormat, now_ms: i64) -> String {
        let of_round = Sums {
            n_records: self.all.n_records - self.at_round.n_records,
            n_bytes: self.all.n_bytes - self.at_round.n_bytes,
        };
        let (elapsed, joining) = (now_ms - self.round_ms, self.joining_of_round_ms);
        let fetching = elapsed - joining;
        let per_second = |amount: f64, ms: i64| if ms <= 0 { 0.0 } else { amount / seconds(ms) };
        let line = format!(
            "{}, 0, {}, {}, {}, {}, {joining}, {fetching}, {}, {}",
            dates.format(now_ms),
            fixed(self.all.megabytes(), 4),
            fixed(of_round.megabytes() / seconds(elapsed), 4),
            self.all.n_records,
            fixed(as_f64(of_round.n_records) / seconds(elapsed), 4),
            fixed(per_second(of_round.megabytes(), fetching), 4),
            fixed(per_second(as_f64(of_round.n_records), fetching), 4),
        );
        (self.round_ms, self.at_round, self.joining_of_round_ms) = (now_ms, self.all, 0);
        line
    }

    /// The line of all.
    fn total(&self, dates: &DateFormat, end_ms: i64) -> String {
        let elapsed = end_ms - self.start_ms;
        let fetching = elapsed - self.joining_ms;
        let (mb, records) = (self.all.megabytes(), as_f64(self.all.n_records));
        format!(
            "{}, {}, {}, {}, {}, {}, {}, {fetching}, {}, {}",
            dates.format(self.start_ms),
            dates.format(end_ms),
            fixed(mb, 4),
            fixed(mb / seconds(elapsed), 4),
            self.all.n_records,
            fixed(records / seconds(elapsed), 4),
            self.joining_ms,
            fixed(mb / seconds(fetching), 4),
            fixed(records / seconds(fetching), 4),
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_times_amounts_and_rates() {
        let dates = DateFormat::new("ss:SSS").unwrap();
        let mut reading = Reading::begin(1000);
        reading.joined(1266);
        reading.all.add(500, 49_073);
        assert_eq!(
            reading.total(&dates, 1325),
            "01:000, 01:325, 0.0468, 0.1440, 500, 1538.4615, 266, 59, 0.7932, 8474.5763"
        );
    }

    #[test]
    fn a_line_tells_of_its_round() {
        let dates = DateFormat::new("ss").unwrap();
        let mut reading = Reading::begin(0);
        reading.joined(1000);
        reading.all.add(1000, 1024 * 1024);
        assert_eq!(reading.round(&dates, 5000), "05, 0, 1.0000, 0.2000, 1000, 200.0000, 1000, 4000, 0.2500, 250.0000");
        reading.all.add(1000, 1024 * 1024);
        assert_eq!(reading.round(&dates, 10_000), "10, 0, 2.0000, 0.2000, 2000, 200.0000, 0, 5000, 0.2000, 200.0000");
    }
}
