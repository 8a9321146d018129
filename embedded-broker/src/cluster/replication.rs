//! What partitions do when nodes come and go.

use super::{Cluster, Nodes};

impl Cluster {
    /// Tells partitions that nodes have come, gone or been cut off from each other: `after` is what `nodes()` shows already.
    /// Called with `changes` locked, and nothing else.
    #[expect(clippy::unused_self, reason = "partitions have one replica each, which nobody else can take the place of")]
    pub(super) fn replication_after_node_change(&self, before: &Nodes, after: &Nodes) {
        _ = (before, after);
    }
}
