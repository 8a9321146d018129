//! From one generation to the next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{ClassicGroup, ClassicState, Gathering, Member};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::record::GroupMetadata;
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::{Synced, Turn};

impl ClassicGroup {
    /// Membership has changed: a rebalance starts, or the one under way may now be complete.
    pub(super) fn rebalance_or_complete(&mut self, turn: &mut Turn<'_>) {
        if self.state.can_rebalance() {
            self.prepare_rebalance(turn);
        } else {
            self.complete_if_all_joined(turn);
        }
    }

    /// As [`Self::rebalance_or_complete`], but a group that has no generation needs no new one.
    pub(super) fn rebalance_after_removal(&mut self, turn: &mut Turn<'_>) {
        if self.state != ClassicState::Empty {
            self.rebalance_or_complete(turn);
        }
    }

    pub(crate) fn prepare_rebalance(&mut self, turn: &mut Turn<'_>) {
        let was_empty = self.state == ClassicState::Empty;
        if self.state == ClassicState::CompletingRebalance {
            // Whatever they had was of a generation that nobody is in any more.
            self.members.values_mut().for_each(|member| member.assignment.clear());
        }
        self.answer_syncs(&Err(ErrorCode::RebalanceInProgress), turn);
        self.pending_sync.clear();
        self.timers.cancel(&TimerKey::Sync);
        self.enter(ClassicState::PreparingRebalance, turn);
        if was_empty {
            self.gather(turn);
        } else {
            self.timers.set(TimerKey::Join, turn.now + self.rebalance_timeout());
            self.complete_if_all_joined(turn);
        }
    }

    /// The first member of an empty group waits a moment for others, so that many consumers which start
    /// together cost one rebalance.
    fn gather(&mut self, turn: &mut Turn<'_>) {
        let delay = turn.config.initial_rebalance_delay;
        let remaining = self.rebalance_timeout().saturating_sub(delay);
        self.gathering = Some(Gathering { remaining, member_added: false });
        self.timers.set(TimerKey::Join, turn.now + delay);
        if delay.is_zero() {
            self.complete_join(turn);
        }
    }

    /// The time to join is over: the initial delay is put off once more for each newcomer, up to the
    /// rebalance timeout; otherwise the generation is made of those who are there.
    pub(super) fn join_time_over(&mut self, turn: &mut Turn<'_>) {
        let delay = turn.config.initial_rebalance_delay;
        match &mut self.gathering {
            Some(gathering) if gathering.member_added && !gathering.remaining.is_zero() => {
                let longer = delay.min(gathering.remaining);
                gathering.member_added = false;
                gathering.remaining -= longer;
                self.timers.set(TimerKey::Join, turn.now + longer);
            }
            _ => self.complete_join(turn),
        }
    }

    pub(super) fn complete_if_all_joined(&mut self, turn: &mut Turn<'_>) {
        let all_joined = self.pending.is_empty() && self.members.values().all(|m| m.awaiting_join.is_some());
        if self.state == ClassicState::PreparingRebalance && self.gathering.is_none() && all_joined {
            self.complete_join(turn);
        }
    }

    fn complete_join(&mut self, turn: &mut Turn<'_>) {
        self.gathering = None;
        self.timers.cancel(&TimerKey::Join);
        self.remove_absent(turn);
        if !self.elect_leader() && !self.members.is_empty() {
            // Only static members are left and none has come back: they have their session to do so.
            self.timers.set(TimerKey::Join, turn.now + self.rebalance_timeout());
            return;
        }
        if self.members.is_empty() { self.become_empty(turn) } else { self.start_generation(turn) }
    }

    /// Members that did not join in time are out, unless they are static: those keep their place for the
    /// length of their session.
    fn remove_absent(&mut self, turn: &mut Turn<'_>) {
        let absent = |member: &&Member| member.awaiting_join.is_none() && member.instance_id.is_none();
        let ids: Vec<_> = self.members.values().filter(absent).map(|m| Arc::clone(&m.id)).collect();
        for id in ids {
            self.remove_member(&id, ErrorCode::UnknownMemberId, turn);
        }
    }

    /// The leader stays if it has joined again; else somebody who has leads.
    fn elect_leader(&mut self) -> bool {
        let has_joined = |member: &&Member| member.awaiting_join.is_some();
        let current = self.leader.as_ref().and_then(|id| self.members.get(id)).filter(has_joined);
        match current.or_else(|| self.members.values().find(has_joined)) {
            Some(leader) => {
                self.leader = Some(Arc::clone(&leader.id));
                true
            }
            None => false,
        }
    }

    fn become_empty(&mut self, turn: &mut Turn<'_>) {
        self.enter(ClassicState::Empty, turn);
        let record = GroupMetadata {
            generation: self.generation.saturating_add(1),
            protocol_type: self.protocol_type.clone(),
            protocol: None,
            leader: None,
            state_since_ms: turn.wall_ms,
            members: Vec::new(),
        };
        self.commit(record, turn);
    }

    fn start_generation(&mut self, turn: &mut Turn<'_>) {
        self.enter(ClassicState::CompletingRebalance, turn);
        self.generation = self.generation.saturating_add(1);
        self.protocol = self.select_protocol();
        self.subscribed = self.read_subscriptions();
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in &ids {
            let reply = self.joined(id, true);
            let Some(member) = self.members.get_mut(id) else { continue };
            member.is_new = false;
            if let Some(ticket) = member.awaiting_join.take() {
                turn.reply_join(ticket, reply);
            }
            self.keep_alive(id, turn.now);
        }
        self.pending_sync = ids.into_iter().collect();
        self.timers.set(TimerKey::Sync, turn.now + self.rebalance_timeout());
    }

    /// Answers every held SyncGroup, with each member's own share when there is one.
    pub(super) fn answer_syncs(&mut self, answer: &Result<(), ErrorCode>, turn: &mut Turn<'_>) {
        for member in self.members.values_mut() {
            let Some(ticket) = member.awaiting_sync.take() else { continue };
            let reply = answer.map(|()| Synced {
                protocol_type: self.protocol_type.clone(),
                protocol: self.protocol.clone(),
                assignment: member.assignment.clone(),
            });
            turn.reply_sync(ticket, reply);
            self.timers.set(TimerKey::Session(Arc::clone(&member.id)), turn.now + member.session_timeout);
        }
    }

    /// The group as a record, with the assignments the caller knows.
    pub(super) fn as_record(&self, assignment: impl Fn(&Member) -> Bytes) -> GroupMetadata {
        let protocol = self.protocol.as_deref();
        GroupMetadata {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_since_ms: self.state_since_ms.unwrap_or_default(),
            members: self.members.values().map(|m| m.as_record(protocol, assignment(m))).collect(),
        }
    }

    /// The longest time any member asks for.
    fn rebalance_timeout(&self) -> Duration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }
}
