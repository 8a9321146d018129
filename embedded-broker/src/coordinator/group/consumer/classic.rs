//! Members of a consumer group that speak the classic protocol: each of its requests in terms of the new one.
//!
//! Nothing of theirs is ever held. A JoinGroup leads the member one step towards its target and is answered with its epoch
//! as the generation, and with no leader: everybody is a follower, as the broker assigns. A SyncGroup fetches what the
//! member has. A heartbeat tells it to join again when there is a step to take. What heartbeats of the new protocol say in
//! every one, what the member owns, is in the subscription that it joins with.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::update::Admitted;
use super::{ClassicMember, ConsumerGroup, ConsumerMember, MemberState, TopicPartitions};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::catalog::Catalog;
use crate::coordinator::group::classic::{CONSUMER_PROTOCOL_TYPE, Identity, JoinRequest, Protocol, SyncRequest};
use crate::coordinator::group::config::GroupConfig;
use crate::coordinator::group::consumer_protocol::{self, Subscription};
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::{JoinRefused, Joined, Synced, Turn};

/// A member has joined by the classic protocol.
#[derive(Debug)]
pub(crate) struct ClassicJoin {
    pub(crate) joined: Joined,
    /// Set when no member of the new protocol is left and the group goes back to the classic one: whether the others have
    /// to join again, because the member subscribes to something else than its former self.
    pub(crate) downgrade: Option<bool>,
}

impl ConsumerGroup {
    /// Takes a JoinGroup. Nothing has changed when it is refused.
    ///
    /// # Errors
    /// MEMBER_ID_REQUIRED asks the client to come back with the id it is given; such an id is not kept.
    pub(crate) fn join_classic(
        &mut self,
        request: &JoinRequest,
        turn: &mut Turn<'_>,
    ) -> Result<ClassicJoin, JoinRefused> {
        if self.dead {
            let (error, member_id) = (ErrorCode::CoordinatorNotAvailable, Arc::clone(&request.member_id));
            return Err(JoinRefused { error, member_id });
        }
        let is_new = request.member_id.is_empty();
        let id =
            if is_new { Uuid::from_u128(request.fresh).to_string().into() } else { Arc::clone(&request.member_id) };
        let refused = |error| JoinRefused { error, member_id: Arc::default() };
        if self.is_full_for(&id, turn.config.consumer_max_size) {
            return Err(refused(ErrorCode::GroupMaxSizeReached));
        }
        if !self.supports_classic(&request.protocol_type, &request.protocols) {
            return Err(refused(ErrorCode::InconsistentGroupProtocol));
        }
        if is_new && request.instance_id.is_none() && request.can_rejoin_with_id {
            return Err(JoinRefused { error: ErrorCode::MemberIdRequired, member_id: id });
        }
        let admitted = self.identify_classic(request, &id, is_new).map_err(refused)?;
        let subscription = request.protocols.first().and_then(|first| consumer_protocol::subscription(&first.metadata));
        let subscription = subscription.ok_or_else(|| refused(ErrorCode::UnknownServerError))?;
        Ok(self.take_classic(request, &admitted, &subscription, turn))
    }

    fn take_classic(
        &mut self,
        request: &JoinRequest,
        admitted: &Admitted,
        subscription: &Subscription,
        turn: &mut Turn<'_>,
    ) -> ClassicJoin {
        let id = Arc::clone(&admitted.member.id);
        let downgrades = self.is_last_of_the_new_protocol(request.instance_id.as_deref(), turn.config);
        let had_pattern = admitted.member.subscription.regex.is_some();
        let changed = self.admit(admitted, wanted(request, &admitted.member, subscription), turn) || had_pattern;
        let owned = partitions(&subscription.owned, turn.topics);
        if !downgrades {
            self.move_on(changed, turn);
            self.retarget(&id, turn);
        }
        if !(downgrades && changed) {
            self.advance(&id, Some(&owned), turn);
        }
        if !downgrades {
            self.timers.cancel(&TimerKey::Rejoin(Arc::clone(&id)));
            self.timers.set(TimerKey::Session(Arc::clone(&id)), turn.now + request.session_timeout);
            self.timers.set(TimerKey::Share(Arc::clone(&id)), turn.now + request.rebalance_timeout);
        }
        let joined = Joined {
            generation: self.members.get(&id).map_or(0, |member| member.epoch),
            member_id: id,
            protocol_type: Some(CONSUMER_PROTOCOL_TYPE.into()),
            protocol: request.protocols.first().map(|protocol| Arc::clone(&protocol.name)),
            leader: Arc::default(),
            skip_assignment: false,
            members: Vec::new(),
        };
        self.resolve_patterns(turn);
        ClassicJoin { joined, downgrade: downgrades.then_some(changed) }
    }

    /// The member as it is known so far, if this JoinGroup may be its own. Any id will do for a dynamic member.
    fn identify_classic(&self, request: &JoinRequest, id: &Arc<str>, is_new: bool) -> Result<Admitted, ErrorCode> {
        let known = || self.members.get(id).cloned().unwrap_or_else(|| ConsumerMember::new(id));
        let Some(instance) = &request.instance_id else { return Ok(Admitted { member: known(), former: None }) };
        match self.static_member(instance) {
            None if is_new => Ok(Admitted { member: known(), former: None }),
            None => Err(ErrorCode::UnknownMemberId),
            Some(former) if is_new => Ok(former.come_back_as(id)),
            Some(owner) if owner.id != *id => Err(ErrorCode::FencedInstanceId),
            Some(member) => Ok(Admitted { member: member.clone(), former: None }),
        }
    }

    /// Whether a member that comes as this instance takes the place of the only one that speaks the new protocol.
    fn is_last_of_the_new_protocol(&self, instance: Option<&str>, config: &GroupConfig) -> bool {
        let former = instance.and_then(|instance| self.static_member(instance));
        former.is_some_and(|former| {
            former.classic.is_none()
                && self.members.values().all(|member| member.id == former.id || member.classic.is_some())
                && config.migration.allows_downgrade()
                && self.members.len() <= config.max_size
        })
    }

    /// Whether all members of the classic protocol speak one of these, which must be of consumers.
    fn supports_classic(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        let supported = |protocol: &Protocol| {
            let mut classic = self.members.values().filter_map(|member| member.classic.as_ref());
            classic.all(|member| member.protocols.iter().any(|other| other.name == protocol.name))
        };
        protocol_type == CONSUMER_PROTOCOL_TYPE && protocols.iter().any(supported)
    }

    /// Takes a SyncGroup.
    ///
    /// # Errors
    /// The member is not in the group or not in this epoch, or has to join again first.
    pub(crate) fn sync_classic(&mut self, request: &SyncRequest<'_>, turn: &mut Turn<'_>) -> Result<Synced, ErrorCode> {
        let (member, classic) = self.classic_member(request.identity)?;
        let first = classic.protocols.first();
        let is_consumer = request.protocol_type.is_none_or(|said| said == CONSUMER_PROTOCOL_TYPE);
        if !is_consumer || request.protocol.is_some_and(|said| first.is_none_or(|first| *first.name != *said)) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let (id, session) = (Arc::clone(&member.id), turn.now + classic.session_timeout);
        if self.epoch > member.epoch && member.state != MemberState::UnrevokedPartitions {
            let rebalance = turn.now + member.rebalance_timeout;
            self.timers.set_if_absent(TimerKey::Rejoin(id), rebalance);
            return Err(ErrorCode::RebalanceInProgress);
        }
        let version = first.and_then(|first| consumer_protocol::version_of(&first.metadata)).unwrap_or_default();
        let assignment = as_assignment(version, &member.assigned, turn.topics);
        self.timers.cancel(&TimerKey::Share(Arc::clone(&id)));
        self.timers.set(TimerKey::Session(id), session);
        Ok(Synced {
            protocol_type: request.protocol_type.map(Into::into),
            protocol: request.protocol.map(Into::into),
            assignment,
        })
    }

    /// Takes a Heartbeat.
    ///
    /// # Errors
    /// REBALANCE_IN_PROGRESS asks the member to join again: there is a step to take.
    pub(crate) fn heartbeat_classic(&mut self, identity: Identity<'_>, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        let (member, classic) = self.classic_member(identity)?;
        let (id, session) = (Arc::clone(&member.id), turn.now + classic.session_timeout);
        let rebalance = turn.now + member.rebalance_timeout;
        let has_a_step_to_take = member.epoch < self.epoch
            || match member.state {
                MemberState::Stable => false,
                MemberState::UnrevokedPartitions => true,
                MemberState::UnreleasedPartitions => !self.waits_for_others(member),
            };
        self.timers.set(TimerKey::Session(Arc::clone(&id)), session);
        if has_a_step_to_take {
            self.timers.set_if_absent(TimerKey::Rejoin(id), rebalance);
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// Whether somebody still holds what the member shall have.
    fn waits_for_others(&self, member: &ConsumerMember) -> bool {
        let mut missing = self.target.get(&member.id).into_iter().flatten().filter(|p| !member.assigned.contains(p));
        missing.any(|partition| !self.is_free(partition))
    }

    fn classic_member(&self, identity: Identity<'_>) -> Result<(&ConsumerMember, &ClassicMember), ErrorCode> {
        let member = match identity.instance_id {
            None => self.member(identity.member_id)?,
            Some(instance) => self.static_member(instance).ok_or(ErrorCode::UnknownMemberId)?,
        };
        if *member.id != *identity.member_id {
            return Err(ErrorCode::FencedInstanceId);
        }
        let classic = member.classic.as_ref().ok_or(ErrorCode::UnknownMemberId)?;
        if member.epoch == identity.generation { Ok((member, classic)) } else { Err(ErrorCode::IllegalGeneration) }
    }
}

/// The member with what its JoinGroup says it wants.
fn wanted(request: &JoinRequest, before: &ConsumerMember, subscription: &Subscription) -> ConsumerMember {
    let mut member = before.clone();
    if request.instance_id.is_some() {
        member.instance_id.clone_from(&request.instance_id);
    }
    if subscription.rack.is_some() {
        member.rack_id.clone_from(&subscription.rack);
    }
    member.rebalance_timeout = request.rebalance_timeout;
    member.subscription = super::Subscription { names: subscription.topics.clone(), regex: None };
    member.client_id = Arc::clone(&request.client_id);
    member.client_host = Arc::clone(&request.client_host);
    member.classic =
        Some(ClassicMember { session_timeout: request.session_timeout, protocols: request.protocols.clone() });
    member
}

/// Partitions by the ids of their topics, as far as those exist.
pub(crate) fn partitions(named: &[(Arc<str>, i32)], topics: &dyn Catalog) -> TopicPartitions {
    named.iter().filter_map(|(name, partition)| Some((topics.topic(name)?.0, *partition))).collect()
}

/// An assignment as the classic protocol has it, of the topics that exist.
pub(crate) fn as_assignment(version: i16, partitions: &TopicPartitions, topics: &dyn Catalog) -> Bytes {
    let mut named: BTreeMap<Arc<str>, Vec<i32>> = BTreeMap::new();
    for &(id, partition) in partitions {
        if let Some(name) = topics.name(id) {
            named.entry(name).or_default().push(partition);
        }
    }
    consumer_protocol::write_assignment(version, &named)
}
