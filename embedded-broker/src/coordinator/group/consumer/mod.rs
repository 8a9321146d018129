//! The consumer group protocol of KIP-848 as a pure state machine: members say what they want in heartbeats, the broker
//! decides who gets what, and each member is led to its share step by step.
//!
//! Three epochs: the group's goes up when subscriptions or topics change, the assignment's follows when a target is made of
//! it, a member's follows when it has reached its target. All three, the members, the target and what patterns stand for
//! are changed by [`ConsumerRecord`]s alone, in [`ConsumerGroup::replay`].
//!
//! Members may speak the classic protocol ([`classic`]): what they send is answered as a classic group would, and they are
//! led to the same target by rebalances. Who leaves, and what becomes of the group then, is decided one level up, where a
//! group can change its protocol.
//!
//! Left out: racks, which Kafka's assignors do not look at either.

pub(crate) mod assignor;
mod classic;
mod commit;
mod convert;
mod describe;
mod heartbeat;
mod leave;
mod member;
mod pattern;
mod reconcile;
mod target;
mod update;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::pattern::Patterns;
use super::record::GroupRecord;
use super::timers::{TimerKey, Timers};
use super::turn::Turn;
use crate::coordinator::ErrorCode;

pub(crate) use assignor::Assignment;
pub(crate) use describe::{ConsumerGroupDescription, ConsumerMemberDescription};
pub(crate) use heartbeat::{ConsumerHeartbeat, Heard, HeartbeatRefused, refused};
pub(crate) use leave::Leaving;
pub(crate) use member::{ClassicMember, ConsumerMember, MemberState, Subscription, TopicPartitions};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ConsumerRecord {
    /// The member is new, or is now like this.
    Member(Box<ConsumerMember>),
    /// The member is gone, with its part of the target.
    MemberRemoved(Arc<str>),
    /// The member's part of the target is another's: a static member came back under a new id.
    TargetMoved { from: Arc<str>, to: Arc<str> },
    /// The pattern stands for these topics.
    Pattern { pattern: Arc<str>, topics: BTreeSet<Arc<str>> },
    /// Nobody subscribes to the pattern any more.
    PatternRemoved(Arc<str>),
    /// Something has changed, and these are the topics now.
    Epoch { epoch: i32, topics: SubscribedTopics },
    /// A target was made for this epoch of the group.
    Target { epoch: i32, target: Assignment },
    /// The group is no consumer group any more; its offsets stay.
    Removed,
}

/// The members of a consumer group, what they want and what they shall have.
#[derive(Debug, Default)]
pub(crate) struct ConsumerGroup {
    epoch: i32,
    assignment_epoch: i32,
    members: BTreeMap<Arc<str>, ConsumerMember>,
    target: Assignment,
    topics: SubscribedTopics,
    /// What each pattern somebody subscribes to stands for, once it was looked up.
    resolved: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    patterns: Patterns,
    /// The version of the catalog that `topics` was last compared with.
    topics_seen: Option<u64>,
    /// The version of the catalog that `resolved` was last compared with.
    patterns_seen: Option<u64>,
    timers: Timers,
    dead: bool,
}

impl ConsumerGroup {
    pub(crate) fn state(&self) -> ConsumerState {
        if self.dead {
            ConsumerState::Dead
        } else if self.members.is_empty() {
            ConsumerState::Empty
        } else if self.epoch > self.assignment_epoch {
            ConsumerState::Assigning
        } else if self.members.values().all(|member| member.is_reconciled_to(self.assignment_epoch)) {
            ConsumerState::Stable
        } else {
            ConsumerState::Reconciling
        }
    }

    /// When [`Self::pop_overdue`] has something to say.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.timers.next_deadline()
    }

    /// A member whose time is over: it was silent for a session, did not give up partitions in time, or speaks the classic
    /// protocol and has not joined again or asked for its share.
    pub(crate) fn pop_overdue(&mut self, now: Duration) -> Option<Arc<str>> {
        loop {
            match self.timers.pop_due(now)? {
                TimerKey::Session(id) | TimerKey::Revocation(id) | TimerKey::Rejoin(id) | TimerKey::Share(id) => {
                    if self.members.contains_key(&id) {
                        return Some(id);
                    }
                }
                // Only classic groups have them.
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
            ConsumerRecord::Pattern { pattern, topics } => {
                self.resolved.insert(Arc::clone(pattern), topics.clone());
            }
            ConsumerRecord::PatternRemoved(pattern) => {
                self.resolved.remove(pattern);
                self.patterns.forget(pattern);
            }
            ConsumerRecord::Epoch { epoch, topics } => {
                self.epoch = *epoch;
                self.topics.clone_from(topics);
            }
            ConsumerRecord::Target { epoch, target } => {
                self.assignment_epoch = *epoch;
                self.target.clone_from(target);
            }
            ConsumerRecord::Removed => *self = Self::default(),
        }
    }

    /// The fewest records that make a group like this one.
    pub(crate) fn facts(&self) -> Vec<ConsumerRecord> {
        let epoch = ConsumerRecord::Epoch { epoch: self.epoch, topics: self.topics.clone() };
        let members = self.members.values().map(|member| ConsumerRecord::Member(Box::new(member.clone())));
        let patterns = self
            .resolved
            .iter()
            .map(|(pattern, topics)| ConsumerRecord::Pattern { pattern: Arc::clone(pattern), topics: topics.clone() });
        let target = ConsumerRecord::Target { epoch: self.assignment_epoch, target: self.target.clone() };
        std::iter::once(epoch).chain(members).chain(patterns).chain([target]).collect()
    }

    /// Starts the timers of a group that was read from its records.
    pub(crate) fn loaded(&mut self, turn: &Turn<'_>) {
        let session = turn.now + turn.config.consumer_session_timeout;
        for member in self.members.values() {
            self.timers.set(TimerKey::Session(Arc::clone(&member.id)), session);
            if member.classic.is_none() && member.state == MemberState::UnrevokedPartitions {
                self.timers.set(TimerKey::Revocation(Arc::clone(&member.id)), turn.now + member.rebalance_timeout);
            }
        }
    }

    /// The instance id of a static member.
    pub(crate) fn instance_of(&self, member_id: &str) -> Option<Arc<str>> {
        self.members.get(member_id)?.instance_id.clone()
    }

    /// Moves the group to its next epoch, though nothing has changed. Whether there are members.
    pub(crate) fn rebalance(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.members.is_empty() {
            self.move_on(true, turn);
        }
        !self.members.is_empty()
    }

    pub(crate) fn die(&mut self) {
        self.timers.clear();
        self.dead = true;
    }

    fn commit(&mut self, record: ConsumerRecord, turn: &mut Turn<'_>) {
        self.replay(&record);
        turn.records.push(GroupRecord::Consumer(record));
    }

    /// Makes the member like this, if it is not.
    fn put(&mut self, member: ConsumerMember, turn: &mut Turn<'_>) {
        if self.members.get(&member.id) != Some(&member) {
            self.commit(ConsumerRecord::Member(Box::new(member)), turn);
        }
    }

    fn cancel_timers(&mut self, id: &Arc<str>) {
        for key in [TimerKey::Session, TimerKey::Revocation, TimerKey::Rejoin, TimerKey::Share] {
            self.timers.cancel(&key(Arc::clone(id)));
        }
    }

    fn static_member(&self, instance_id: &str) -> Option<&ConsumerMember> {
        self.members.values().find(|member| member.instance_id.as_deref() == Some(instance_id))
    }

    fn member(&self, id: &str) -> Result<&ConsumerMember, ErrorCode> {
        self.members.get(id).ok_or(ErrorCode::UnknownMemberId)
    }

    /// Whether nobody holds the partition. What a member has just said it gave up is free with its next heartbeat, for
    /// itself as for others.
    fn is_free(&self, partition: &(Uuid, i32)) -> bool {
        self.members.values().all(|member| !member.holds(partition))
    }
}
