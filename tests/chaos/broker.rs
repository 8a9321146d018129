//! The embedded broker in a process of its own: it keeps its data, and suffers what it is told on its standard input.

use std::{
    io::BufRead,
    path::PathBuf,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use embedded_broker::{EmbeddedBroker, Fault};

/// Where it serves.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    seed: u64,
}

/// Serves until standard input ends or SIGTERM comes; says its address once it does.
pub(crate) fn run(args: &Args) -> Result<()> {
    let broker = EmbeddedBroker::builder()
        .port(args.port)
        .data_dir(&args.data_dir)
        .fault_seed(args.seed)
        // As soon as on a real Kafka that is set up for it: a transaction of a dead process holds up readers.
        .config("transaction.abort.timed.out.transaction.cleanup.interval.ms", 1_000)
        .start()?;
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

fn obey(broker: &EmbeddedBroker, told: &Receiver<String>) -> Result<()> {
    let mut guards: Vec<(Instant, Fault)> = Vec::new();
    loop {
        let now = Instant::now();
        guards.retain(|(until, _)| *until > now);
        let wait = guards.iter().map(|(until, _)| *until - now).min().unwrap_or(Duration::MAX / 4);
        match told.recv_timeout(wait) {
            Ok(line) if line == "stop" => return Ok(()),
            Ok(line) => guards.extend(suffer(broker, &line)?),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// `latency MILLIS LASTS_MILLIS`, `drop-answers PER_MILLE LASTS_MILLIS`, `rebalance GROUP`.
fn suffer(broker: &EmbeddedBroker, line: &str) -> Result<Option<(Instant, Fault)>> {
    let mut words = line.split(' ');
    let verb = words.next().unwrap_or_default();
    if verb == "rebalance" {
        // Without members there is nobody to disturb.
        let _has_members = broker.group(words.next().context("which group?")?).rebalance_now();
        return Ok(None);
    }
    let mut number = || -> Result<u64> { Ok(words.next().with_context(|| format!("`{line}` ends early"))?.parse()?) };
    let (value, lasts) = (number()?, Duration::from_millis(number()?));
    let guard = match verb {
        "latency" => broker.network().latency(Duration::from_millis(value)),
        "drop-answers" => {
            let probability = f64::from(u32::try_from(value)?) / 1_000.0;
            broker.fault().probability(probability).disconnect_after()
        }
        _ => anyhow::bail!("`{line}` is nothing a broker suffers"),
    };
    Ok(Some((Instant::now() + lasts, guard)))
}
