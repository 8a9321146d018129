//! Kafka's protocol, spoken by the program itself: what its administrative commands ask brokers.
//!
//! librdkafka's admin calls, which `kafka_app::admin` has for applications, know nothing of transactions, quotas, log
//! directories, a group's epochs, the type of a group or eligible leaders, and Kafka's own tools show all of these. So the
//! commands that administrate speak the protocol by the codecs that the embedded broker has, and records go the way of
//! applications, by listeners and templates.

mod acls;
mod cluster;
mod configs;
mod connection;
mod delete_records;
mod elections;
mod endpoint;
mod error;
mod error_codes;
mod features;
mod groups;
mod leaders;
mod log_dirs;
mod login;
mod offsets;
mod picture;
mod quorum;
mod quotas;
mod reassignments;
mod replicas;
mod scram;
mod settings;
mod settled;
mod tls;
mod topics;
mod transactions;

pub(crate) use acls::{
    AclEntry, AclOperation, AclResource, PatternType, Permission, ResourcePattern, create_acls, delete_acls,
    describe_acls,
};
pub(crate) use cluster::{Cluster, Target};
pub(crate) use configs::{
    Change, Config, ResourceType, Source, Synonym, alter_configs, describe_configs, list_config_resources,
};
pub(crate) use delete_records::delete_records;
pub(crate) use elections::{Election, elect_leaders};
pub(crate) use error::{KafkaError, WireError};
pub(crate) use features::{FeatureUpdate, UpgradeType, update_features};
pub(crate) use groups::{CommittedOffset, GroupDescription, GroupListing, GroupMember, GroupState, GroupType};
pub(crate) use leaders::{TopicPartition, UnknownTopic, by_leader};
pub(crate) use log_dirs::{LogDir, Replica, alter_log_dirs, describe_log_dirs};
pub(crate) use offsets::{IsolationLevel, ListedOffset, OffsetSpec, list_offsets};
pub(crate) use picture::Node;
pub(crate) use quorum::{ControllerEndpoint, Follower, Quorum, add_controller, describe_quorum, remove_controller};
pub(crate) use quotas::{EntityFilter, QuotaEntity, Quotas, alter_quotas, describe_quotas};
pub(crate) use reassignments::{Reassignment, Wishes, alter_reassignments, list_reassignments};
pub(crate) use replicas::{Replicas, replicas_of};
pub(crate) use scram::{Credential, Mechanism, NewCredential, alter_credentials, describe_credentials};
pub(crate) use settings::ClientSettings;
pub(crate) use topics::{
    NewPartitions, NewTopic, Partition, Topic, create_partitions, create_topic, delete_topics, describe_topics,
    list_topics,
};
pub(crate) use transactions::{
    ActiveProducer, HangingTransaction, TransactionDescription, TransactionFilter, abort_transaction,
    describe_producers, describe_transaction, fence_producer, list_transactions,
};

use kafka_protocol::protocol::StrBytes;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
