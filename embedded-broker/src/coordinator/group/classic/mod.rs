//! The classic group protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup) as a pure state machine.
//!
//! Every request is a method that takes the group, a [`Turn`] and the request, and leaves its answers
//! and facts in the turn. Nothing here waits, reads a clock or knows a connection.
//!
//! What outlives a restart (generation, members, assignments) changes in [`ClassicGroup::replay`] when a
//! generation is complete; what does not (held requests, handed-out ids, timers) changes in place.

mod commit;
mod convert;
mod describe;
mod expire;
mod heartbeat;
mod join;
mod leave;
mod member;
mod protocols;
mod rebalance;
mod state;
mod sync;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::consumer_protocol::subscribed_topics;
use super::record::{GroupMetadata, GroupRecord};
use super::timers::{TimerKey, Timers};
use super::turn::Turn;
use crate::coordinator::ErrorCode;

pub(crate) use convert::{CommonProtocol, ConvertedMember};
pub(crate) use describe::{GroupDescription, MemberDescription};
pub(crate) use join::JoinRequest;
pub(crate) use leave::LeavingMember;
pub(crate) use member::{Member, Protocol};
pub(crate) use protocols::select_protocol;
pub(crate) use state::ClassicState;
pub(crate) use sync::SyncRequest;

/// What consumers call their protocol type; Connect and others use their own.
pub(crate) const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// The members of one classic group and where it is between two generations.
#[derive(Debug)]
pub(crate) struct ClassicGroup {
    state: ClassicState,
    generation: i32,
    protocol_type: Option<Arc<str>>,
    protocol: Option<Arc<str>>,
    leader: Option<Arc<str>>,
    /// What was written of it last: where its next coordinator begins.
    last_record: Option<GroupMetadata>,
    /// Since when the group is in its state, in milliseconds since 1970; `None` before it was in another one.
    state_since_ms: Option<i64>,
    /// What the generation subscribes to, if its members are consumers and can be read.
    subscribed: Option<BTreeSet<Arc<str>>>,
    members: BTreeMap<Arc<str>, Member>,
    /// Member id by instance id.
    static_members: HashMap<Arc<str>, Arc<str>>,
    /// Member ids handed out with MEMBER_ID_REQUIRED and not used yet.
    pending: BTreeSet<Arc<str>>,
    /// Members of the generation that have not sent SyncGroup yet.
    pending_sync: BTreeSet<Arc<str>>,
    /// Set while the first members of an empty group gather.
    gathering: Option<Gathering>,
    timers: Timers,
}

/// The initial rebalance: how much longer it may be put off, and whether it should be.
#[derive(Debug)]
struct Gathering {
    remaining: Duration,
    member_added: bool,
}

/// Who a request says it is from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) member_id: &'a str,
    pub(crate) instance_id: Option<&'a str>,
    pub(crate) generation: i32,
}

impl ClassicGroup {
    pub(crate) fn new() -> Self {
        Self {
            state: ClassicState::Empty,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            last_record: None,
            state_since_ms: None,
            subscribed: None,
            members: BTreeMap::new(),
            static_members: HashMap::new(),
            pending: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            gathering: None,
            timers: Timers::default(),
        }
    }

    pub(crate) fn state(&self) -> ClassicState {
        self.state
    }

    pub(crate) fn generation(&self) -> i32 {
        self.generation
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Since when the group is in its state, in milliseconds since 1970, if it was in another one before.
    pub(crate) fn state_since_ms(&self) -> Option<i64> {
        self.state_since_ms
    }

    /// What the generation subscribes to, if its members are consumers and can be read.
    pub(crate) fn subscribed_topics(&self) -> Option<&BTreeSet<Arc<str>>> {
        self.subscribed.as_ref()
    }

    /// Whether nobody was ever a member: somebody only stores offsets here.
    pub(crate) fn is_simple(&self) -> bool {
        self.protocol_type.is_none()
    }

    /// The record of a group that begins now.
    pub(crate) fn begin(&mut self, wall_ms: i64) -> GroupMetadata {
        self.state_since_ms = Some(wall_ms);
        let record = self.as_record(|member| member.assignment.clone());
        self.last_record = Some(record.clone());
        record
    }

    /// The instance id of a static member.
    pub(crate) fn instance_of(&self, member_id: &str) -> Option<Arc<str>> {
        self.members.get(member_id)?.instance_id.clone()
    }

    /// Starts a rebalance, if there are members and there is none yet. Whether there are members.
    pub(crate) fn rebalance(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.members.is_empty() && matches!(self.state, ClassicState::Stable | ClassicState::CompletingRebalance) {
            self.prepare_rebalance(turn);
        }
        !self.members.is_empty()
    }

    /// When [`Self::poll`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.timers.next_deadline()
    }

    /// Makes the durable part of the group what the record says. Requests held for members that stay are
    /// kept: live calls come through here too.
    pub(crate) fn replay(&mut self, record: &GroupMetadata) {
        self.last_record = Some(record.clone());
        self.generation = record.generation;
        self.protocol_type.clone_from(&record.protocol_type);
        self.protocol.clone_from(&record.protocol);
        self.leader.clone_from(&record.leader);
        self.state_since_ms = Some(record.state_since_ms);
        self.state = if record.members.is_empty() { ClassicState::Empty } else { ClassicState::Stable };
        let mut before = std::mem::take(&mut self.members);
        self.static_members.clear();
        for stored in &record.members {
            let mut member = Member::from_record(stored, record.protocol.as_ref());
            if let Some(live) = before.remove(&stored.member_id) {
                member.keep_from(live);
            }
            if let Some(instance) = &stored.instance_id {
                self.static_members.insert(Arc::clone(instance), Arc::clone(&stored.member_id));
            }
            self.members.insert(Arc::clone(&stored.member_id), member);
        }
        self.subscribed = self.read_subscriptions();
    }

    /// The group as its last record has it; `None` of one that never had any.
    pub(crate) fn facts(&self) -> Option<GroupMetadata> {
        self.last_record.clone()
    }

    /// Starts the sessions of a group that was read from its records.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        ids.iter().for_each(|id| self.keep_alive(id, turn.now));
        if ids.len() > turn.config.max_size {
            self.prepare_rebalance(turn);
        }
    }

    /// What members that are consumers subscribe to; `None` when they are not, or one of them cannot be read.
    fn read_subscriptions(&self) -> Option<BTreeSet<Arc<str>>> {
        if !self.speaks_consumer_protocol() {
            return None;
        }
        let mut all = BTreeSet::new();
        for member in self.members.values() {
            all.extend(subscribed_topics(&member.metadata(Some(self.protocol.as_deref()?)))?);
        }
        Some(all)
    }

    /// Whether the members are consumers, as far as their protocol type says so.
    pub(crate) fn speaks_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    /// Nothing is left, and nothing will be taken: the group was deleted.
    pub(crate) fn die(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            self.remove_member(&id, ErrorCode::CoordinatorNotAvailable, turn);
        }
        self.pending.clear();
        self.timers.clear();
        self.state = ClassicState::Dead;
    }

    /// Answers everybody who waits with this error: the group goes on under the other protocol, or elsewhere.
    pub(crate) fn send_away(&mut self, error: ErrorCode, turn: &mut Turn<'_>) {
        for member in self.members.values_mut() {
            if let Some(ticket) = member.awaiting_join.take() {
                turn.reply_join(ticket, Err(join::refused(error, &member.id)));
            }
            if let Some(ticket) = member.awaiting_sync.take() {
                turn.reply_sync(ticket, Err(error));
            }
        }
    }

    /// Applies a fact and keeps it.
    fn commit(&mut self, record: GroupMetadata, turn: &mut Turn<'_>) {
        self.replay(&record);
        turn.records.push(GroupRecord::Metadata(record));
    }

    /// Enters a state. The ways are fixed in [`ClassicState::predecessors`]: another one is a defect here.
    fn enter(&mut self, next: ClassicState, turn: &Turn<'_>) {
        self.state_since_ms = Some(turn.wall_ms);
        match self.state.to(next) {
            Ok(state) => self.state = state,
            Err(illegal) => unreachable!("{illegal}"),
        }
    }

    /// Checks that the member exists and that its instance id is still its own.
    fn validate_member(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance_id {
            match self.static_members.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if **current != *member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// Checks member and generation: what every request of a working member goes through.
    fn validate(&self, identity: Identity<'_>) -> Result<(), ErrorCode> {
        if self.state == ClassicState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        self.validate_member(identity.member_id, identity.instance_id)?;
        if identity.generation == self.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
    }

    /// Starts the member's session anew.
    fn keep_alive(&mut self, member_id: &str, now: Duration) {
        if let Some(member) = self.members.get(member_id) {
            self.timers.set(TimerKey::Session(Arc::clone(&member.id)), now + member.session_timeout);
        }
    }

    /// The member has sent SyncGroup, or will never.
    fn no_longer_pending_sync(&mut self, member_id: &str) {
        if self.pending_sync.remove(member_id) && self.pending_sync.is_empty() {
            self.timers.cancel(&TimerKey::Sync);
        }
    }

    /// Takes a member out and answers what was held for it with the error.
    fn remove_member(&mut self, member_id: &str, error: ErrorCode, turn: &mut Turn<'_>) {
        let Some(member) = self.members.remove(member_id) else { return };
        if let Some(ticket) = member.awaiting_join {
            turn.reply_join(ticket, Err(join::refused(error, &Arc::default())));
        }
        if let Some(ticket) = member.awaiting_sync {
            turn.reply_sync(ticket, Err(error));
        }
        if let Some(instance) = &member.instance_id {
            self.static_members.remove(instance);
        }
        self.timers.cancel(&TimerKey::Session(Arc::clone(&member.id)));
        self.no_longer_pending_sync(member_id);
        if self.leader.as_ref() == Some(&member.id) {
            self.leader = self.members.keys().next().cloned();
        }
    }
}
