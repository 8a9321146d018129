//! One process of the pipeline: two listeners, one after the other, whose handlers fail, panic and stall.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Once,
    time::Duration,
};

use anyhow::{Context, Result};
use kafka_app::{DeliveryAttempt, KafkaApp, State, kafka_listener, listeners};
use tracing_subscriber::EnvFilter;

/// What a process of the pipeline is told.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    bootstrap_server: String,
    /// What topics and groups begin with.
    #[arg(long)]
    name: String,
    #[arg(long)]
    delivery: String,
    #[arg(long)]
    seed: u64,
    /// Which process it is, from 0; the same after it was started again.
    #[arg(long)]
    process: usize,
    /// Properties of the application, which win over those of this program.
    #[arg(long = "set", value_parser = crate::property)]
    properties: Vec<(String, String)>,
}

/// What goes wrong in handlers, by record and attempt: always the same for one seed.
struct Mishaps {
    seed: u64,
    /// Whether somebody was told that handlers run.
    told: Once,
}

#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this record fails at first")
    }
}

impl std::error::Error for Failed {}

impl Mishaps {
    /// One record in 500 fails twice, one in 1,000 panics once, one in 2,000 stalls.
    async fn meet(&self, stage: &str, payload: &str, attempt: u32) -> Result<(), Failed> {
        self.told.call_once(|| println!("it runs"));
        let mut hasher = DefaultHasher::new();
        (self.seed, stage, payload).hash(&mut hasher);
        match hasher.finish() % 2_000 {
            0..4 if attempt <= 2 => return Err(Failed),
            4..6 if attempt == 1 => panic!("this record panics at first"),
            6 => tokio::time::sleep(Duration::from_millis(300)).await,
            _ => {}
        }
        Ok(())
    }
}

#[kafka_listener(
    id = "first",
    topic = "${name}-in",
    group = "${name}-first",
    send_to = "${name}-between",
    retry(attempts = 5, backoff = "5ms")
)]
async fn first(payload: &str, attempt: DeliveryAttempt, State(mishaps): State<Mishaps>) -> Result<String, Failed> {
    mishaps.meet("first", payload, attempt.0).await?;
    Ok(payload.to_owned())
}

#[kafka_listener(
    id = "second",
    topic = "${name}-between",
    group = "${name}-second",
    send_to = "${name}-out",
    retry(attempts = 5, backoff = "5ms")
)]
async fn second(payload: &str, attempt: DeliveryAttempt, State(mishaps): State<Mishaps>) -> Result<String, Failed> {
    mishaps.meet("second", payload, attempt.0).await?;
    Ok(payload.to_owned())
}

/// Runs until SIGTERM; says a line when the first handler is called.
pub(crate) async fn run(args: &Args) -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let app = KafkaApp::new(&args.bootstrap_server)
        .set("name", &args.name)
        .set("kafka.listeners.first.delivery", &args.delivery)
        .set("kafka.listeners.second.delivery", &args.delivery)
        .set("kafka.consumer.auto-offset-reset", "earliest")
        .set("kafka.consumer.properties.session.timeout.ms", "6000")
        .set("kafka.consumer.properties.heartbeat.interval.ms", "500")
        .state(Mishaps { seed: args.seed, told: Once::new() })
        .listeners(listeners![first, second]);
    let app = args.properties.iter().fold(app, |app, (key, value)| app.set(key, value));
    app.run().await.with_context(|| format!("process {} of the pipeline", args.process))
}
