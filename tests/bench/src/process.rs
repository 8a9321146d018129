//! Processes: the broker's, and one for each measured client, so that their processor time is theirs alone.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use embedded_broker::EmbeddedBroker;
use serde::{Deserialize, Serialize};

use crate::{
    app, bare, clients,
    pipeline::{self, Round},
};

/// What a measured client is told.
#[derive(Args)]
pub(crate) struct ClientArgs {
    #[arg(long)]
    pub(crate) client: Client,
    #[arg(long)]
    pub(crate) bootstrap_server: String,
    #[arg(long)]
    pub(crate) topic: String,
    #[arg(long)]
    pub(crate) records: u64,
}

/// The measured clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    ListenerBare,
    ListenerStream,
    ListenerApp,
    ListenerJsonBare,
    ListenerJsonStream,
    ListenerJsonApp,
    SendAllBare,
    SendAllFuture,
    SendAllApp,
    SendFuture,
    SendApp,
    /// At least once, flushed every 1000 records.
    PipelineFlushed,
    /// In transactions of 1000 records.
    PipelineBare,
    PipelineApp,
    /// In transactions of one record.
    SingleBare,
    SingleApp,
    /// Not measured: fills the topics of the listeners.
    Fill,
    FillJson,
}

/// What a measured client says of its run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) n_records: u64,
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
}

/// Time and processor time from a moment on.
pub(crate) struct Stopwatch {
    start: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), cpu: bare::cpu_time() }
    }

    pub(crate) fn stop(&self, n_records: u64) -> Measured {
        let cpu_s = bare::cpu_time().saturating_sub(self.cpu).as_secs_f64();
        Measured { n_records, wall_s: self.start.elapsed().as_secs_f64(), cpu_s }
    }
}

pub(crate) fn run_client(args: &ClientArgs) -> Result<()> {
    let measured = match args.client {
        Client::ListenerBare => bare::consume(args, false)?,
        Client::ListenerJsonBare => bare::consume(args, true)?,
        Client::ListenerStream => clients::stream(args, false)?,
        Client::ListenerJsonStream => clients::stream(args, true)?,
        Client::ListenerApp => app::listen(args, false)?,
        Client::ListenerJsonApp => app::listen(args, true)?,
        Client::SendAllBare => bare::produce(args, false)?,
        Client::Fill => bare::produce(args, false)?,
        Client::FillJson => bare::produce(args, true)?,
        Client::SendAllFuture => clients::future_producer(args, 10_000)?,
        Client::SendFuture => clients::future_producer(args, 1_000)?,
        Client::SendAllApp => app::send_all(args)?,
        Client::SendApp => app::send(args, 1_000)?,
        Client::PipelineFlushed => pipeline::bare(args, 1_000, Round::Flushed)?,
        Client::PipelineBare => pipeline::bare(args, 1_000, Round::Transaction)?,
        Client::PipelineApp => app::pipeline(args, 1_000, &pipeline::target(args)?)?,
        Client::SingleBare => pipeline::bare(args, 1, Round::Transaction)?,
        Client::SingleApp => app::pipeline(args, 1, &pipeline::target(args)?)?,
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// Runs a client in a process of its own.
pub(crate) fn measure(client: Client, bootstrap_server: &str, topic: &str, n_records: u64) -> Result<Measured> {
    let name = name_of(client);
    let output = Command::new(std::env::current_exe()?)
        .args(["client", "--client", &name, "--bootstrap-server", bootstrap_server, "--topic", topic])
        .args(["--records", &n_records.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the client {name} failed: {}", output.status);
    }
    let line = String::from_utf8(output.stdout)?;
    serde_json::from_str(line.lines().last().unwrap_or_default()).with_context(|| format!("{name} said `{line}`"))
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
    /// Starts this program again with a hidden subcommand and waits for its first line, which is its address.
    pub(crate) fn start(args: &[&str]) -> Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
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
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
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

pub(crate) fn serve_broker() -> Result<()> {
    let broker = EmbeddedBroker::builder().start()?;
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
