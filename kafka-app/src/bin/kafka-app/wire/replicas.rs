//! [`replicas_of`]: which brokers have the partitions of topics.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::metadata_response::MetadataResponsePartition;

use super::{Cluster, KafkaError, WireError};

/// The replicas of each partition, by its number.
pub(crate) type Replicas = BTreeMap<i32, Vec<i32>>;

/// The replicas of the topics' partitions.
///
/// # Errors
/// No broker answers. Errors of single topics are in the answer.
pub(crate) async fn replicas_of(
    cluster: &Cluster,
    topics: &BTreeSet<String>,
) -> Result<BTreeMap<String, Result<Replicas, KafkaError>>, WireError> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<String> = topics.iter().cloned().collect();
    let answer = cluster.retrying("describeTopics", async || cluster.metadata(Some(&names)).await).await?;
    let replicas = |partition: &MetadataResponsePartition| {
        (partition.partition_index, partition.replica_nodes.iter().map(|node| node.0).collect())
    };
    let mut known = BTreeMap::new();
    for topic in &answer.topics {
        let Some(name) = &topic.name else { continue };
        let replicas =
            KafkaError::check(topic.error_code, None).map(|()| topic.partitions.iter().map(replicas).collect());
        known.insert(name.as_str().to_owned(), replicas);
    }
    Ok(known)
}
