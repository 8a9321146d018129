//! Members that say good-bye, for good (-1) or for a while (-2, static members), and members that are taken out.

use std::sync::Arc;

use super::heartbeat::{ConsumerHeartbeat, HeartbeatRefused, fenced_instance, unknown_instance, unknown_member};
use super::member::{LEAVE_EPOCH, STATIC_LEAVE_EPOCH};
use super::{ConsumerGroup, ConsumerMember, ConsumerRecord, TopicPartitions};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::classic::LeavingMember;
use crate::coordinator::group::config::GroupConfig;
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::Turn;

/// How a member leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaving {
    ForGood(Arc<str>),
    /// It has left already: its partitions are kept for its session.
    ForAWhile,
}

impl ConsumerHeartbeat {
    /// Whether the member says good-bye.
    pub(crate) fn leaves(&self) -> bool {
        matches!(self.epoch, LEAVE_EPOCH | STATIC_LEAVE_EPOCH)
    }
}

impl ConsumerGroup {
    /// Takes a heartbeat that says good-bye. Who leaves for good is still there.
    ///
    /// # Errors
    /// The member is not in the group, or not who it says.
    pub(crate) fn good_bye(
        &mut self,
        request: &ConsumerHeartbeat,
        turn: &mut Turn<'_>,
    ) -> Result<Leaving, HeartbeatRefused> {
        let id = &request.member_id;
        let member = match &request.instance_id {
            None => self.members.get(id).ok_or_else(|| unknown_member(id, turn.group_id))?,
            Some(instance) => self.static_member(instance).ok_or_else(|| unknown_instance(instance))?,
        };
        if let Some(instance) = request.instance_id.as_ref().filter(|_| member.id != *id) {
            return Err(fenced_instance(id, instance, member));
        }
        if request.epoch == LEAVE_EPOCH {
            return Ok(Leaving::ForGood(Arc::clone(id)));
        }
        let member = member.clone();
        self.go_away(member, turn);
        Ok(Leaving::ForAWhile)
    }

    /// A static member keeps its partitions until its session ends; what it was to give up it has given up.
    fn go_away(&mut self, member: ConsumerMember, turn: &mut Turn<'_>) {
        self.timers.cancel(&TimerKey::Revocation(Arc::clone(&member.id)));
        let pending_revocation = TopicPartitions::new();
        self.put(ConsumerMember { epoch: STATIC_LEAVE_EPOCH, pending_revocation, ..member }, turn);
    }

    /// Who it is that leaves by LeaveGroup.
    ///
    /// # Errors
    /// There is no such member, or the instance is another's by now.
    pub(crate) fn leaving(&self, leaving: LeavingMember<'_>) -> Result<Arc<str>, ErrorCode> {
        let Some(instance) = leaving.instance_id else {
            return self.member(leaving.member_id).map(|member| Arc::clone(&member.id));
        };
        let member = self.static_member(instance).ok_or(ErrorCode::UnknownMemberId)?;
        if !leaving.member_id.is_empty() && *member.id != *leaving.member_id {
            return Err(ErrorCode::FencedInstanceId);
        }
        Ok(Arc::clone(&member.id))
    }

    /// Takes members out. The others hear of it with the target that the next heartbeat makes.
    pub(crate) fn remove_members(&mut self, ids: &[Arc<str>], turn: &mut Turn<'_>) {
        for id in ids {
            self.cancel_timers(id);
            self.commit(ConsumerRecord::MemberRemoved(Arc::clone(id)), turn);
        }
        self.forget_unused_patterns(turn);
        self.move_on(true, turn);
    }

    /// Whether only members of the classic protocol are left when these have gone, and the group may go back to it.
    pub(crate) fn leaves_only_classic(&self, gone: &[Arc<str>], config: &GroupConfig) -> bool {
        let mut staying = self.members.values().filter(|member| !gone.contains(&member.id)).peekable();
        let n_staying = self.members.len() - gone.len().min(self.members.len());
        staying.peek().is_some()
            && staying.all(|member| member.classic.is_some())
            && config.migration.allows_downgrade()
            && n_staying <= config.max_size
    }
}
