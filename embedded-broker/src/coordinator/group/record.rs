//! The facts a group is made of. Live requests and recovery apply them through the same code.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::consumer::ConsumerRecord;
use super::offsets::CommittedOffset;

/// One durable change of a group, what Kafka writes to `__consumer_offsets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupRecord {
    /// An offset was committed.
    OffsetCommitted { topic: Arc<str>, partition: i32, offset: CommittedOffset },
    /// An offset was committed inside a producer's transaction.
    OffsetStaged { producer_id: i64, topic: Arc<str>, partition: i32, offset: CommittedOffset },
    /// A producer's transaction has ended: what it has staged counts, or never was.
    TransactionEnded { producer_id: i64, committed: bool },
    /// A committed offset was dropped, and what was staged for the same partition.
    OffsetDeleted { topic: Arc<str>, partition: i32 },
    /// The classic group now has exactly these members, assignments and generation.
    Metadata(GroupMetadata),
    /// The group is no classic group any more; its offsets stay.
    MetadataDeleted,
    /// The consumer group has changed.
    Consumer(ConsumerRecord),
    /// The group is no more, and neither are its offsets.
    Deleted,
}

/// A whole classic generation, as Kafka's `GroupMetadataValue` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupMetadata {
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<Arc<str>>,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) leader: Option<Arc<str>>,
    /// Since when the group is in its state, in milliseconds since 1970.
    pub(crate) state_since_ms: i64,
    pub(crate) members: Vec<MemberMetadata>,
}

/// One member of a [`GroupMetadata`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberMetadata {
    pub(crate) member_id: Arc<str>,
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) session_timeout: Duration,
    /// The member's metadata for the chosen protocol.
    pub(crate) subscription: Bytes,
    pub(crate) assignment: Bytes,
}
