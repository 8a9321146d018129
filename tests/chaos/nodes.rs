//! [`Nodes`]: a real Apache Kafka of our own, each node of which can suffer, and what it answers to clients.
//!
//! Clients reach a node through a [`Proxy`], whose address it advertises to them. Nodes among themselves have another
//! listener: what goes wrong between them is not ours to make up.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::proxy::{Proxy, Toxics};

/// The script that starts it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apache-kafka/kafka");

/// What an acknowledged record needs to outlive the death of any one node, and a dead process's transaction to end soon.
const PROPERTIES: [(&str, usize); 2] =
    [("transaction.abort.timed.out.transaction.cleanup.interval.ms", 1_000), ("group.min.session.timeout.ms", 1_000)];

/// `CLIENTS` is what clients come to, by its proxy; `NODES` is for the nodes among themselves, and for tools of theirs.
const LISTENERS: &str = "\
listeners=NODES://127.0.0.1:{port},CLIENTS://127.0.0.1:{port-1},CONTROLLER://127.0.0.1:{controller-port}
advertised.listeners=NODES://127.0.0.1:{port},CLIENTS://127.0.0.1:{port-2}
inter.broker.listener.name=NODES
listener.security.protocol.map=CONTROLLER:PLAINTEXT,NODES:PLAINTEXT,CLIENTS:PLAINTEXT
";

/// Nodes start beside everything else that goes on: a run is not to fail for a busy machine.
const PATIENCE: [(&str, &str); 2] = [("KAFKA_START_SECONDS", "300"), ("KAFKA_STOP_SECONDS", "120")];

/// How often it is started anew when somebody else has taken a port that was free before.
const N_TRIES: u32 = 3;

/// Nodes of one cluster; stopped when it is dropped.
pub(crate) struct Nodes {
    dir: PathBuf,
    /// The nodes' own addresses.
    direct: String,
    /// Those of their proxies.
    pub(crate) servers: String,
    proxies: Vec<Proxy>,
}

impl Nodes {
    /// Starts as many nodes, 1 or 3, below `dir`; their proxies draw from the seed.
    pub(crate) async fn start(n_nodes: usize, dir: &Path, seed: u64) -> Result<Self> {
        let dir = std::path::absolute(dir.join("kafka"))?;
        std::fs::create_dir_all(&dir)?;
        let properties = dir.join("chaos.properties");
        let replicas = [("default.replication.factor", n_nodes), ("min.insync.replicas", n_nodes / 2 + 1)];
        let lines = PROPERTIES.iter().chain(&replicas).map(|(key, value)| format!("{key}={value}\n"));
        std::fs::write(&properties, lines.chain([LISTENERS.to_owned()]).collect::<String>())?;
        let mut nodes = Self { dir, direct: String::new(), servers: String::new(), proxies: Vec::new() };
        let mut n_tries = 0;
        loop {
            let said =
                nodes.run(&["start", &n_nodes.to_string(), "--properties", &properties.to_string_lossy()]).await?;
            nodes.direct = said.trim().strip_prefix("BOOTSTRAP=").context("it said no address")?.to_owned();
            n_tries += 1;
            match nodes.start_proxies(n_nodes, seed).await {
                Ok(()) => break,
                Err(error) if n_tries == N_TRIES => return Err(error),
                Err(_) => nodes.run(&["stop"]).await.map(drop)?,
            }
        }
        let addresses = nodes.proxies.iter().map(|proxy| proxy.address().to_string());
        nodes.servers = addresses.collect::<Vec<_>>().join(",");
        Ok(nodes)
    }

    async fn start_proxies(&mut self, n_nodes: usize, seed: u64) -> Result<()> {
        self.proxies.clear();
        for node in 1..=n_nodes {
            let file = self.dir.join(format!("node-{node}/server.properties"));
            let properties = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            let (port, node_port) = (port(&properties, "advertised.listeners")?, port(&properties, "listeners")?);
            self.proxies.push(Proxy::start(port, node_port, seed.wrapping_add(node as u64)).await?);
        }
        Ok(())
    }

    /// From now on something else is done to what a node, from 0, answers to clients.
    pub(crate) fn suffer(&self, node: usize, change: impl FnOnce(&mut Toxics)) {
        self.proxies[node].suffer(change);
    }

    /// `kill`, `stop`, `freeze`, `thaw` or `start` for a node, from 0; returns when it is done.
    pub(crate) async fn tell(&self, node: usize, verb: &str) -> Result<()> {
        self.run(&["node", &(node + 1).to_string(), verb]).await.map(drop)
    }

    /// Each partition's first replica leads it again.
    pub(crate) async fn elect_preferred(&self) -> Result<()> {
        let elect = ["--election-type", "preferred", "--all-topic-partitions"];
        let tool = ["tool", "org.apache.kafka.tools.LeaderElectionCommand", "--bootstrap-server", &self.direct];
        // One that finds every leader in its place, or a partition whose first replica is not in sync, fails.
        let _moved = Command::new(SCRIPT).args(tool).args(elect).output().await?;
        Ok(())
    }

    async fn run(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(SCRIPT);
        command.args(args).arg("--dir").arg(&self.dir).envs(PATIENCE);
        let ended = command.output().await.context(SCRIPT)?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "`kafka {}` ended with {}: {said}", args.join(" "), ended.status);
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }
}

/// That of the listener for clients, in the last property of this name, which is the one that counts.
fn port(properties: &str, key: &str) -> Result<u16> {
    let mut values = properties.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let of_clients =
        values.next_back().and_then(|value| value.split(',').find(|listener| listener.starts_with("CLIENTS:")));
    let port = of_clients.and_then(|listener| listener.rsplit(':').next()?.parse().ok());
    port.with_context(|| format!("`{key}` of a node has no listener for clients"))
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // A node that cannot be stopped has said so.
        let _stopped = std::process::Command::new(SCRIPT).arg("stop").arg("--dir").arg(&self.dir).status();
    }
}
