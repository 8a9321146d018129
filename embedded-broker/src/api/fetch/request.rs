//! What a Fetch request asks for, as sessions count it: one partition after the other, each once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};

use crate::fetch_session::{Asked, Key, Params, TopicKey};

/// All partitions that are named, in their order. As Kafka: of one that is named twice the last wish counts, in the place
/// of the first.
pub(super) fn asked(request: &FetchRequest, by_id: bool) -> Vec<Asked> {
    let n = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let mut asked = Vec::with_capacity(n);
    for topic in &request.topics {
        let key = topic_key(topic, by_id);
        asked.extend(topic.partitions.iter().map(|partition| wanted(key.clone(), partition)));
    }
    if !each_is_named_once(request, by_id) {
        keep_last(&mut asked);
    }
    asked
}

/// The partitions that a session shall drop.
pub(super) fn forgotten(request: &FetchRequest, by_id: bool) -> Vec<Key> {
    let of_topic = |topic: &kafka_protocol::messages::fetch_request::ForgottenTopic| {
        let key = if by_id { TopicKey::Id(topic.topic_id) } else { TopicKey::Name(topic.topic.clone()) };
        let partitions = topic.partitions.clone();
        partitions.into_iter().map(move |partition| Key { topic: key.clone(), partition })
    };
    request.forgotten_topics_data.iter().flat_map(of_topic).collect()
}

fn topic_key(topic: &FetchTopic, by_id: bool) -> TopicKey {
    if by_id { TopicKey::Id(topic.topic_id) } else { TopicKey::Name(topic.topic.clone()) }
}

fn wanted(topic: TopicKey, partition: &FetchPartition) -> Asked {
    let params = Params {
        fetch_offset: partition.fetch_offset,
        max_bytes: partition.partition_max_bytes,
        current_leader_epoch: partition.current_leader_epoch,
        last_fetched_epoch: partition.last_fetched_epoch,
    };
    Asked { key: Key { topic, partition: partition.partition }, params, called: None }
}

/// The usual case, told cheaply: topics differ, and the partitions of each ascend.
fn each_is_named_once(request: &FetchRequest, by_id: bool) -> bool {
    let ascend = |topic: &FetchTopic| topic.partitions.is_sorted_by(|one, next| one.partition < next.partition);
    if !request.topics.iter().all(ascend) {
        return false;
    }
    let mut seen = HashSet::new();
    request.topics.len() < 2 || request.topics.iter().all(|topic| seen.insert(topic_key(topic, by_id)))
}

fn keep_last(asked: &mut Vec<Asked>) {
    let mut places = HashMap::with_capacity(asked.len());
    for one in std::mem::take(asked) {
        match places.entry(one.key.clone()) {
            Entry::Occupied(place) => asked[*place.get()] = one,
            Entry::Vacant(place) => {
                place.insert(asked.len());
                asked.push(one);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::TopicName;
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    fn topic(name: &'static str, partitions: &[(i32, i64)]) -> FetchTopic {
        let partition =
            |(index, offset): &(i32, i64)| FetchPartition::default().with_partition(*index).with_fetch_offset(*offset);
        let name = TopicName(StrBytes::from_static_str(name));
        FetchTopic::default().with_topic(name).with_partitions(partitions.iter().map(partition).collect())
    }

    fn offsets(topics: Vec<FetchTopic>) -> Vec<(i32, i64)> {
        let asked = asked(&FetchRequest::default().with_topics(topics), false);
        asked.iter().map(|one| (one.key.partition, one.params.fetch_offset)).collect()
    }

    #[test]
    fn the_last_wish_counts_in_the_first_place() {
        assert_eq!(offsets(vec![topic("a", &[(1, 1), (0, 2)])]), [(1, 1), (0, 2)]);
        assert_eq!(offsets(vec![topic("a", &[(1, 1), (0, 2), (1, 3)])]), [(1, 3), (0, 2)]);
        assert_eq!(offsets(vec![topic("a", &[(0, 1)]), topic("b", &[(0, 2)])]), [(0, 1), (0, 2)]);
        assert_eq!(offsets(vec![topic("a", &[(0, 1)]), topic("b", &[]), topic("a", &[(0, 2)])]), [(0, 2)]);
    }
}
