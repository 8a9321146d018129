//! Where partitions lie, and how that is written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{names, plan::ANY, trouble::Trouble};
use crate::wire::{Cluster, KafkaError, TopicPartition, WireError, replicas_of};

/// The brokers of each partition, the preferred leader first.
pub(super) type Assignment = BTreeMap<TopicPartition, Vec<i32>>;

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;

/// Whether it says that a topic is not there.
pub(super) fn is_unknown(error: &KafkaError) -> bool {
    error.code() == UNKNOWN_TOPIC_OR_PARTITION
}

/// Where all partitions of topics lie.
///
/// # Errors
/// One is not there.
pub(super) async fn of_topics(cluster: &Cluster, topics: &BTreeSet<String>) -> Result<Assignment, Trouble> {
    let mut assignment = Assignment::new();
    for (topic, partitions) in replicas_of(cluster, topics).await? {
        let partitions = partitions.map_err(|error| match error {
            error if is_unknown(&error) => Trouble::unknown(format!("Topic {topic} not found.")),
            error => WireError::Kafka(error).into(),
        })?;
        assignment.extend(partitions.into_iter().map(|(partition, replicas)| ((topic.clone(), partition), replicas)));
    }
    Ok(assignment)
}

/// Where these partitions lie.
///
/// # Errors
/// One is not there.
pub(super) async fn of_partitions(cluster: &Cluster, wanted: &Assignment) -> Result<Assignment, Trouble> {
    let topics = wanted.keys().map(|(topic, _)| topic.clone()).collect();
    let mut assignment = of_topics(cluster, &topics).await?;
    assignment.retain(|partition, _| wanted.contains_key(partition));
    let missing: Vec<&TopicPartition> = wanted.keys().filter(|one| !assignment.contains_key(*one)).collect();
    match missing[..] {
        [] => Ok(assignment),
        _ => {
            let missing = missing.into_iter().map(|one| names([one])).collect::<Vec<_>>().join(", ");
            Err(Trouble::unknown(format!("Unable to find partition: {missing}")))
        }
    }
}

/// As a file for `--reassignment-json-file`.
pub(super) fn json(assignment: &Assignment) -> String {
    let partition = |((topic, partition), replicas): (&TopicPartition, &Vec<i32>)| {
        format!(
            "{{\"topic\":{},\"partition\":{partition},\"replicas\":{},\"log_dirs\":{}}}",
            Value::from(topic.as_str()),
            Value::from(replicas.clone()),
            Value::from(vec![ANY; replicas.len()]),
        )
    };
    let partitions: Vec<String> = assignment.iter().map(partition).collect();
    format!("{{\"version\":1,\"partitions\":[{}]}}", partitions.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_written_in_the_order_of_their_numbers() {
        let assignment = Assignment::from([(("a".to_owned(), 10), vec![1]), (("a".to_owned(), 2), vec![3, 1])]);
        assert_eq!(
            json(&assignment),
            r#"{"version":1,"partitions":[{"topic":"a","partition":2,"replicas":[3,1],"log_dirs":["any","any"]},{"topic":"a","partition":10,"replicas":[1],"log_dirs":["any"]}]}"#
        );
        assert_eq!(json(&Assignment::new()), r#"{"version":1,"partitions":[]}"#);
    }
}
