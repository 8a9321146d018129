//! The guard that ends a fault.

use std::fmt;
use std::sync::Arc;

use super::links::{Link, LinkId};
use super::rules::{Rule, RuleId};
use crate::cluster::Cluster;
use crate::persist::disk::DiskFault;

/// A fault that is set: of [requests](crate::EmbeddedBroker::fault), of the [network](crate::EmbeddedBroker::network) or of
/// the [disk](crate::EmbeddedBroker::fail_disk). It ends when this is dropped; what it has done by then stays done.
#[must_use = "the fault ends as soon as this is dropped"]
pub struct Fault {
    cluster: Arc<Cluster>,
    set: Set,
}

#[derive(Debug, Clone, Copy)]
enum Set {
    Rule(RuleId),
    Link(LinkId),
    /// Of a node, or of all.
    Disk(Option<i32>),
}

impl Fault {
    pub(super) fn of_rule(cluster: &Arc<Cluster>, rule: Rule) -> Self {
        Self { cluster: Arc::clone(cluster), set: Set::Rule(cluster.faults.add(rule)) }
    }

    pub(super) fn of_link(cluster: &Arc<Cluster>, link: Link) -> Self {
        Self { cluster: Arc::clone(cluster), set: Set::Link(cluster.faults.add_link(link)) }
    }

    /// Of the disk of a node, or of all.
    pub(super) fn of_disk(cluster: &Arc<Cluster>, node: Option<i32>, fault: DiskFault) -> Self {
        cluster.disk_of(node).iter().for_each(|disk| disk.set_fault(Some(fault)));
        Self { cluster: Arc::clone(cluster), set: Set::Disk(node) }
    }

    /// How often it has happened: to how many requests, how many messages or connections on the network, or how many writes.
    #[must_use]
    pub fn times_happened(&self) -> u32 {
        match self.set {
            Set::Rule(id) => self.cluster.faults.times_happened(id),
            Set::Link(id) => self.cluster.faults.times_link_happened(id),
            Set::Disk(node) => self.cluster.disk_of(node).map_or(0, |disk| disk.times_failed()),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("times_happened", &self.times_happened()).finish_non_exhaustive()
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        match self.set {
            Set::Rule(id) => self.cluster.faults.remove(id),
            Set::Link(id) => self.cluster.faults.remove_link(id),
            Set::Disk(node) => self.cluster.disk_of(node).iter().for_each(|disk| disk.set_fault(None)),
        }
    }
}
