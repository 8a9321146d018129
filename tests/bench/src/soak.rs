//! The broker for a long time: what it holds must not grow with what has passed through it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::{
    bench::to_f64,
    clients,
    process::Server,
    wire::{self, Connection},
};

/// How long, how much, and on what.
#[derive(Args)]
pub(crate) struct SoakArgs {
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
    /// Records of 100 bytes a second.
    #[arg(long, default_value_t = 50_000)]
    rate: u64,
    /// The broker keeps its records here as well, as in `EmbeddedBroker::builder().data_dir(..)`.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// A broker that forgets soon: segments of 4 MB, 16 MB a partition, and all its timers at work.
const CONFIGS: [(&str, &str); 9] = [
    ("log.segment.bytes", "4194304"),
    ("log.retention.bytes", "16777216"),
    ("log.retention.check.interval.ms", "1000"),
    ("log.initial.task.delay.ms", "1000"),
    ("log.cleaner.backoff.ms", "1000"),
    ("offsets.retention.minutes", "1"),
    ("offsets.retention.check.interval.ms", "1000"),
    ("transactional.id.expiration.ms", "10000"),
    ("producer.id.expiration.ms", "10000"),
];
const TOPIC: &str = "soak";
const N_IN_BATCH: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(30);
/// Looks at the memory.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The most by which the last third of the looks may be over the first, after a third of warming up.
const MOST_GROWTH: f64 = 1.05;

/// What passed through the broker.
#[derive(Default)]
struct Passed {
    produced: AtomicU64,
    fetched: AtomicU64,
    churned: AtomicU64,
    end: End,
}

/// When all that runs beside each other has to end.
#[derive(Default)]
pub(crate) struct End {
    is_over: Mutex<bool>,
    over: Condvar,
}

impl End {
    pub(crate) fn is_over(&self) -> bool {
        self.rest(Duration::ZERO)
    }

    /// Returns when so much time has passed, or when it is over: then `true`.
    pub(crate) fn rest(&self, longest: Duration) -> bool {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.over.wait_timeout_while(is_over, longest, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn come(&self) {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.notify_all();
    }
}

/// The broker in a process of its own, until its standard input ends.
pub(crate) fn serve(data_dir: Option<PathBuf>) -> Result<()> {
    let builder = embedded_broker::EmbeddedBroker::builder().configs(CONFIGS);
    let builder = data_dir.into_iter().fold(builder, embedded_broker::EmbeddedBrokerBuilder::data_dir);
    let broker = builder.start()?;
    println!("{}", broker.bootstrap_servers());
    crate::process::wait_for_parent()?;
    broker.stop();
    Ok(())
}

pub(crate) fn run(args: &SoakArgs) -> Result<()> {
    let directory = args.data_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
    let options: Vec<_> = ["soak-broker"]
        .into_iter()
        .chain(directory.as_deref().into_iter().flat_map(|dir| ["--data-dir", dir]))
        .collect();
    let server = Server::start(&options)?;
    clients::create_topic(&server.address, TOPIC, 1)?;
    let passed = Passed::default();
    let looks = thread::scope(|scope| {
        let (address, passed) = (server.address.as_str(), &passed);
        let threads = [
            ("produce", scope.spawn(move || produce(address, args.rate, passed))),
            ("fetch", scope.spawn(move || fetch(address, passed))),
            ("churn", scope.spawn(move || churn(address, passed))),
        ];
        let looks = look(&server, args, passed, || threads.iter().any(|(_, thread)| thread.is_finished()));
        passed.end.come();
        for (name, thread) in threads {
            thread.join().map_err(|_| anyhow!("{name} panicked"))?.with_context(|| name.to_owned())?;
        }
        looks
    })?;
    judge(&looks, &passed)
}

/// Memory in MB at every look, until time is over or somebody has failed.
fn look(server: &Server, args: &SoakArgs, passed: &Passed, has_failed: impl Fn() -> bool) -> Result<Vec<f64>> {
    let began = Instant::now();
    let mut looks = Vec::new();
    while began.elapsed() < Duration::from_secs(args.seconds) && !has_failed() {
        passed.end.rest(LOOK_EVERY);
        looks.push(to_f64(server.resident()?) / 1e6);
        println!(
            "seconds={} memory={:.1} MB produced={} fetched={} churned={}",
            began.elapsed().as_secs(),
            looks.last().copied().unwrap_or_default(),
            passed.produced.load(Ordering::Relaxed),
            passed.fetched.load(Ordering::Relaxed),
            passed.churned.load(Ordering::Relaxed),
        );
    }
    Ok(looks)
}

fn judge(looks: &[f64], passed: &Passed) -> Result<()> {
    println!("records={} churned={}", passed.produced.load(Ordering::Relaxed), passed.churned.load(Ordering::Relaxed));
    judge_growth(looks, "the broker's")
}

/// Whether the memory that these looks have seen, in MB, has stopped to grow after the first third.
pub(crate) fn judge_growth(looks: &[f64], whose: &str) -> Result<()> {
    let third = looks.len() / 3;
    ensure!(third > 0, "too short to say anything: at least {} s", 3 * LOOK_EVERY.as_secs());
    let mean = |looks: &[f64]| looks.iter().sum::<f64>() / to_f64(looks.len() as u64);
    let (before, after) = (mean(&looks[third..2 * third]), mean(&looks[looks.len() - third..]));
    println!(
        "memory second third={before:.1} MB last third={after:.1} MB growth={:.3} x (most {MOST_GROWTH})",
        after / before,
    );
    ensure!(after / before <= MOST_GROWTH, "{whose} memory grows");
    Ok(())
}

/// Batches at the rate, each acknowledged before the next.
fn produce(address: &str, rate: u64, passed: &Passed) -> Result<()> {
    let (batch, n_in_batch) = wire::batch(usize::try_from(N_IN_BATCH)? * 112)?;
    let produce = wire::produce(TOPIC, &batch)?;
    let mut connection = Connection::open(address)?;
    let began = Instant::now();
    while !passed.end.is_over() {
        connection.send(&produce)?;
        wire::check_produced(TOPIC, connection.receive()?)?;
        let n = passed.produced.fetch_add(u64::from(n_in_batch), Ordering::Relaxed) + u64::from(n_in_batch);
        let due = Duration::from_secs_f64(to_f64(n) / to_f64(rate));
        passed.end.rest(due.saturating_sub(began.elapsed()));
    }
    Ok(())
}

fn consumer(address: &str, group: &str, protocol: &str) -> Result<BaseConsumer> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("group.id", group)
        .set("group.protocol", protocol)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?)
}

/// One consumer that follows, and commits now and then.
fn fetch(address: &str, passed: &Passed) -> Result<()> {
    let consumer = consumer(address, TOPIC, "classic")?;
    consumer.subscribe(&[TOPIC])?;
    while !passed.end.is_over() {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        drop(message?);
        if passed.fetched.fetch_add(1, Ordering::Relaxed) % 100_000 == 99_999 {
            consumer.commit_consumer_state(CommitMode::Async)?;
        }
    }
    Ok(())
}

/// What comes and goes: topics, groups of both protocols, transactional producers and their connections, again and again.
fn churn(address: &str, passed: &Passed) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", address).create()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    while !passed.end.is_over() {
        let n = passed.churned.load(Ordering::Relaxed);
        let (topic, group) = (format!("churn-{n}"), format!("churn-{n}"));
        clients::create_topic(address, &topic, 4)?;
        transact(address, &topic, n)?;
        read(address, &topic, &group, if n.is_multiple_of(2) { "classic" } else { "consumer" })?;
        let options = AdminOptions::new();
        if n % 4 < 2 {
            // The others are left to expire.
            runtime.block_on(admin.delete_groups(&[&group], &options))?;
        }
        clients::delete_topic(address, &topic)?;
        passed.churned.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Ten records in a transaction that commits, and ten in one that does not.
fn transact(address: &str, topic: &str, n: u64) -> Result<()> {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", address).set("transactional.id", format!("churn-{n}")).create()?;
    producer.init_transactions(PATIENCE)?;
    for is_kept in [true, false] {
        producer.begin_transaction()?;
        for i in 0..10 {
            let key = i.to_string();
            producer.send(BaseRecord::to(topic).key(&key).payload("record")).map_err(|(error, _)| error)?;
        }
        producer.flush(PATIENCE)?;
        if is_kept { producer.commit_transaction(PATIENCE)? } else { producer.abort_transaction(PATIENCE)? }
    }
    Ok(())
}

/// The ten records that count, by a group of its own, which commits them.
fn read(address: &str, topic: &str, group: &str, protocol: &str) -> Result<()> {
    let consumer = consumer(address, group, protocol)?;
    consumer.subscribe(&[topic])?;
    let (began, mut n_read, mut next) = (Instant::now(), 0, BTreeMap::new());
    while n_read < 10 {
        ensure!(began.elapsed() < PATIENCE, "{n_read} of 10 records of {topic} came by the {protocol} protocol");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        next.insert(message.partition(), message.offset() + 1);
        n_read += 1;
    }
    let mut offsets = TopicPartitionList::new();
    for (partition, offset) in next {
        offsets.add_partition_offset(topic, partition, Offset::Offset(offset))?;
    }
    consumer.commit(&offsets, CommitMode::Sync)?;
    Ok(())
}
