//! The quorum of controllers.

use std::iter;

use kafka_protocol::messages::{
    AddRaftVoterRequest, DescribeQuorumRequest, RemoveRaftVoterRequest, TopicName,
    add_raft_voter_request::Listener,
    describe_quorum_request::{PartitionData, TopicData},
    describe_quorum_response::{Node as QuorumNode, ReplicaState},
};

use uuid::Uuid;

use super::{Cluster, KafkaError, Target, WireError, settled::settled, text};

/// Who leads the quorum, and how far all who follow are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Quorum {
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) high_watermark: i64,
    pub(crate) voters: Vec<Follower>,
    pub(crate) observers: Vec<Follower>,
}

/// A node that follows the log of metadata, or leads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Follower {
    pub(crate) node: i32,
    /// All zero if it has none.
    pub(crate) directory: [u8; 16],
    pub(crate) end_offset: i64,
    /// In milliseconds since 1970; `None` if the leader does not know.
    pub(crate) last_fetch: Option<i64>,
    pub(crate) last_caught_up: Option<i64>,
    /// `NAME://HOST:PORT` each.
    pub(crate) endpoints: Vec<String>,
}

/// What the leader knows of the quorum.
///
/// # Errors
/// It does not answer, or refuses to.
pub(crate) async fn describe_quorum(cluster: &Cluster) -> Result<Quorum, WireError> {
    let topic = TopicData::default()
        .with_topic_name(TopicName(text("__cluster_metadata")))
        .with_partitions(vec![PartitionData::default()]);
    let ask = async || {
        let request = |_| DescribeQuorumRequest::default().with_topics(vec![topic.clone()]);
        let answer = cluster.send(Target::Any, request).await?;
        KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
        if let Some(partition) = answer.topics.first().and_then(|topic| topic.partitions.first()) {
            KafkaError::check(partition.error_code, partition.error_message.as_ref())?;
        }
        Ok(answer)
    };
    let answer = cluster.retrying("describeMetadataQuorum", ask).await?;
    let Some(partition) = answer.topics.first().and_then(|topic| topic.partitions.first()) else {
        return Ok(Quorum::default());
    };
    let follower = |state: &ReplicaState| follower(state, &answer.nodes);
    Ok(Quorum {
        leader: partition.leader_id.0,
        leader_epoch: partition.leader_epoch,
        high_watermark: partition.high_watermark,
        voters: partition.current_voters.iter().map(follower).collect(),
        observers: partition.observers.iter().map(follower).collect(),
    })
}

/// Where a controller is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControllerEndpoint {
    pub(crate) listener: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Has a controller vote that has followed so far.
///
/// # Errors
/// The leader does not answer, or refuses.
pub(crate) async fn add_controller(
    cluster: &Cluster,
    node: i32,
    directory: [u8; 16],
    endpoints: &[ControllerEndpoint],
) -> Result<(), WireError> {
    let listener = |endpoint: &ControllerEndpoint| {
        Listener::default().with_name(text(&endpoint.listener)).with_host(text(&endpoint.host)).with_port(endpoint.port)
    };
    let request = AddRaftVoterRequest::default()
        .with_timeout_ms(i32::try_from(cluster.api_timeout().as_millis()).unwrap_or(i32::MAX))
        .with_voter_id(node)
        .with_voter_directory_id(Uuid::from_bytes(directory))
        .with_listeners(endpoints.iter().map(listener).collect());
    let ask = async || {
        let answer = cluster.send(Target::Any, |_| request.clone()).await?;
        settled(iter::once((answer.error_code, answer.error_message.as_ref())))
    };
    Ok(cluster.retrying("addRaftVoter", ask).await??)
}

/// Has a controller vote no more.
///
/// # Errors
/// The leader does not answer, or refuses.
pub(crate) async fn remove_controller(cluster: &Cluster, node: i32, directory: [u8; 16]) -> Result<(), WireError> {
    let request =
        RemoveRaftVoterRequest::default().with_voter_id(node).with_voter_directory_id(Uuid::from_bytes(directory));
    let ask = async || {
        let answer = cluster.send(Target::Any, |_| request.clone()).await?;
        settled(iter::once((answer.error_code, answer.error_message.as_ref())))
    };
    Ok(cluster.retrying("removeRaftVoter", ask).await??)
}

fn follower(state: &ReplicaState, nodes: &[QuorumNode]) -> Follower {
    let known = |timestamp: i64| (timestamp >= 0).then_some(timestamp);
    let endpoint = |listener: &kafka_protocol::messages::describe_quorum_response::Listener| {
        let host = listener.host.as_str();
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{}://{host}:{}", listener.name.as_str(), listener.port)
    };
    let node = nodes.iter().find(|node| node.node_id == state.replica_id);
    Follower {
        node: state.replica_id.0,
        directory: *state.replica_directory_id.as_bytes(),
        end_offset: state.log_end_offset,
        last_fetch: known(state.last_fetch_timestamp),
        last_caught_up: known(state.last_caught_up_timestamp),
        endpoints: node.map_or(Vec::new(), |node| node.listeners.iter().map(endpoint).collect()),
    }
}
