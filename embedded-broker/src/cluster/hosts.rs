//! [`Hosts`]: who has the sockets of nodes, and closes them when one goes.

use super::{Cluster, NodeState};
use crate::coordinator::TimerKey;
use crate::error::Error;

/// What the nodes run on.
pub(crate) trait Hosts {
    /// A node goes all of a sudden, if it runs.
    ///
    /// # Errors
    ///
    /// There is no such node.
    fn crash(&self, cluster: &Cluster, node: i32) -> Result<(), Error>;
}

/// Nodes that nobody connects to.
#[cfg(any(test, feature = "fuzzing"))]
#[derive(Debug)]
pub(crate) struct WithoutSockets;

#[cfg(any(test, feature = "fuzzing"))]
impl Hosts for WithoutSockets {
    fn crash(&self, cluster: &Cluster, node: i32) -> Result<(), Error> {
        cluster.lose_node(node, || {})
    }
}

impl Cluster {
    /// A node cannot write to its directory: as Kafka, it goes as if it were killed.
    pub(super) fn halt(&self, node: i32, hosts: &dyn Hosts) {
        if let Err(error) = hosts.crash(self, node) {
            tracing::error!(node, %error, "a node whose directory cannot be written does not halt");
        }
    }

    /// A node goes all of a sudden, with whatever clients have of it; others miss it at once, or when its session is over.
    ///
    /// # Errors
    ///
    /// There is no such node.
    pub(crate) fn lose_node(&self, id: i32, close: impl FnOnce()) -> Result<(), Error> {
        self.change_nodes(|nodes| nodes.set_state(id, NodeState::Lost))?;
        close();
        match self.settings.broker_session_timeout {
            None => self.miss_node(id),
            Some(timeout) => self.timers.schedule(TimerKey::NodeSession(id), self.clock.now() + timeout),
        }
        Ok(())
    }
}
