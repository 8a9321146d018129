//! A classic group on its way to or from the new protocol.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{ClassicGroup, Member, Protocol};
use crate::coordinator::group::consumer_protocol::{Assignment, Subscription, assignment, subscription};
use crate::coordinator::group::record::GroupMetadata;

/// What the members of a group have in common that may turn into a consumer group.
#[derive(Debug)]
pub(crate) enum CommonProtocol {
    /// No protocol was chosen yet that all speak now, so not everybody has a subscription.
    NotChosen,
    /// Subscriptions or assignments cannot be read.
    Malformed,
    /// An assignor has left something in an assignment that would be lost.
    OfAnotherAssignor,
    Consumers(Vec<ConvertedMember>),
}

/// A member of a classic group, as the new protocol needs it.
#[derive(Debug)]
pub(crate) struct ConvertedMember {
    pub(crate) id: Arc<str>,
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) session_timeout: Duration,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) subscription: Subscription,
    pub(crate) assigned: Vec<(Arc<str>, i32)>,
}

impl ClassicGroup {
    pub(crate) fn common_protocol(&self) -> CommonProtocol {
        let Some(protocol) = &self.protocol else { return CommonProtocol::NotChosen };
        if !self.members.values().all(|member| member.supports(protocol)) {
            return CommonProtocol::NotChosen;
        }
        let mut members = Vec::new();
        for member in self.members.values() {
            let metadata = member.metadata(Some(protocol));
            // A member that has just joined was not assigned anything yet.
            let assigned = match &member.assignment {
                none if none.is_empty() => Some(Assignment::default()),
                bytes => assignment(bytes),
            };
            let (Some(subscription), Some(assigned)) = (subscription(&metadata), assigned) else {
                return CommonProtocol::Malformed;
            };
            if assigned.has_user_data {
                return CommonProtocol::OfAnotherAssignor;
            }
            members.push(converted(member, subscription, assigned));
        }
        CommonProtocol::Consumers(members)
    }

    /// The group a record tells of, with all the protocols its members speak, not only the chosen one.
    pub(crate) fn from_record(record: &GroupMetadata, mut protocols: HashMap<Arc<str>, Vec<Protocol>>) -> Self {
        let mut group = Self::new();
        group.replay(record);
        for (id, member) in &mut group.members {
            if let Some(protocols) = protocols.remove(id) {
                member.protocols = protocols;
            }
        }
        group
    }
}

fn converted(member: &Member, subscription: Subscription, assigned: Assignment) -> ConvertedMember {
    ConvertedMember {
        id: Arc::clone(&member.id),
        instance_id: member.instance_id.clone(),
        client_id: Arc::clone(&member.client_id),
        client_host: Arc::clone(&member.client_host),
        rebalance_timeout: member.rebalance_timeout,
        session_timeout: member.session_timeout,
        protocols: member.protocols.clone(),
        subscription,
        assigned: assigned.partitions,
    }
}
