//! The broker by itself, over a bare socket, beside a server that does nothing.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use embedded_broker::EmbeddedBroker;

use crate::{
    bench::{Settings, to_f64},
    clients,
    figures::Figures,
    loopback,
    process::Server,
    wire::{self, Connection},
};

pub(crate) const NAMES: [&str; 3] = ["broker-start", "broker-throughput", "broker-latency"];

/// Requests under way at once.
const PIPELINE: u64 = 5;
/// Just under Kafka's `max.message.bytes`.
const BATCH_BYTES: usize = 1_000_000;
const TOPIC: &str = "bench";
/// Bytes of an answer to Produce.
const PRODUCE_ANSWER: usize = 60;
/// Bytes of a Fetch request.
const FETCH_REQUEST: usize = 80;

pub(crate) fn run(name: &str, settings: &Settings, figures: &mut Figures) -> Result<()> {
    match name {
        "broker-start" => start(settings, figures),
        "broker-throughput" => throughput(settings, figures),
        _ => latency(settings, figures),
    }
}

/// From nothing to the first acknowledged record, in this process; and the memory of one that idles.
fn start(settings: &Settings, figures: &mut Figures) -> Result<()> {
    let (batch, _) = wire::batch(1)?;
    let produce = wire::produce(TOPIC, &batch)?;
    for _ in 0..settings.n_rounds * 10 {
        let began = Instant::now();
        let broker = EmbeddedBroker::builder().topic(TOPIC, 1).start()?;
        let mut connection = Connection::open(broker.bootstrap_servers())?;
        connection.send(&produce)?;
        wire::check_produced(TOPIC, connection.receive()?)?;
        figures.add("broker-start", "first-ack", began.elapsed().as_secs_f64() * 1e3, "ms");
        broker.stop();
    }
    for _ in 0..settings.n_rounds {
        let (broker, bare) = (Server::start(&["broker"])?, Server::start(&["loopback"])?);
        let over = to_f64(broker.resident()?) - to_f64(bare.resident()?);
        figures.add("broker-start", "idle-memory-over-bare", over / 1e6, "MB");
    }
    Ok(())
}

/// Where requests go: a broker or the bare server, with its processor time where it is ours.
struct Target {
    server: Option<Server>,
    address: String,
}

impl Target {
    fn broker(settings: &Settings) -> Result<Self> {
        Ok(match &settings.bootstrap_server {
            Some(address) => Self { server: None, address: address.clone() },
            None => Self::own("broker")?,
        })
    }

    fn own(subcommand: &str) -> Result<Self> {
        let server = Server::start(&[subcommand])?;
        Ok(Self { address: server.address.clone(), server: Some(server) })
    }

    fn cpu_time(&self) -> Result<Option<Duration>> {
        self.server.as_ref().map(Server::cpu_time).transpose()
    }
}

fn throughput(settings: &Settings, figures: &mut Figures) -> Result<()> {
    let (batch, n_in_batch) = wire::batch(BATCH_BYTES)?;
    let n_batches = (settings.n_records * 5 / u64::from(n_in_batch)).max(1);
    let topic = format!("{TOPIC}-{}", std::process::id());
    let produce = wire::produce(&topic, &batch)?;
    let idle = loopback::frame(produce.len(), PRODUCE_ANSWER);
    let asking = loopback::frame(FETCH_REQUEST, batch.len() + FETCH_REQUEST);
    for _ in 0..settings.n_rounds {
        let bare = Target::own("loopback")?;
        pump(&bare, "bare-produce", batch.len(), n_batches, figures, |_| Ok(Cow::Borrowed(&idle[..])), |_| Ok(()))?;
        pump(&bare, "bare-fetch", batch.len(), n_batches, figures, |_| Ok(Cow::Borrowed(&asking[..])), |_| Ok(()))?;
        let broker = Target::broker(settings)?;
        clients::create_topic(&broker.address, &topic, 1)?;
        let check = |answer: &[u8]| wire::check_produced(&topic, answer);
        pump(&broker, "broker-produce", batch.len(), n_batches, figures, |_| Ok(Cow::Borrowed(&produce[..])), check)?;
        let max_bytes = u32::try_from(batch.len())?;
        let fetch = |i: u64| wire::fetch(&topic, i * u64::from(n_in_batch), max_bytes).map(Cow::Owned);
        let check = |answer: &[u8]| match wire::fetched(&topic, answer)? {
            n if n == batch.len() => Ok(()),
            n => bail!("{n} bytes of records were fetched instead of {}", batch.len()),
        };
        pump(&broker, "broker-fetch", batch.len(), n_batches, figures, fetch, check)?;
        if let Some(server) = &broker.server {
            let on_wire = to_f64(n_batches) * to_f64(u64::try_from(batch.len())?);
            figures.add("broker-produce", "memory-per-byte-on-the-wire", to_f64(server.resident()?) / on_wire, "x");
        }
        clients::delete_topic(&broker.address, &topic)?;
    }
    figures.ratio("broker-produce", "bare-produce", "throughput", ">= 0.5");
    figures.ratio("broker-fetch", "bare-fetch", "throughput", "told for comparison");
    Ok(())
}

/// Sends requests, a few under way at once, and times them from the first to the last answer.
fn pump<'f>(
    target: &Target,
    name: &str,
    n_bytes: usize,
    n_requests: u64,
    figures: &mut Figures,
    request: impl Fn(u64) -> Result<Cow<'f, [u8]>>,
    check: impl Fn(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut connection = Connection::open(&target.address)?;
    let (cpu, began) = (target.cpu_time()?, Instant::now());
    let mut n_answered = 0;
    for i in 0..n_requests {
        connection.send(&request(i)?)?;
        if i + 1 - n_answered == PIPELINE {
            check(connection.receive()?)?;
            n_answered += 1;
        }
    }
    while n_answered < n_requests {
        check(connection.receive()?)?;
        n_answered += 1;
    }
    let gigabytes = to_f64(n_requests) * to_f64(u64::try_from(n_bytes)?) / 1e9;
    figures.add(name, "throughput", gigabytes / began.elapsed().as_secs_f64(), "GB/s");
    if let (Some(before), Some(after)) = (cpu, target.cpu_time()?) {
        figures.add(name, "server-cpu", after.saturating_sub(before).as_secs_f64() / gigabytes, "s/GB");
    }
    Ok(())
}

fn latency(settings: &Settings, figures: &mut Figures) -> Result<()> {
    let (batch, _) = wire::batch(1)?;
    let topic = format!("{TOPIC}-{}", std::process::id());
    let produce = wire::produce(&topic, &batch)?;
    let idle = loopback::frame(produce.len(), PRODUCE_ANSWER);
    let n_requests = usize::try_from(settings.n_records / 50)?.clamp(100, 20_000);
    for _ in 0..settings.n_rounds {
        let bare = Target::own("loopback")?;
        figures.add("bare-echo", "p50", p50(&bare, &idle, n_requests, |_| Ok(()))?, "us");
        let broker = Target::broker(settings)?;
        clients::create_topic(&broker.address, &topic, 1)?;
        let check = |answer: &[u8]| wire::check_produced(&topic, answer);
        figures.add("broker-ack", "p50", p50(&broker, &produce, n_requests, check)?, "us");
        clients::delete_topic(&broker.address, &topic)?;
    }
    figures.ratio("broker-ack", "bare-echo", "p50", "<= 2, and 5 us");
    Ok(())
}

/// Microseconds from a request to its answer, one at a time.
fn p50(target: &Target, request: &[u8], n_requests: usize, check: impl Fn(&[u8]) -> Result<()>) -> Result<f64> {
    let mut connection = Connection::open(&target.address)?;
    let mut times = Vec::with_capacity(n_requests);
    for _ in 0..n_requests {
        let began = Instant::now();
        connection.send(request)?;
        check(connection.receive()?)?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2].as_secs_f64() * 1e6)
}
