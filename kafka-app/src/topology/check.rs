//! What cannot be meant: two payload types on one topic, and records that go round for ever: pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Node, Place, Topology,
    payload::{is_raw, short},
    retries,
};
use crate::config::Mistake;

/// Where a listener was declared, by its id.
pub(crate) type Source<'s> = BTreeMap<&'s str, &'s str>;

/// All mistakes of a topology. `may_mix_payloads` leaves out those about payload types.
pub(crate) fn check(topology: &Topology, declared_at: &Source<'_>, may_mix_payloads: bool) -> Vec<Mistake> {
    let mixed = if may_mix_payloads { Vec::new() } else { mixed_payloads(topology, declared_at) };
    mixed.into_iter().chain(loops(topology, declared_at)).chain(retries::check(topology, declared_at)).collect()
}

pub(super) fn mistake(node: &Node, declared_at: &Source<'_>, text: String) -> Mistake {
    let source = declared_at.get(node.id.as_str()).copied().unwrap_or("code");
    Mistake { source: source.to_owned(), key: format!("listener `{}`", node.id), text }
}

/// Listeners that read one topic as different types: each but the first, which the others differ from.
fn mixed_payloads(topology: &Topology, declared_at: &Source<'_>) -> Vec<Mistake> {
    let mut first: BTreeMap<Place<'_>, (&Node, &str)> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for node in &topology.listeners {
        let Some(payload) = node.payload.filter(|payload| !is_raw(payload)) else { continue };
        for topic in node.topics_read() {
            let (other, other_payload) = *first.entry(node.place(topic)).or_insert((node, payload));
            if other_payload != payload {
                let (one, another) = told_apart(payload, other_payload);
                let text = format!(
                    "reads topic `{topic}` as {one}, but listener `{}` as {another}: use one type (an enum, if there \
                     are several kinds), or set `kafka.listener.mixed-payloads-fatal = false` if both can read every record",
                    other.id
                );
                mistakes.push(mistake(node, declared_at, text));
            }
        }
    }
    mistakes
}

/// Two types by the names that people write, with their paths where those would be the same.
fn told_apart(one: &str, another: &str) -> (String, String) {
    let (short_one, short_another) = (short(one), short(another));
    if short_one == short_another { (one.to_owned(), another.to_owned()) } else { (short_one, short_another) }
}

/// Listeners whose records come back to them by `send_to` alone, so that one record is enough to keep all of them busy
/// for ever; each ring is told once, at the first of its listeners.
fn loops(topology: &Topology, declared_at: &Source<'_>) -> Vec<Mistake> {
    let nodes = &topology.listeners;
    let mut told = BTreeSet::new();
    let mut mistakes = Vec::new();
    for start in 0..nodes.len() {
        let Some(ring) = ring_from(nodes, start) else { continue };
        let mut members = ring.clone();
        members.sort_unstable();
        if !told.insert(members) {
            continue;
        }
        let way: Vec<_> = ring
            .iter()
            .map(|index| format!("`{}` → {}", nodes[*index].id, nodes[*index].send_to.as_deref().unwrap_or_default()))
            .collect();
        let text = format!(
            "what it sends comes back to it: {}; if that ends by itself, return `Outgoing`s that name their topic instead of \
             `send_to`",
            way.join(" → ")
        );
        mistakes.push(mistake(&nodes[start], declared_at, text));
    }
    mistakes
}

/// The shortest way by `send_to` from a listener back to itself.
fn ring_from(nodes: &[Node], start: usize) -> Option<Vec<usize>> {
    let readers = |from: usize| {
        let topic = nodes[from].send_to.as_deref();
        nodes
            .iter()
            .enumerate()
            .filter(move |(_, node)| {
                node.cluster == nodes[from].cluster && node.topics_read().any(|read| Some(read) == topic)
            })
            .map(|(to, _)| to)
    };
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut edge = vec![start];
    while !edge.is_empty() {
        let mut next = Vec::new();
        for from in edge {
            for to in readers(from) {
                if to == start {
                    return Some(way_back(&came_from, start, from));
                }
                came_from.entry(to).or_insert_with(|| {
                    next.push(to);
                    from
                });
            }
        }
        edge = next;
    }
    None
}

fn way_back(came_from: &BTreeMap<usize, usize>, start: usize, last: usize) -> Vec<usize> {
    let mut way = vec![last];
    let mut at = last;
    while at != start {
        let Some(before) = came_from.get(&at) else { break };
        at = *before;
        way.push(at);
    }
    way.reverse();
    way
}
