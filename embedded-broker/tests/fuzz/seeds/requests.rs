//! Every request that is served, as empty as it may be, in its lowest and its highest version.

use bytes::{Bytes, BytesMut};
use embedded_broker::fuzzing;
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, AlterClientQuotasRequest, AlterConfigsRequest,
    AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, AlterUserScramCredentialsRequest, ApiKey,
    ApiVersionsRequest, ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, CreateAclsRequest,
    CreatePartitionsRequest, CreateTopicsRequest, DeleteAclsRequest, DeleteGroupsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, DescribeAclsRequest, DescribeClientQuotasRequest, DescribeClusterRequest,
    DescribeConfigsRequest, DescribeGroupsRequest, DescribeLogDirsRequest, DescribeProducersRequest,
    DescribeQuorumRequest, DescribeTopicPartitionsRequest, DescribeTransactionsRequest,
    DescribeUserScramCredentialsRequest, ElectLeadersRequest, EndTxnRequest, FetchRequest, FindCoordinatorRequest,
    GetTelemetrySubscriptionsRequest, HeartbeatRequest, IncrementalAlterConfigsRequest, InitProducerIdRequest,
    JoinGroupRequest, LeaveGroupRequest, ListConfigResourcesRequest, ListGroupsRequest, ListOffsetsRequest,
    ListPartitionReassignmentsRequest, ListTransactionsRequest, MetadataRequest, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest, ProduceRequest, PushTelemetryRequest,
    RequestHeader, SaslAuthenticateRequest, SaslHandshakeRequest, SyncGroupRequest, TxnOffsetCommitRequest,
    UnregisterBrokerRequest, UpdateFeaturesRequest, WriteTxnMarkersRequest,
};
use kafka_protocol::protocol::{Encodable, Request, StrBytes};

use super::{Seed, named, piece};

/// A request in one of its versions.
pub(super) struct Encoded {
    pub(super) key: i16,
    pub(super) version: i16,
    pub(super) body: Bytes,
}

impl Encoded {
    pub(super) fn of<Q: Request>(version: i16, request: &Q) -> Self {
        let mut body = BytesMut::new();
        request.encode(&mut body, version).expect("a seed can be encoded");
        Self { key: Q::KEY, version, body: body.freeze() }
    }

    /// As the target `request` reads it.
    pub(super) fn step(&self) -> Vec<u8> {
        let key = u8::try_from(self.key).expect("keys are small");
        let version = u8::try_from(self.version - versions(self.key).0).expect("versions are few");
        [vec![key, version], piece(&self.body)].concat()
    }

    fn frame(&self, correlation_id: i32) -> Vec<u8> {
        let api = ApiKey::try_from(self.key).expect("a key of the codec");
        let header = RequestHeader::default()
            .with_request_api_key(self.key)
            .with_request_api_version(self.version)
            .with_correlation_id(correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("fuzz")));
        let mut frame = BytesMut::new();
        header.encode(&mut frame, api.request_header_version(self.version)).expect("a header can be encoded");
        frame.extend_from_slice(&self.body);
        let len = u32::try_from(frame.len()).expect("a seed is short");
        [&len.to_be_bytes()[..], &frame].concat()
    }
}

/// The lowest and the highest version of a request.
fn versions(key: i16) -> (i16, i16) {
    let mut served = fuzzing::versions();
    let (_, lowest, highest) = served.find(|(served, ..)| *served == key).expect("it is served");
    (lowest, highest)
}

macro_rules! lowest_and_highest {
    ($($request:ident),* $(,)?) => {
        [$(both(&$request::default())),*].into_iter().flatten().collect()
    };
}

fn both<Q: Request>(request: &Q) -> [Encoded; 2] {
    let (lowest, highest) = versions(Q::KEY);
    [Encoded::of(lowest, request), Encoded::of(highest, request)]
}

fn each() -> Vec<Encoded> {
    lowest_and_highest![
        ProduceRequest,
        FetchRequest,
        ListOffsetsRequest,
        MetadataRequest,
        OffsetCommitRequest,
        OffsetFetchRequest,
        FindCoordinatorRequest,
        JoinGroupRequest,
        HeartbeatRequest,
        LeaveGroupRequest,
        SyncGroupRequest,
        DescribeGroupsRequest,
        ListGroupsRequest,
        SaslHandshakeRequest,
        ApiVersionsRequest,
        CreateTopicsRequest,
        DeleteTopicsRequest,
        DeleteRecordsRequest,
        InitProducerIdRequest,
        OffsetForLeaderEpochRequest,
        AddPartitionsToTxnRequest,
        AddOffsetsToTxnRequest,
        EndTxnRequest,
        WriteTxnMarkersRequest,
        TxnOffsetCommitRequest,
        DescribeAclsRequest,
        CreateAclsRequest,
        DeleteAclsRequest,
        DescribeConfigsRequest,
        AlterConfigsRequest,
        AlterReplicaLogDirsRequest,
        DescribeLogDirsRequest,
        SaslAuthenticateRequest,
        CreatePartitionsRequest,
        DeleteGroupsRequest,
        ElectLeadersRequest,
        IncrementalAlterConfigsRequest,
        AlterPartitionReassignmentsRequest,
        ListPartitionReassignmentsRequest,
        OffsetDeleteRequest,
        DescribeClientQuotasRequest,
        AlterClientQuotasRequest,
        DescribeUserScramCredentialsRequest,
        AlterUserScramCredentialsRequest,
        DescribeQuorumRequest,
        UpdateFeaturesRequest,
        DescribeClusterRequest,
        DescribeProducersRequest,
        UnregisterBrokerRequest,
        DescribeTransactionsRequest,
        ListTransactionsRequest,
        ConsumerGroupHeartbeatRequest,
        ConsumerGroupDescribeRequest,
        GetTelemetrySubscriptionsRequest,
        PushTelemetryRequest,
        ListConfigResourcesRequest,
        DescribeTopicPartitionsRequest,
    ]
}

pub(super) fn each_alone() -> Vec<Seed> {
    let alone = each().into_iter().map(|request| {
        let api = ApiKey::try_from(request.key).expect("a key of the codec");
        (format!("{:03}-{api:?}-v{}", request.key, request.version), request.step())
    });
    alone.collect()
}

/// Connections that carry all of them, and one that logs in.
pub(super) fn as_frames() -> Vec<Seed> {
    let frames: Vec<Vec<u8>> = each().iter().zip(1..).map(|(request, id)| request.frame(id)).collect();
    let by = |way: u8, frames: &[Vec<u8>]| [vec![way], frames.concat()].concat();
    let mut seeds: Vec<Seed> =
        frames.chunks(6).zip(0..).map(|(some, n)| (format!("row-{n:02}"), by(0, some))).collect();
    seeds.push(named("in-pieces", by(0b1110, &frames[..4])));
    let handshake = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
    let token = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(b"\0alice\0secret"));
    let login = [Encoded::of(1, &handshake).frame(1), Encoded::of(2, &token).frame(2), frames[6].clone()];
    seeds.push(named("login-plain", by(1, &login)));
    let scram = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("SCRAM-SHA-256"));
    let first = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from_static(b"n,,n=alice,r=abc"));
    seeds.push(named("login-scram", by(1, &[Encoded::of(1, &scram).frame(1), Encoded::of(2, &first).frame(2)])));
    seeds
}
