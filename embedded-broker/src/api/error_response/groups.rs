//! Requests about groups, transactional ids and coordinators, which are answered one by one.

use kafka_protocol::messages::*;

use super::error_response;
use crate::protocol::StrBytes;

error_response! {
    FindCoordinatorRequest => FindCoordinatorResponse, |request, version, code| {
        if version < 4 {
            let nowhere = FindCoordinatorResponse::default().with_node_id(BrokerId(-1)).with_port(-1);
            return nowhere.with_error_code(code);
        }
        let key = |key: StrBytes| find_coordinator_response::Coordinator::default()
            .with_key(key)
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(code);
        FindCoordinatorResponse::default()
            .with_coordinators(request.coordinator_keys.into_iter().map(key).collect())
    };
    DescribeGroupsRequest => DescribeGroupsResponse, |request, _version, code| {
        let group = |id| describe_groups_response::DescribedGroup::default().with_group_id(id).with_error_code(code);
        DescribeGroupsResponse::default().with_groups(request.groups.into_iter().map(group).collect())
    };
    DeleteGroupsRequest => DeleteGroupsResponse, |request, _version, code| {
        let group = |id| delete_groups_response::DeletableGroupResult::default()
            .with_group_id(id)
            .with_error_code(code);
        DeleteGroupsResponse::default().with_results(request.groups_names.into_iter().map(group).collect())
    };
    ConsumerGroupDescribeRequest => ConsumerGroupDescribeResponse, |request, _version, code| {
        let group = |id| consumer_group_describe_response::DescribedGroup::default()
            .with_group_id(id)
            .with_error_code(code);
        ConsumerGroupDescribeResponse::default().with_groups(request.group_ids.into_iter().map(group).collect())
    };
    ShareGroupDescribeRequest => ShareGroupDescribeResponse, |request, _version, code| {
        let group = |id| share_group_describe_response::DescribedGroup::default()
            .with_group_id(id)
            .with_error_code(code);
        ShareGroupDescribeResponse::default().with_groups(request.group_ids.into_iter().map(group).collect())
    };
    DescribeShareGroupOffsetsRequest => DescribeShareGroupOffsetsResponse, |request, _version, code| {
        let group = |asked: describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup| {
            describe_share_group_offsets_response::DescribeShareGroupOffsetsResponseGroup::default()
                .with_group_id(asked.group_id)
                .with_error_code(code)
        };
        DescribeShareGroupOffsetsResponse::default()
            .with_groups(request.groups.into_iter().map(group).collect())
    };
    DescribeTransactionsRequest => DescribeTransactionsResponse, |request, _version, code| {
        let state = |id| describe_transactions_response::TransactionState::default()
            .with_transactional_id(id)
            .with_error_code(code);
        DescribeTransactionsResponse::default()
            .with_transaction_states(request.transactional_ids.into_iter().map(state).collect())
    };
}
