//! DescribeQuorum, versions 0 to 2: who keeps the metadata of the cluster.
//!
//! As Kafka: one voter, which leads in epoch 1, and no observers; only `__cluster_metadata-0` can be asked for, alone.
//! Different: there is no log of metadata, and its end offset is the number of changes; nothing is bound for the listener
//! of controllers, and if no config says where it is, the voter is told at the address of the broker.

use kafka_protocol::messages::describe_quorum_request::TopicData as Asked;
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::{BrokerId, DescribeQuorumRequest, DescribeQuorumResponse, TopicName};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

const METADATA: &str = "__cluster_metadata";

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeQuorumRequest,
) -> Result<DescribeQuorumResponse, Refusal> {
    let response = DescribeQuorumResponse::default();
    let text = |text: &str| (cx.version >= 2).then(|| StrBytes::from_string(text.to_owned()));
    if let Err(denied) = cx.authorize(Operation::Describe, Resource::Cluster) {
        let (code, _) = failure(&denied);
        let response = response.with_error_code(code);
        return Ok(if cx.version >= 2 { response.with_error_message(text(denied.message())) } else { response });
    }
    let response = if cx.version >= 2 { response.with_error_message(text("")) } else { response };
    if !is_quorum(&request.topics) {
        return Ok(response.with_topics(request.topics.iter().map(|topic| unknown(topic, &text)).collect()));
    }
    let response = response.with_topics(vec![quorum(cx, &text)]);
    Ok(if cx.version >= 2 { response.with_nodes(nodes(cx)) } else { response })
}

fn is_quorum(asked: &[Asked]) -> bool {
    let [topic] = asked else { return false };
    topic.topic_name.as_str() == METADATA && topic.partitions.len() == 1 && topic.partitions[0].partition_index == 0
}

fn unknown(asked: &Asked, text: &impl Fn(&str) -> Option<StrBytes>) -> TopicData {
    let partitions = asked.partitions.iter().map(|partition| {
        let data = PartitionData::default()
            .with_partition_index(partition.partition_index)
            .with_error_code(ErrorCode::UnknownTopicOrPartition.code());
        data.with_error_message(text("This server does not host this topic-partition."))
    });
    TopicData::default().with_topic_name(asked.topic_name.clone()).with_partitions(partitions.collect())
}

fn quorum(cx: &RequestContext<'_>, text: &impl Fn(&str) -> Option<StrBytes>) -> TopicData {
    let leader = BrokerId(cx.cluster.controller_id());
    let end_offset = cx.cluster.metadata_offset();
    let voter = ReplicaState::default().with_replica_id(leader).with_log_end_offset(end_offset);
    let voter = if cx.version >= 1 {
        let now = cx.cluster.clock.wall_ms();
        voter.with_last_fetch_timestamp(now).with_last_caught_up_timestamp(now)
    } else {
        voter
    };
    let partition = PartitionData::default()
        .with_error_message(text(""))
        .with_leader_id(leader)
        .with_leader_epoch(1)
        .with_high_watermark(end_offset)
        .with_current_voters(vec![voter]);
    TopicData::default()
        .with_topic_name(TopicName(StrBytes::from_static_str(METADATA)))
        .with_partitions(vec![partition])
}

fn nodes(cx: &RequestContext<'_>) -> Vec<Node> {
    let nodes = cx.cluster.nodes();
    let described = nodes.get(nodes.controller()).and_then(|node| {
        let told = &cx.cluster.settings.controller;
        let (host, port) = match &told.address {
            Some((host, port)) => (StrBytes::from_string(host.clone()), *port),
            None => cx.address_of(node).map(|(host, port)| (host, u16::try_from(port).unwrap_or_default()))?,
        };
        let listener =
            Listener::default().with_name(StrBytes::from_string(told.name.clone())).with_host(host).with_port(port);
        Some(Node::default().with_node_id(BrokerId(node.id)).with_listeners(vec![listener]))
    });
    described.into_iter().collect()
}
