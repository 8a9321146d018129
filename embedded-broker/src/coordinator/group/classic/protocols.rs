//! Which assignment protocol a generation uses.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{ClassicGroup, ClassicState, Protocol};
use crate::coordinator::group::hash_order::most_voted;

impl ClassicGroup {
    /// Whether a member with these protocols fits in: same type, and one protocol that all members speak.
    pub(super) fn supports_protocols(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if protocol_type.is_empty() || protocols.is_empty() {
            return false;
        }
        if self.state == ClassicState::Empty {
            return true;
        }
        let members = self.members.values().map(|member| &*member.protocols);
        self.protocol_type.as_deref() == Some(protocol_type) && !spoken_by_all(protocols, members).is_empty()
    }

    pub(super) fn select_protocol(&self) -> Option<Arc<str>> {
        select_protocol(&self.members.values().map(|member| &*member.protocols).collect::<Vec<_>>())
    }

    /// Whether the generation subscribes to the topic. A generation of consumers that cannot be read, or was not made yet,
    /// counts as subscribed to everything: its offsets are better kept.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.subscribed.as_ref().map_or(self.speaks_consumer_protocol(), |topics| topics.contains(topic))
    }
}

/// The protocol most members prefer among those that all speak; each member's are in the order of its preference.
pub(crate) fn select_protocol(members: &[&[Protocol]]) -> Option<Arc<str>> {
    let first = members.first()?;
    let candidates = spoken_by_all(first, members.iter().copied());
    let vote = |protocols: &[Protocol]| protocols.iter().find_map(|protocol| candidates.get(&protocol.name).copied());
    let mut votes: HashMap<&Arc<str>, usize> = HashMap::new();
    for voted in members.iter().filter_map(|protocols| vote(protocols)) {
        *votes.entry(voted).or_default() += 1;
    }
    let in_order = first.iter().filter_map(|protocol| candidates.get(&protocol.name).copied());
    most_voted(in_order.map(|name| (name, votes.get(name).copied().unwrap_or(0)))).map(Arc::clone)
}

/// Which of these protocols every member speaks. A member may name tens of thousands.
fn spoken_by_all<'a>(
    protocols: &'a [Protocol],
    members: impl Iterator<Item = &'a [Protocol]>,
) -> HashSet<&'a Arc<str>> {
    let mut speakers: HashMap<&Arc<str>, usize> = protocols.iter().map(|protocol| (&protocol.name, 0)).collect();
    let mut n_members = 0;
    for member in members {
        for protocol in member {
            // Who names one again does not count again.
            if let Some(speakers) = speakers.get_mut(&protocol.name).filter(|speakers| **speakers == n_members) {
                *speakers += 1;
            }
        }
        n_members += 1;
    }
    speakers.into_iter().filter(|(_, speakers)| *speakers == n_members).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn protocols(names: &[&str]) -> Vec<Protocol> {
        names.iter().map(|name| Protocol { name: Arc::from(*name), metadata: Bytes::new() }).collect()
    }

    #[test]
    fn a_protocol_that_a_member_names_again_is_not_spoken_by_another() {
        let (twice, other) = (protocols(&["a", "a", "b"]), protocols(&["c", "b"]));
        assert_eq!(select_protocol(&[&twice, &other]).as_deref(), Some("b"));
        assert_eq!(select_protocol(&[&twice, &protocols(&["c"])]), None);
        assert_eq!(select_protocol(&[&other, &twice, &protocols(&["b", "c", "a"])]).as_deref(), Some("b"));
    }

    #[test]
    fn each_member_votes_for_the_first_that_all_speak() {
        let members = [protocols(&["x", "a", "b"]), protocols(&["b", "a"]), protocols(&["b", "y", "a"])];
        let members: Vec<&[Protocol]> = members.iter().map(|member| &**member).collect();
        assert_eq!(select_protocol(&members).as_deref(), Some("b"));
    }
}
