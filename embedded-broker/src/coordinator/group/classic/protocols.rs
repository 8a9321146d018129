//! Which assignment protocol a generation uses.

use std::sync::Arc;

use bytes::Bytes;

use super::{CONSUMER_PROTOCOL_TYPE, ClassicGroup, ClassicState, Member, Protocol};
use crate::coordinator::group::consumer_protocol::subscribes_to;

impl ClassicGroup {
    /// Whether a member with these protocols fits in: same type, and one protocol that all members speak.
    pub(super) fn supports_protocols(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if protocol_type.is_empty() || protocols.is_empty() {
            return false;
        }
        if self.members.is_empty() {
            return true;
        }
        let common = |p: &Protocol| self.members.values().all(|member| member.supports(&p.name));
        self.protocol_type.as_deref() == Some(protocol_type) && protocols.iter().any(common)
    }

    /// The protocol most members prefer among those that all speak. Among equals the leader's order
    /// decides, so that a group of equals always chooses the same.
    pub(super) fn select_protocol(&self) -> Option<Arc<str>> {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id))?;
        let candidates: Vec<&Arc<str>> = (leader.protocols.iter().map(|p| &p.name))
            .filter(|name| self.members.values().all(|member| member.supports(name)))
            .collect();
        let votes_for = |candidate: &Arc<str>| {
            let agrees = |member: &&Member| member.vote(&candidates) == Some(candidate);
            self.members.values().filter(agrees).count()
        };
        let mut chosen: Option<(&Arc<str>, usize)> = None;
        for &candidate in &candidates {
            let votes = votes_for(candidate);
            if chosen.is_none_or(|(_, most)| votes > most) {
                chosen = Some((candidate, votes));
            }
        }
        chosen.map(|(name, _)| Arc::clone(name))
    }

    /// Whether a live member subscribes to the topic. A consumer whose subscription cannot be read counts
    /// as subscribed to everything: its offsets are better kept.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        let consumers = self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE);
        if !consumers || matches!(self.state, ClassicState::Empty | ClassicState::Dead) {
            return false;
        }
        self.members.values().any(|member| {
            let metadata = match self.protocol.as_deref() {
                Some(protocol) => member.metadata(Some(protocol)),
                None => member.protocols.first().map_or_else(Bytes::new, |p| p.metadata.clone()),
            };
            subscribes_to(&metadata, topic).unwrap_or(true)
        })
    }
}
