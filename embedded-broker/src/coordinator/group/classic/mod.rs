//! The classic group protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup) as a pure state machine.
//!
//! Every request is a method that takes the group, a [`Turn`] and the request, and leaves its answers
//! and facts in the turn. Nothing here waits, reads a clock or knows a connection.
//!
//! What outlives a restart (generation, members, assignments) changes in [`ClassicGroup::replay`] when a
//! generation is complete; what does not (held requests, handed-out ids, timers) changes in place.

mod commit;
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

use super::record::{GroupMetadata, GroupRecord};
use super::timers::{TimerKey, Timers};
use super::turn::Turn;
use crate::coordinator::ErrorCode;

pub(crate) use describe::{GroupDescription, MemberDescription};
pub(crate) use join::JoinRequest;
pub(crate) use leave::LeavingMember;
pub(crate) use member::{Member, Protocol};
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

    /// When [`Self::poll`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.timers.next_deadline()
    }

    /// Makes the durable part of the group what the record says. Requests held for members that stay are
    /// kept: live calls come through here too.
    pub(crate) fn replay(&mut self, record: &GroupMetadata) {
        self.generation = record.generation;
        self.protocol_type.clone_from(&record.protocol_type);
        self.protocol.clone_from(&record.protocol);
        self.leader.clone_from(&record.leader);
        self.state = if record.members.is_empty() { ClassicState::Empty } else { ClassicState::Stable };
        let mut before = std::mem::take(&mut self.members);
        self.static_members.clear();
        for stored in &record.members {
            let mut member = (before.remove(&stored.member_id))
                .unwrap_or_else(|| Member::from_record(stored, record.protocol.as_ref()));
            member.assignment = stored.assignment.clone();
            if let Some(instance) = &stored.instance_id {
                self.static_members.insert(Arc::clone(instance), Arc::clone(&stored.member_id));
            }
            self.members.insert(Arc::clone(&stored.member_id), member);
        }
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

    /// Applies a fact and keeps it.
    fn commit(&mut self, record: GroupMetadata, turn: &mut Turn<'_>) {
        self.replay(&record);
        turn.records.push(GroupRecord::Metadata(record));
    }

    /// Enters a state. The ways are fixed in [`ClassicState::predecessors`]: another one is a defect here.
    fn enter(&mut self, next: ClassicState) {
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
            turn.reply_join(ticket, Err(join::refused(error, &member.id)));
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
