//! Who keeps the metadata of the cluster: every node is a voter, and the controller leads them.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::{Cluster, Nodes};

/// What is known of nodes that do not run. Its lock is a leaf; it changes under `changes`.
#[derive(Debug, Default)]
pub(super) struct Quorum {
    absent: Mutex<BTreeMap<i32, Voter>>,
}

/// How far a node has got with the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Voter {
    pub(crate) id: i32,
    pub(crate) end_offset: i64,
    /// When it last had all there was: milliseconds of the wall clock.
    pub(crate) seen_at: i64,
}

impl Cluster {
    /// Every node, with how far it has got: whoever runs has everything.
    pub(crate) fn voters(&self) -> Vec<Voter> {
        let absent = self.quorum.absent.lock();
        let nodes = self.nodes();
        nodes.every().map(|node| absent.get(&node.id).copied().unwrap_or_else(|| self.present(node.id))).collect()
    }

    fn present(&self, id: i32) -> Voter {
        Voter { id, end_offset: self.metadata_offset(), seen_at: self.clock.wall_ms() }
    }

    /// Remembers how far nodes had got that do not run any more. Called with `changes` locked, and nothing else.
    pub(super) fn quorum_after_node_change(&self, before: &Nodes, after: &Nodes) {
        let mut absent = self.quorum.absent.lock();
        for id in after.every().map(|node| node.id) {
            match (before.runs(id), after.runs(id)) {
                (true, false) => _ = absent.insert(id, self.present(id)),
                (false, true) => _ = absent.remove(&id),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::cluster::{Node, NodeState};
    use crate::settings::BrokerSettings;

    #[test]
    fn a_node_that_is_down_stays_behind_until_it_is_back() {
        let nodes = (1..=3).map(Node::of).collect();
        let cluster = Cluster::new(Clock::real(), BrokerSettings::default(), nodes);
        let set = |state| cluster.change_nodes(|nodes| nodes.set_state(2, state)).expect("a node");
        let behind = || -> Vec<i64> {
            let end = cluster.metadata_offset();
            cluster.voters().iter().map(|voter| end - voter.end_offset).collect()
        };
        assert_eq!(behind(), [0, 0, 0]);
        set(NodeState::Down);
        cluster.auto_create_topic("t").expect("a topic");
        assert_eq!(behind(), [0, 2, 0], "its going and the topic");
        set(NodeState::Up);
        assert_eq!(behind(), [0, 0, 0]);
    }
}
