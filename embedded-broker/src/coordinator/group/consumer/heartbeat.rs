//! ConsumerGroupHeartbeat: a member comes, says what it wants and has, and hears what it shall have.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::assignor::Assignor;
use super::member::{LEAVE_EPOCH, MemberState, STATIC_LEAVE_EPOCH};
use super::reconcile::{Target, reconcile};
use super::{Catalog, ConsumerGroup, ConsumerMember, ConsumerRecord, Subscription, TopicPartitions};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::Turn;

/// A ConsumerGroupHeartbeat request. What is absent has not changed since the last one.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerHeartbeat {
    pub(crate) member_id: Arc<str>,
    /// 0 to join, -1 to leave, -2 to leave and come back as the same static member.
    pub(crate) epoch: i32,
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) rack_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) rebalance_timeout: Option<Duration>,
    pub(crate) names: Option<BTreeSet<Arc<str>>>,
    /// An empty one takes the pattern away.
    pub(crate) regex: Option<Arc<str>>,
    pub(crate) assignor: Option<Arc<str>>,
    /// What the member still has.
    pub(crate) owned: Option<TopicPartitions>,
}

/// What a member is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) member_id: Arc<str>,
    pub(crate) epoch: i32,
    /// When to send the next heartbeat; nothing for one that has left.
    pub(crate) interval: Duration,
    /// What it may have now, if that is new to it.
    pub(crate) assignment: Option<TopicPartitions>,
}

/// Why a heartbeat was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeartbeatRefused {
    pub(crate) error: ErrorCode,
    pub(crate) message: String,
}

pub(super) fn refused(error: ErrorCode, message: impl Into<String>) -> HeartbeatRefused {
    HeartbeatRefused { error, message: message.into() }
}

impl ConsumerHeartbeat {
    /// Checks what needs no group.
    pub(crate) fn check(&self) -> Result<(), HeartbeatRefused> {
        let invalid = |message: &str| Err(refused(ErrorCode::InvalidRequest, message));
        let empty = |text: &Option<Arc<str>>| text.as_ref().is_some_and(|text| text.is_empty());
        if self.member_id.is_empty() {
            return invalid("MemberId can't be empty.");
        }
        if empty(&self.instance_id) || empty(&self.rack_id) {
            return invalid("InstanceId and RackId can't be empty.");
        }
        match self.epoch {
            0 if self.rebalance_timeout.is_none() => invalid("RebalanceTimeoutMs must be provided in first request."),
            0 if self.owned.as_ref().is_none_or(|owned| !owned.is_empty()) => {
                invalid("TopicPartitions must be empty when (re-)joining.")
            }
            0 if self.names.is_none() && self.regex.is_none() => {
                invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
            }
            STATIC_LEAVE_EPOCH if self.instance_id.is_none() => {
                invalid("InstanceId can't be null when a static member leaves for a while.")
            }
            ..STATIC_LEAVE_EPOCH => invalid("MemberEpoch is invalid."),
            _ => self.named_assignor().map(drop),
        }
    }

    fn named_assignor(&self) -> Result<Option<Assignor>, HeartbeatRefused> {
        let Some(name) = &self.assignor else { return Ok(None) };
        let unknown = || {
            let message = format!("ServerAssignor {name} is not supported. Supported assignors: uniform, range.");
            refused(ErrorCode::UnsupportedAssignor, message)
        };
        Assignor::named(name).map(Some).ok_or_else(unknown)
    }

    /// It says everything, so it is told everything.
    fn is_full(&self) -> bool {
        let subscribes = self.names.is_some() || self.regex.is_some();
        self.epoch == 0 || (self.rebalance_timeout.is_some() && subscribes && self.owned.is_some())
    }
}

impl ConsumerGroup {
    /// Takes a heartbeat.
    ///
    /// # Errors
    /// The member is not in the group, is not who it says, or is not where the group believes it is.
    pub(crate) fn heartbeat(
        &mut self,
        request: &ConsumerHeartbeat,
        catalog: &dyn Catalog,
        turn: &mut Turn<'_>,
    ) -> Result<Heard, HeartbeatRefused> {
        request.check()?;
        if self.dead {
            return Err(refused(ErrorCode::CoordinatorNotAvailable, "the group was deleted"));
        }
        if matches!(request.epoch, LEAVE_EPOCH | STATIC_LEAVE_EPOCH) {
            return self.leave(request, turn);
        }
        let before = self.admit(request, turn)?;
        let wanted = self.wanted(request, before.clone())?;
        let changed = before.as_ref().is_none_or(|before| before.subscription != wanted.subscription);
        self.put(wanted, turn);
        if changed {
            let members = &self.members;
            self.patterns
                .keep_only(|pattern| members.values().any(|m| m.subscription.regex.as_deref() == Some(pattern)));
        }
        self.update_target(changed, catalog, turn);
        let assignment_before = before.map(|before| before.assigned);
        let after = self.advance(&request.member_id, request.owned.as_ref(), turn)?;
        let tell = request.is_full() || assignment_before.as_ref() != Some(&after.assigned);
        let session = turn.now + turn.config.consumer_session_timeout;
        self.timers.set(TimerKey::Session(Arc::clone(&after.id)), session);
        Ok(Heard {
            member_id: after.id,
            epoch: after.epoch,
            interval: turn.config.consumer_heartbeat_interval,
            assignment: tell.then_some(after.assigned),
        })
    }

    /// The member as it is known so far, if this heartbeat may be its own.
    fn admit(
        &mut self,
        request: &ConsumerHeartbeat,
        turn: &mut Turn<'_>,
    ) -> Result<Option<ConsumerMember>, HeartbeatRefused> {
        let id = &request.member_id;
        let known = match &request.instance_id {
            None => self.members.get(id).cloned(),
            Some(instance) => match self.static_member(instance).cloned() {
                Some(former) if request.epoch == 0 && former.id != *id => {
                    return self.take_over(&former, id, turn).map(Some);
                }
                Some(other) if other.id != *id => {
                    let message = format!("Static member {id} with instance id {instance} was fenced by {}.", other.id);
                    return Err(refused(ErrorCode::FencedInstanceId, message));
                }
                known => known,
            },
        };
        match known {
            None if request.epoch == 0 => Ok(None),
            None => Err(refused(ErrorCode::UnknownMemberId, format!("Member {id} is not a member of the group."))),
            Some(member) if request.epoch == 0 => Ok(Some(member)),
            Some(member) => check_epoch(&member, request).map(|()| Some(member)),
        }
    }

    /// A static member came back under a new id: it has what its former self had.
    fn take_over(
        &mut self,
        former: &ConsumerMember,
        id: &Arc<str>,
        turn: &mut Turn<'_>,
    ) -> Result<ConsumerMember, HeartbeatRefused> {
        if former.epoch != STATIC_LEAVE_EPOCH {
            let message = format!("Static member {id} cannot join: its instance id is owned by member {}.", former.id);
            return Err(refused(ErrorCode::UnreleasedInstanceId, message));
        }
        let member = ConsumerMember { id: Arc::clone(id), epoch: 0, ..former.clone() };
        self.timers.cancel(&TimerKey::Session(Arc::clone(&former.id)));
        self.commit(ConsumerRecord::TargetMoved { from: Arc::clone(&former.id), to: Arc::clone(id) }, turn);
        self.commit(ConsumerRecord::MemberRemoved(Arc::clone(&former.id)), turn);
        self.put(member.clone(), turn);
        Ok(member)
    }

    /// The member with what the request says it wants.
    fn wanted(
        &mut self,
        request: &ConsumerHeartbeat,
        before: Option<ConsumerMember>,
    ) -> Result<ConsumerMember, HeartbeatRefused> {
        let mut member = before.unwrap_or_else(|| new_member(request));
        if let Some(regex) = &request.regex {
            if !regex.is_empty() {
                let no_pattern = |error| refused(error, format!("SubscribedTopicRegex `{regex}` is not a pattern."));
                self.patterns.add(regex).map_err(no_pattern)?;
            }
            member.subscription.regex = Some(Arc::clone(regex)).filter(|regex| !regex.is_empty());
        }
        if let Some(names) = &request.names {
            member.subscription.names.clone_from(names);
        }
        if let Some(timeout) = request.rebalance_timeout {
            member.rebalance_timeout = timeout;
        }
        if request.rack_id.is_some() {
            member.rack_id.clone_from(&request.rack_id);
        }
        member.assignor = request.named_assignor()?.or(member.assignor);
        member.client_id = Arc::clone(&request.client_id);
        member.client_host = Arc::clone(&request.client_host);
        Ok(member)
    }

    /// Leads the member one step towards its target.
    fn advance(
        &mut self,
        id: &Arc<str>,
        owned: Option<&TopicPartitions>,
        turn: &mut Turn<'_>,
    ) -> Result<ConsumerMember, HeartbeatRefused> {
        let member = self.member(id).map_err(|error| refused(error, ""))?;
        let nothing = TopicPartitions::new();
        let target = Target { epoch: self.assignment_epoch, partitions: self.target.get(id).unwrap_or(&nothing) };
        let is_free = |p: &_| self.members.values().all(|other| other.id == *id || !other.holds(p));
        let next = reconcile(member, &target, owned, is_free);
        if next != *member {
            let timer = TimerKey::Revocation(Arc::clone(id));
            if next.state == MemberState::UnrevokedPartitions {
                self.timers.set(timer, turn.now + next.rebalance_timeout);
            } else {
                self.timers.cancel(&timer);
            }
        }
        self.put(next.clone(), turn);
        Ok(next)
    }

    /// Makes the member like this, if it is not.
    pub(super) fn put(&mut self, member: ConsumerMember, turn: &mut Turn<'_>) {
        if self.members.get(&member.id) != Some(&member) {
            self.commit(ConsumerRecord::Member(Box::new(member)), turn);
        }
    }
}

fn new_member(request: &ConsumerHeartbeat) -> ConsumerMember {
    ConsumerMember {
        id: Arc::clone(&request.member_id),
        instance_id: request.instance_id.clone(),
        rack_id: request.rack_id.clone(),
        client_id: Arc::clone(&request.client_id),
        client_host: Arc::clone(&request.client_host),
        rebalance_timeout: Duration::ZERO,
        subscription: Subscription::default(),
        assignor: None,
        epoch: 0,
        previous_epoch: 0,
        state: MemberState::Stable,
        assigned: TopicPartitions::new(),
        pending_revocation: TopicPartitions::new(),
    }
}

/// A member is where the group believes it is, or one epoch behind because an answer was lost; then it can own only
/// what it was given.
fn check_epoch(member: &ConsumerMember, request: &ConsumerHeartbeat) -> Result<(), HeartbeatRefused> {
    let owns_its_own = || request.owned.as_ref().is_some_and(|owned| owned.is_subset(&member.assigned));
    if request.epoch == member.epoch || (request.epoch == member.previous_epoch && owns_its_own()) {
        return Ok(());
    }
    let message = format!(
        "The consumer group member has epoch {} and not {}. The member must abandon all its partitions and rejoin.",
        member.epoch, request.epoch
    );
    Err(refused(ErrorCode::FencedMemberEpoch, message))
}
