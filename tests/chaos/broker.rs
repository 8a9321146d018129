//! The embedded broker in a process of its own: it suffers what it is told on its standard input. One node keeps its data in a
//! directory, as its process is killed too; several hold theirs in memory.

use std::{
    io::BufRead,
    path::PathBuf,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use embedded_broker::EmbeddedBroker;

/// Where it serves.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    brokers: u16,
}

/// Serves until standard input ends or SIGTERM comes; says its address once it does.
pub(crate) fn run(args: &Args) -> Result<()> {
    let builder = EmbeddedBroker::builder()
        .port(args.port)
        .fault_seed(args.seed)
        // As soon as on a real Kafka that is set up for it: a transaction of a dead process holds up readers.
        .config("transaction.abort.timed.out.transaction.cleanup.interval.ms", 1_000);
    let builder = match args.brokers {
        1 => builder.data_dir(&args.data_dir),
        // What an acknowledged record needs to outlive the death of any one node.
        n => builder.brokers(n).config("default.replication.factor", n).config("min.insync.replicas", n / 2 + 1),
    };
    let broker = builder.start()?;
    println!("{}", broker.bootstrap_servers());
    let (lines, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    obey(&broker, &told)?;
    broker.stop();
    Ok(())
}

/// What goes on until it is dropped.
type Guard = Box<dyn Send>;

fn obey(broker: &EmbeddedBroker, told: &Receiver<String>) -> Result<()> {
    let mut guards: Vec<(Instant, Guard)> = Vec::new();
    loop {
        let now = Instant::now();
        guards.retain(|(until, _)| *until > now);
        let wait = guards.iter().map(|(until, _)| *until - now).min().unwrap_or(Duration::MAX / 4);
        match told.recv_timeout(wait) {
            Ok(line) if line == "stop" => return Ok(()),
            Ok(line) => guards.extend(suffer(broker, &line).with_context(|| format!("`{line}`"))?),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// A verb and its numbers. `latency MILLIS`, `drop-answers PER_MILLE`, `lag NODE MILLIS` and `isolate NODE NODE` go on
/// for as many milliseconds as their last number says; `crash NODE`, `stop-node NODE`, `restart NODE`,
/// `controller NODE` and `shuffle` are done at once, and so is `rebalance GROUP`.
fn suffer(broker: &EmbeddedBroker, line: &str) -> Result<Option<(Instant, Guard)>> {
    let mut words = line.split(' ');
    let verb = words.next().unwrap_or_default();
    if verb == "rebalance" {
        // Without members there is nobody to disturb.
        let _has_members = broker.group(words.next().context("which group?")?).rebalance_now();
        return Ok(None);
    }
    let mut number = || -> Result<u64> { Ok(words.next().context("it ends early")?.parse()?) };
    let mut node = || -> Result<i32> { Ok(i32::try_from(number()?)?) };
    let guard: Guard = match verb {
        "crash" => return Ok(broker.crash(node()?).map(|()| None)?),
        "stop-node" => return Ok(broker.stop_node(node()?).map(|()| None)?),
        "restart" => return Ok(broker.restart(node()?).map(|()| None)?),
        "controller" => return Ok(broker.controller().move_to(node()?).map(|()| None)?),
        "shuffle" => {
            broker.shuffle_leaders();
            return Ok(None);
        }
        "isolate" => Box::new(broker.isolate(node()?, node()?)?),
        "lag" => Box::new(broker.lag(node()?, Duration::from_millis(number()?))?),
        "latency" => Box::new(broker.network().latency(Duration::from_millis(number()?))),
        "drop-answers" => {
            let probability = f64::from(u32::try_from(number()?)?) / 1_000.0;
            Box::new(broker.fault().probability(probability).disconnect_after())
        }
        _ => bail!("it is nothing a broker suffers"),
    };
    Ok(Some((Instant::now() + Duration::from_millis(number()?), guard)))
}
