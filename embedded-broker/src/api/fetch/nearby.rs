//! Reading from a follower nearby (KIP-392): which replica a client is sent to.

use std::cmp::Reverse;

use super::RequestContext;
use crate::cluster::Nodes;
use crate::partition::{Nearby, Partition};

/// The replica that a consumer is to read from instead of the leader, as Kafka's `RackAwareReplicaSelector` chooses it: one in
/// the client's rack that is in sync and has the offset; the leader if it is in that rack, or nobody is.
pub(super) fn preferred(cx: &RequestContext<'_>, partition: &Partition, rack: &str, offset: i64) -> Option<i32> {
    if !cx.cluster.settings.selects_by_rack || rack.is_empty() || cx.version < 11 {
        return None;
    }
    let nodes = cx.cluster.nodes();
    if rack_of(&nodes, cx.node_id) == Some(rack) {
        return None;
    }
    let mut there = partition.nearby(cx.node_id, offset);
    there.retain(|replica| rack_of(&nodes, replica.node) == Some(rack));
    let most = |replica: &Nearby| {
        let behind = replica.behind_since.map(|since| cx.cluster.clock.now().saturating_sub(since)).unwrap_or_default();
        (replica.end, Reverse(behind), replica.node)
    };
    there.into_iter().max_by_key(most).map(|replica| replica.node)
}

/// The rack of a node that clients are told of.
fn rack_of(nodes: &Nodes, id: i32) -> Option<&str> {
    nodes.listed().find(|node| node.id == id).and_then(|node| node.rack.as_deref())
}
