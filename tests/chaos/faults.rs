//! [`Troubles`]: what goes wrong, and when: a sequence drawn from a seed: pure.

use std::time::Duration;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// SIGKILL, and a new process in its place.
    Kill { process: usize },
    /// SIGTERM, and a new process when it has ended.
    Terminate { process: usize },
    /// SIGSTOP, and SIGCONT later: longer than a session, at times.
    Freeze { process: usize, pause: Duration },
    /// The broker's process is killed and started again on its data directory.
    KillBroker,
    /// The same in order.
    StopBroker,
    /// SIGSTOP for the broker.
    FreezeBroker { pause: Duration },
    /// Every answer takes longer.
    Latency { round_trip: Duration, lasts: Duration },
    /// Requests are served, and then the connection ends instead of an answer.
    DropAnswers { per_mille: u32, lasts: Duration },
    /// The group of a stage has to begin anew.
    Rebalance { stage: usize },
    /// A node of a real Kafka is killed and started again: what it led and coordinated moves.
    KillNode { node: usize },
    /// The same in order.
    StopNode { node: usize },
    /// SIGSTOP for a node: longer than its session with the controller, at times.
    FreezeNode { node: usize, pause: Duration },
    /// Every answer of a node takes longer, by `latency` and up to `jitter` more: Toxiproxy's `latency`.
    SlowNode { node: usize, latency: Duration, jitter: Duration, lasts: Duration },
    /// Requests to a node are served, and then the connection ends in the middle of an answer: Toxiproxy's `limit_data`.
    CutAnswers { node: usize, per_mille: u32, lasts: Duration },
    /// Requests to a node are served and none is answered, and at last all its connections end: Toxiproxy's `timeout`. Longer
    /// than a session, at times.
    SilenceNode { node: usize, timeout: Duration },
    /// Leaders go back to where they were first.
    ElectPreferred,
    /// A node of the embedded cluster is gone for a while, killed or in order: what it led and coordinated moves.
    LoseNode { node: usize, in_order: bool, pause: Duration },
    /// Followers that run on a node get what they follow so much later.
    LagNode { node: usize, by: Duration, lasts: Duration },
    /// Two nodes do not follow each other.
    IsolateNodes { nodes: (usize, usize), lasts: Duration },
    /// Every partition has another leader, and so many groups and transactions another coordinator.
    ShuffleLeaders,
    /// Another node is the controller.
    MoveController { node: usize },
}

/// Who can suffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Victims {
    pub(crate) n_processes: usize,
    pub(crate) n_stages: usize,
    pub(crate) broker: Broker,
}

/// Whose broker it is, and so what can be done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broker {
    /// Somebody else's: only processes suffer beside it.
    OfOthers,
    Embedded,
    /// Several nodes of the embedded broker in one process.
    Cluster {
        n_nodes: usize,
    },
    /// A real Kafka of our own.
    Nodes {
        n_nodes: usize,
    },
}

/// A sequence of troubles, with the pause before each.
#[derive(Debug)]
pub(crate) struct Troubles {
    random: fastrand::Rng,
    victims: Victims,
    longest_pause: Duration,
}

impl Troubles {
    /// From one seed always the same.
    pub(crate) fn new(seed: u64, victims: Victims, longest_pause: Duration) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), victims, longest_pause }
    }
}

impl Iterator for Troubles {
    type Item = (Duration, Trouble);

    fn next(&mut self) -> Option<Self::Item> {
        let most = u64::try_from(self.longest_pause.as_millis()).unwrap_or(u64::MAX);
        let pause = self.millis(most / 10, most);
        let process = self.random.usize(0..self.victims.n_processes);
        let n_kinds = match self.victims.broker {
            Broker::OfOthers => 8,
            Broker::Embedded => 16,
            Broker::Cluster { .. } => 24,
            Broker::Nodes { .. } => 21,
        };
        let trouble = match self.random.u32(0..n_kinds) {
            0..=2 => Trouble::Kill { process },
            3..=5 => Trouble::Terminate { process },
            6 => Trouble::Freeze { process, pause: self.millis(50, 2_000) },
            7 => Trouble::Freeze { process, pause: self.millis(7_000, 10_000) },
            kind => self.of_broker(kind),
        };
        Some((pause, trouble))
    }
}

impl Troubles {
    fn of_broker(&mut self, kind: u32) -> Trouble {
        match (self.victims.broker, kind) {
            (Broker::Nodes { n_nodes }, _) => return self.of_node(kind, n_nodes),
            (Broker::Cluster { n_nodes }, 8..=10 | 16..) => return self.of_cluster(kind, n_nodes),
            _ => {}
        }
        match kind {
            8 | 9 => Trouble::KillBroker,
            10 => Trouble::StopBroker,
            11 => Trouble::FreezeBroker { pause: self.millis(50, 3_000) },
            12 => Trouble::Latency { round_trip: self.millis(5, 200), lasts: self.millis(500, 3_000) },
            13 | 14 => Trouble::DropAnswers { per_mille: self.random.u32(5..=100), lasts: self.millis(500, 3_000) },
            _ => Trouble::Rebalance { stage: self.random.usize(0..self.victims.n_stages) },
        }
    }

    fn of_cluster(&mut self, kind: u32, n_nodes: usize) -> Trouble {
        let node = self.random.usize(0..n_nodes);
        match kind {
            8 | 9 | 16 | 17 => Trouble::LoseNode { node, in_order: false, pause: self.millis(10, 5_000) },
            10 | 18 => Trouble::LoseNode { node, in_order: true, pause: self.millis(10, 5_000) },
            19 => Trouble::LagNode { node, by: self.millis(1, 500), lasts: self.millis(500, 5_000) },
            20 => {
                let other = (node + self.random.usize(1..n_nodes)) % n_nodes;
                Trouble::IsolateNodes { nodes: (node, other), lasts: self.millis(500, 5_000) }
            }
            21 | 22 => Trouble::ShuffleLeaders,
            _ => Trouble::MoveController { node },
        }
    }

    fn of_node(&mut self, kind: u32, n_nodes: usize) -> Trouble {
        let node = self.random.usize(0..n_nodes);
        match kind {
            8 | 9 => Trouble::KillNode { node },
            10 => Trouble::StopNode { node },
            11 => Trouble::FreezeNode { node, pause: self.millis(50, 3_000) },
            12 => Trouble::FreezeNode { node, pause: self.millis(10_000, 15_000) },
            13 | 14 => Trouble::SlowNode {
                node,
                latency: self.millis(5, 200),
                jitter: self.millis(0, 100),
                lasts: self.millis(500, 3_000),
            },
            15..=17 => {
                Trouble::CutAnswers { node, per_mille: self.random.u32(5..=100), lasts: self.millis(500, 3_000) }
            }
            18 => Trouble::SilenceNode { node, timeout: self.millis(50, 3_000) },
            19 => Trouble::SilenceNode { node, timeout: self.millis(7_000, 12_000) },
            _ => Trouble::ElectPreferred,
        }
    }

    fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.random.u64(least..=most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn troubles(seed: u64, broker: Broker) -> Vec<(Duration, Trouble)> {
        let victims = Victims { n_processes: 3, n_stages: 2, broker };
        Troubles::new(seed, victims, Duration::from_secs(3)).take(500).collect()
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        for broker in [Broker::Embedded, Broker::Cluster { n_nodes: 3 }, Broker::Nodes { n_nodes: 3 }] {
            assert_eq!(troubles(7, broker), troubles(7, broker));
            assert_ne!(troubles(7, broker), troubles(8, broker));
        }
    }

    #[test]
    fn a_broker_of_others_is_left_alone() {
        let ours = |trouble: &Trouble| {
            matches!(trouble, Trouble::Kill { .. } | Trouble::Terminate { .. } | Trouble::Freeze { .. })
        };
        assert!(troubles(1, Broker::OfOthers).iter().all(|(_, trouble)| ours(trouble)));
        assert!(!troubles(1, Broker::Embedded).iter().all(|(_, trouble)| ours(trouble)));
    }

    #[test]
    fn every_process_and_every_stage_suffers() {
        let troubles = troubles(1, Broker::Embedded);
        let meets = |trouble: Trouble| troubles.iter().any(|(_, met)| *met == trouble);
        assert!((0..3).all(|process| meets(Trouble::Kill { process }) && meets(Trouble::Terminate { process })));
        assert!((0..2).all(|stage| meets(Trouble::Rebalance { stage })));
    }

    #[test]
    fn every_node_suffers_and_the_embedded_broker_does_not() {
        let troubles = troubles(1, Broker::Nodes { n_nodes: 3 });
        let meets = |trouble: Trouble| troubles.iter().any(|(_, met)| *met == trouble);
        assert!((0..3).all(|node| meets(Trouble::KillNode { node }) && meets(Trouble::StopNode { node })));
        assert!(meets(Trouble::ElectPreferred) && !meets(Trouble::KillBroker));
    }

    #[test]
    fn a_cluster_loses_every_node_and_its_process_stays() {
        let troubles = troubles(1, Broker::Cluster { n_nodes: 3 });
        let loses = |lost: usize, killed: bool| {
            let is_it = |trouble: &Trouble| matches!(trouble, Trouble::LoseNode { node, in_order, .. } if *node == lost && *in_order != killed);
            troubles.iter().any(|(_, met)| is_it(met))
        };
        assert!((0..3).all(|node| loses(node, true) && loses(node, false)));
        let meets = |trouble: Trouble| troubles.iter().any(|(_, met)| *met == trouble);
        assert!(meets(Trouble::ShuffleLeaders) && meets(Trouble::MoveController { node: 2 }));
        assert!(!meets(Trouble::KillBroker) && !meets(Trouble::StopBroker));
        let isolates =
            |(_, met): &(Duration, Trouble)| matches!(met, Trouble::IsolateNodes { nodes: (a, b), .. } if a != b);
        assert!(troubles.iter().any(isolates));
    }

    #[test]
    fn answers_of_every_node_are_late_cut_and_missing() {
        let mut met = [[false; 3]; 3];
        for (_, trouble) in troubles(1, Broker::Nodes { n_nodes: 3 }) {
            match trouble {
                Trouble::SlowNode { node, .. } => met[node][0] = true,
                Trouble::CutAnswers { node, .. } => met[node][1] = true,
                Trouble::SilenceNode { node, .. } => met[node][2] = true,
                _ => {}
            }
        }
        assert_eq!(met, [[true; 3]; 3]);
    }
}
