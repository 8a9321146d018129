//! The chaos program: a pipeline of three processes, everything that can go wrong with them and their broker, and an
//! independent reader that says what became of the records.
//!
//! ```sh
//! cargo run --release -p kafka-app-tests --bin chaos -- --delivery at-least-once --seconds 120 --seed 1
//! cargo run --release -p kafka-app-tests --bin chaos -- --delivery at-most-once --bootstrap-server localhost:9092
//! cargo run --release -p kafka-app-tests --bin chaos -- --delivery exactly-once --brokers 3
//! cargo run --release -p kafka-app-tests --bin chaos -- --delivery exactly-once --nodes 3
//! ```
//!
//! Without `--bootstrap-server` and `--nodes` the broker is an embedded one with a data directory, in a process of its own
//! that is killed, stopped, slowed down and cut off too. With `--nodes` it is a real Kafka, whose nodes suffer the same, and
//! which clients reach through proxies of ours. From one seed come the same troubles at the same times; what the machine
//! makes of them differs.
//!
//! The verdict is a line `delivery=… rounds=… records=… lost=… repeated=… reordered=…`. Exactly-once promises neither to
//! lose, to repeat nor to reorder, at-least-once not to lose, at-most-once not to repeat.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | the delivery mode kept its promise |
//! | 1 | it broke its promise |
//! | 2 | wrong usage |
//! | 3 | nothing is known of it: the pipeline never ran (its processes cannot start, or no handler was ever called), nothing came out, or the run failed; the last lines say why |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is its result")]

mod answers;
mod broker;
mod director;
mod faults;
mod lives;
mod nodes;
mod numbers;
mod pipeline;
mod process;
mod producer;
mod proxy;
mod reader;
mod verdict;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Result, anyhow};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use verdict::{Outcome, Verdict};

/// Sees whether a delivery mode keeps its promise while processes and brokers fail.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
    #[command(subcommand)]
    child: Option<Child>,
}

/// What is tried, for how long.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// `at-most-once`, `at-least-once` or `exactly-once`.
    #[arg(long, default_value = "at-least-once")]
    pub(crate) delivery: verdict::Mode,
    /// How long there is trouble; settling comes on top.
    #[arg(long, default_value_t = 120)]
    pub(crate) seconds: u64,
    /// What the troubles are drawn from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Records a second.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) rate: u32,
    /// The longest pause between two troubles, in milliseconds.
    #[arg(long, default_value_t = 3_000)]
    pub(crate) pause_ms: u64,
    /// A Kafka that runs already; its topics `chaos-…` are made and left there.
    #[arg(long)]
    pub(crate) bootstrap_server: Option<String>,
    /// A real Apache Kafka of its own with so many nodes, 1 or 3, which suffer too.
    #[arg(long, value_parser = nodes, conflicts_with = "bootstrap_server")]
    pub(crate) nodes: Option<usize>,
    /// So many nodes of the embedded broker.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), conflicts_with_all = ["bootstrap_server", "nodes"])]
    pub(crate) brokers: u16,
    /// A property of every process of the pipeline, `KEY=VALUE`; may be given several times.
    #[arg(long = "set", value_parser = property)]
    pub(crate) properties: Vec<(String, String)>,
    /// Leaves the broker running after a broken promise, to be looked into, until this is interrupted.
    #[arg(long)]
    pub(crate) hold: bool,
    /// Where logs of the processes and the broker's data go; a fresh folder below it for each run.
    #[arg(long, default_value = "target/chaos")]
    pub(crate) dir: PathBuf,
}

fn nodes(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| matches!(n, 1 | 3)).ok_or_else(|| "it is 1 or 3".to_owned())
}

fn property(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has no `=` between a key and a value")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// What this program starts of itself.
#[derive(Subcommand)]
enum Child {
    /// One process of the pipeline.
    #[command(hide = true)]
    Pipeline(pipeline::Args),
    /// The embedded broker, told on its standard input what to suffer.
    #[command(hide = true)]
    Broker(broker::Args),
}

/// The exit code of a run that says nothing of the promise.
const UNTRIED: u8 = 3;

/// How long the pipeline may take to settle without getting any further.
pub(crate) const SETTLING: Duration = Duration::from_secs(90);

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match cli.child {
        Some(Child::Pipeline(args)) => runtime.block_on(pipeline::run(&args)).map(|()| ExitCode::SUCCESS),
        Some(Child::Broker(args)) => broker::run(&args).map(|()| ExitCode::SUCCESS),
        None => Ok(judge(&runtime.block_on(run_until_told(&cli.plan)))),
    }
}

/// Runs the plan. A signal ends it early, with all that it started: a Kafka would stay behind, and frozen processes.
async fn run_until_told(plan: &Plan) -> Result<Verdict> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        verdict = director::run(plan) => verdict,
        _ = interrupt.recv() => Err(anyhow!("it was interrupted")),
        _ = terminate.recv() => Err(anyhow!("it was told to end")),
    }
}

/// What is said of a run at last, and its exit code.
fn judge(run: &Result<Verdict>) -> ExitCode {
    let verdict = match run {
        Ok(verdict) => verdict,
        Err(error) => {
            eprintln!("{error:#}\nTHE RUN FAILED: nothing is known of the promise");
            return ExitCode::from(UNTRIED);
        }
    };
    println!("{verdict}");
    match verdict.outcome() {
        Outcome::Kept => ExitCode::SUCCESS,
        Outcome::Broken => ExitCode::FAILURE,
        Outcome::Untried => {
            eprintln!("THE PIPELINE DID NOT RUN: no record went through it, and nothing is known of the promise");
            ExitCode::from(UNTRIED)
        }
    }
}
