//! The consumer group protocol of KIP-848 as a pure state machine: members say what they want in heartbeats, the broker
//! decides who gets what, and each member is led to its share step by step.
//!
//! Three epochs: the group's goes up when subscriptions or topics change, the assignment's follows when a target is made of
//! it, a member's follows when it has reached its target. All three, the members and the target are changed by
//! [`ConsumerRecord`]s alone, in [`ConsumerGroup::replay`].
//!
//! Left out: members of classic groups that are taken over while they live, racks, and the interval in which Kafka
//! gathers changes before it makes a new target.

pub(crate) mod assignor;
mod catalog;
mod commit;
mod describe;
mod heartbeat;
mod leave;
mod member;
mod reconcile;
mod regex;
mod target;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use self::regex::Patterns;
use super::record::GroupRecord;
use super::timers::{TimerKey, Timers};
use super::turn::Turn;
use crate::coordinator::ErrorCode;

pub(crate) use assignor::Assignment;
pub(crate) use catalog::Catalog;
pub(crate) use describe::{ConsumerGroupDescription, ConsumerMemberDescription};
pub(crate) use heartbeat::{ConsumerHeartbeat, Heard, HeartbeatRefused};
pub(crate) use member::{ConsumerMember, Subscription, TopicPartitions};

/// The topics a group subscribes to that exist: id and number of partitions by name.
pub(crate) type SubscribedTopics = BTreeMap<Arc<str>, (Uuid, i32)>;

/// Where a consumer group is. It is not kept but seen in the epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConsumerState {
    /// No members.
    Empty,
    /// The group has changed since the target was made: the next heartbeat makes a new one.
    Assigning,
    /// Somebody has not reached the target yet.
    Reconciling,
    /// Everybody has.
    Stable,
    /// The group was deleted while somebody still held it.
    Dead,
}

/// One durable change of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConsumerRecord {
    /// The member is new, or is now like this.
    Member(Box<ConsumerMember>),
    /// The member is gone, with its part of the target.
    MemberRemoved(Arc<str>),
    /// The member's part of the target is another's: a static member came back under a new id.
    TargetMoved { from: Arc<str>, to: Arc<str> },
    /// Something has changed, and these are the topics now.
    Epoch { epoch: i32, topics: SubscribedTopics },
    /// A target was made for this epoch of the group.
    Target { epoch: i32, target: Assignment },
}

/// The members of a consumer group, what they want and what they shall have.
#[derive(Debug, Default)]
pub(crate) struct ConsumerGroup {
    epoch: i32,
    assignment_epoch: i32,
    members: BTreeMap<Arc<str>, ConsumerMember>,
    target: Assignment,
    topics: SubscribedTopics,
    patterns: Patterns,
    timers: Timers,
    dead: bool,
}

impl ConsumerGroup {
    pub(crate) fn state(&self) -> ConsumerState {
        let there = |member: &ConsumerMember| {
            member.state == member::MemberState::Stable && member.epoch == self.assignment_epoch
        };
        if self.dead {
            ConsumerState::Dead
        } else if self.members.is_empty() {
            ConsumerState::Empty
        } else if self.epoch > self.assignment_epoch {
            ConsumerState::Assigning
        } else if self.members.values().all(there) {
            ConsumerState::Stable
        } else {
            ConsumerState::Reconciling
        }
    }

    /// When [`Self::poll`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.timers.next_deadline()
    }

    /// Does all that is due: members that were silent for a session, or did not give up partitions in time, are out.
    pub(crate) fn poll(&mut self, turn: &mut Turn<'_>) {
        while let Some(key) = self.timers.pop_due(turn.now) {
            match key {
                TimerKey::Session(id) | TimerKey::Revocation(id) => self.remove_member(&id, turn),
                TimerKey::Join | TimerKey::Sync | TimerKey::Pending(_) => {}
            }
        }
    }

    /// The one place where durable facts become true.
    pub(crate) fn replay(&mut self, record: &ConsumerRecord) {
        match record {
            ConsumerRecord::Member(member) => {
                self.members.insert(Arc::clone(&member.id), ConsumerMember::clone(member));
            }
            ConsumerRecord::MemberRemoved(id) => {
                self.members.remove(id);
                self.target.remove(id);
            }
            ConsumerRecord::TargetMoved { from, to } => {
                if let Some(target) = self.target.remove(from) {
                    self.target.insert(Arc::clone(to), target);
                }
            }
            ConsumerRecord::Epoch { epoch, topics } => {
                self.epoch = *epoch;
                self.topics.clone_from(topics);
            }
            ConsumerRecord::Target { epoch, target } => {
                self.assignment_epoch = *epoch;
                self.target.clone_from(target);
            }
        }
    }

    pub(crate) fn die(&mut self) {
        self.timers.clear();
        self.dead = true;
    }

    fn commit(&mut self, record: ConsumerRecord, turn: &mut Turn<'_>) {
        self.replay(&record);
        turn.records.push(GroupRecord::Consumer(record));
    }

    /// Takes a member out. The others hear of it with the target that the next heartbeat makes.
    fn remove_member(&mut self, id: &Arc<str>, turn: &mut Turn<'_>) {
        self.timers.cancel(&TimerKey::Session(Arc::clone(id)));
        self.timers.cancel(&TimerKey::Revocation(Arc::clone(id)));
        if !self.members.contains_key(id) {
            return;
        }
        self.commit(ConsumerRecord::MemberRemoved(Arc::clone(id)), turn);
        let topics = self.topics.clone();
        self.commit(ConsumerRecord::Epoch { epoch: self.epoch.saturating_add(1), topics }, turn);
    }

    fn static_member(&self, instance_id: &str) -> Option<&ConsumerMember> {
        self.members.values().find(|member| member.instance_id.as_deref() == Some(instance_id))
    }

    fn member(&self, id: &str) -> Result<&ConsumerMember, ErrorCode> {
        self.members.get(id).ok_or(ErrorCode::UnknownMemberId)
    }
}
