//! A cluster of three whose nodes go and come back, embedded or real.
//!
//! Conversations run with the real one that `tests/apache-kafka/kafka start 3` has left in the directory
//! `KAFKA_APP_TEST_NODES`, if that is set (that with racks: `KAFKA_APP_TEST_RACKS`), one at a time; with
//! `KAFKA_APP_TEST_SHOW` that one alone is asked, and what it says is printed.

use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use embedded_broker::{EmbeddedBrokerBuilder, Lagging};
use kafka_protocol::messages::DescribeQuorumRequest;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::metadata_response::MetadataResponsePartition as Told;

use super::moves::{alter_request, answer, elected};
use super::*;
use crate::patience::ask_until;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/apache-kafka/kafka");

/// A real cluster has one set of nodes.
static TURN: Mutex<()> = Mutex::new(());

/// What was done or asked, and what was seen.
pub(super) type Line = (String, String);

/// Three nodes.
pub(super) enum Three {
    Embedded(EmbeddedBroker),
    Real { dir: String, addresses: Vec<String> },
}

/// Has a conversation with each cluster there is: what a real one (4.1.1) was seen to say, is said.
pub(super) fn seen_of_three(expected: &str, talk: impl Fn(&Three) -> Vec<Line>) {
    seen_of("KAFKA_APP_TEST_NODES", EmbeddedBroker::builder(), expected, talk);
}

/// The same with the real cluster of another variable, and an embedded one that is set up as that is.
#[expect(
    clippy::print_stdout,
    reason = "what is printed is the next file of what was seen; a failure shows which one it was"
)]
pub(super) fn seen_of(
    variable: &str,
    embedded: EmbeddedBrokerBuilder,
    expected: &str,
    talk: impl Fn(&Three) -> Vec<Line>,
) {
    let seen = |nodes: &Three| {
        let lines = talk(nodes).into_iter().map(|(asked, seen)| format!("{asked}: {seen}"));
        lines.collect::<Vec<_>>()
    };
    let check = |seen: &[String]| {
        let differ = seen.iter().zip(expected.lines()).filter(|(seen, expected)| seen != expected);
        let differ: Vec<String> = differ.map(|(seen, expected)| format!("\n{seen}\n  and not\n{expected}")).collect();
        assert!(differ.is_empty(), "{} lines differ: {}", differ.len(), differ.concat());
        assert_eq!(seen.len(), expected.lines().count(), "as many answers as a real cluster gave");
    };
    if let Ok(dir) = std::env::var(variable) {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen(&Three::real(dir));
        if std::env::var_os("KAFKA_APP_TEST_SHOW").is_some() {
            return println!("{}", seen.join("\n"));
        }
        check(&seen);
        println!("the real cluster passed; against the embedded one:");
    }
    check(&seen(&Three::Embedded(embedded.brokers(3).start().expect("three nodes start"))));
}

/// A node that gets nothing until this is dropped.
pub(super) enum Frozen<'a> {
    Embedded { _lagging: Lagging },
    Real { nodes: &'a Three, node: i32 },
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        if let Self::Real { nodes, node } = self {
            nodes.tell(*node, "thaw");
        }
    }
}

impl Three {
    fn real(dir: String) -> Self {
        let said = script(&dir, &["bootstrap"]);
        let addresses = said.trim().strip_prefix("BOOTSTRAP=").expect("its addresses");
        Self::Real { addresses: addresses.split(',').map(str::to_owned).collect(), dir }
    }

    pub(super) fn address(&self, node: i32) -> String {
        match self {
            Self::Embedded(broker) => broker.node(node).expect("a node").address(),
            Self::Real { addresses, .. } => addresses[usize::try_from(node - 1).expect("a node")].clone(),
        }
    }

    pub(super) fn client(&self, node: i32) -> Client {
        Client::connect(&self.address(node))
    }

    fn tell(&self, node: i32, verb: &str) {
        if let Self::Real { dir, .. } = self {
            script(dir, &["node", &node.to_string(), verb]);
        }
    }

    /// Returns when it is gone; a real one is missed after its session.
    pub(super) fn kill(&self, node: i32) {
        match self {
            Self::Embedded(broker) => broker.crash(node).expect("a node"),
            Self::Real { .. } => self.tell(node, "kill"),
        }
    }

    /// Returns when it serves.
    pub(super) fn start(&self, node: i32) {
        match self {
            Self::Embedded(broker) => broker.restart(node).expect("it starts"),
            Self::Real { .. } => self.tell(node, "start"),
        }
    }

    /// Has a follower stay in sync and get nothing; a real one for as long as its session is.
    pub(super) fn freeze(&self, node: i32) -> Frozen<'_> {
        match self {
            Self::Embedded(broker) => {
                Frozen::Embedded { _lagging: broker.lag(node, Duration::from_secs(25)).expect("a node") }
            }
            Self::Real { .. } => {
                self.tell(node, "freeze");
                Frozen::Real { nodes: self, node }
            }
        }
    }

    /// A node that is not the controller: one that can be frozen while others elect leaders.
    pub(super) fn not_the_controller(&self) -> i32 {
        let partitions = vec![PartitionData::default()];
        let topic = TopicData::default().with_topic_name(name("__cluster_metadata")).with_partitions(partitions);
        let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
        let quorum = self.client(1).call(0, &request);
        let controller = quorum.topics[0].partitions[0].leader_id.0;
        (1..=3).rev().find(|node| *node != controller).expect("there are three")
    }

    /// Waits until a node tells of a partition what is wanted.
    pub(super) fn until(&self, node: i32, topic: &str, index: i32, is_wanted: impl Fn(&Told) -> bool) {
        let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
        let request = MetadataRequest::default().with_topics(Some(vec![asked]));
        let mut client = self.client(node);
        let is_it = |told: &Told| told.partition_index == index;
        let ask = || client.call(12, &request).topics.remove(0).partitions.into_iter().find(is_it);
        ask_until(ask, |told| told.as_ref().is_some_and(&is_wanted));
    }

    /// Waits until these nodes know that one leads in an epoch, and so many are in sync.
    pub(super) fn until_led(
        &self,
        nodes: &[i32],
        topic: &str,
        index: i32,
        (leader, epoch): (i32, i32),
        in_sync: usize,
    ) {
        for node in nodes {
            let is_so =
                |told: &Told| (told.leader_id.0, told.leader_epoch, told.isr_nodes.len()) == (leader, epoch, in_sync);
            self.until(*node, topic, index, is_so);
        }
    }

    /// Has a partition be led by the first of its replicas, in this order, which all are in sync.
    pub(super) fn lead(&self, topic: &str, index: i32, replicas: &[i32]) {
        let mut client = self.client(replicas[0]);
        let request = alter_request(topic, index, Some(replicas));
        assert_eq!(answer(&mut client, 0, &request), "0 -");
        assert_eq!(elected(&mut client, topic, index), 0);
    }
}

fn script(dir: &str, args: &[&str]) -> String {
    let ended = Command::new(SCRIPT).args(args).arg("--dir").arg(dir).env("KAFKA_START_SECONDS", "300").output();
    let ended = ended.expect(SCRIPT);
    assert!(ended.status.success(), "`kafka {}`: {}", args.join(" "), String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("text")
}
