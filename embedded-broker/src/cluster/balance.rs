//! Leaders that go back to where they belong by themselves: the replica that comes first leads again.
//!
//! As Kafka's controller: every `leader.imbalance.check.interval.seconds` each partition whose first replica may lead, and does
//! not, elects it; one whose first replica is out of sync waits for the next time.

use std::time::Duration;

use super::Cluster;
use super::replication::each_partition;
use crate::coordinator::TimerKey;
use crate::replication::Election;

/// Whether leaders go back, and how often it is looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BalanceConfig {
    /// `auto.leader.rebalance.enable`.
    pub(crate) enabled: bool,
    /// `leader.imbalance.check.interval.seconds`.
    pub(crate) interval: Duration,
}

impl Default for BalanceConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self { enabled: true, interval: Duration::from_secs(300) }
    }
}

impl Cluster {
    /// Sets the next look, if there is anybody else who could lead.
    pub(crate) fn schedule_balance(&self) {
        let BalanceConfig { enabled, interval } = self.settings.balance;
        if enabled && self.has_followers {
            self.timers.schedule(TimerKey::LeaderBalance, self.clock.now() + interval);
        }
    }

    /// Has every partition that somebody else leads elect its first replica.
    pub(super) fn balance_leaders(&self) {
        self.schedule_balance();
        let topics = self.topics();
        self.elect(|| {
            let mut moved = 0_usize;
            for (_, _, partition) in each_partition(topics.iter()) {
                let now = partition.leadership();
                if now.replicas.first() != Some(&now.leader) && partition.elect(Election::Preferred) {
                    moved += 1;
                }
            }
            tracing::debug!(moved, "leaders were looked after");
            moved > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::cluster::{Node, NodeState};
    use crate::settings::BrokerSettings;
    use crate::topic::NewTopic;

    /// Two nodes, the second of which leads what belongs to the first.
    fn imbalanced(balance: BalanceConfig) -> Cluster {
        let (clock, _hand) = Clock::manual(0);
        let settings = BrokerSettings { balance, ..BrokerSettings::default() };
        let cluster = Cluster::new(clock, settings, vec![Node::of(1), Node::of(2)]);
        let new = NewTopic { name: "t".to_owned(), replicas: vec![vec![1, 2]], configs: Default::default() };
        cluster.change_topics(|topics| cluster.add_topic(topics, new)).expect("a topic");
        for state in [NodeState::Down, NodeState::Up] {
            cluster.change_nodes(|nodes| nodes.set_state(1, state)).expect("a node");
        }
        assert_eq!(leader(&cluster), 2);
        cluster
    }

    fn leader(cluster: &Cluster) -> i32 {
        cluster.topics().by_name("t").expect("a topic").partitions[0].leader().0
    }

    #[test]
    fn the_first_replica_leads_again_if_it_is_in_sync() {
        let cluster = imbalanced(BalanceConfig::default());
        cluster.change_nodes(|nodes| nodes.set_state(1, NodeState::Down)).expect("a node");
        cluster.balance_leaders();
        assert_eq!(leader(&cluster), 2);
        cluster.change_nodes(|nodes| nodes.set_state(1, NodeState::Up)).expect("a node");
        cluster.balance_leaders();
        assert_eq!(leader(&cluster), 1);
    }

    #[test]
    fn where_it_is_off_nobody_looks() {
        let next_look = |enabled| {
            let cluster = imbalanced(BalanceConfig { enabled, ..BalanceConfig::default() });
            cluster.schedule_balance();
            cluster.timers.run_due(|key| panic!("{key:?} is not due"))
        };
        let interval = BalanceConfig::default().interval;
        assert_eq!((next_look(true), next_look(false)), (Some(crate::clock::Timestamp::ZERO + interval), None));
    }
}
