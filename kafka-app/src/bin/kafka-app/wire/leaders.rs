//! [`by_leader`]: what only the leader of a partition can answer, asked of every leader there is.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::{messages::MetadataResponse, protocol::StrBytes};
use tokio::time::{Instant, sleep};

use super::{Cluster, KafkaError, WireError};

/// A topic's name and the number of one of its partitions.
pub(crate) type TopicPartition = (String, i32);

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const LEADER_NOT_AVAILABLE: i16 = 5;
const BROKER_NOT_AVAILABLE: i16 = 8;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;

/// What a topic means that no broker knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownTopic {
    /// It is looked for until the time for a call is over, as it may be new.
    MayCome,
    /// It is an error at once.
    IsRefused,
}

/// Asks the leader of each partition, and again where a leader has moved or cannot answer yet, until the time for a call is
/// over.
///
/// `call` is the name of Java's call. `ask` sends one node what is wanted of its partitions.
///
/// # Errors
/// None in all: each partition has its answer or its error.
pub(crate) async fn by_leader<T>(
    cluster: &Cluster,
    call: &str,
    partitions: BTreeSet<TopicPartition>,
    unknown: UnknownTopic,
    ask: impl AsyncFn(i32, &[TopicPartition]) -> Result<Vec<(TopicPartition, Result<T, KafkaError>)>, WireError>,
) -> BTreeMap<TopicPartition, Result<T, WireError>> {
    let deadline = Instant::now() + cluster.api_timeout();
    let mut open = partitions;
    let mut done = BTreeMap::new();
    let mut last = None;
    loop {
        match leaders(cluster, &open, unknown).await {
            Ok(led) => {
                done.extend(led.refused.into_iter().map(|(partition, error)| (partition, Err(error.into()))));
                for (node, partitions) in led.by_node {
                    match ask(node, &partitions).await {
                        Ok(answers) => {
                            done.extend(answers.into_iter().filter_map(|(partition, answer)| match answer {
                                Err(error) if error.is_retriable() => {
                                    last = Some(error.message().to_owned());
                                    None
                                }
                                answer => Some((partition, answer.map_err(WireError::Kafka))),
                            }))
                        }
                        Err(error) if error.is_retriable() => last = Some(error.message()),
                        Err(error) => {
                            done.extend(partitions.into_iter().map(|partition| (partition, Err(error.clone()))));
                        }
                    }
                }
            }
            Err(error) if error.is_retriable() => last = Some(error.message()),
            Err(error) => {
                done.extend(open.iter().map(|partition| (partition.clone(), Err(error.clone()))));
            }
        }
        open.retain(|partition| !done.contains_key(partition));
        if open.is_empty() {
            return done;
        }
        if Instant::now() + cluster.retry_backoff() >= deadline {
            let call = format!("{call}(api=METADATA)");
            let late = WireError::TimedOut { call, within: cluster.api_timeout(), last };
            done.extend(open.into_iter().map(|partition| (partition, Err(late.clone()))));
            return done;
        }
        sleep(cluster.retry_backoff()).await;
    }
}

/// Who leads what of some partitions; those that are in neither have no leader for now.
#[derive(Debug, Default, PartialEq, Eq)]
struct Led {
    by_node: BTreeMap<i32, Vec<TopicPartition>>,
    refused: Vec<(TopicPartition, KafkaError)>,
}

async fn leaders(
    cluster: &Cluster,
    partitions: &BTreeSet<TopicPartition>,
    unknown: UnknownTopic,
) -> Result<Led, WireError> {
    if partitions.is_empty() {
        return Ok(Led::default());
    }
    let topics: BTreeSet<String> = partitions.iter().map(|(topic, _)| topic.clone()).collect();
    let topics: Vec<String> = topics.into_iter().collect();
    Ok(led(&cluster.metadata(Some(&topics)).await?, partitions, unknown))
}

fn led(metadata: &MetadataResponse, partitions: &BTreeSet<TopicPartition>, unknown: UnknownTopic) -> Led {
    let mut led = Led::default();
    for topic in &metadata.topics {
        let Some(name) = topic.name.as_ref().map(|name| name.as_str()) else { continue };
        if topic.error_code != 0 {
            let of_topic = partitions.iter().filter(|(topic, _)| topic == name);
            let refuse =
                |partition: &TopicPartition| Some((partition.clone(), refusal(topic.error_code, partition, unknown)?));
            led.refused.extend(of_topic.filter_map(refuse));
            continue;
        }
        for partition in &topic.partitions {
            let wanted = (name.to_owned(), partition.partition_index);
            if partition.leader_id.0 >= 0 && partitions.contains(&wanted) {
                led.by_node.entry(partition.leader_id.0).or_default().push(wanted);
            }
        }
    }
    led
}

/// What an error of a topic means for one of its partitions; `None` if it may pass.
fn refusal(code: i16, (topic, partition): &TopicPartition, unknown: UnknownTopic) -> Option<KafkaError> {
    let words = match code {
        UNKNOWN_TOPIC_OR_PARTITION if unknown == UnknownTopic::MayCome => return None,
        LEADER_NOT_AVAILABLE | BROKER_NOT_AVAILABLE => return None,
        UNKNOWN_TOPIC_OR_PARTITION => format!(
            "Failed to fetch metadata for partition {topic}-{partition} because metadata for topic `{topic}` could not be found"
        ),
        TOPIC_AUTHORIZATION_FAILED => {
            format!("Failed to fetch metadata for partition {topic}-{partition} due to topic authorization failure")
        }
        _ => return KafkaError::check(code, None).err(),
    };
    KafkaError::check(code, Some(&StrBytes::from_string(words))).err()
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{
        BrokerId, TopicName,
        metadata_response::{MetadataResponsePartition, MetadataResponseTopic},
    };

    use super::*;

    fn topic(name: &str, error_code: i16, leaders: &[i32]) -> MetadataResponseTopic {
        let partition = |(index, &leader): (usize, &i32)| {
            MetadataResponsePartition::default()
                .with_partition_index(i32::try_from(index).unwrap())
                .with_leader_id(BrokerId(leader))
        };
        MetadataResponseTopic::default()
            .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
            .with_error_code(error_code)
            .with_partitions(leaders.iter().enumerate().map(partition).collect())
    }

    fn wanted(partitions: &[(&str, i32)]) -> BTreeSet<TopicPartition> {
        partitions.iter().map(|&(topic, partition)| (topic.to_owned(), partition)).collect()
    }

    #[test]
    fn partitions_are_asked_of_their_leaders_and_others_are_left_alone() {
        let metadata = MetadataResponse::default().with_topics(vec![topic("a", 0, &[1, 2, -1, 1])]);
        let led = led(&metadata, &wanted(&[("a", 0), ("a", 1), ("a", 2), ("a", 9)]), UnknownTopic::MayCome);
        let expected = [(1, vec![("a".to_owned(), 0)]), (2, vec![("a".to_owned(), 1)])];
        assert_eq!((led.by_node, led.refused), (BTreeMap::from(expected), Vec::new()));
    }

    #[test]
    fn a_topic_that_is_not_there_may_come_or_is_refused() {
        let metadata = MetadataResponse::default().with_topics(vec![topic("a", UNKNOWN_TOPIC_OR_PARTITION, &[])]);
        let wanted = wanted(&[("a", 0)]);
        assert_eq!(led(&metadata, &wanted, UnknownTopic::MayCome), Led::default());
        let refused = led(&metadata, &wanted, UnknownTopic::IsRefused).refused;
        assert_eq!(
            refused[0].1.to_string(),
            "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: Failed to fetch metadata for partition a-0 \
             because metadata for topic `a` could not be found"
        );
    }

    #[test]
    fn a_topic_without_the_right_to_it_is_refused() {
        let metadata = MetadataResponse::default().with_topics(vec![topic("a", TOPIC_AUTHORIZATION_FAILED, &[])]);
        let refused = led(&metadata, &wanted(&[("a", 3)]), UnknownTopic::MayCome).refused;
        assert_eq!(
            refused[0].1.message(),
            "Failed to fetch metadata for partition a-3 due to topic authorization failure"
        );
    }
}
