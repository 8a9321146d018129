//! The requests this broker serves: one row each, from which everything else derives.
//!
//! To add a request: write `api/<request>.rs` with a function from the request to its response, and add one row to
//! [`APIS`]. What ApiVersions answers, which versions are let through and how headers are read all follow from the row.

#![expect(clippy::needless_pass_by_value, reason = "every handler owns its request: one shape for all rows")]

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::FetchRequest;
use uuid::Uuid;

use crate::ceilings::Ceilings;
use crate::clock::{Timestamp, Waiter};
use crate::cluster::{Cluster, Node};
use crate::coordinator::CoordinatorKind;
use crate::coordinator::group::Group;
use crate::error::ErrorCode;
use crate::fault::target::Struck;
use crate::features;
use crate::groups::GroupCell;
use crate::protocol::{self, ApiKey, Malformed, StrBytes};
use crate::security::session::Session;
use crate::telemetry;
use crate::transactions::TransactionCell;

use std::cell::Cell;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use api_versions::{advertised, illegal as illegal_versions, unsupported_version};
pub(crate) use fetch::corrupt_crc;
use parts::Parts;
pub(crate) use throttle::{charge, hold_up};

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod alter_client_quotas;
mod alter_configs;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod alter_user_scram_credentials;
mod answer;
mod api_versions;
mod authorize;
mod config_resource;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod convert;
mod create_acls;
mod create_partitions;
mod create_topics;
mod delete_acls;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_acls;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod describe_transactions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod end_txn;
mod error_response;
mod fetch;
mod find_coordinator;
mod get_telemetry_subscriptions;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leaders;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod list_transactions;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod parts;
mod produce;
mod push_telemetry;
mod room;
pub(crate) mod sasl_authenticate;
pub(crate) mod sasl_handshake;
mod sync_group;
mod throttle;
mod txn_offset_commit;
mod unregister_broker;
mod update_features;
mod write_txn_markers;

/// One request: its key, the versions that are served, and who serves it.
pub(crate) struct Api {
    pub(crate) key: ApiKey,
    pub(crate) min_version: i16,
    pub(crate) max_version: i16,
    pub(crate) run: fn(&RequestContext<'_>, &[u8], &mut Reply) -> Result<(), Refusal>,
    /// Writes the body of the response that says it failed.
    pub(crate) fail: error_response::Fail,
    /// Names what it asks about.
    pub(crate) parts: parts::NameParts,
}

/// A row whose handler takes and returns the codec's types; `raw` is for those that read and write bytes themselves.
macro_rules! api {
    ($key:ident, $min:literal..=$max:literal, $handler:path) => {
        Api {
            key: ApiKey::$key,
            min_version: $min,
            max_version: $max,
            run: |cx, body, reply| typed(cx, body, reply, $handler),
            fail: |version, body, code, out| error_response::of_handled(version, body, code, out, $handler),
            parts: |_, version, body| parts::of_handled(version, body, $handler),
        }
    };
    (raw $key:ident, $min:literal..=$max:literal, $handler:path, $fail:path, $parts:path) => {
        Api { key: ApiKey::$key, min_version: $min, max_version: $max, run: $handler, fail: $fail, parts: $parts }
    };
}

/// Every request that is served, by key.
pub(crate) const APIS: &[Api] = &[
    api!(raw Produce, 3..=13, produce::handle, produce::fail, produce::parts),
    api!(raw Fetch, 4..=18, fetch::handle, error_response::of::<FetchRequest>, fetch::parts),
    api!(ListOffsets, 1..=10, list_offsets::handle),
    api!(Metadata, 0..=13, metadata::handle),
    api!(OffsetCommit, 2..=9, offset_commit::handle),
    api!(OffsetFetch, 1..=9, offset_fetch::handle),
    api!(FindCoordinator, 0..=6, find_coordinator::handle),
    api!(JoinGroup, 0..=9, join_group::handle),
    api!(Heartbeat, 0..=4, heartbeat::handle),
    api!(LeaveGroup, 0..=5, leave_group::handle),
    api!(SyncGroup, 0..=5, sync_group::handle),
    api!(DescribeGroups, 0..=6, describe_groups::handle),
    api!(ListGroups, 0..=5, list_groups::handle),
    api!(SaslHandshake, 0..=1, sasl_handshake::handle),
    api!(ApiVersions, 0..=4, api_versions::handle),
    api!(CreateTopics, 2..=7, create_topics::handle),
    api!(DeleteTopics, 1..=6, delete_topics::handle),
    api!(DeleteRecords, 0..=2, delete_records::handle),
    api!(InitProducerId, 0..=5, init_producer_id::handle),
    api!(OffsetForLeaderEpoch, 2..=4, offset_for_leader_epoch::handle),
    api!(AddPartitionsToTxn, 0..=5, add_partitions_to_txn::handle),
    api!(AddOffsetsToTxn, 0..=4, add_offsets_to_txn::handle),
    api!(EndTxn, 0..=5, end_txn::handle),
    api!(WriteTxnMarkers, 1..=1, write_txn_markers::handle),
    api!(TxnOffsetCommit, 0..=5, txn_offset_commit::handle),
    api!(DescribeAcls, 1..=3, describe_acls::handle),
    api!(CreateAcls, 1..=3, create_acls::handle),
    api!(DeleteAcls, 1..=3, delete_acls::handle),
    api!(DescribeConfigs, 1..=4, describe_configs::handle),
    api!(AlterConfigs, 0..=2, alter_configs::handle),
    api!(AlterReplicaLogDirs, 1..=2, alter_replica_log_dirs::handle),
    api!(DescribeLogDirs, 1..=4, describe_log_dirs::handle),
    api!(SaslAuthenticate, 0..=2, sasl_authenticate::handle),
    api!(CreatePartitions, 0..=3, create_partitions::handle),
    api!(DeleteGroups, 0..=2, delete_groups::handle),
    api!(ElectLeaders, 0..=2, elect_leaders::handle),
    api!(IncrementalAlterConfigs, 0..=1, incremental_alter_configs::handle),
    api!(AlterPartitionReassignments, 0..=1, alter_partition_reassignments::handle),
    api!(ListPartitionReassignments, 0..=0, list_partition_reassignments::handle),
    api!(OffsetDelete, 0..=0, offset_delete::handle),
    api!(DescribeClientQuotas, 0..=1, describe_client_quotas::handle),
    api!(AlterClientQuotas, 0..=1, alter_client_quotas::handle),
    api!(DescribeUserScramCredentials, 0..=0, describe_user_scram_credentials::handle),
    api!(AlterUserScramCredentials, 0..=0, alter_user_scram_credentials::handle),
    api!(DescribeQuorum, 0..=2, describe_quorum::handle),
    api!(UpdateFeatures, 0..=2, update_features::handle),
    api!(DescribeCluster, 0..=2, describe_cluster::handle),
    api!(DescribeProducers, 0..=0, describe_producers::handle),
    api!(UnregisterBroker, 0..=0, unregister_broker::handle),
    api!(DescribeTransactions, 0..=0, describe_transactions::handle),
    api!(ListTransactions, 0..=2, list_transactions::handle),
    api!(ConsumerGroupHeartbeat, 0..=1, consumer_group_heartbeat::handle),
    api!(ConsumerGroupDescribe, 0..=1, consumer_group_describe::handle),
    api!(GetTelemetrySubscriptions, 0..=0, get_telemetry_subscriptions::handle),
    api!(PushTelemetry, 0..=0, push_telemetry::handle),
    api!(ListConfigResources, 0..=1, list_config_resources::handle),
    api!(DescribeTopicPartitions, 0..=0, describe_topic_partitions::handle),
];

/// The row of a key, if it is served.
pub(crate) fn api(key: i16) -> Option<&'static Api> {
    APIS.iter().find(|api| api.key as i16 == key)
}

impl Api {
    /// The newest version that is served below these ceilings; less than the oldest if none is.
    pub(crate) fn newest(&self, ceilings: &Ceilings) -> i16 {
        self.max_version.min(ceilings.of(self.key as i16))
    }

    /// Whether this version is served below these ceilings.
    pub(crate) fn serves(&self, version: i16, ceilings: &Ceilings) -> bool {
        (self.min_version..=self.newest(ceilings)).contains(&version)
    }
}

/// Who asks, and of whom.
pub(crate) struct RequestContext<'a> {
    pub(crate) cluster: &'a Arc<Cluster>,
    /// The node whose listener took the connection.
    pub(crate) node_id: i32,
    /// Who the client is, and the listener it came in by.
    pub(crate) session: &'a Session,
    pub(crate) version: i16,
    pub(crate) client_id: Option<&'a str>,
    pub(crate) peer: SocketAddr,
    /// What this connection's thread blocks on; woken by whatever the request waits for, and when the broker stops.
    pub(crate) waiter: &'a Arc<Waiter>,
    /// How long the client is to be held up for partitions it made or deleted.
    pub(crate) mutation_throttle: Cell<Duration>,
    /// What a fault makes of some of what is asked.
    pub(crate) struck: Option<&'a Struck>,
}

impl RequestContext<'_> {
    /// Where this client reaches a node: by the listener of the name it came in by, if the node tells of that one.
    pub(crate) fn address_of(&self, node: &Node) -> Option<(StrBytes, i32)> {
        let endpoint = node.endpoints.iter().find(|endpoint| endpoint.listener == self.session.listener)?;
        let host = endpoint.host.clone().unwrap_or_else(|| self.session.local.to_string());
        Some((StrBytes::from_string(host), i32::from(endpoint.port)))
    }
}

impl RequestContext<'_> {
    /// Whether there are consumer groups of KIP-848: `group.version` may have been set back, and
    /// `group.coordinator.rebalance.protocols` may name others only.
    fn serves_consumer_groups(&self) -> bool {
        self.cluster.features.level(features::GROUP) > 0 && self.cluster.settings.group.consumer_protocol
    }

    /// A group that this node coordinates, if it is known.
    ///
    /// # Errors
    ///
    /// Another node coordinates it, or this one does not know it yet.
    fn find_group(&self, id: &str) -> Result<Option<Arc<GroupCell>>, ErrorCode> {
        // Looked for first: one that is handed over after it was found here is found by that as well.
        let found = self.cluster.groups.find(id);
        self.cluster.check_coordinator(CoordinatorKind::Groups, id, self.node_id)?;
        Ok(found)
    }

    /// As [`find_group`](Self::find_group), of a group of which something durable is known: what those see who only look.
    fn find_existing_group(&self, id: &str) -> Result<Option<Arc<GroupCell>>, ErrorCode> {
        Ok(self.find_group(id)?.filter(|cell| cell.look(Group::exists)))
    }

    /// As [`find_group`](Self::find_group), and makes one that is not known.
    fn find_or_create_group(&self, id: &str) -> Result<Arc<GroupCell>, ErrorCode> {
        let check = || self.cluster.check_coordinator(CoordinatorKind::Groups, id, self.node_id);
        check()?;
        let cell = self.cluster.groups.find_or_create(id);
        check().inspect_err(|_| self.cluster.groups.forget_unborn(&cell, self.cluster))?;
        Ok(cell)
    }

    /// A transactional id that this node coordinates, if it is known.
    ///
    /// # Errors
    ///
    /// As of [`find_group`](Self::find_group).
    fn find_transaction(&self, id: &str) -> Result<Option<Arc<TransactionCell>>, ErrorCode> {
        self.cluster.check_coordinator(CoordinatorKind::Transactions, id, self.node_id)?;
        Ok(self.cluster.transactions.find(id))
    }

    /// This client as one that pushes metrics, under the id it was given.
    fn telemetry_client(&self, instance_id: Uuid) -> telemetry::Client {
        let software = self.session.software.borrow().clone();
        telemetry::Client {
            instance_id,
            client_id: self.client_id.unwrap_or_default().to_owned(),
            software_name: software.name,
            software_version: software.version,
            peer: self.peer,
        }
    }
}

/// Closes the connection without an answer, as Kafka does with what it does not understand.
#[derive(Debug)]
pub(crate) struct Refusal {
    why: String,
    /// Whether the client has done what the protocol does not allow.
    pub(crate) blames_client: bool,
}

impl Refusal {
    /// Of what no client may send.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), blames_client: true }
    }

    /// Of what cannot be answered, though the client may ask it.
    pub(crate) fn without_blame(why: impl Into<String>) -> Self {
        Self { why: why.into(), blames_client: false }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::new(malformed.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// The answer to one request: small pieces that were encoded, and slices of logs that are sent as they lie.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// What is encoded since the last shared piece. The response header is already in it.
    pub(crate) head: BytesMut,
    /// Pieces in front of `head`.
    pub(crate) pieces: Vec<Bytes>,
    /// Nothing is sent at all: a produce with `acks=0`.
    pub(crate) suppressed: bool,
    /// How it is sent, if a fault says that.
    pub(crate) delivery: Delivery,
    /// Until when the connection reads nothing after it.
    pub(crate) hold_until: Option<Timestamp>,
    /// Where the response says so, if that is not where others do.
    pub(crate) throttle_at: Option<usize>,
}

/// How an answer is sent: whole and once, unless a fault says otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) twice: bool,
    /// In pieces of at most so many bytes, with a pause behind each.
    pub(crate) slices: Option<(usize, Duration)>,
    /// Only so many bytes; then the connection ends.
    pub(crate) cut: Option<usize>,
}

impl Reply {
    /// Writes the header of a response in front of its body.
    pub(crate) fn begin_response(&mut self, key: ApiKey, version: i16, correlation_id: i32) {
        self.begin(correlation_id);
        if key.response_header_version(version) >= 1 {
            self.head.put_u8(0);
        }
    }

    /// Everything that was written, in one piece, to be changed.
    pub(crate) fn gather(&mut self) -> &mut BytesMut {
        if !self.pieces.is_empty() {
            let mut whole = BytesMut::with_capacity(self.len());
            self.pieces.drain(..).for_each(|piece| whole.extend_from_slice(&piece));
            whole.extend_from_slice(&self.head);
            self.head = whole;
        }
        &mut self.head
    }

    /// Appends bytes without copying them.
    pub(crate) fn share(&mut self, bytes: Bytes) {
        let before = self.head.split().freeze();
        self.pieces.push(before);
        self.pieces.push(bytes);
    }
}

fn typed<Q: Parts>(
    cx: &RequestContext<'_>,
    body: &[u8],
    reply: &mut Reply,
    handler: fn(&RequestContext<'_>, Q) -> Result<Q::Response, Refusal>,
) -> Result<(), Refusal> {
    let request = protocol::decode(&Bytes::copy_from_slice(body), cx.version)?;
    let response = match cx.struck {
        None => handler(cx, request)?,
        Some(struck) => parts::serve(cx, request, struck, handler)?,
    };
    Ok(protocol::encode(&response, cx.version, &mut reply.head)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;

    #[test]
    fn rows_are_sorted_by_key_and_name_versions_the_codec_knows() {
        assert!(APIS.is_sorted_by_key(|api| api.key as i16));
        for api in APIS {
            let known = api.key.valid_versions();
            assert!(api.max_version <= known.max, "{:?}", api.key);
            assert!(api.min_version <= api.max_version, "{:?}", api.key);
        }
    }

    #[test]
    fn a_request_is_served_up_to_its_ceiling() {
        let row = |key: ApiKey| api(key as i16).unwrap();
        let mut ceilings = Ceilings::default();
        assert!(APIS.iter().all(|row| row.newest(&ceilings) == row.max_version));
        ceilings.lower(fault::api_name::Api::Fetch, 11);
        assert_eq!((row(ApiKey::Fetch).newest(&ceilings), row(ApiKey::Produce).newest(&ceilings)), (11, 13));
        let served = |version| row(ApiKey::Fetch).serves(version, &ceilings);
        assert_eq!([3, 4, 11, 12].map(served), [false, true, true, false]);
    }

    #[test]
    fn the_table_in_the_design_says_what_is_served() {
        let design = include_str!("../../DESIGN.md");
        let table: Vec<&str> = design.lines().filter(|line| line.starts_with("| ") && line.contains("..=")).collect();
        let rows: Vec<String> = APIS
            .iter()
            .map(|api| format!("| {} | {:?} | {}..={} |", api.key as i16, api.key, api.min_version, api.max_version))
            .collect();
        assert_eq!(table.len(), rows.len(), "rows of DESIGN.md");
        for (line, row) in table.iter().zip(&rows) {
            assert!(line.starts_with(row.as_str()), "DESIGN.md says {line}, the table of requests {row}");
        }
    }
}
