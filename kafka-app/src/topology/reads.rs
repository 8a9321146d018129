//! Which of the topics that a topology names each listener reads, those that its pattern fits too: pure.

use regex_lite::Regex;

use super::{Node, Place, Topology};
use crate::config::Subscription;

/// The topics that are read, of each listener in the topology's order.
///
/// Patterns are POSIX's to librdkafka and its own to this engine. One that this engine cannot read fits nothing here: what
/// it reads is known while it runs.
pub(super) fn known(topology: &Topology) -> Vec<Vec<&str>> {
    let places = topology.places();
    topology.listeners.iter().map(|node| known_of(node, &places)).collect()
}

fn known_of<'t>(node: &'t Node, places: &[Place<'t>]) -> Vec<&'t str> {
    let Subscription::Pattern(pattern) = &node.reads else { return node.topics_read().collect() };
    let Ok(pattern) = Regex::new(pattern) else { return Vec::new() };
    let passed_over: Vec<_> = node.passes_over.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
    let is_read = |topic: &str| pattern.is_match(topic) && !passed_over.iter().any(|other| other.is_match(topic));
    let here = places.iter().filter(|(cluster, _)| *cluster == node.cluster.as_deref());
    here.map(|(_, topic)| *topic).filter(|topic| is_read(topic)).collect()
}
