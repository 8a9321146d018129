//! One member of a consumer group.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::assignor::Assignor;
use super::update::Admitted;
use crate::coordinator::group::classic::Protocol;

/// Partitions by topic id.
pub(crate) type TopicPartitions = BTreeSet<(Uuid, i32)>;

/// The epoch of a static member that is away and means to come back.
pub(crate) const STATIC_LEAVE_EPOCH: i32 = -2;
/// The epoch in the heartbeat of a member that leaves for good.
pub(crate) const LEAVE_EPOCH: i32 = -1;

/// A member: who it is, what it wants, what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConsumerMember {
    pub(crate) id: Arc<str>,
    /// Set for static members.
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) rack_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) subscription: Subscription,
    /// The assignor it would like.
    pub(crate) assignor: Option<Assignor>,
    /// The assignment it has reached; 0 before its first.
    pub(crate) epoch: i32,
    /// The one before: a member whose answer was lost still sends it.
    pub(crate) previous_epoch: i32,
    pub(crate) state: MemberState,
    /// What it may read.
    pub(crate) assigned: TopicPartitions,
    /// What it has to give up before it, or anybody, gets something else.
    pub(crate) pending_revocation: TopicPartitions,
    /// Set while it speaks the classic protocol.
    pub(crate) classic: Option<ClassicMember>,
}

/// What a member of the classic protocol has beside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClassicMember {
    pub(crate) session_timeout: Duration,
    /// In the member's order of preference; never empty.
    pub(crate) protocols: Vec<Protocol>,
}

/// What a member subscribes to: names, a pattern, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) names: BTreeSet<Arc<str>>,
    pub(crate) regex: Option<Arc<str>>,
}

/// How far a member is on its way to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MemberState {
    /// It has what its epoch gives it.
    Stable,
    /// It has to give up partitions first; its epoch stays until it has.
    UnrevokedPartitions,
    /// It waits for partitions that others have to give up.
    UnreleasedPartitions,
}

impl ConsumerMember {
    /// Somebody who has just come.
    pub(crate) fn new(id: &Arc<str>) -> Self {
        Self {
            id: Arc::clone(id),
            instance_id: None,
            rack_id: None,
            client_id: Arc::default(),
            client_host: Arc::default(),
            rebalance_timeout: Duration::ZERO,
            subscription: Subscription::default(),
            assignor: None,
            epoch: 0,
            previous_epoch: -1,
            state: MemberState::Stable,
            assigned: TopicPartitions::new(),
            pending_revocation: TopicPartitions::new(),
            classic: None,
        }
    }

    /// The same under a new id, in epoch 0.
    pub(super) fn come_back_as(&self, id: &Arc<str>) -> Admitted {
        let member = Self { id: Arc::clone(id), epoch: 0, previous_epoch: 0, ..self.clone() };
        Admitted { member, former: Some(Arc::clone(&self.id)).filter(|former| former != id) }
    }

    /// Whether it has all that this epoch gives it.
    pub(super) fn is_reconciled_to(&self, epoch: i32) -> bool {
        self.state == MemberState::Stable && self.epoch == epoch
    }

    /// Whether the partition is this member's, also while it gives it up.
    pub(crate) fn holds(&self, partition: &(Uuid, i32)) -> bool {
        self.assigned.contains(partition) || self.pending_revocation.contains(partition)
    }
}
