//! [`Picture`]: which nodes there are.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    MetadataRequest, describe_cluster_response::DescribeClusterBroker, metadata_response::MetadataResponseBroker,
};

use super::{KafkaError, WireError, connection::Connection, endpoint::Endpoint};

/// A broker of the cluster, or a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: i32,
    pub(crate) host: String,
    pub(crate) port: i32,
    pub(crate) rack: Option<String>,
}

/// What is known of the cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    pub(super) nodes: BTreeMap<i32, Node>,
    /// The controller that leads, or a broker that passes on to it what it is asked.
    pub(super) controller: Option<i32>,
}

impl Picture {
    /// As a broker knows it.
    ///
    /// # Errors
    /// It does not answer, or is no broker.
    pub(super) async fn of_brokers(broker: &Connection) -> Result<Self, WireError> {
        let answer = broker.send(|_| MetadataRequest::default().with_topics(Some(Vec::new()))).await?;
        let node = |broker: &MetadataResponseBroker| Node {
            id: broker.node_id.0,
            host: broker.host.as_str().to_owned(),
            port: broker.port,
            rack: broker.rack.as_ref().map(|rack| rack.as_str().to_owned()),
        };
        Ok(Self::new(answer.brokers.iter().map(node), answer.controller_id.0))
    }

    /// As a controller knows the quorum.
    ///
    /// # Errors
    /// It does not answer, or is no controller.
    pub(super) async fn of_controllers(controller: &Connection) -> Result<Self, WireError> {
        let answer = controller.send(|_| Endpoint::Controller.describe_cluster()).await?;
        KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
        let node = |controller: &DescribeClusterBroker| Node {
            id: controller.broker_id.0,
            host: controller.host.as_str().to_owned(),
            port: controller.port,
            rack: controller.rack.as_ref().map(|rack| rack.as_str().to_owned()),
        };
        Ok(Self::new(answer.brokers.iter().map(node), answer.controller_id.0))
    }

    fn new(nodes: impl Iterator<Item = Node>, controller: i32) -> Self {
        let controller = (controller >= 0).then_some(controller);
        Self { nodes: nodes.map(|node| (node.id, node)).collect(), controller }
    }
}
