//! What a cluster consists of.

use super::{AclOperation, AdminClient};
use crate::{client::DescribeCluster, error::Result};

/// A broker as others see it; Kafka's `Node`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// `node.id`.
    pub id: i32,
    /// Where clients reach it.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// `broker.rack`.
    pub rack: Option<String>,
}

/// A cluster and its nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterDescription {
    /// The id it was formatted with.
    pub cluster_id: Option<String>,
    /// The node that clients are to take for the controller; with KRaft that is any of them, which passes things on.
    pub controller: Option<i32>,
    /// The brokers that are up, by id.
    pub nodes: Vec<Node>,
    /// What the user of this client may do with the cluster as a whole; empty if the broker does not tell.
    pub authorized_operations: Vec<AclOperation>,
}

impl AdminClient {
    /// The cluster's id and its nodes.
    ///
    /// # Errors
    /// No broker answered in time.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription> {
        self.ask("describing the cluster", DescribeCluster).await
    }
}
