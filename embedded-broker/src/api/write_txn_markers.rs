//! WriteTxnMarkers, version 1: ends transactions in the partitions that are named, whatever their coordinator thinks.
//!
//! Kafka's coordinators send it to the partitions' leaders; here they write without it, and it is served for tools that
//! end hanging transactions.

use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};

use super::convert::{code, from_wire};
use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::log::EndMarker;
use crate::partition::Sender;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::transactions::write_marker;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: WriteTxnMarkersRequest,
) -> Result<WriteTxnMarkersResponse, Refusal> {
    let now_ms = cx.cluster.clock.wall_ms();
    let allowed = if cx.may(Operation::Alter, Resource::Cluster) {
        Ok(())
    } else {
        cx.require(Operation::ClusterAction, Resource::Cluster)
    };
    // As Kafka, which is taken by surprise by what is no producer, and answers nothing else then.
    let surprise = allowed.is_ok() && request.markers.iter().any(|asked| is_of_nobody(cx, asked));
    let allowed = if surprise { Err(ErrorCode::UnknownServerError) } else { allowed };
    let sender = Sender { node: Some(cx.node_id), wants_all: true };
    let results = request.markers.into_iter().map(|asked| {
        let marker = to_marker(&asked);
        let topics = asked.topics.into_iter().map(|topic| {
            let results = topic.partition_indexes.iter().map(|&index| {
                let partition = (from_wire(&topic.name), index);
                let result =
                    allowed.and_then(|()| write_marker(cx.cluster, &partition, &marker, sender, now_ms).map(drop));
                WritableTxnMarkerPartitionResult::default().with_partition_index(index).with_error_code(code(&result))
            });
            let results = results.collect();
            WritableTxnMarkerTopicResult::default().with_name(topic.name).with_partitions(results)
        });
        WritableTxnMarkerResult::default().with_producer_id(asked.producer_id).with_topics(topics.collect())
    });
    Ok(WriteTxnMarkersResponse::default().with_markers(results.collect()))
}

/// Whether a marker that has a place to go to names no producer, or no epoch of one.
fn is_of_nobody(cx: &RequestContext<'_>, asked: &WritableTxnMarker) -> bool {
    let topics = cx.cluster.topics();
    let is_there = |topic: &WritableTxnMarkerTopic| {
        let found = topics.by_name(&topic.name);
        topic.partition_indexes.iter().any(|index| found.is_some_and(|found| found.partition(*index).is_some()))
    };
    (asked.producer_id.0 < 0 || asked.producer_epoch < 0) && asked.topics.iter().any(is_there)
}

fn to_marker(asked: &WritableTxnMarker) -> EndMarker {
    EndMarker {
        producer_id: asked.producer_id.0,
        producer_epoch: asked.producer_epoch,
        coordinator_epoch: asked.coordinator_epoch,
        committed: asked.transaction_result,
    }
}
