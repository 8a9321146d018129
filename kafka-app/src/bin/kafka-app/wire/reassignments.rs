//! Partitions that move, and where to.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::{
    BrokerId, ListPartitionReassignmentsRequest, TopicName,
    list_partition_reassignments_request::ListPartitionReassignmentsTopics,
};

use super::{Cluster, KafkaError, Target, TopicPartition, WireError, text};

/// A move that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reassignment {
    pub(crate) replicas: Vec<i32>,
    pub(crate) adding: Vec<i32>,
    pub(crate) removing: Vec<i32>,
}

/// Which of the partitions move; of all partitions, if none are named.
///
/// # Errors
/// The controller does not answer, or refuses.
pub(crate) async fn list_reassignments(
    cluster: &Cluster,
    partitions: Option<&BTreeSet<TopicPartition>>,
) -> Result<BTreeMap<TopicPartition, Reassignment>, WireError> {
    let topics = partitions.map(by_topic);
    let ask = async || {
        let request =
            |_| ListPartitionReassignmentsRequest::default().with_timeout_ms(30_000).with_topics(topics.clone());
        let answer = cluster.send(Target::Controller, request).await?;
        KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
        Ok(answer)
    };
    let answer = cluster.retrying("listPartitionReassignments", ask).await?;
    let ids = |nodes: &[BrokerId]| nodes.iter().map(|node| node.0).collect();
    let mut moves = BTreeMap::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            let reassignment = Reassignment {
                replicas: ids(&partition.replicas),
                adding: ids(&partition.adding_replicas),
                removing: ids(&partition.removing_replicas),
            };
            moves.insert((topic.name.as_str().to_owned(), partition.partition_index), reassignment);
        }
    }
    Ok(moves)
}

fn by_topic(partitions: &BTreeSet<TopicPartition>) -> Vec<ListPartitionReassignmentsTopics> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topic = |(name, partitions): (&str, Vec<i32>)| {
        ListPartitionReassignmentsTopics::default().with_name(TopicName(text(name))).with_partition_indexes(partitions)
    };
    topics.into_iter().map(topic).collect()
}
