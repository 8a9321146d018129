//! The chaos program: a pipeline of three processes, everything that can go wrong with them and their broker, and an
//! independent reader that says what became of the records.
//!
//! ```sh
//! cargo run --release -p kafka-app-tests --bin chaos -- --delivery at-least-once --seconds 120 --seed 1
//! cargo run --release -p kafka-app-tests --bin chaos -- --delivery at-most-once --bootstrap-server localhost:9092
//! ```
//!
//! Without `--bootstrap-server` the broker is an embedded one with a data directory, in a process of its own that is killed,
//! stopped, slowed down and cut off too. From one seed come the same troubles at the same times; what the machine makes of
//! them differs.
//!
//! The last line is the verdict: `delivery=… rounds=… records=… lost=… repeated=… reordered=…`. The exit code is 0 when the
//! delivery mode kept its promise: exactly-once neither loses, repeats nor reorders, at-least-once does not lose,
//! at-most-once does not repeat.
#![expect(clippy::print_stdout, reason = "its output is its result")]

mod broker;
mod director;
mod faults;
mod numbers;
mod pipeline;
mod process;
mod producer;
mod reader;
mod verdict;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};

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
    /// Where logs of the processes and the broker's data go; a fresh folder below it for each run.
    #[arg(long, default_value = "target/chaos")]
    pub(crate) dir: PathBuf,
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

/// How long the pipeline may take to settle without getting any further.
pub(crate) const SETTLING: Duration = Duration::from_secs(90);

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match cli.child {
        Some(Child::Pipeline(args)) => runtime.block_on(pipeline::run(&args)).map(|()| ExitCode::SUCCESS),
        Some(Child::Broker(args)) => broker::run(&args).map(|()| ExitCode::SUCCESS),
        None => {
            let verdict = runtime.block_on(director::run(&cli.plan))?;
            println!("{verdict}");
            Ok(if verdict.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
