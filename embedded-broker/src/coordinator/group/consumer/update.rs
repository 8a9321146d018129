//! A member is new or wants something else: the group moves on, and the member is led one step towards its target.

use std::sync::Arc;

use super::member::{MemberState, TopicPartitions};
use super::reconcile::{Target, reconcile};
use super::{Assignment, ConsumerGroup, ConsumerMember, ConsumerRecord};
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::Turn;

/// Somebody whose request was let through.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The member as it is known so far: one with nothing if it is new; what its former self was if it is a static one
    /// that came back under a new id.
    pub(super) member: ConsumerMember,
    /// The id of that former self.
    pub(super) former: Option<Arc<str>>,
}

impl ConsumerGroup {
    /// Makes the member what it wants to be, in place of its former self if it had one. Whether that changes what the
    /// group subscribes to.
    pub(super) fn admit(&mut self, admitted: &Admitted, wanted: ConsumerMember, turn: &mut Turn<'_>) -> bool {
        if let Some(former) = &admitted.former {
            self.cancel_timers(former);
            self.commit(ConsumerRecord::TargetMoved { from: Arc::clone(former), to: Arc::clone(&wanted.id) }, turn);
            self.commit(ConsumerRecord::MemberRemoved(Arc::clone(former)), turn);
        }
        let names_changed = wanted.subscription.names != admitted.member.subscription.names;
        let regex = wanted.subscription.regex.clone();
        self.put(wanted, turn);
        self.pattern_changed(&admitted.member, regex.as_ref(), turn) || names_changed
    }

    /// The group has changed if `changed`, or if its topics have since the last look; then it moves to its next epoch.
    pub(super) fn move_on(&mut self, changed: bool, turn: &mut Turn<'_>) {
        let version = turn.topics.version();
        if !changed && self.topics_seen == Some(version) {
            return;
        }
        self.topics_seen = Some(version);
        let topics = self.subscribed_topics(turn.topics);
        if changed || topics != self.topics {
            self.commit(ConsumerRecord::Epoch { epoch: self.epoch.saturating_add(1), topics }, turn);
        }
    }

    /// Makes a target for the group's epoch, if there is none, because of a request of this member.
    pub(super) fn retarget(&mut self, id: &str, turn: &mut Turn<'_>) {
        if self.epoch > self.assignment_epoch {
            let assignor = self.assignor_for(id, turn.config);
            let target = assignor.assign(&self.assigned_members(), self.is_homogeneous());
            self.commit(ConsumerRecord::Target { epoch: self.epoch, target }, turn);
        }
    }

    /// Makes this the target of the group's next epoch, of whichever members there are; others get nothing. Whether there
    /// are any.
    pub(crate) fn assign(&mut self, wanted: &Assignment, turn: &mut Turn<'_>) -> bool {
        if self.members.is_empty() {
            return false;
        }
        self.move_on(true, turn);
        let of = |id: &Arc<str>| (Arc::clone(id), wanted.get(id).cloned().unwrap_or_default());
        let target = self.members.keys().map(of).collect();
        self.commit(ConsumerRecord::Target { epoch: self.epoch, target }, turn);
        true
    }

    /// Leads the member one step towards its target.
    pub(super) fn advance(&mut self, id: &Arc<str>, owned: Option<&TopicPartitions>, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get(id) else { return };
        let nothing = TopicPartitions::new();
        let target = Target { epoch: self.assignment_epoch, partitions: self.target.get(id).unwrap_or(&nothing) };
        let next = reconcile(member, &target, owned, |partition| self.is_free(partition));
        if next == *member {
            return;
        }
        // Members of the classic protocol are given the time of a rebalance instead.
        if next.classic.is_none() {
            let timer = TimerKey::Revocation(Arc::clone(id));
            if next.state == MemberState::UnrevokedPartitions {
                self.timers.set(timer, turn.now + next.rebalance_timeout);
            } else {
                self.timers.cancel(&timer);
            }
        }
        self.commit(ConsumerRecord::Member(Box::new(next)), turn);
    }
}
