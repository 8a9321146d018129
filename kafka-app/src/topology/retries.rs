//! Retry topics are their listener's alone: pure.

use std::collections::BTreeMap;

use super::{Node, Place, Source, Topology, check::mistake};
use crate::config::{Mistake, Subscription};

/// All that others do with a listener's retry topics, and names that come of two listeners.
pub(super) fn check(topology: &Topology, reads: &[Vec<&str>], declared_at: &Source<'_>) -> Vec<Mistake> {
    let mut owners: BTreeMap<Place<'_>, &str> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (node, owner) in stages(topology) {
        for topic in node.topics_read() {
            let first = *owners.entry(node.place(topic)).or_insert(owner);
            if first != owner {
                let text = format!(
                    "its retry topic `{topic}` is one of listener `{first}` too, and each would handle what the other failed to: \
                     give one of them another name, as in `retry_topics(suffix = \"-{owner}-retry\")`"
                );
                mistakes.push(owned(topology, owner, declared_at, text));
            }
        }
    }
    for (node, read) in topology.listeners.iter().zip(reads).filter(|(node, _)| node.retries_of.is_none()) {
        let used = [("reads", read.clone())];
        let used = used.into_iter().chain([
            ("sends to", node.send_to.as_deref().into_iter().collect()),
            ("gives up to", node.dead_letters.iter().map(String::as_str).collect()),
        ]);
        for (what, topic) in used.flat_map(|(what, topics)| topics.into_iter().map(move |topic| (what, topic))) {
            if let Some(owner) = owners.get(&node.place(topic)) {
                let text = format!(
                    "{what} `{topic}`, a retry topic of listener `{owner}`, which alone uses it{}",
                    way_out(node, what)
                );
                mistakes.push(mistake(node, declared_at, text));
            }
        }
    }
    mistakes.extend(same_ids(topology, declared_at));
    mistakes
}

/// A pattern cannot say what it does not mean.
fn way_out(node: &Node, what: &str) -> &'static str {
    match &node.reads {
        Subscription::Pattern(_) if what == "reads" => {
            ": leave it out of the pattern, or with the property \"topic.blacklist\""
        }
        Subscription::Pattern(_) | Subscription::Topics(_) => "",
    }
}

fn stages(topology: &Topology) -> impl Iterator<Item = (&Node, &str)> {
    topology.listeners.iter().filter_map(|node| Some((node, node.retries_of.as_deref()?)))
}

/// A mistake of the listener whose retry topics are meant.
fn owned(topology: &Topology, owner: &str, declared_at: &Source<'_>, text: String) -> Mistake {
    let node = topology.listeners.iter().find(|node| node.id == owner);
    node.map(|node| mistake(node, declared_at, text.clone())).unwrap_or_else(|| Mistake {
        source: "code".to_owned(),
        key: format!("listener `{owner}`"),
        text,
    })
}

/// Ids that stand twice since one of them is that of a retry topic's listener.
fn same_ids(topology: &Topology, declared_at: &Source<'_>) -> Vec<Mistake> {
    let clash = |(node, owner): (&Node, &str)| {
        let is_another = |other: &&Node| other.id == node.id && other.retries_of.as_deref() != Some(owner);
        topology.listeners.iter().find(is_another).map(|other| {
            let text = format!("the listener of a retry topic of `{owner}` has this id: give one of them another");
            mistake(other, declared_at, text)
        })
    };
    stages(topology).filter_map(clash).collect()
}
