//! DescribeQuorum, versions 0 to 2: who keeps the metadata of the cluster.
//!
//! As Kafka whose nodes are brokers and controllers: every node is a voter, the controller leads, and there are no observers; a
//! voter that is down stays behind; only `__cluster_metadata-0` can be asked for, alone.
//! Different: there is no log of metadata, and its end offset is the number of changes; nothing is bound for the listener
//! of controllers, and if no config says where it is, voters are told at the addresses of the brokers.

use std::sync::Arc;

use kafka_protocol::messages::describe_quorum_request::TopicData as Asked;
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::{BrokerId, DescribeQuorumRequest, DescribeQuorumResponse, TopicName};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::cluster;
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
    let nodes = cx.cluster.nodes();
    let voters = cx.cluster.voters().into_iter().map(|voter| {
        let state = ReplicaState::default().with_replica_id(BrokerId(voter.id)).with_log_end_offset(voter.end_offset);
        if cx.version < 1 {
            return state;
        }
        state.with_last_fetch_timestamp(voter.seen_at).with_last_caught_up_timestamp(voter.seen_at)
    });
    let partition = PartitionData::default()
        .with_error_message(text(""))
        .with_leader_id(BrokerId(nodes.controller()))
        .with_leader_epoch(nodes.controller_epoch())
        .with_high_watermark(cx.cluster.metadata_offset())
        .with_current_voters(voters.collect());
    TopicData::default()
        .with_topic_name(TopicName(StrBytes::from_static_str(METADATA)))
        .with_partitions(vec![partition])
}

/// Where the voters are. A config says it of one node only.
fn nodes(cx: &RequestContext<'_>) -> Vec<Node> {
    let nodes = cx.cluster.nodes();
    let told = &cx.cluster.settings.controller;
    let alone = told.address.as_ref().filter(|_| nodes.every().count() == 1);
    let describe = |node: &Arc<cluster::Node>| {
        let (host, port) = match alone {
            Some((host, port)) => (StrBytes::from_string(host.clone()), *port),
            None => cx.address_of(node).map(|(host, port)| (host, u16::try_from(port).unwrap_or_default()))?,
        };
        let listener =
            Listener::default().with_name(StrBytes::from_string(told.name.clone())).with_host(host).with_port(port);
        Some(Node::default().with_node_id(BrokerId(node.id)).with_listeners(vec![listener]))
    };
    nodes.every().filter_map(describe).collect()
}
