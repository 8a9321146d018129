//! A listener for a long time, with a rebalance every half minute: its memory must not grow, no partition may stand still,
//! and when nothing more comes, nothing is left.

use std::{
    collections::VecDeque,
    io::Read,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use kafka_app::{KafkaApp, kafka_listener, listeners};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};

use crate::{
    bench::to_f64,
    clients,
    order::{PAYLOAD, key},
    process::{Server, resident, wait_for_parent},
    soak::{End, judge_growth},
};

/// How long, how much, and on what.
#[derive(Args)]
pub(crate) struct SoakListenerArgs {
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
    /// Records of 100 bytes a second.
    #[arg(long, default_value_t = 5_000)]
    rate: u64,
    /// A Kafka that runs already; a topic `soak-listener-…` is made there, and left.
    #[arg(long)]
    bootstrap_server: Option<String>,
}

/// A process with the listener, until its standard input ends.
#[derive(Args)]
pub(crate) struct MemberArgs {
    #[arg(long)]
    bootstrap_server: String,
    #[arg(long)]
    topic: String,
}

const N_PARTITIONS: i32 = 12;
/// The second member comes for as long, and is gone for as long: two rebalances a minute.
const VISIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A partition whose committed offset stands still for so many looks, while records come, is stuck.
const LOOKS_UNTIL_STUCK: usize = 6;
const SEND_EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(60);

static HANDLED: AtomicU64 = AtomicU64::new(0);

#[kafka_listener(topic = "bench", group = "bench")]
async fn soak(payload: &[u8]) {
    std::hint::black_box(payload);
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[tokio::main(worker_threads = 2)]
pub(crate) async fn run_member(args: &MemberArgs) -> Result<()> {
    let app = KafkaApp::new(&args.bootstrap_server)
        .set("kafka.consumer.auto-offset-reset", "earliest")
        .listeners(listeners![soak].into_iter().map(|l| l.topics([args.topic.clone()]).group(args.topic.clone())))
        .start()
        .await?;
    tokio::task::spawn_blocking(wait_for_parent).await??;
    app.stop().await.expect_clean();
    println!("{}", HANDLED.load(Ordering::Relaxed));
    Ok(())
}

/// One of those processes.
struct Member(Child);

impl Member {
    fn start(bootstrap_server: &str, topic: &str) -> Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .args(["soak-member", "--bootstrap-server", bootstrap_server, "--topic", topic])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self(child))
    }

    /// Ends it as an operator would, and returns how many records it has handled.
    fn stop(mut self) -> Result<u64> {
        drop(self.0.stdin.take());
        let mut said = String::new();
        self.0.stdout.take().context("a member has no standard output")?.read_to_string(&mut said)?;
        ensure!(self.0.wait()?.success(), "a member failed");
        Ok(said.trim().parse()?)
    }
}

pub(crate) fn run(args: &SoakListenerArgs) -> Result<()> {
    let embedded = args.bootstrap_server.is_none().then(|| Server::start(&["soak-broker"])).transpose()?;
    let address = args.bootstrap_server.as_deref().or(embedded.as_ref().map(|server| server.address.as_str()));
    let address = address.context("no broker")?;
    let topic = format!("soak-listener-{}", std::process::id());
    clients::create_topic(address, &topic, N_PARTITIONS)?;
    let (steady, end) = (Member::start(address, &topic)?, End::default());
    let (looks, n_sent, visitors) = thread::scope(|scope| -> Result<_> {
        let sending = scope.spawn(|| send(address, &topic, args.rate, &end));
        let visiting = scope.spawn(|| visit(address, &topic, &end));
        let has_failed = || sending.is_finished() || visiting.is_finished();
        let looks = look(&steady, address, &topic, Duration::from_secs(args.seconds), &end, has_failed);
        end.come();
        let n_sent = sending.join().map_err(|_| anyhow!("the sender panicked"))??;
        let visitors = visiting.join().map_err(|_| anyhow!("who starts the visitors panicked"))??;
        Ok((looks?, n_sent, visitors))
    })?;
    let settled = settle(address, &topic)?;
    let n_handled = steady.stop()? + visitors.n_handled;
    println!("records={n_sent} handled={n_handled} rebalances={} lag=0 after={settled:.1?}", 2 * visitors.n_visits);
    ensure!(n_handled >= n_sent, "{} records were never handled", n_sent - n_handled);
    judge_growth(&looks, "the listener's")
}

/// Sends at the rate, and returns how many were acknowledged.
#[tokio::main(flavor = "current_thread")]
async fn send(address: &str, topic: &str, rate: u64, end: &End) -> Result<u64> {
    let app = KafkaApp::new(address).start().await?;
    let template = app.template::<[u8], [u8]>();
    let mut ticks = tokio::time::interval(SEND_EVERY);
    let (began, mut n_sent) = (Instant::now(), 0);
    while !end.is_over() {
        ticks.tick().await;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of records")]
        let due = (began.elapsed().as_secs_f64() * to_f64(rate)) as u64;
        let keys: VecDeque<[u8; 8]> = (n_sent..due).map(key).collect();
        n_sent += template.send_all(topic, keys.iter().map(|key| (&key[..], &PAYLOAD[..]))).await?.len() as u64;
    }
    app.stop().await.expect_clean();
    Ok(n_sent)
}

/// What the members were that came and went.
#[derive(Default)]
struct Visitors {
    n_visits: u64,
    n_handled: u64,
}

fn visit(address: &str, topic: &str, end: &End) -> Result<Visitors> {
    let mut visitors = Visitors::default();
    while !end.rest(VISIT) {
        let visitor = Member::start(address, topic)?;
        end.rest(VISIT);
        visitors.n_handled += visitor.stop()?;
        visitors.n_visits += 1;
    }
    Ok(visitors)
}

/// Memory of the steady member in MB at every look; partitions must go on meanwhile. Until time is over or somebody has failed.
fn look(
    steady: &Member,
    address: &str,
    topic: &str,
    length: Duration,
    end: &End,
    has_failed: impl Fn() -> bool,
) -> Result<Vec<f64>> {
    let group = Group::new(address, topic)?;
    let (began, mut looks) = (Instant::now(), Vec::new());
    let mut committed: VecDeque<Vec<i64>> = VecDeque::new();
    while began.elapsed() < length && !has_failed() {
        end.rest(LOOK_EVERY);
        looks.push(to_f64(resident(steady.0.id())?) / 1e6);
        let standing = group.standing()?;
        println!(
            "seconds={} memory={:.1} MB lag={}",
            began.elapsed().as_secs(),
            looks.last().copied().unwrap_or_default(),
            standing.lag
        );
        if committed.len() == LOOKS_UNTIL_STUCK {
            let before = committed.pop_front().unwrap_or_default();
            let stuck: Vec<_> =
                before.iter().zip(&standing.committed).enumerate().filter(|(_, (then, now))| then == now).collect();
            ensure!(stuck.is_empty(), "partitions stand still: {stuck:?}");
        }
        committed.push_back(standing.committed);
    }
    Ok(looks)
}

/// Waits until nothing is left, and says how long that took.
fn settle(address: &str, topic: &str) -> Result<Duration> {
    let (group, began) = (Group::new(address, topic)?, Instant::now());
    loop {
        let lag = group.standing()?.lag;
        if lag == 0 {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < PATIENCE, "{lag} records are left");
        // Committed offsets are told to nobody who does not ask; meanwhile the client does its own work.
        let _nothing = group.consumer.poll(Duration::from_millis(100));
    }
}

/// The group, seen from outside.
struct Group<'a> {
    consumer: BaseConsumer,
    topic: &'a str,
}

/// Where it stands: the committed offset of each partition, and what is left of all.
struct Standing {
    committed: Vec<i64>,
    lag: i64,
}

impl<'a> Group<'a> {
    fn new(address: &str, topic: &'a str) -> Result<Self> {
        let consumer = ClientConfig::new().set("bootstrap.servers", address).set("group.id", topic).create()?;
        Ok(Self { consumer, topic })
    }

    fn standing(&self) -> Result<Standing> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(self.topic, 0, N_PARTITIONS - 1);
        let answered = self.consumer.committed_offsets(asked, PATIENCE)?;
        let mut standing = Standing { committed: Vec::new(), lag: 0 };
        for partition in answered.elements() {
            let committed = if let Offset::Offset(offset) = partition.offset() { offset } else { 0 };
            let (_, end) = self.consumer.fetch_watermarks(self.topic, partition.partition(), PATIENCE)?;
            standing.lag += end - committed;
            standing.committed.push(committed);
        }
        Ok(standing)
    }
}
