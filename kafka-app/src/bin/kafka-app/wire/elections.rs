//! Elections of leaders.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::{ElectLeadersRequest, TopicName, elect_leaders_request::TopicPartitions};

use super::{Cluster, KafkaError, Target, TopicPartition, WireError, text};

/// Who is to lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Election {
    /// The first of the replicas, if it is in sync.
    Preferred,
    /// Any replica, where none that is in sync is up.
    Unclean,
}

/// Has leaders elected, of these partitions or of all; answers with those that were asked about or have changed.
///
/// # Errors
/// The controller does not answer, or refuses. Errors of single partitions are in the answer.
pub(crate) async fn elect_leaders(
    cluster: &Cluster,
    election: Election,
    partitions: Option<&BTreeSet<TopicPartition>>,
) -> Result<BTreeMap<TopicPartition, Result<(), KafkaError>>, WireError> {
    let topics = partitions.map(by_topic);
    let timeout_ms = i32::try_from(cluster.api_timeout().as_millis()).unwrap_or(i32::MAX);
    let ask = async || {
        let request = |version| {
            let request =
                ElectLeadersRequest::default().with_topic_partitions(topics.clone()).with_timeout_ms(timeout_ms);
            // Before version 1 there were preferred leaders only.
            if version >= 1 && election == Election::Unclean { request.with_election_type(1) } else { request }
        };
        let answer = cluster.send(Target::Controller, request).await?;
        KafkaError::check(answer.error_code, None)?;
        Ok(answer)
    };
    let answer = cluster.retrying("electLeaders", ask).await?;
    let mut results = BTreeMap::new();
    for topic in &answer.replica_election_results {
        for partition in &topic.partition_result {
            let partition_of = (topic.topic.as_str().to_owned(), partition.partition_id);
            results.insert(partition_of, KafkaError::check(partition.error_code, partition.error_message.as_ref()));
        }
    }
    Ok(results)
}

fn by_topic(partitions: &BTreeSet<TopicPartition>) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topic = |(name, partitions): (&str, Vec<i32>)| {
        TopicPartitions::default().with_topic(TopicName(text(name))).with_partitions(partitions)
    };
    topics.into_iter().map(topic).collect()
}
