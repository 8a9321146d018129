//! Partitions that move, and where to.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, ListPartitionReassignmentsRequest, TopicName,
    alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
    list_partition_reassignments_request::ListPartitionReassignmentsTopics,
};

use super::{Cluster, KafkaError, Target, TopicPartition, WireError, settled::settled, text};

/// A move that is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reassignment {
    pub(crate) replicas: Vec<i32>,
    pub(crate) adding: Vec<i32>,
    pub(crate) removing: Vec<i32>,
}

/// Where partitions are to move; `None` has one go back to where it was.
pub(crate) type Wishes = BTreeMap<TopicPartition, Option<Vec<i32>>>;

/// Has partitions move.
///
/// # Errors
/// The controller does not answer. Errors of single partitions are in the answer.
pub(crate) async fn alter_reassignments(
    cluster: &Cluster,
    wishes: &Wishes,
    may_change_factor: bool,
) -> Result<BTreeMap<TopicPartition, Result<(), KafkaError>>, WireError> {
    let topics = wished(wishes);
    let timeout_ms = i32::try_from(cluster.api_timeout().as_millis()).unwrap_or(i32::MAX);
    let ask = async || {
        let request = |_| {
            // What a broker is too old for is refused where it is encoded.
            AlterPartitionReassignmentsRequest::default()
                .with_timeout_ms(timeout_ms)
                .with_allow_replication_factor_change(may_change_factor)
                .with_topics(topics.clone())
        };
        let answer = cluster.send(Target::Controller, request).await?;
        let all = settled(iter::once((answer.error_code, answer.error_message.as_ref())))?;
        Ok((answer.responses, all))
    };
    let (topics, all) = cluster.retrying("alterPartitionReassignments", ask).await?;
    let mut done = BTreeMap::new();
    for topic in &topics {
        for partition in &topic.partitions {
            let result = KafkaError::check(partition.error_code, partition.error_message.as_ref());
            done.insert((topic.name.as_str().to_owned(), partition.partition_index), all.clone().and(result));
        }
    }
    Ok(done)
}

fn wished(wishes: &Wishes) -> Vec<ReassignableTopic> {
    let mut topics: BTreeMap<&str, Vec<ReassignablePartition>> = BTreeMap::new();
    for ((topic, partition), replicas) in wishes {
        let replicas = replicas.as_ref().map(|replicas| replicas.iter().copied().map(BrokerId).collect());
        let partition = ReassignablePartition::default().with_partition_index(*partition).with_replicas(replicas);
        topics.entry(topic).or_default().push(partition);
    }
    let topic =
        |(name, partitions)| ReassignableTopic::default().with_name(TopicName(text(name))).with_partitions(partitions);
    topics.into_iter().map(topic).collect()
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
