//! Committed offsets: what comes back, what is refused, what deletes them.

use embedded_broker::{ErrorCode, GroupState};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{DeleteTopicsRequest, OffsetDeleteRequest, OffsetFetchRequest};

use super::{broker, commit, commit_request, fetch, group, stable, text, topic};
use crate::client::Client;

#[test]
fn what_is_committed_comes_back_in_every_pair_of_versions() {
    let broker = broker();
    let mut client = Client::of(&broker);
    for commit_version in 2..=9 {
        let id = format!("g{commit_version}");
        let offset = i64::from(commit_version) * 10;
        let mut request = commit_request(&id, "t", 1, offset);
        if commit_version >= 6 {
            request.topics[0].partitions[0].committed_leader_epoch = 4;
        }
        assert_eq!(commit(&mut client, commit_version, &request), 0, "version {commit_version}");
        for version in 1..=9 {
            let epoch = if commit_version >= 6 && version >= 5 { 4 } else { -1 };
            let expected = (offset, epoch, Some(text("noted")));
            assert_eq!(fetch(&mut client, version, &id, 1), expected, "{commit_version} and {version}");
            assert_eq!(fetch(&mut client, version, &id, 0), (-1, -1, Some(text(""))));
        }
    }
}

#[test]
fn a_commit_without_a_note_is_read_back_as_an_empty_one() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut request = commit_request("g", "t", 0, 1);
    request.topics[0].partitions[0].committed_metadata = None;
    assert_eq!(commit(&mut client, 8, &request), 0);
    assert_eq!(fetch(&mut client, 8, "g", 0), (1, -1, Some(text(""))));
}

#[test]
fn each_partition_of_a_commit_has_its_own_error() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut request = commit_request("g", "t", 0, 1);
    let mut of = |name: &str, partition: i32, metadata: &str| {
        let mut more = commit_request("g", name, partition, 2).topics;
        more[0].partitions[0].committed_metadata = Some(text(metadata));
        request.topics.append(&mut more);
    };
    of("t", 2, "");
    of("nowhere", 0, "");
    of("t", 1, &"x".repeat(4097));
    of("u", 0, &"x".repeat(4096));
    let response = client.call(9, &request);
    let errors: Vec<i16> = response.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
    assert_eq!(errors, [0, 3, 3, ErrorCode::OffsetMetadataTooLarge.code(), 0]);
    let committed = broker.group("g").committed();
    let kept: Vec<_> = committed.keys().map(|(topic, partition)| (topic.as_str(), *partition)).collect();
    assert_eq!(kept, [("t", 0), ("u", 0)]);
    assert_eq!(committed[&("u".to_owned(), 0)].metadata.len(), 4096);
}

#[test]
fn all_offsets_of_a_group_are_fetched_with_null() {
    let broker = broker();
    let mut client = Client::of(&broker);
    for (name, partition) in [("u", 0), ("t", 1), ("t", 0)] {
        assert_eq!(commit(&mut client, 8, &commit_request("g", name, partition, 7)), 0);
    }
    for version in 2..=7 {
        let all = OffsetFetchRequest::default().with_group_id(group("g")).with_topics(None);
        let response = client.call(version, &all);
        let found: Vec<_> = response.topics.iter().map(|topic| (topic.name.as_str(), topic.partitions.len())).collect();
        assert_eq!(found, [("t", 2), ("u", 1)], "version {version}");
    }
    for version in 8..=9 {
        let all = |id| OffsetFetchRequestGroup::default().with_group_id(group(id)).with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![all("g"), all("none")]);
        let response = client.call(version, &request);
        let found: Vec<_> = response.groups.iter().map(|found| (found.error_code, found.topics.len())).collect();
        assert_eq!(found, [(0, 2), (0, 0)], "version {version}");
    }
}

#[test]
fn offsets_are_deleted_unless_somebody_reads_the_topic() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let (member, generation) = stable(&mut client, "g");
    for name in ["t", "u"] {
        let request = commit_request("g", name, 0, 1).with_member_id(member.clone());
        assert_eq!(commit(&mut client, 9, &request.with_generation_id_or_member_epoch(generation)), 0);
    }
    let of = |name: &str, partition| {
        OffsetDeleteRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![OffsetDeleteRequestPartition::default().with_partition_index(partition)])
    };
    let asked = vec![of("t", 0), of("u", 0), of("u", 5), of("nowhere", 0)];
    let request = OffsetDeleteRequest::default().with_group_id(group("g")).with_topics(asked);
    let response = client.call(0, &request);
    let errors: Vec<i16> = response.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
    assert_eq!((response.error_code, errors), (0, vec![86, 0, 3, 3]));
    assert_eq!(broker.group("g").committed().into_keys().collect::<Vec<_>>(), [("t".to_owned(), 0)]);
    let missing = client.call(0, &request.with_group_id(group("none")));
    assert_eq!(missing.error_code, 69);
}

#[test]
fn a_deleted_topic_takes_the_offsets_of_every_group_along() {
    let broker = broker();
    let mut client = Client::of(&broker);
    for id in ["a", "b"] {
        commit(&mut client, 8, &commit_request(id, "t", 0, 1));
        commit(&mut client, 8, &commit_request(id, "u", 0, 1));
    }
    let doomed = DeleteTopicState::default().with_name(Some(topic("t")));
    let request = DeleteTopicsRequest::default().with_topics(vec![doomed]).with_timeout_ms(1000);
    assert_eq!(client.call(6, &request).responses[0].error_code, 0);
    for id in ["a", "b"] {
        assert_eq!(broker.group(id).committed().into_keys().collect::<Vec<_>>(), [("u".to_owned(), 0)]);
        assert_eq!(broker.group(id).state(), GroupState::Empty);
    }
}
