//! One durable fact about a cluster.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::layers::Configs;
use crate::coordinator::group::record::GroupRecord;
use crate::coordinator::transaction::record::TransactionRecord;
use crate::quotas::entity::{Entity, Values};
use crate::replication::{Assignment, Remembered};
use crate::security::acl::binding::Acl;
use crate::security::sasl::scram::credentials::ScramChange;

/// A fact. It says what is true from now on, whatever was said about the same thing before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum StateRecord {
    /// The topic is there, or is now like this.
    Topic(TopicFacts),
    /// Who leads a partition, and which of its replicas are in sync.
    Replicas { topic: Uuid, partition: i32, remembered: Remembered },
    /// The topic is gone.
    TopicDeleted(Uuid),
    /// What was set for one broker, or for all of them.
    BrokerConfigs { node: Option<i32>, configs: Configs },
    /// What was set for a group.
    GroupConfigs { group: String, configs: Configs },
    /// What was set for a client metrics resource.
    ClientMetrics { name: String, configs: Configs },
    /// All quotas of an entity; there may be none left.
    ClientQuotas { entity: Entity, values: Values },
    /// What a user logs in by.
    ScramCredential(ScramChange),
    /// The ACL is there.
    Acl(Acl),
    /// The ACL is gone.
    AclRemoved(Acl),
    /// The level that a feature is at; 0 is off.
    FeatureLevel { name: String, level: i16 },
    /// Producer ids before this one may have been given away.
    ProducerIds { next: i64 },
    /// A group has changed.
    Group { id: Arc<str>, record: GroupRecord },
    /// A transactional id has changed.
    Transaction { id: Arc<str>, record: TransactionRecord },
}

/// A topic without its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicFacts {
    pub(crate) id: Uuid,
    pub(crate) name: Arc<str>,
    /// For each partition the nodes that hold it, the leader first.
    pub(crate) replicas: Vec<Vec<i32>>,
    /// Those of its partitions that are on their way to other nodes, by index.
    #[serde(default)]
    pub(crate) moving: BTreeMap<usize, Assignment>,
    pub(crate) configs: Configs,
}

impl StateRecord {
    /// MessagePack with names: readable by a broker that knows more fields than were written.
    pub(crate) fn encode(&self) -> io::Result<Vec<u8>> {
        rmp_serde::to_vec_named(self).map_err(io::Error::other)
    }

    pub(crate) fn decode(bytes: &[u8]) -> io::Result<Self> {
        rmp_serde::from_slice(bytes).map_err(|error| {
            io::Error::other(format!("the state log says something this version does not understand: {error}"))
        })
    }
}
