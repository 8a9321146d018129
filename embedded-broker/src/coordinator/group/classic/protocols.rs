//! Which assignment protocol a generation uses.

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
        let common = |p: &Protocol| self.members.values().all(|member| member.supports(&p.name));
        self.protocol_type.as_deref() == Some(protocol_type) && protocols.iter().any(common)
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
    let speaks = |protocols: &[Protocol], name: &Arc<str>| protocols.iter().any(|protocol| protocol.name == *name);
    let candidates = members.first()?.iter().map(|protocol| &protocol.name);
    let candidates: Vec<_> = candidates.filter(|name| members.iter().all(|member| speaks(member, name))).collect();
    let vote =
        |protocols: &&[Protocol]| protocols.iter().map(|p| &p.name).find(|name| candidates.contains(name)).cloned();
    let votes: Vec<Option<Arc<str>>> = members.iter().map(vote).collect();
    let votes_for = |name: &Arc<str>| votes.iter().filter(|vote| vote.as_ref() == Some(name)).count();
    most_voted(candidates.iter().map(|&name| (name, votes_for(name)))).map(Arc::clone)
}
