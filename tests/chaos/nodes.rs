//! [`Nodes`]: a real Apache Kafka of our own, each node of which can suffer.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// The script that starts it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apache-kafka/kafka");

/// What an acknowledged record needs to outlive the death of any one node, and a dead process's transaction to end soon.
const PROPERTIES: [(&str, usize); 2] =
    [("transaction.abort.timed.out.transaction.cleanup.interval.ms", 1_000), ("group.min.session.timeout.ms", 1_000)];

/// Nodes of one cluster; stopped when it is dropped.
pub(crate) struct Nodes {
    dir: PathBuf,
    pub(crate) servers: String,
}

impl Nodes {
    /// Starts as many nodes, 1 or 3, below `dir`.
    pub(crate) async fn start(n_nodes: usize, dir: &Path) -> Result<Self> {
        let dir = std::path::absolute(dir.join("kafka"))?;
        std::fs::create_dir_all(&dir)?;
        let properties = dir.join("chaos.properties");
        let replicas = [("default.replication.factor", n_nodes), ("min.insync.replicas", n_nodes / 2 + 1)];
        let lines = PROPERTIES.iter().chain(&replicas).map(|(key, value)| format!("{key}={value}\n"));
        std::fs::write(&properties, lines.collect::<String>())?;
        let mut nodes = Self { dir, servers: String::new() };
        let said = nodes.run(&["start", &n_nodes.to_string(), "--properties", &properties.to_string_lossy()]).await?;
        nodes.servers = said.trim().strip_prefix("BOOTSTRAP=").context("it said no address")?.to_owned();
        Ok(nodes)
    }

    /// `kill`, `stop`, `freeze`, `thaw` or `start` for a node, from 0; returns when it is done.
    pub(crate) async fn tell(&self, node: usize, verb: &str) -> Result<()> {
        self.run(&["node", &(node + 1).to_string(), verb]).await.map(drop)
    }

    /// Each partition's first replica leads it again.
    pub(crate) async fn elect_preferred(&self) -> Result<()> {
        let elect = ["--election-type", "preferred", "--all-topic-partitions"];
        let tool = ["tool", "org.apache.kafka.tools.LeaderElectionCommand", "--bootstrap-server", &self.servers];
        // One that finds every leader in its place, or a partition whose first replica is not in sync, fails.
        let _moved = Command::new(SCRIPT).args(tool).args(elect).output().await?;
        Ok(())
    }

    async fn run(&self, args: &[&str]) -> Result<String> {
        let ended = Command::new(SCRIPT).args(args).arg("--dir").arg(&self.dir).output().await.context(SCRIPT)?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "`kafka {}` ended with {}: {said}", args.join(" "), ended.status);
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // A node that cannot be stopped has said so.
        let _stopped = std::process::Command::new(SCRIPT).arg("stop").arg("--dir").arg(&self.dir).status();
    }
}
