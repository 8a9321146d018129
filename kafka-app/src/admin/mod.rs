//! Administration: topics, configs, offsets, groups and rights of a cluster, and the topics that an application declares.
//!
//! [`AdminClient`] does it; [`RunningApp::admin`](crate::RunningApp::admin) has one for an application's cluster.

mod acl;
mod acls;
mod broker_error;
mod client;
mod cluster;
mod codes;
mod companions;
mod configs;
mod declared;
mod elections;
mod group_offsets;
mod groups;
mod missing;
mod new_topic;
mod offsets;
mod scram;
mod topics;

pub use acl::{AclBinding, AclBindingFilter, AclOperation, AclPermission, AclResourceType, PatternFilter, PatternType};
pub use broker_error::{BrokerError, PerItem};
pub use client::AdminClient;
pub use cluster::{ClusterDescription, Node};
pub(crate) use companions::{Companion, companions, make_companions};
pub use configs::{AlterConfigOp, ConfigEntry, ConfigResource, ConfigSource, ConfigSynonym};
pub(crate) use declared::make_topics;
pub use elections::ElectionType;
pub use group_offsets::{CommittedOffset, GroupOffsetsQuery};
pub use groups::{GroupDescription, GroupFilter, GroupListing, GroupListings, GroupMember, GroupState, GroupType};
pub(crate) use missing::{Missing, missing_topics};
pub use new_topic::NewTopic;
pub use offsets::{ListedOffset, OffsetQuery};
pub use scram::{ScramAlteration, ScramCredential, ScramMechanism};
pub use topics::{RecordsToDelete, TopicDescription, TopicId, TopicListing};
