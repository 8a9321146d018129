//! What `--topic` names: whole topics, and partitions of some.

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::{Cluster, KafkaError, TopicPartition, WireError};

/// Topics and partitions, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) topics: BTreeSet<String>,
    pub(super) partitions: BTreeSet<TopicPartition>,
}

impl Named {
    /// Reads values of `--topic`, as `shop` and `shop:0,2`.
    ///
    /// # Errors
    /// One of them is neither, in the words of the script.
    pub(super) fn parse(values: &[String]) -> Result<Self, String> {
        let mut named = Self::default();
        for value in values {
            if value.contains(':') {
                named.partitions.extend(partitions(value)?);
            } else {
                named.topics.insert(value.clone());
            }
        }
        Ok(named)
    }
}

fn partitions(value: &str) -> Result<Vec<TopicPartition>, String> {
    let mut parts = value.trim_end_matches(':').split(':');
    let (Some(topic), Some(list), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("Invalid topic arg '{value}', expected topic name and partitions"));
    };
    let number = |partition: &str| {
        let refuse = |_| format!("Invalid partition '{partition}' specified in topic arg '{value}''");
        partition.parse().map(|partition| (topic.to_owned(), partition)).map_err(refuse)
    };
    list.split(',').map(number).collect()
}

/// The partitions of topics, or why they are not known.
///
/// # Errors
/// No node answers.
pub(super) async fn partitions_of(
    cluster: &Cluster,
    topics: &BTreeSet<String>,
) -> Result<BTreeMap<String, Result<Vec<i32>, KafkaError>>, WireError> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<String> = topics.iter().cloned().collect();
    let answer = cluster.retrying("describeTopics", async || cluster.metadata(Some(&names)).await).await?;
    let described = answer.topics.iter().filter_map(|topic| {
        let name = topic.name.as_ref()?.as_str().to_owned();
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index).collect();
        Some((name, KafkaError::check(topic.error_code, None).map(|()| partitions)))
    });
    Ok(described.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Result<Named, String> {
        Named::parse(&values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn topics_are_whole_or_have_partitions() {
        let named = parse(&["shop:2,0", "demo", "demo", "shop:0"]).unwrap();
        assert_eq!(named.topics, BTreeSet::from(["demo".to_owned()]));
        assert_eq!(named.partitions, BTreeSet::from([("shop".to_owned(), 0), ("shop".to_owned(), 2)]));
    }

    #[test]
    fn what_is_neither_is_refused() {
        let refused = |value, told: &str| assert_eq!(parse(&[value]), Err(told.to_owned()));
        refused("shop:", "Invalid topic arg 'shop:', expected topic name and partitions");
        refused("a:1:2", "Invalid topic arg 'a:1:2', expected topic name and partitions");
        refused("shop:x", "Invalid partition 'x' specified in topic arg 'shop:x''");
    }
}
