//! A heartbeat that says good-bye, for good (-1) or for a while (-2, static members).

use std::sync::Arc;
use std::time::Duration;

use super::heartbeat::{ConsumerHeartbeat, Heard, HeartbeatRefused, refused};
use super::member::{MemberState, STATIC_LEAVE_EPOCH};
use super::{ConsumerGroup, ConsumerMember, TopicPartitions};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::Turn;

impl ConsumerGroup {
    pub(super) fn leave(
        &mut self,
        request: &ConsumerHeartbeat,
        turn: &mut Turn<'_>,
    ) -> Result<Heard, HeartbeatRefused> {
        let id = &request.member_id;
        let unknown = || refused(ErrorCode::UnknownMemberId, format!("Member {id} is not a member of the group."));
        let member = match &request.instance_id {
            None => self.members.get(id),
            Some(instance) => self.static_member(instance),
        };
        let member = member.ok_or_else(unknown)?.clone();
        if member.id != *id {
            let message = format!("Static member {id} was fenced by member {}.", member.id);
            return Err(refused(ErrorCode::FencedInstanceId, message));
        }
        if request.epoch == STATIC_LEAVE_EPOCH {
            self.go_away(member, turn);
        } else {
            self.remove_member(id, turn);
        }
        Ok(Heard { member_id: Arc::clone(id), epoch: request.epoch, interval: Duration::ZERO, assignment: None })
    }

    /// A static member keeps its partitions until its session ends; what it was to give up it has given up.
    fn go_away(&mut self, member: ConsumerMember, turn: &mut Turn<'_>) {
        self.timers.cancel(&TimerKey::Revocation(Arc::clone(&member.id)));
        let pending_revocation = TopicPartitions::new();
        let away =
            ConsumerMember { epoch: STATIC_LEAVE_EPOCH, state: MemberState::Stable, pending_revocation, ..member };
        self.put(away, turn);
    }
}
