//! The broker by itself, over a bare socket, beside a server that does nothing, librdkafka's mock cluster, franz-go's kfake and
//! a real Kafka.

use std::{
    borrow::Cow,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use embedded_broker::EmbeddedBroker;

use crate::{
    bench::{Settings, to_f64},
    clients,
    figures::Figures,
    fill::{self, Pages},
    kfake, loopback, mock,
    process::{self, Server},
    wire::{self, Connection},
};

pub(crate) const NAMES: [&str; 3] = ["broker-start", "broker-throughput", "broker-latency"];

/// Requests under way at once.
const PIPELINE: u64 = 5;
/// Just under Kafka's `max.message.bytes`.
const BATCH_BYTES: usize = 1_000_000;
const TOPIC: &str = "bench";
/// Of the cluster.
const N_NODES: u16 = 3;
/// Bytes of an answer to Produce.
const PRODUCE_ANSWER: usize = 60;
/// Bytes of a Fetch request.
const FETCH_REQUEST: usize = 80;

/// Runs those of them that are wanted.
pub(crate) fn run(names: &[&str], settings: &Settings, figures: &mut Figures) -> Result<()> {
    let there = There { settings, kfake: kfake::build()? };
    for name in names {
        match *name {
            "broker-start" => start(&there, figures)?,
            "broker-throughput" => throughput(&there, figures)?,
            _ => latency(&there, figures)?,
        }
    }
    Ok(())
}

/// What there is to measure.
struct There<'s> {
    settings: &'s Settings,
    /// The program, where it could be built.
    kfake: Option<PathBuf>,
}

/// From nothing to the first acknowledged record, in this process; and the memory of one that idles.
fn start(There { settings, kfake }: &There<'_>, figures: &mut Figures) -> Result<()> {
    let (batch, _) = wire::batch(1)?;
    let produce = wire::produce(TOPIC, &batch)?;
    for _ in 0..settings.n_rounds * 10 {
        for (name, n_nodes) in [("broker-start", 1), ("cluster-start", N_NODES)] {
            figures.add(name, "first-ack", first_ack(n_nodes, &produce)?.as_secs_f64() * 1e3, "ms");
        }
        figures.add("mock-start", "first-ack", mock::first_answer(TOPIC, &produce)?.as_secs_f64() * 1e3, "ms");
        if let Some(program) = kfake {
            let elapsed = kfake::first_answer(program, TOPIC, &produce)?;
            figures.add("kfake-start", "first-ack", elapsed.as_secs_f64() * 1e3, "ms");
        }
    }
    for _ in 0..settings.n_rounds {
        let (broker, bare) = (Server::start(&["broker"])?, Server::start(&["loopback"])?);
        let over = |server: &Server| Ok::<_, anyhow::Error>(to_f64(server.resident()?) - to_f64(bare.resident()?));
        figures.add("broker-start", "idle-memory-over-bare", over(&broker)? / 1e6, "MB");
        if let Some(program) = kfake {
            let server = Server::start_program(program, &[])?;
            figures.add("kfake-start", "idle-memory-over-bare", over(&server)? / 1e6, "MB");
        }
    }
    Ok(())
}

/// From nothing to the first record that as many nodes have, in this process.
fn first_ack(n_nodes: u16, produce: &[u8]) -> Result<Duration> {
    let began = Instant::now();
    let builder = EmbeddedBroker::builder().brokers(n_nodes).config("default.replication.factor", n_nodes);
    let broker = builder.topic(TOPIC, 1).start()?;
    let leader = broker.topic(TOPIC).replicas(0)?.leader.context("the topic has no leader")?;
    let mut connection = Connection::open(&broker.node(leader)?.address())?;
    connection.send(produce)?;
    wire::check_produced(TOPIC, connection.receive()?)?;
    let elapsed = began.elapsed();
    broker.stop();
    Ok(elapsed)
}

/// Where requests go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The server that does nothing.
    Bare,
    Embedded,
    /// Three nodes, of which each has a replica of the topic.
    Cluster,
    /// The mock cluster of librdkafka.
    Mock,
    /// The one of franz-go, of one node.
    Kfake,
    /// A real Kafka that runs already.
    Kafka,
}

impl Kind {
    /// Those that are measured: all there are.
    fn all(there: &There<'_>) -> impl Iterator<Item = Self> + Clone {
        let kfake = there.kfake.is_some().then_some(Self::Kfake);
        let kafka = there.settings.bootstrap_server.is_some().then_some(Self::Kafka);
        [Self::Bare, Self::Embedded, Self::Cluster, Self::Mock].into_iter().chain(kfake).chain(kafka)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Embedded => "broker",
            Self::Cluster => "cluster",
            Self::Mock => "mock",
            Self::Kfake => "kfake",
            Self::Kafka => "kafka",
        }
    }

    /// What the broker's throughput and processor time should be of this one's: produced, and fetched. Of Kafka and kfake it
    /// is what DESIGN 11 comes to by the figures that it was made of.
    fn budgets(self) -> [(&'static str, &'static str); 2] {
        const NONE: &str = "none: told for comparison";
        match self {
            Self::Bare => [(">= 0.5", NONE), (NONE, NONE)],
            Self::Kfake => [(">= 2", "<= 0.27"), (NONE, "<= 0.31")],
            Self::Kafka => [(">= 2.5", "<= 0.235"), (">= 1", "<= 1")],
            Self::Embedded | Self::Cluster | Self::Mock => [(NONE, NONE); 2],
        }
    }

    /// What of it is measured, as `broker-fetch`.
    fn figure(self, what: &str) -> String {
        format!("{}-{what}", self.name())
    }
}

/// A server of a kind, with the process whose processor time counts, and a topic of one partition.
struct Target<'t> {
    kind: Kind,
    server: Option<Server>,
    pid: Option<u32>,
    /// All there are.
    servers: String,
    /// The one that leads the topic.
    address: String,
    topic: &'t str,
}

impl<'t> Target<'t> {
    fn start(kind: Kind, topic: &'t str, There { settings, kfake }: &There<'_>) -> Result<Self> {
        let server = match kind {
            Kind::Bare => Some(Server::start(&["loopback"])?),
            Kind::Embedded => Some(Server::start(&["broker"])?),
            Kind::Cluster => Some(Server::start(&["broker", "--brokers", &N_NODES.to_string()])?),
            Kind::Mock => Some(Server::start(&["mock", topic])?),
            Kind::Kfake => kfake.as_deref().map(|program| Server::start_program(program, &[])).transpose()?,
            Kind::Kafka => None,
        };
        let pid = server.as_ref().map_or(settings.server_pid, |server| Some(server.pid()));
        let servers =
            server.as_ref().map(|server| server.address.clone()).or_else(|| settings.bootstrap_server.clone());
        let servers = servers.unwrap_or_default();
        let mut target = Self { kind, server, pid, address: servers.clone(), servers, topic };
        if target.has_topics() {
            let n_replicas = if kind == Kind::Cluster { i32::from(N_NODES) } else { 1 };
            clients::create_replicated_topic(&target.servers, topic, 1, n_replicas)?;
            target.address = clients::leader(&target.servers, topic)?;
        }
        Ok(target)
    }

    fn has_topics(&self) -> bool {
        matches!(self.kind, Kind::Embedded | Kind::Cluster | Kind::Kfake | Kind::Kafka)
    }

    fn end(self) -> Result<()> {
        if self.has_topics() {
            clients::delete_topic(&self.servers, self.topic)?;
        }
        Ok(())
    }

    fn cpu_time(&self) -> Result<Option<Duration>> {
        self.pid.map(process::cpu_time).transpose()
    }
}

fn throughput(there: &There<'_>, figures: &mut Figures) -> Result<()> {
    let settings = there.settings;
    let (batch, n_in_batch) = wire::batch(BATCH_BYTES)?;
    let n_batches = (settings.n_records * 5 / u64::from(n_in_batch)).max(1);
    let topic = format!("{TOPIC}-{}", std::process::id());
    let load = Load {
        produce: wire::produce(&topic, &batch)?,
        idle: loopback::frame(wire::produce(&topic, &batch)?.len(), PRODUCE_ANSWER),
        asking: loopback::frame(FETCH_REQUEST, batch.len() + FETCH_REQUEST),
        n_in_batch: u64::from(n_in_batch),
        n_batches,
        n_bytes: batch.len(),
    };
    for _ in 0..settings.n_rounds {
        for (name, pages) in FRESH {
            figures.add(name, "cpu", fill::cpu_per_gigabyte(&batch, n_batches, pages)?, "s/GB");
        }
        for kind in Kind::all(there) {
            let target = Target::start(kind, &topic, there)?;
            load.produce(&target, figures)?;
            load.fetch(&target, figures)?;
            if let (Kind::Embedded | Kind::Cluster | Kind::Kfake, Some(server)) = (kind, &target.server) {
                let on_wire = to_f64(n_batches) * to_f64(u64::try_from(batch.len())?);
                figures.add(
                    &kind.figure("produce"),
                    "memory-per-byte-on-the-wire",
                    to_f64(server.resident()?) / on_wire,
                    "x",
                );
            }
            target.end()?;
        }
    }
    let (cluster, one) = (Kind::Cluster.figure("produce"), Kind::Embedded.figure("produce"));
    figures.ratio(&cluster, &one, "server-cpu", "none: told for comparison");
    figures.ratio(&cluster, &one, "throughput", ">= 0.6");
    for (what, n) in [("produce", 0), ("fetch", 1)] {
        for other in others(there) {
            let (ours, theirs) = (Kind::Embedded.figure(what), other.figure(what));
            let (throughput, cpu) = other.budgets()[n];
            figures.ratio(&ours, &theirs, "throughput", throughput);
            figures.ratio(&ours, &theirs, "server-cpu", cpu);
        }
    }
    Ok(())
}

/// Fresh memory, as it comes page by page, and all at once.
const FRESH: [(&str, Pages); 2] = [("fresh-memory", Pages::OnDemand), ("fresh-memory-populated", Pages::Populated)];

/// Those that the broker is compared with.
fn others(there: &There<'_>) -> impl Iterator<Item = Kind> {
    Kind::all(there).filter(|kind| !matches!(kind, Kind::Embedded | Kind::Cluster))
}

/// The requests of the throughput: the same batch again and again.
struct Load {
    produce: Vec<u8>,
    /// As long as `produce`, for the server that does nothing.
    idle: Vec<u8>,
    /// As short as a Fetch request, and asks that server for as many bytes.
    asking: Vec<u8>,
    n_in_batch: u64,
    n_batches: u64,
    n_bytes: usize,
}

impl Load {
    fn produce(&self, target: &Target<'_>, figures: &mut Figures) -> Result<()> {
        match target.kind {
            Kind::Bare => self.pump(target, "produce", figures, |_| Ok(Cow::Borrowed(&self.idle[..])), |_| Ok(())),
            _ => self.pump(
                target,
                "produce",
                figures,
                |_| Ok(Cow::Borrowed(&self.produce[..])),
                |answer| wire::check_produced(target.topic, answer),
            ),
        }
    }

    fn fetch(&self, target: &Target<'_>, figures: &mut Figures) -> Result<()> {
        if target.kind == Kind::Bare {
            return self.pump(target, "fetch", figures, |_| Ok(Cow::Borrowed(&self.asking[..])), |_| Ok(()));
        }
        let max_bytes = u32::try_from(self.n_bytes)?;
        // The mock has only the last few batches still.
        let batch = |i: u64| if target.kind == Kind::Mock { self.n_batches - 1 } else { i };
        let request = |i| wire::fetch(target.topic, batch(i) * self.n_in_batch, max_bytes).map(Cow::Owned);
        let check = |answer: &[u8]| match wire::fetched(target.topic, answer)? {
            n if n == self.n_bytes => Ok(()),
            n => bail!("{n} bytes of records were fetched instead of {}", self.n_bytes),
        };
        self.pump(target, "fetch", figures, request, check)
    }

    /// Sends requests, a few under way at once, and times them from the first to the last answer.
    fn pump<'f>(
        &self,
        target: &Target<'_>,
        what: &str,
        figures: &mut Figures,
        request: impl Fn(u64) -> Result<Cow<'f, [u8]>>,
        check: impl Fn(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut connection = Connection::open(&target.address)?;
        let (cpu, began) = (target.cpu_time()?, Instant::now());
        let mut n_answered = 0;
        for i in 0..self.n_batches {
            connection.send(&request(i)?)?;
            if i + 1 - n_answered == PIPELINE {
                check(connection.receive()?)?;
                n_answered += 1;
            }
        }
        while n_answered < self.n_batches {
            check(connection.receive()?)?;
            n_answered += 1;
        }
        let name = target.kind.figure(what);
        let gigabytes = to_f64(self.n_batches) * to_f64(u64::try_from(self.n_bytes)?) / 1e9;
        figures.add(&name, "throughput", gigabytes / began.elapsed().as_secs_f64(), "GB/s");
        if let (Some(before), Some(after)) = (cpu, target.cpu_time()?) {
            figures.add(&name, "server-cpu", after.saturating_sub(before).as_secs_f64() / gigabytes, "s/GB");
        }
        Ok(())
    }
}

fn latency(there: &There<'_>, figures: &mut Figures) -> Result<()> {
    let settings = there.settings;
    let (batch, _) = wire::batch(1)?;
    let topic = format!("{TOPIC}-{}", std::process::id());
    let produce = wire::produce(&topic, &batch)?;
    let idle = loopback::frame(produce.len(), PRODUCE_ANSWER);
    let n_requests = usize::try_from(settings.n_records / 50)?.clamp(100, 20_000);
    for _ in 0..settings.n_rounds {
        for kind in Kind::all(there) {
            let target = Target::start(kind, &topic, there)?;
            let micros = match kind {
                Kind::Bare => p50(&target, &idle, n_requests, |_| Ok(()))?,
                _ => p50(&target, &produce, n_requests, |answer| wire::check_produced(&topic, answer))?,
            };
            figures.add(&kind.figure("ack"), "p50", micros, "us");
            target.end()?;
        }
    }
    figures.ratio("cluster-ack", "broker-ack", "p50", "none: told for comparison");
    for other in others(there) {
        figures.ratio("broker-ack", &other.figure("ack"), "p50", "<= 2 of bare, and 5 us");
    }
    Ok(())
}

/// Microseconds from a request to its answer, one at a time.
fn p50(target: &Target<'_>, request: &[u8], n_requests: usize, check: impl Fn(&[u8]) -> Result<()>) -> Result<f64> {
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
