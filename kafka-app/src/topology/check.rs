//! What cannot be meant: two payload types on one topic, and records that go round for ever: pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Node, Place, Topology,
    payload::{is_raw, short},
    reads, retries,
};
use crate::config::{Mistake, Subscription};

/// Where a listener was declared, by its id.
pub(crate) type Source<'s> = BTreeMap<&'s str, &'s str>;

/// All mistakes of a topology. `may_mix_payloads` leaves out those about payload types.
pub(crate) fn check(topology: &Topology, declared_at: &Source<'_>, may_mix_payloads: bool) -> Vec<Mistake> {
    let reads = reads::known(topology);
    let mixed = if may_mix_payloads { Vec::new() } else { mixed_payloads(topology, &reads, declared_at) };
    mixed
        .into_iter()
        .chain(loops(topology, &reads, declared_at))
        .chain(dead_letter_loops(topology, &reads, declared_at))
        .chain(retries::check(topology, &reads, declared_at))
        .collect()
}

pub(super) fn mistake(node: &Node, declared_at: &Source<'_>, text: String) -> Mistake {
    let source = declared_at.get(node.id.as_str()).copied().unwrap_or("code");
    Mistake { source: source.to_owned(), key: format!("listener `{}`", node.id), text }
}

/// What a listener does with the records of a topic, and the type that they are to it.
struct Use<'t> {
    node: &'t Node,
    topic: &'t str,
    does: &'static str,
    payload: &'t str,
}

/// Everything that has a type: first what is read, which what is sent has to agree with.
fn uses<'t>(topology: &'t Topology, reads: &[Vec<&'t str>]) -> Vec<Use<'t>> {
    let read = topology.listeners.iter().zip(reads).flat_map(|(node, topics)| {
        let of = move |payload| topics.iter().map(move |&topic| Use { node, topic, does: "reads", payload });
        node.payload.into_iter().flat_map(of)
    });
    // What the listener of a retry topic sends is told of the one whose topic it is.
    let sending = topology.listeners.iter().filter(|node| node.retries_of.is_none());
    let sent = sending.filter_map(|node| {
        Some(Use { node, topic: node.send_to.as_deref()?, does: "sends to", payload: node.returns? })
    });
    read.chain(sent).filter(|one| !is_raw(one.payload)).collect()
}

/// Listeners that read or send records of one topic as different types: each but the first, which the others differ from.
fn mixed_payloads(topology: &Topology, reads: &[Vec<&str>], declared_at: &Source<'_>) -> Vec<Mistake> {
    let all = uses(topology, reads);
    let mut first: BTreeMap<Place<'_>, &Use<'_>> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for one in &all {
        let other = *first.entry(one.node.place(one.topic)).or_insert(one);
        if is_same(one.payload, other.payload) {
            continue;
        }
        let (as_one, as_other) = told_apart(one.payload, other.payload);
        let text = format!(
            "{} topic `{}` as {as_one}, but listener `{}` {} it as {as_other}: use one type (an enum, if there are several \
             kinds), or set `kafka.listener.mixed-payloads-fatal = false` if all that read it can read every record",
            one.does, one.topic, other.node.id, other.does,
        );
        mistakes.push(mistake(one.node, declared_at, text));
    }
    mistakes
}

/// What is sent may be borrowed where what is read is owned: `Json<&Order>`.
fn is_same(one: &str, another: &str) -> bool {
    let owned = |payload: &str| payload.replace('&', "");
    one == another || owned(one) == owned(another)
}

/// Two types by the names that people write, with their paths where those would be the same.
fn told_apart(one: &str, another: &str) -> (String, String) {
    let (short_one, short_another) = (short(one), short(another));
    if short_one == short_another { (one.to_owned(), another.to_owned()) } else { (short_one, short_another) }
}

/// Listeners whose records come back to them by `send_to` alone, so that one record is enough to keep all of them busy
/// for ever; each ring is told once, at the first of its listeners.
fn loops(topology: &Topology, reads: &[Vec<&str>], declared_at: &Source<'_>) -> Vec<Mistake> {
    let nodes = &topology.listeners;
    let mut told = BTreeSet::new();
    let mut mistakes = Vec::new();
    for start in 0..nodes.len() {
        let Some(ring) = ring_from(nodes, reads, start) else { continue };
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

/// Listeners whose pattern takes their own dead letters in. Of topics by name it is told where they are decided.
fn dead_letter_loops(topology: &Topology, reads: &[Vec<&str>], declared_at: &Source<'_>) -> Vec<Mistake> {
    let with_patterns = topology.listeners.iter().zip(reads).filter_map(|(node, read)| match &node.reads {
        Subscription::Pattern(pattern) => Some((node, pattern, read)),
        Subscription::Topics(_) => None,
    });
    let mistake_of = |(node, pattern, read): (&Node, &String, &Vec<&str>)| {
        let topic = node.dead_letters.iter().find(|topic| read.contains(&topic.as_str()))?;
        let text = format!(
            "gives up to `{topic}`, which its pattern `{pattern}` takes in: its dead letters would go in a circle; name them \
             otherwise, or leave them out with the property \"topic.blacklist\""
        );
        Some(mistake(node, declared_at, text))
    };
    with_patterns.filter_map(mistake_of).collect()
}

/// The shortest way by `send_to` from a listener back to itself.
fn ring_from(nodes: &[Node], reads: &[Vec<&str>], start: usize) -> Option<Vec<usize>> {
    let readers = |from: usize| {
        let topic = nodes[from].send_to.as_deref();
        nodes
            .iter()
            .enumerate()
            .filter(move |(to, node)| {
                node.cluster == nodes[from].cluster && topic.is_some_and(|topic| reads[*to].contains(&topic))
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
