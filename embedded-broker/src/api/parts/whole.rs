//! Requests of one group or transactional id, and those that are about nothing that a fault could be for.

use kafka_protocol::messages::*;

use super::Parts;
use crate::fault::target::Part;

/// One part, which is the whole request.
macro_rules! one_part {
    ($($request:ident { $($part:ident: $field:ident),* })*) => {
        $(impl Parts for $request {
            fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
                let part = Part { $($part: Some(self.$field.to_string()),)* ..Part::default() };
                usize::from(keep(&part))
            }

            fn put(response: &mut Self::Response, failed: Self::Response) {
                *response = failed;
            }
        })*
    };
}

/// No parts: only a fault that is for the whole request meets it.
macro_rules! no_parts {
    ($($request:ident)*) => {
        $(impl Parts for $request {
            fn retain(&mut self, _keep: &mut dyn FnMut(&Part) -> bool) -> usize {
                0
            }

            fn put(response: &mut Self::Response, failed: Self::Response) {
                *response = failed;
            }
        })*
    };
}

one_part! {
    JoinGroupRequest { group: group_id }
    SyncGroupRequest { group: group_id }
    HeartbeatRequest { group: group_id }
    LeaveGroupRequest { group: group_id }
    ConsumerGroupHeartbeatRequest { group: group_id }
    AddOffsetsToTxnRequest { transactional_id: transactional_id, group: group_id }
    EndTxnRequest { transactional_id: transactional_id }
}

no_parts! {
    ListGroupsRequest
    SaslHandshakeRequest
    ApiVersionsRequest
    WriteTxnMarkersRequest
    DescribeAclsRequest
    CreateAclsRequest
    DeleteAclsRequest
    AlterReplicaLogDirsRequest
    DescribeLogDirsRequest
    SaslAuthenticateRequest
    ListPartitionReassignmentsRequest
    DescribeClientQuotasRequest
    AlterClientQuotasRequest
    DescribeUserScramCredentialsRequest
    AlterUserScramCredentialsRequest
    DescribeQuorumRequest
    UpdateFeaturesRequest
    DescribeClusterRequest
    UnregisterBrokerRequest
    ListTransactionsRequest
    GetTelemetrySubscriptionsRequest
    PushTelemetryRequest
    ListConfigResourcesRequest
}

/// An idempotent producer has no id.
impl Parts for InitProducerIdRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(&Part) -> bool) -> usize {
        let transactional_id = self.transactional_id.as_ref().map(|id| id.to_string());
        usize::from(keep(&Part { transactional_id, ..Part::default() }))
    }

    fn put(response: &mut Self::Response, failed: Self::Response) {
        *response = failed;
    }
}
