//! ConsumerGroupHeartbeat: a member comes, says what it wants and has, and hears what it shall have.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::assignor::Assignor;
use super::member::{LEAVE_EPOCH, STATIC_LEAVE_EPOCH};
use super::update::Admitted;
use super::{ConsumerGroup, ConsumerMember, TopicPartitions};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::config::GroupConfig;
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::Turn;

/// A ConsumerGroupHeartbeat request. What is absent has not changed since the last one.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerHeartbeat {
    pub(crate) member_id: Arc<str>,
    /// In version 0 a member that comes need not have an id yet, and some that leave are not asked for it.
    pub(crate) may_lack_id: bool,
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

pub(crate) fn refused(error: ErrorCode, message: impl Into<String>) -> HeartbeatRefused {
    HeartbeatRefused { error, message: message.into() }
}

impl ConsumerHeartbeat {
    /// Checks what needs no group, in Kafka's order.
    pub(crate) fn check(&self, group_id: &str, config: &GroupConfig) -> Result<(), HeartbeatRefused> {
        let invalid = |message: &str| Err(refused(ErrorCode::InvalidRequest, message));
        let empty = |text: &Option<Arc<str>>| text.as_ref().is_some_and(|text| text.is_empty());
        if self.member_id.is_empty() && !(self.may_lack_id && self.epoch <= 0 && self.epoch != LEAVE_EPOCH) {
            return invalid("MemberId can't be empty.");
        }
        if group_id.is_empty() {
            return invalid("GroupId can't be empty.");
        }
        if empty(&self.instance_id) {
            return invalid("InstanceId can't be empty.");
        }
        if empty(&self.rack_id) {
            return invalid("RackId can't be empty.");
        }
        match self.epoch {
            0 if self.rebalance_timeout.is_none() => invalid("RebalanceTimeoutMs must be provided in first request."),
            0 if self.owned.as_ref().is_none_or(|owned| !owned.is_empty()) => {
                invalid("TopicPartitions must be empty when (re-)joining.")
            }
            0 if self.names.is_none() && self.regex.is_none() => {
                invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
            }
            STATIC_LEAVE_EPOCH if self.instance_id.is_none() => invalid("InstanceId can't be null."),
            ..STATIC_LEAVE_EPOCH => invalid("MemberEpoch is invalid."),
            _ => self.named_assignor(config).map(drop),
        }
    }

    fn named_assignor(&self, config: &GroupConfig) -> Result<Option<Assignor>, HeartbeatRefused> {
        let Some(name) = &self.assignor else { return Ok(None) };
        let known = &config.consumer_assignors;
        let unknown = || {
            let known: Vec<_> = known.iter().map(|assignor| assignor.name()).collect();
            let known = known.join(", ");
            let message = format!("ServerAssignor {name} is not supported. Supported assignors: {known}.");
            refused(ErrorCode::UnsupportedAssignor, message)
        };
        known.iter().find(|assignor| assignor.name() == &**name).copied().map(Some).ok_or_else(unknown)
    }

    /// It says everything, so it is told everything.
    fn is_full(&self) -> bool {
        let subscribes = self.names.is_some() || self.regex.is_some();
        self.epoch == 0 || (self.rebalance_timeout.is_some() && subscribes && self.owned.is_some())
    }

    /// The member with what the request says it wants.
    fn wanted(&self, mut member: ConsumerMember, config: &GroupConfig) -> Result<ConsumerMember, HeartbeatRefused> {
        if self.instance_id.is_some() {
            member.instance_id.clone_from(&self.instance_id);
        }
        if self.rack_id.is_some() {
            member.rack_id.clone_from(&self.rack_id);
        }
        if let Some(timeout) = self.rebalance_timeout {
            member.rebalance_timeout = timeout;
        }
        if let Some(names) = &self.names {
            member.subscription.names.clone_from(names);
        }
        if let Some(regex) = &self.regex {
            member.subscription.regex = Some(Arc::clone(regex)).filter(|regex| !regex.is_empty());
        }
        member.assignor = self.named_assignor(config)?.or(member.assignor);
        member.client_id = Arc::clone(&self.client_id);
        member.client_host = Arc::clone(&self.client_host);
        member.classic = None;
        Ok(member)
    }
}

impl ConsumerGroup {
    /// Takes the heartbeat of a member that comes or stays. Nothing has changed when it is refused.
    ///
    /// # Errors
    /// The member is not in the group, is not who it says, or is not where the group believes it is.
    pub(crate) fn heartbeat(
        &mut self,
        request: &ConsumerHeartbeat,
        turn: &mut Turn<'_>,
    ) -> Result<Heard, HeartbeatRefused> {
        if self.dead {
            return Err(refused(ErrorCode::CoordinatorNotAvailable, "The coordinator is not available."));
        }
        let max_size = turn.config.consumer_max_size;
        if self.is_full_for(&request.member_id, max_size) {
            let message = format!("The consumer group has reached its maximum capacity of {max_size} members.");
            return Err(refused(ErrorCode::GroupMaxSizeReached, message));
        }
        let admitted = self.identify(request, turn.group_id)?;
        let wanted = request.wanted(admitted.member.clone(), turn.config)?;
        if wanted.subscription.regex != admitted.member.subscription.regex {
            self.check_pattern(wanted.subscription.regex.as_deref())?;
        }
        let changed = self.admit(&admitted, wanted, turn);
        self.move_on(changed || self.epoch == 0, turn);
        self.retarget(&request.member_id, turn);
        self.advance(&request.member_id, request.owned.as_ref(), turn);
        let session = turn.now + turn.config.consumer_session_timeout;
        self.timers.set(TimerKey::Session(Arc::clone(&request.member_id)), session);
        let member = self.member(&request.member_id).map_err(|error| refused(error, ""))?;
        let tell = request.is_full() || admitted.member.assigned != member.assigned;
        let heard = Heard {
            member_id: Arc::clone(&member.id),
            epoch: member.epoch,
            interval: turn.config.consumer_heartbeat_interval,
            assignment: tell.then(|| member.assigned.clone()),
        };
        self.resolve_patterns(turn);
        Ok(heard)
    }

    /// Whether `group.consumer.max.size` keeps the member out.
    pub(super) fn is_full_for(&self, member_id: &str, max_size: usize) -> bool {
        self.members.len() >= max_size && !self.members.contains_key(member_id)
    }

    /// The member as it is known so far, if this heartbeat may be its own.
    fn identify(&self, request: &ConsumerHeartbeat, group_id: &str) -> Result<Admitted, HeartbeatRefused> {
        let id = &request.member_id;
        let joins = request.epoch == 0;
        let known = match &request.instance_id {
            None => self.members.get(id),
            Some(instance) => match self.static_member(instance) {
                None if !joins => return Err(unknown_instance(instance)),
                None => None,
                Some(former) if joins => return former_self(former, id, instance),
                Some(owner) if owner.id != *id => return Err(fenced_instance(id, instance, owner)),
                Some(member) => Some(member),
            },
        };
        let member = match known {
            None if !joins => return Err(unknown_member(id, group_id)),
            None => self.members.get(id).cloned().unwrap_or_else(|| ConsumerMember::new(id)),
            Some(member) => member.clone(),
        };
        if request.instance_id.is_none() || !joins {
            check_epoch(&member, request)?;
        }
        Ok(Admitted { member, former: None })
    }
}

/// A static member came back: it has what its former self had.
fn former_self(former: &ConsumerMember, id: &Arc<str>, instance: &str) -> Result<Admitted, HeartbeatRefused> {
    if former.classic.is_none() && former.epoch != STATIC_LEAVE_EPOCH {
        let message = format!(
            "Static member {id} with instance id {instance} cannot join the group because the instance id is owned by {} \
             member.",
            former.id
        );
        return Err(refused(ErrorCode::UnreleasedInstanceId, message));
    }
    Ok(former.come_back_as(id))
}

pub(super) fn unknown_member(id: &str, group_id: &str) -> HeartbeatRefused {
    refused(ErrorCode::UnknownMemberId, format!("Member {id} is not a member of group {group_id}."))
}

pub(super) fn unknown_instance(instance: &str) -> HeartbeatRefused {
    refused(ErrorCode::UnknownMemberId, format!("Instance id {instance} is unknown."))
}

pub(super) fn fenced_instance(id: &str, instance: &str, owner: &ConsumerMember) -> HeartbeatRefused {
    let message = format!("Static member {id} with instance id {instance} was fenced by member {}.", owner.id);
    refused(ErrorCode::FencedInstanceId, message)
}

/// A member is where the group believes it is, or one epoch behind because an answer was lost; then it can own only
/// what it was given.
fn check_epoch(member: &ConsumerMember, request: &ConsumerHeartbeat) -> Result<(), HeartbeatRefused> {
    let owns_its_own = || request.owned.as_ref().is_some_and(|owned| owned.is_subset(&member.assigned));
    if request.epoch == member.epoch
        || (request.epoch < member.epoch && request.epoch == member.previous_epoch && owns_its_own())
    {
        return Ok(());
    }
    let how = if request.epoch > member.epoch { "greater" } else { "smaller" };
    let message = format!(
        "The consumer group member has a {how} member epoch ({}) than the one known by the group coordinator ({}). The \
         member must abandon all its partitions and rejoin.",
        request.epoch, member.epoch
    );
    Err(refused(ErrorCode::FencedMemberEpoch, message))
}
