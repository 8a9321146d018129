//! One member of a classic group.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::coordinator::group::record::MemberMetadata;
use crate::coordinator::group::turn::{JoinedMember, Ticket};

/// An assignment protocol a member speaks, with the member's own metadata for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Protocol {
    pub(crate) name: Arc<str>,
    pub(crate) metadata: Bytes,
}

/// A member, its wishes, and the requests of it that are held.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: Arc<str>,
    /// Set for static members.
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) session_timeout: Duration,
    /// In the member's order of preference.
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) assignment: Bytes,
    pub(crate) awaiting_join: Option<Ticket>,
    pub(crate) awaiting_sync: Option<Ticket>,
    /// It has not been part of a generation yet, so its session may end while its JoinGroup is held.
    pub(crate) is_new: bool,
}

impl Member {
    pub(crate) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|p| &*p.name == protocol)
    }

    /// Its metadata for a protocol; empty when there is none.
    pub(crate) fn metadata(&self, protocol: Option<&str>) -> Bytes {
        let found = self.protocols.iter().find(|p| Some(&*p.name) == protocol);
        found.map(|p| p.metadata.clone()).unwrap_or_default()
    }

    /// A member with a held request is alive without heartbeats, unless it waits for its first generation.
    pub(crate) fn is_alive_without_heartbeat(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }

    pub(crate) fn as_joined(&self, protocol: Option<&str>) -> JoinedMember {
        JoinedMember {
            member_id: Arc::clone(&self.id),
            instance_id: self.instance_id.clone(),
            metadata: self.metadata(protocol),
        }
    }

    pub(crate) fn as_record(&self, protocol: Option<&str>, assignment: Bytes) -> MemberMetadata {
        MemberMetadata {
            member_id: Arc::clone(&self.id),
            instance_id: self.instance_id.clone(),
            client_id: Arc::clone(&self.client_id),
            client_host: Arc::clone(&self.client_host),
            rebalance_timeout: self.rebalance_timeout,
            session_timeout: self.session_timeout,
            subscription: self.metadata(protocol),
            assignment,
        }
    }

    /// The member a record tells of, with nothing held.
    pub(crate) fn from_record(record: &MemberMetadata, protocol: Option<&Arc<str>>) -> Self {
        let metadata = record.subscription.clone();
        Self {
            id: Arc::clone(&record.member_id),
            instance_id: record.instance_id.clone(),
            client_id: Arc::clone(&record.client_id),
            client_host: Arc::clone(&record.client_host),
            rebalance_timeout: record.rebalance_timeout,
            session_timeout: record.session_timeout,
            protocols: protocol.map(|name| Protocol { name: Arc::clone(name), metadata }).into_iter().collect(),
            assignment: record.assignment.clone(),
            awaiting_join: None,
            awaiting_sync: None,
            is_new: false,
        }
    }

    /// Takes over what no record tells of: requests that are held, and the protocols that were not chosen.
    pub(crate) fn keep_from(&mut self, live: Self) {
        (self.awaiting_join, self.awaiting_sync, self.is_new) = (live.awaiting_join, live.awaiting_sync, live.is_new);
        if self.protocols.iter().all(|chosen| live.protocols.contains(chosen)) {
            self.protocols = live.protocols;
        }
    }
}
