//! [`TestCluster`]: three nodes, each of which can be lost and come back.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use embedded_broker::{EmbeddedBroker, EmbeddedBrokerBuilder};
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::{PATIENCE, TestBroker};

/// The script of a real Kafka.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apache-kafka/kafka");

/// A real cluster has one set of nodes, and tests run at the same time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Three nodes of the test's own: embedded ones by default, else the real ones that run in the directory
/// `KAFKA_APP_TEST_NODES`, as
/// `tests/apache-kafka/kafka start 3 --dir DIR --properties tests/apache-kafka/replicated.properties` leaves them
/// there. Topics have three replicas, of which two must be in sync.
#[derive(Debug)]
pub struct TestCluster {
    broker: TestBroker,
    real: Option<RealNodes>,
}

#[derive(Debug)]
struct RealNodes {
    dir: PathBuf,
    down: Mutex<BTreeSet<i32>>,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

/// How a node goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// In order: what it leads is given to others first.
    Stopped,
    /// All of a sudden.
    Killed,
}

impl TestCluster {
    /// The cluster of this run; what the embedded one draws comes from the seed. `configs` are the embedded one's alone.
    ///
    /// # Errors
    /// It cannot be started, or no real one runs in the directory.
    pub async fn start(seed: u64, configs: &[(&str, &str)]) -> Result<Self> {
        let set = |builder, (key, value): &(&str, &str)| EmbeddedBrokerBuilder::config(builder, *key, *value);
        Self::start_as(seed, |builder| configs.iter().fold(builder, set)).await
    }

    /// The same, with the embedded one made otherwise.
    ///
    /// # Errors
    /// As [`TestCluster::start`].
    pub async fn start_as(
        seed: u64,
        change: impl FnOnce(EmbeddedBrokerBuilder) -> EmbeddedBrokerBuilder,
    ) -> Result<Self> {
        match std::env::var_os("KAFKA_APP_TEST_NODES") {
            Some(dir) => Self::real(Path::new(&dir)).await,
            None => Self::embedded_as(seed, change),
        }
    }

    async fn real(dir: &Path) -> Result<Self> {
        let turn = TURN.lock().await;
        let said = script(dir, &["bootstrap"])?;
        let servers = said.trim().strip_prefix("BOOTSTRAP=").context("it said no address")?;
        let real = RealNodes { dir: dir.to_owned(), down: Mutex::default(), _turn: turn };
        Ok(Self { broker: TestBroker::at(servers), real: Some(real) })
    }

    /// Embedded nodes, whatever the run uses: for what no real cluster can be told.
    ///
    /// # Errors
    /// They cannot be started.
    pub fn embedded(seed: u64, configs: &[(&str, &str)]) -> Result<Self> {
        let set = |builder, (key, value): &(&str, &str)| EmbeddedBrokerBuilder::config(builder, *key, *value);
        Self::embedded_as(seed, |builder| configs.iter().fold(builder, set))
    }

    fn embedded_as(seed: u64, change: impl FnOnce(EmbeddedBrokerBuilder) -> EmbeddedBrokerBuilder) -> Result<Self> {
        let builder = EmbeddedBroker::builder().brokers(3).fault_seed(seed);
        let builder = builder.config("default.replication.factor", "3").config("min.insync.replicas", "2");
        Ok(Self { broker: TestBroker::of(change(builder).start()?), real: None })
    }

    /// Topics, records and names on it.
    #[must_use]
    pub fn broker(&self) -> &TestBroker {
        &self.broker
    }

    /// The embedded one, for what only it can tell or do.
    #[must_use]
    pub fn as_embedded(&self) -> Option<&EmbeddedBroker> {
        self.broker.as_embedded()
    }

    /// The node that leads a partition; asks again while none does.
    ///
    /// # Errors
    /// No node leads it for a long time.
    pub fn leader(&self, topic: &str, partition: i32) -> Result<i32> {
        self.leader_once(topic, partition, |_| true)
    }

    /// The node that leads a partition, once it is one of these: a real cluster needs seconds to miss a node that was killed.
    ///
    /// # Errors
    /// None of them leads it for a long time.
    pub fn leader_once(&self, topic: &str, partition: i32, is_wanted: impl Fn(i32) -> bool) -> Result<i32> {
        let told = self.as_embedded().and_then(|broker| broker.topic(topic).replicas(partition).ok()?.leader);
        if let Some(leader) = told.filter(|leader| is_wanted(*leader)) {
            return Ok(leader); // It elects at once: mostly there is nothing to wait for.
        }
        let consumer: BaseConsumer = self.broker.config().create()?;
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < deadline {
            let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
            let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            last = partitions.find(|found| found.id() == partition).map(|found| found.leader());
            if let Some(leader) = last.filter(|leader| *leader >= 0 && is_wanted(*leader)) {
                return Ok(leader);
            }
        }
        bail!("of {topic}-{partition} it is still said that {last:?} leads it")
    }

    /// Loses a node; returns when it is gone. Real ones take seconds: call it off the test's own tasks.
    ///
    /// # Errors
    /// It does not run, or not go.
    pub fn lose(&self, node: i32, death: Death) -> Result<()> {
        match (&self.real, self.as_embedded(), death) {
            (Some(real), ..) => {
                real.tell(node, if death == Death::Killed { "kill" } else { "stop" })?;
                real.down().insert(node);
            }
            (None, Some(broker), Death::Stopped) => broker.stop_node(node)?,
            (None, Some(broker), Death::Killed) => broker.crash(node)?,
            (None, None, _) => {}
        }
        Ok(())
    }

    /// Starts a node that was lost; returns when it serves.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&self, node: i32) -> Result<()> {
        match (&self.real, self.as_embedded()) {
            (Some(real), _) => {
                real.tell(node, "start")?;
                real.down().remove(&node);
            }
            (None, Some(broker)) => broker.restart(node)?,
            (None, None) => {}
        }
        Ok(())
    }
}

impl RealNodes {
    fn down(&self) -> std::sync::MutexGuard<'_, BTreeSet<i32>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, node: i32, verb: &str) -> Result<()> {
        script(&self.dir, &["node", &node.to_string(), verb]).map(drop)
    }
}

impl Drop for RealNodes {
    /// The next test is to find all nodes.
    fn drop(&mut self) {
        for node in std::mem::take(&mut *self.down()) {
            // One that does not start fails the next test, which says so.
            let _started = self.tell(node, "start");
        }
    }
}

fn script(dir: &Path, args: &[&str]) -> Result<String> {
    let ended = Command::new(SCRIPT)
        .args(args)
        .arg("--dir")
        .arg(dir)
        .envs([("KAFKA_START_SECONDS", "300"), ("KAFKA_STOP_SECONDS", "120")])
        .output()
        .context(SCRIPT)?;
    let said = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "`kafka {}` ended with {}: {said}", args.join(" "), ended.status);
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}
