//! Requests that fail as a whole: their responses have one code, whatever was asked for.

use kafka_protocol::messages::*;

use super::error_response;

/// The code alone, and what everything else is by default.
macro_rules! code_of_the_whole {
    ($($request:ident => $response:ident,)*) => {
        error_response! {
            $($request => $response, |_request, _version, code| $response::default().with_error_code(code);)*
        }
    };
}

code_of_the_whole! {
    HeartbeatRequest => HeartbeatResponse,
    LeaveGroupRequest => LeaveGroupResponse,
    SyncGroupRequest => SyncGroupResponse,
    ListGroupsRequest => ListGroupsResponse,
    SaslHandshakeRequest => SaslHandshakeResponse,
    SaslAuthenticateRequest => SaslAuthenticateResponse,
    ApiVersionsRequest => ApiVersionsResponse,
    AddOffsetsToTxnRequest => AddOffsetsToTxnResponse,
    EndTxnRequest => EndTxnResponse,
    DescribeAclsRequest => DescribeAclsResponse,
    CreateDelegationTokenRequest => CreateDelegationTokenResponse,
    RenewDelegationTokenRequest => RenewDelegationTokenResponse,
    ExpireDelegationTokenRequest => ExpireDelegationTokenResponse,
    DescribeDelegationTokenRequest => DescribeDelegationTokenResponse,
    ListPartitionReassignmentsRequest => ListPartitionReassignmentsResponse,
    OffsetDeleteRequest => OffsetDeleteResponse,
    DescribeQuorumRequest => DescribeQuorumResponse,
    UpdateFeaturesRequest => UpdateFeaturesResponse,
    DescribeClusterRequest => DescribeClusterResponse,
    UnregisterBrokerRequest => UnregisterBrokerResponse,
    ListTransactionsRequest => ListTransactionsResponse,
    ConsumerGroupHeartbeatRequest => ConsumerGroupHeartbeatResponse,
    GetTelemetrySubscriptionsRequest => GetTelemetrySubscriptionsResponse,
    PushTelemetryRequest => PushTelemetryResponse,
    ListConfigResourcesRequest => ListConfigResourcesResponse,
    ShareGroupHeartbeatRequest => ShareGroupHeartbeatResponse,
    ShareFetchRequest => ShareFetchResponse,
    ShareAcknowledgeRequest => ShareAcknowledgeResponse,
    AlterShareGroupOffsetsRequest => AlterShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsRequest => DeleteShareGroupOffsetsResponse,
}

error_response! {
    InitProducerIdRequest => InitProducerIdResponse, |_request, _version, code| InitProducerIdResponse::default()
        .with_error_code(code)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    DescribeClientQuotasRequest => DescribeClientQuotasResponse, |_request, _version, code| {
        DescribeClientQuotasResponse::default().with_error_code(code).with_entries(None)
    };
    // Null is what no client of these versions can read.
    JoinGroupRequest => JoinGroupResponse, |_request, version, code| {
        let response = JoinGroupResponse::default().with_error_code(code).with_generation_id(-1);
        if version >= 7 { response.with_protocol_name(None) } else { response }
    };
    // All versions have the code of the whole, and as Kafka everybody who was asked about has it too.
    DescribeUserScramCredentialsRequest => DescribeUserScramCredentialsResponse, |request, _version, code| {
        let user = |asked: describe_user_scram_credentials_request::UserName| {
            describe_user_scram_credentials_response::DescribeUserScramCredentialsResult::default()
                .with_user(asked.name)
                .with_error_code(code)
        };
        DescribeUserScramCredentialsResponse::default()
            .with_error_code(code)
            .with_results(request.users.unwrap_or_default().into_iter().map(user).collect())
    };
}
