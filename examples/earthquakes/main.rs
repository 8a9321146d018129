//! A week of earthquakes through Kafka: published, turned into alerts, counted per network, the broken lines dead-lettered.
//!
//! `cargo run --bin earthquakes` runs it on the embedded broker; `-- --bootstrap-server HOST:PORT` on a real cluster.

mod quake;
mod report;
mod statistics;

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use kafka_app::{Json, KafkaApp, NewTopic, PartitionLag, RunningApp, State, Text, kafka_listener, listeners};

use quake::{ALERTS, Alert, DEAD_LETTERS, Quake, RAW};
use statistics::Statistics;

/// The catalogue is part of the program, so that it runs from any folder.
const CATALOGUE: &str = include_str!("data/earthquakes.jsonl");

/// What a feed does on a bad day; each of these must end in the dead letter topic.
const MALFORMED: [&str; 3] = ["", r#"{"id":"ci000","time":15173"#, r#"{"id":7,"network":"ci","kind":"earthquake"}"#];

/// A week of earthquakes through Kafka.
#[derive(Parser)]
struct Args {
    /// Brokers to use, HOST:PORT; without it the program brings its own broker
    #[arg(long, default_value = "embedded")]
    bootstrap_server: String,
    /// The longest time the whole run may take, in seconds
    #[arg(long, default_value_t = 120)]
    timeout: u64,
}

/// Parses each line and lets the strong earthquakes through.
#[kafka_listener(topic = RAW, group = "alerts", send_to = ALERTS, dead_letter = "quakes.raw-dlt")]
async fn alert(Json(quake): Json<Quake<'_>>, State(statistics): State<Statistics>) -> Option<Json<Alert>> {
    let alert = quake.alert();
    statistics.update(|counts| {
        counts.events_checked += 1;
        counts.alerts_raised += u64::from(alert.is_some());
    });
    alert.map(Json)
}

/// Counts per network. What is no event is the alert listener's to dead-letter, and only counted as read here.
#[kafka_listener(topic = RAW, group = "networks")]
async fn count(line: &str, State(statistics): State<Statistics>) {
    let quake = serde_json::from_str::<Quake<'_>>(line).ok();
    statistics.update(|counts| {
        counts.records_read += 1;
        if let Some(quake) = quake {
            counts.count(quake.network, quake.magnitude);
        }
    });
}

/// Sees what came out.
#[kafka_listener(topic = ALERTS, group = "alert-readers")]
async fn read_alert(Json(_alert): Json<Alert>, State(statistics): State<Statistics>) {
    statistics.update(|counts| counts.alerts_read += 1);
}

/// Sees what could not be parsed.
#[kafka_listener(topic = "quakes.raw-dlt", group = "dead-letter-readers")]
async fn read_dead_letter(Text(_line): Text, State(statistics): State<Statistics>) {
    statistics.update(|counts| counts.dead_letters += 1);
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt().with_env_filter("error").with_writer(std::io::stderr).init();
    let limit = Duration::from_secs(args.timeout);
    tokio::time::timeout(limit, run(&args.bootstrap_server))
        .await
        .with_context(|| format!("not finished after {} s; --timeout SECONDS gives it longer", args.timeout))?
}

/// The whole story: start, publish, wait, stop, report.
async fn run(bootstrap_server: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    let app = app(bootstrap_server).start().await?;
    app.ready().await?;
    let statistics = app.state::<Statistics>().context("the state was given to the application below")?;
    let sent = publish(&app).await?;
    watch(&statistics, sent).await;
    let lag = stop_and_measure(&app).await?;
    let report = app.stop().await;
    report::print(&statistics.counts(), &lag, started.elapsed())?;
    anyhow::ensure!(report.is_clean(), "not everything was finished at the stop: {report}");
    Ok(())
}

/// The application, for `main` and for the test.
fn app(bootstrap_server: &str) -> KafkaApp {
    KafkaApp::new(bootstrap_server)
        .topics([
            NewTopic::new(RAW.name()).partitions(3),
            NewTopic::new(ALERTS.name()).partitions(1),
            NewTopic::new(DEAD_LETTERS).partitions(1),
        ])
        .state(Statistics::new())
        .listeners(listeners![alert, count, read_alert, read_dead_letter])
}

/// Publishes every line, each keyed by its network, and the malformed ones among them; returns how many.
async fn publish(app: &RunningApp) -> anyhow::Result<u64> {
    let lines = CATALOGUE.lines().chain(MALFORMED).map(|line| (network_of(line), line)).collect::<Vec<_>>();
    let keyed = lines.iter().map(|(network, line)| (network.as_str(), *line));
    let sent = app.template::<String, str>().send_all(RAW, keyed).await?;
    Ok(sent.len() as u64)
}

/// The network of a line, read without trusting the line: what cannot be parsed is filed under `unknown`.
fn network_of(line: &str) -> String {
    serde_json::from_str::<Quake<'_>>(line).map_or_else(|_| "unknown".to_owned(), |quake| quake.network.to_owned())
}

/// Waits until every record that was sent came out somewhere, and shows how far it is.
async fn watch(statistics: &Statistics, sent: u64) {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} records, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(sent).with_style(style);
    statistics
        .wait_until(|counts| {
            bar.set_position(counts.records_read);
            bar.set_message(format!("{} alerts, {} dead letters", counts.alerts_read, counts.dead_letters));
            counts.records_read >= sent
                && counts.events_checked + counts.dead_letters >= sent
                && counts.alerts_read >= counts.alerts_raised
        })
        .await;
    bar.finish_and_clear();
}

/// Stops the two listeners of the raw topic, so that their offsets are committed, and asks the broker where they stand.
async fn stop_and_measure(app: &RunningApp) -> anyhow::Result<Vec<(&'static str, Vec<PartitionLag>)>> {
    let mut lag = Vec::new();
    for id in ["alert", "count"] {
        app.listener(id)?.stop().await?;
        lag.push((id, app.lag(id).await?));
    }
    Ok(lag)
}

#[cfg(test)]
mod tests;
