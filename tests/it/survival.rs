//! Delivery modes under process death: a consuming process is killed at random moments while records flow.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use kafka_app_tests::{PATIENCE, TestBroker, record};
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

const RECORDS: usize = 200_000;
const KILLS: usize = 10;
/// `transaction.timeout.ms` of who delivers exactly once.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);

/// A consuming process: it writes the payload of each record it handles as a line, with one system call, so that what it
/// handled is known even when it is killed right after.
struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(broker: &TestBroker, topic: &str, delivery: &str) -> Result<Self> {
        let session = if broker.is_embedded() { "1500" } else { "6000" };
        let mut child = Command::new(env!("CARGO_BIN_EXE_worker"))
            .args([broker.bootstrap_servers(), topic, &broker.name("survivors"), delivery, session])
            .arg(broker.name("copies"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("the pipe was asked for")?;
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    /// Takes `n` lines into `seen`.
    async fn take(&mut self, n: usize, seen: &mut Seen) -> Result<()> {
        for _ in 0..n {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.with_context(|| format!("the worker is silent; {} numbers seen", seen.counts.len()))??;
            seen.note(&line.context("the worker ended by itself")?)?;
        }
        Ok(())
    }

    /// Kills the process (SIGKILL) and takes what it had written by then.
    async fn kill(mut self, seen: &mut Seen) -> Result<()> {
        self.child.kill().await?;
        while let Some(line) = self.lines.next_line().await? {
            seen.note(&line)?;
        }
        Ok(())
    }
}

/// How often each number was handled.
#[derive(Default)]
struct Seen {
    counts: HashMap<usize, u32>,
}

impl Seen {
    fn note(&mut self, line: &str) -> Result<()> {
        *self.counts.entry(line.parse()?).or_default() += 1;
        Ok(())
    }
}

/// A broker whose sessions may be short, so that a killed member is missed soon.
fn broker() -> Result<TestBroker> {
    match std::env::var("KAFKA_APP_TEST_BOOTSTRAP") {
        Ok(_) => TestBroker::start(),
        Err(_) => TestBroker::embedded(&[("group.min.session.timeout.ms", "1000")]),
    }
}

async fn fill(broker: &TestBroker) -> Result<String> {
    let topic = broker.topic("numbers", 6).await?;
    broker.produce(&topic, (0..RECORDS).map(|n| record(n.to_string(), n.to_string()))).await?;
    Ok(topic)
}

/// A number below `bound`; the standard library seeds its hashers randomly.
fn random(bound: usize) -> usize {
    usize::try_from(RandomState::new().build_hasher().finish() % bound as u64).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn at_least_once_loses_nothing_when_its_process_is_killed_ten_times() -> Result<()> {
    let broker = broker()?;
    let topic = fill(&broker).await?;
    let mut seen = Seen::default();
    for _ in 0..KILLS {
        let mut worker = Worker::start(&broker, &topic, "at-least-once")?;
        worker.take(1 + random(RECORDS / KILLS), &mut seen).await?;
        worker.kill(&mut seen).await?;
    }
    let mut worker = Worker::start(&broker, &topic, "at-least-once")?;
    while seen.counts.len() < RECORDS {
        worker.take(1, &mut seen).await?;
    }
    let repeated = seen.counts.values().filter(|n| **n > 1).count();
    println!("{RECORDS} records, {KILLS} kills: 0 lost, {repeated} repeated");
    worker.kill(&mut seen).await
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_repeats_nothing_when_its_process_is_killed_ten_times() -> Result<()> {
    let broker = broker()?;
    let topic = fill(&broker).await?;
    let group = broker.name("survivors");
    let mut seen = Seen::default();
    for _ in 0..KILLS {
        let mut worker = Worker::start(&broker, &topic, "at-most-once")?;
        worker.take(1 + random(RECORDS / (3 * KILLS)), &mut seen).await?;
        worker.kill(&mut seen).await?;
    }
    // The last of each partition is a mark: whoever handles it has seen all that could still come.
    let marks = (0..6).zip(RECORDS..).map(|(partition, number)| kafka_app_tests::Record {
        partition: Some(partition),
        ..record("mark", number.to_string())
    });
    broker.produce(&topic, marks.collect::<Vec<_>>()).await?;
    let mut worker = Worker::start(&broker, &topic, "at-most-once")?;
    while (0..6).any(|partition| !seen.counts.contains_key(&(RECORDS + partition))) {
        worker.take(1, &mut seen).await?;
    }
    worker.kill(&mut seen).await?;
    let repeated = seen.counts.iter().filter(|(_, n)| **n > 1).map(|(number, n)| (*number, *n)).collect::<Vec<_>>();
    assert!(repeated.is_empty(), "handled more than once: {repeated:?}");
    let lost = RECORDS + 6 - seen.counts.len();
    println!(
        "{RECORDS} records, {KILLS} kills: {lost} lost, 0 repeated; committed {:?}",
        broker.committed(&group, &topic)?
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_on_its_way_through_a_retry_topic_when_the_process_is_killed() -> Result<()> {
    const RECORDS: usize = 4_000;
    for delivery in ["retried-at-least-once", "retried-exactly-once"] {
        let broker = broker()?;
        let topic = broker.topic("numbers", 6).await?;
        broker.produce(&topic, (0..RECORDS).map(|n| record(n.to_string(), n.to_string()))).await?;
        let copies = broker.topic("copies", 6).await?;
        let mut seen = Seen::default();
        for _ in 0..KILLS {
            let mut worker = Worker::start(&broker, &topic, delivery)?;
            worker.take(1 + random(RECORDS / (2 * KILLS)), &mut seen).await?;
            worker.kill(&mut seen).await?;
        }
        let mut worker = Worker::start(&broker, &topic, delivery)?;
        while seen.counts.len() < RECORDS {
            worker.take(1, &mut seen).await?;
        }
        let mut counts = HashMap::<String, u32>::new();
        for record in broker.records(&copies, RECORDS).await? {
            *counts.entry(record.text()).or_default() += 1;
        }
        worker.kill(&mut seen).await?;
        let repeated = counts.values().filter(|n| **n > 1).count();
        if delivery == "retried-exactly-once" {
            assert_eq!((counts.len(), repeated), (RECORDS, 0), "lost and repeated");
        }
        let handled_again = seen.counts.values().filter(|n| **n > 1).count();
        println!("{delivery}: {RECORDS} records, {KILLS} kills: 0 lost, {handled_again} were handled more than once");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_once_copies_every_record_once_when_its_process_is_killed_ten_times() -> Result<()> {
    const RECORDS: usize = 40_000;
    let broker = broker()?;
    let topic = broker.topic("numbers", 6).await?;
    broker.produce(&topic, (0..RECORDS).map(|n| record(n.to_string(), n.to_string()))).await?;
    let copies = broker.topic("copies", 6).await?;
    let group = broker.name("survivors");
    let mut seen = Seen::default();
    for _ in 0..KILLS {
        // Whatever it has handled by then, some of it is in a transaction that nobody ends but its successor.
        let mut worker = Worker::start(&broker, &topic, "exactly-once")?;
        worker.take(1 + random(RECORDS / (2 * KILLS)), &mut seen).await?;
        worker.kill(&mut seen).await?;
    }
    let mut worker = Worker::start(&broker, &topic, "exactly-once")?;
    let ends = broker.end_offsets(&topic)?;
    loop {
        // Its lines are read as they come, so that it is never held up by a full pipe; in between, the group is looked at.
        match tokio::time::timeout(Duration::from_millis(200), worker.lines.next_line()).await {
            Ok(line) => seen.note(&line?.context("the worker ended by itself")?)?,
            Err(_) if broker.committed(&group, &topic)? == ends => break,
            Err(_) => {}
        }
    }
    worker.kill(&mut seen).await?;
    let mut counts = HashMap::<String, u32>::new();
    for record in broker.records(&copies, RECORDS).await? {
        *counts.entry(record.text()).or_default() += 1;
    }
    let repeated = counts.values().filter(|n| **n > 1).count();
    assert_eq!((counts.len(), repeated), (RECORDS, 0), "lost and repeated");
    let handled_again = seen.counts.values().filter(|n| **n > 1).count();
    println!("{RECORDS} records, {KILLS} kills: 0 lost, 0 repeated; {handled_again} were handled more than once");
    Ok(())
}

/// Whoever is killed leaves a transaction open. Its successor has its ids, and ends it; nobody waits for its time to be up.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_has_left_open_its_successor_ends_at_once() -> Result<()> {
    let broker = broker()?;
    let topic = broker.topic("numbers", 1).await?;
    let copies = broker.topic("copies", 1).await?;
    // Lines that nobody reads: the pipe is full before the second one is written, and its handler hangs.
    let line = |n: u8| record("k", vec![b'0' + n; 50_000]);
    broker.produce(&topic, (0..3).map(line)).await?;
    let worker = Worker::start(&broker, &topic, "exactly-once")?;
    let deadline = Instant::now() + PATIENCE;
    let reader: BaseConsumer = broker.config().set("isolation.level", "read_uncommitted").create()?;
    while reader.fetch_watermarks(&copies, 0, PATIENCE)?.1 == 0 {
        ensure!(Instant::now() < deadline, "it sends nothing");
    }
    let Worker { mut child, lines } = worker;
    child.kill().await?;
    drop(lines);
    let began = Instant::now();
    let mut successor = Worker::start(&broker, &topic, "exactly-once")?;
    for n in 0..3 {
        let line = tokio::time::timeout(PATIENCE, successor.lines.next_line()).await??;
        ensure!(line.is_some_and(|line| line.starts_with(&n.to_string())), "line {n} is missing");
    }
    let texts =
        broker.records(&copies, 3).await?.iter().map(|record| record.text()[..1].to_owned()).collect::<Vec<_>>();
    assert_eq!(texts, ["0", "1", "2"]);
    assert!(began.elapsed() < TRANSACTION_TIMEOUT / 2, "{:?}", began.elapsed());
    successor.child.kill().await?;
    Ok(())
}
