//! [`PartitionInfo`]: what the cluster says of a partition.

/// A partition with its leader and replicas, by broker id; Kafka's `PartitionInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionInfo {
    /// Partition number, from 0.
    pub partition: i32,
    /// The broker that leads it; `None` while there is no leader.
    pub leader: Option<i32>,
    /// Brokers that hold it.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub in_sync_replicas: Vec<i32>,
}
