//! Processes: the broker's, and one for each measured client, so that their processor time is theirs alone.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use embedded_broker::EmbeddedBroker;
use kafka_app::Ordering;

use crate::{
    alike::{IN_FLIGHT, MANY_IN_FLIGHT, group_of},
    app::{self, Handler},
    bare, clients,
    pipeline::{self, Round},
    protocol::{Measured, RunArgs},
};

/// Which client runs, and what it is told.
#[derive(Args)]
pub(crate) struct ClientArgs {
    #[arg(long)]
    client: Client,
    #[command(flatten)]
    run: RunArgs,
}

/// The measured clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    ListenerBare,
    ListenerStream,
    ListenerApp,
    /// In the order of its keys, of which each record has its own.
    ListenerKeyApp,
    ListenerRuststream,
    ListenerJsonBare,
    ListenerJsonStream,
    ListenerJsonApp,
    ListenerJsonRuststream,
    SendAllBare,
    SendAllFuture,
    SendAllApp,
    SendAllRuststream,
    SendFuture,
    SendApp,
    SendRuststream,
    /// At least once, flushed every 1000 records.
    PipelineFlushed,
    /// In transactions of 1000 records.
    PipelineBare,
    PipelineApp,
    /// At least once, each record acknowledged before its offset is committed.
    ForwardApp,
    ForwardKeyApp,
    /// In transactions of one record.
    SingleBare,
    SingleApp,
    /// Not measured: fills the topics of the listeners.
    Fill,
    FillJson,
}

impl Client {
    /// Whether it is one of the program in `tests/bench-ruststream`.
    pub(crate) fn is_ruststream(self) -> bool {
        use Client::{ListenerJsonRuststream, ListenerRuststream, SendAllRuststream, SendRuststream};
        matches!(self, ListenerRuststream | ListenerJsonRuststream | SendAllRuststream | SendRuststream)
    }
}

pub(crate) fn run_client(ClientArgs { client, run }: &ClientArgs) -> Result<()> {
    let measured = match client {
        Client::ListenerBare => bare::consume(run, false)?,
        Client::ListenerJsonBare => bare::consume(run, true)?,
        Client::ListenerStream => clients::stream(run, false)?,
        Client::ListenerJsonStream => clients::stream(run, true)?,
        Client::ListenerApp => app::listen(run, Handler::NoOp, Ordering::Partition)?,
        Client::ListenerKeyApp => app::listen(run, Handler::NoOp, Ordering::Key)?,
        Client::ListenerJsonApp => app::listen(run, Handler::Json, Ordering::Partition)?,
        Client::SendAllBare => bare::produce(run, false)?,
        Client::Fill => bare::produce(run, false)?,
        Client::FillJson => bare::produce(run, true)?,
        Client::SendAllFuture => clients::future_producer(run, MANY_IN_FLIGHT)?,
        Client::SendFuture => clients::future_producer(run, IN_FLIGHT)?,
        Client::SendAllApp => app::send_all(run)?,
        Client::SendApp => app::send(run, IN_FLIGHT)?,
        Client::PipelineFlushed => pipeline::bare(run, 1_000, Round::Flushed)?,
        Client::PipelineBare => pipeline::bare(run, 1_000, Round::Transaction)?,
        Client::PipelineApp => app::exactly_once(run, 1_000, &pipeline::target(run)?)?,
        Client::ForwardApp => app::at_least_once(run, Ordering::Partition, &pipeline::target(run)?)?,
        Client::ForwardKeyApp => app::at_least_once(run, Ordering::Key, &pipeline::target(run)?)?,
        Client::SingleBare => pipeline::bare(run, 1, Round::Transaction)?,
        Client::SingleApp => app::exactly_once(run, 1, &pipeline::target(run)?)?,
        Client::ListenerRuststream
        | Client::ListenerJsonRuststream
        | Client::SendAllRuststream
        | Client::SendRuststream => bail!("{} is a client of the program in tests/bench-ruststream", name_of(*client)),
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// A run of a client.
pub(crate) struct Run {
    pub(crate) measured: Measured,
    /// The group in which it read, if it did.
    pub(crate) group: String,
}

/// Runs a client of a program in a process of its own.
pub(crate) fn measure(
    program: &Path,
    client: Client,
    bootstrap_server: &str,
    topic: &str,
    n_records: u64,
) -> Result<Run> {
    let name = name_of(client);
    let child = Command::new(program)
        .args(["client", "--client", &name, "--bootstrap-server", bootstrap_server, "--topic", topic])
        .args(["--records", &n_records.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} did not start", program.display()))?;
    let group = group_of(child.id());
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the client {name} failed: {}", output.status);
    }
    let line = String::from_utf8(output.stdout)?;
    let measured = serde_json::from_str(line.lines().last().unwrap_or_default());
    Ok(Run { measured: measured.with_context(|| format!("{name} said `{line}`"))?, group })
}

pub(crate) fn name_of(client: Client) -> String {
    client.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// A process that serves until this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts this program again with a hidden subcommand.
    pub(crate) fn start(args: &[&str]) -> Result<Self> {
        Self::start_program(&std::env::current_exe()?, args)
    }

    /// Starts a program and waits for its first line, which is its address.
    pub(crate) fn start_program(program: &Path, args: &[&str]) -> Result<Self> {
        let mut child = Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("the server has no standard output")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        Ok(Self { child, address: address.trim().to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        resident(self.pid())
    }
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Processor time that a process has used, in the system's ticks of 10 ms.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|f| f.parse::<u64>().ok()).context("no times in stat");
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

pub(crate) fn serve_broker(n_nodes: u16) -> Result<()> {
    let broker = EmbeddedBroker::builder().brokers(n_nodes).start()?;
    println!("{}", broker.bootstrap_servers());
    wait_for_parent()?;
    broker.stop();
    Ok(())
}

/// Returns when the parent is gone.
pub(crate) fn wait_for_parent() -> Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
