//! Requests about partitions, which are answered one by one.

use kafka_protocol::messages::*;

use super::error_response;

error_response! {
    ListOffsetsRequest => ListOffsetsResponse, |request, _version, code| {
        use list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
        let partition = |asked: list_offsets_request::ListOffsetsPartition| ListOffsetsPartitionResponse::default()
            .with_partition_index(asked.partition_index)
            .with_error_code(code);
        let topic = |asked: list_offsets_request::ListOffsetsTopic| ListOffsetsTopicResponse::default()
            .with_name(asked.name)
            .with_partitions(asked.partitions.into_iter().map(partition).collect());
        ListOffsetsResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
    OffsetCommitRequest => OffsetCommitResponse, |request, _version, code| {
        use offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
        let partition = |asked: offset_commit_request::OffsetCommitRequestPartition| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(code)
        };
        let topic = |asked: offset_commit_request::OffsetCommitRequestTopic| OffsetCommitResponseTopic::default()
            .with_name(asked.name)
            .with_topic_id(asked.topic_id)
            .with_partitions(asked.partitions.into_iter().map(partition).collect());
        OffsetCommitResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
    TxnOffsetCommitRequest => TxnOffsetCommitResponse, |request, _version, code| {
        use txn_offset_commit_response::{TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic};
        let partition = |asked: txn_offset_commit_request::TxnOffsetCommitRequestPartition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(code)
        };
        let topic = |asked: txn_offset_commit_request::TxnOffsetCommitRequestTopic| {
            TxnOffsetCommitResponseTopic::default()
                .with_name(asked.name)
                .with_partitions(asked.partitions.into_iter().map(partition).collect())
        };
        TxnOffsetCommitResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
    // Up to version 1 partitions have the code, up to 7 the whole has it, then each group.
    OffsetFetchRequest => OffsetFetchResponse, |request, version, code| {
        use offset_fetch_response::{OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic};
        let partition = |index| OffsetFetchResponsePartition::default()
            .with_partition_index(index)
            .with_committed_offset(-1)
            .with_error_code(code);
        let topic = |asked: offset_fetch_request::OffsetFetchRequestTopic| OffsetFetchResponseTopic::default()
            .with_name(asked.name)
            .with_partitions(asked.partition_indexes.into_iter().map(partition).collect());
        let group = |asked: offset_fetch_request::OffsetFetchRequestGroup| OffsetFetchResponseGroup::default()
            .with_group_id(asked.group_id)
            .with_error_code(code);
        let response = OffsetFetchResponse::default();
        match version {
            ..2 => response.with_topics(request.topics.unwrap_or_default().into_iter().map(topic).collect()),
            2..8 => response.with_error_code(code),
            8.. => response.with_groups(request.groups.into_iter().map(group).collect()),
        }
    };
    DeleteRecordsRequest => DeleteRecordsResponse, |request, _version, code| {
        use delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
        let partition = |asked: delete_records_request::DeleteRecordsPartition| {
            DeleteRecordsPartitionResult::default()
                .with_partition_index(asked.partition_index)
                .with_low_watermark(-1)
                .with_error_code(code)
        };
        let topic = |asked: delete_records_request::DeleteRecordsTopic| DeleteRecordsTopicResult::default()
            .with_name(asked.name)
            .with_partitions(asked.partitions.into_iter().map(partition).collect());
        DeleteRecordsResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
    OffsetForLeaderEpochRequest => OffsetForLeaderEpochResponse, |request, _version, code| {
        use offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
        let partition = |asked: offset_for_leader_epoch_request::OffsetForLeaderPartition| EpochEndOffset::default()
            .with_partition(asked.partition)
            .with_error_code(code);
        let topic = |asked: offset_for_leader_epoch_request::OffsetForLeaderTopic| {
            OffsetForLeaderTopicResult::default()
                .with_topic(asked.topic)
                .with_partitions(asked.partitions.into_iter().map(partition).collect())
        };
        OffsetForLeaderEpochResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
    AddPartitionsToTxnRequest => AddPartitionsToTxnResponse, |request, version, code| {
        use add_partitions_to_txn_response::{AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult};
        let response = AddPartitionsToTxnResponse::default();
        if version >= 4 {
            return response.with_error_code(code);
        }
        let partition = |index| AddPartitionsToTxnPartitionResult::default()
            .with_partition_index(index)
            .with_partition_error_code(code);
        let topic = |asked: add_partitions_to_txn_request::AddPartitionsToTxnTopic| {
            AddPartitionsToTxnTopicResult::default()
                .with_name(asked.name)
                .with_results_by_partition(asked.partitions.into_iter().map(partition).collect())
        };
        let topics = request.v3_and_below_topics.into_iter().map(topic).collect();
        response.with_results_by_topic_v3_and_below(topics)
    };
    WriteTxnMarkersRequest => WriteTxnMarkersResponse, |request, _version, code| {
        use write_txn_markers_response::{
            WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
        };
        let partition = |index| WritableTxnMarkerPartitionResult::default()
            .with_partition_index(index)
            .with_error_code(code);
        let topic = |asked: write_txn_markers_request::WritableTxnMarkerTopic| WritableTxnMarkerTopicResult::default()
            .with_name(asked.name)
            .with_partitions(asked.partition_indexes.into_iter().map(partition).collect());
        let marker = |asked: write_txn_markers_request::WritableTxnMarker| WritableTxnMarkerResult::default()
            .with_producer_id(asked.producer_id)
            .with_topics(asked.topics.into_iter().map(topic).collect());
        WriteTxnMarkersResponse::default().with_markers(request.markers.into_iter().map(marker).collect())
    };
    AlterReplicaLogDirsRequest => AlterReplicaLogDirsResponse, |request, _version, code| {
        use alter_replica_log_dirs_response::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult};
        let partition = |index| AlterReplicaLogDirPartitionResult::default()
            .with_partition_index(index)
            .with_error_code(code);
        let topic = |asked: alter_replica_log_dirs_request::AlterReplicaLogDirTopic| {
            AlterReplicaLogDirTopicResult::default()
                .with_topic_name(asked.name)
                .with_partitions(asked.partitions.into_iter().map(partition).collect())
        };
        let topics = request.dirs.into_iter().flat_map(|dir| dir.topics);
        AlterReplicaLogDirsResponse::default().with_results(topics.map(topic).collect())
    };
    ElectLeadersRequest => ElectLeadersResponse, |request, version, code| {
        use elect_leaders_response::{PartitionResult, ReplicaElectionResult};
        let partition = |id| PartitionResult::default().with_partition_id(id).with_error_code(code);
        let topic = |asked: elect_leaders_request::TopicPartitions| ReplicaElectionResult::default()
            .with_topic(asked.topic)
            .with_partition_result(asked.partitions.into_iter().map(partition).collect());
        let topics = request.topic_partitions.unwrap_or_default().into_iter().map(topic).collect();
        let response = ElectLeadersResponse::default().with_replica_election_results(topics);
        if version >= 1 { response.with_error_code(code) } else { response }
    };
    AlterPartitionReassignmentsRequest => AlterPartitionReassignmentsResponse, |request, _version, code| {
        use alter_partition_reassignments_response::{ReassignablePartitionResponse, ReassignableTopicResponse};
        let partition = |asked: alter_partition_reassignments_request::ReassignablePartition| {
            ReassignablePartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(code)
        };
        let topic = |asked: alter_partition_reassignments_request::ReassignableTopic| {
            ReassignableTopicResponse::default()
                .with_name(asked.name)
                .with_partitions(asked.partitions.into_iter().map(partition).collect())
        };
        AlterPartitionReassignmentsResponse::default()
            .with_error_code(code)
            .with_responses(request.topics.into_iter().map(topic).collect())
    };
    DescribeProducersRequest => DescribeProducersResponse, |request, _version, code| {
        use describe_producers_response::{PartitionResponse, TopicResponse};
        let partition = |index| PartitionResponse::default().with_partition_index(index).with_error_code(code);
        let topic = |asked: describe_producers_request::TopicRequest| TopicResponse::default()
            .with_name(asked.name)
            .with_partitions(asked.partition_indexes.into_iter().map(partition).collect());
        DescribeProducersResponse::default().with_topics(request.topics.into_iter().map(topic).collect())
    };
}
