//! Benchmarks, side by side: each measured client and each broker is a process of its own, rounds alternate, and what
//! counts is the ratio of medians. Run by hand; see the README beside this package.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is its result, and notes on it")]

mod alike;
mod app;
mod bare;
mod bench;
mod broker;
mod clients;
mod count;
mod figures;
mod fill;
mod kfake;
mod loopback;
mod mock;
mod order;
mod pipeline;
mod process;
mod protocol;
mod ruststream;
mod soak;
mod soak_listener;
mod start;
mod verify;
mod wire;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures kafka-app and the embedded broker against what they are built on.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    /// Benchmarks to run, by the start of their names; all without any.
    names: Vec<String>,
    /// Brokers of a real Kafka, which clients are measured on; without it on the embedded broker in a process of its own.
    /// The benchmarks of the broker measure both.
    #[arg(long)]
    bootstrap_server: Option<String>,
    /// The process of that Kafka, where it runs on this machine: its processor time is told as well.
    #[arg(long, requires = "bootstrap_server")]
    server_pid: Option<u32>,
    /// Records of each run.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Rounds; every client runs once in each.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The program of tests/bench-ruststream; without it the one built in that package's own folder, if there is one.
    #[arg(long)]
    ruststream: Option<PathBuf>,
    #[command(subcommand)]
    child: Option<Child>,
}

/// What else it runs, most of it started by itself.
#[derive(Subcommand)]
enum Child {
    /// Sees whether the embedded broker's memory grows while records, topics, groups and transactions come and go.
    Soak(soak::SoakArgs),
    /// Sees whether a listener's memory grows, and its partitions go on, while a second member comes and goes.
    SoakListener(soak_listener::SoakListenerArgs),
    /// Runs a member of `soak-listener` until its standard input ends.
    #[command(hide = true)]
    SoakMember(soak_listener::MemberArgs),
    /// Runs the broker of `soak` until its standard input ends.
    #[command(hide = true)]
    SoakBroker {
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
    /// Runs the embedded broker until its standard input ends.
    #[command(hide = true)]
    Broker {
        #[arg(long, default_value_t = 1)]
        brokers: u16,
    },
    /// Runs the bare loopback server until its standard input ends.
    #[command(hide = true)]
    Loopback,
    /// Runs the mock cluster of librdkafka until its standard input ends.
    #[command(hide = true)]
    Mock { topic: String },
    /// Starts as an application does, and says when its first record came.
    #[command(hide = true)]
    Start(start::StartArgs),
    /// Runs one measured client.
    #[command(hide = true)]
    Client(process::ClientArgs),
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.child {
        Some(Child::Soak(args)) => soak::run(&args),
        Some(Child::SoakListener(args)) => soak_listener::run(&args),
        Some(Child::SoakMember(args)) => soak_listener::run_member(&args),
        Some(Child::SoakBroker { data_dir }) => soak::serve(data_dir),
        Some(Child::Broker { brokers }) => process::serve_broker(brokers),
        Some(Child::Loopback) => loopback::serve(),
        Some(Child::Mock { topic }) => mock::serve(&topic),
        Some(Child::Start(args)) => start::run_process(&args),
        Some(Child::Client(args)) => process::run_client(&args),
        None => bench::run(
            &cli.names,
            &bench::Settings {
                bootstrap_server: cli.bootstrap_server,
                server_pid: cli.server_pid,
                n_records: cli.records,
                n_rounds: cli.rounds.max(1),
                ruststream: ruststream::find(cli.ruststream)?,
            },
        ),
    }
}
