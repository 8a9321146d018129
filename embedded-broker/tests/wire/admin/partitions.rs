//! CreatePartitions and DescribeTopicPartitions.

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
};
use uuid::Uuid;

use super::{Answer, await_topic, make, manual, name, ok, refused, topic};

fn grow(client: &mut Client, topic: &str, count: i32, assignments: Option<&[&[i32]]>) -> Answer {
    let assignments = assignments.map(|assignments| {
        let of = |nodes: &&[i32]| {
            CreatePartitionsAssignment::default().with_broker_ids(nodes.iter().copied().map(BrokerId).collect())
        };
        assignments.iter().map(of).collect()
    });
    let topic = CreatePartitionsTopic::default().with_name(name(topic)).with_count(count).with_assignments(assignments);
    let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let result = client.call(3, &request).results.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
}

#[test]
fn partitions_are_added_and_never_taken() {
    on_each_broker(|client| {
        let topic_name = unique("grown");
        make(client, topic(&topic_name, 3));
        let mut to = |count, assignments: Option<&[&[i32]]>| grow(client, &topic_name, count, assignments);
        assert_eq!(to(3, None), refused(37, "Topic already has 3 partition(s)."));
        let fewer = format!("The topic {topic_name} currently has 3 partition(s); 2 would not be an increase.");
        assert_eq!(to(2, None), refused(37, &fewer));
        let lacking = "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.";
        assert_eq!(to(5, Some(&[&[1]])), refused(39, lacking));
        let none = "Attempted to add 1 additional partition(s), but only 0 assignment(s) were specified.";
        assert_eq!(to(4, Some(&[])), refused(39, none));
        let stranger = "The manual partition assignment includes broker 99, but no such broker is registered.";
        assert_eq!(to(4, Some(&[&[99]])), refused(39, stranger));
        assert_eq!(to(4, Some(&[&[1]])), ok());
        await_topic(client, &topic_name, |topic| topic.partitions.len() == 4);
        assert_eq!(grow(client, &topic_name, 6, None), ok());
        await_topic(client, &topic_name, |topic| topic.partitions.len() == 6);
        assert_eq!(grow(client, &unique("nope"), 3, None), (3, None));
    });
}

#[test]
fn partitions_are_added_in_every_version_and_only_when_meant() {
    on_each_broker(|client| {
        let topic_name = unique("versions");
        make(client, topic(&topic_name, 1));
        for (version, count) in (0..=3).zip(2..) {
            for validate_only in [true, false] {
                let topic = CreatePartitionsTopic::default().with_name(name(&topic_name)).with_count(count);
                let request = CreatePartitionsRequest::default().with_topics(vec![topic.with_assignments(None)]);
                let request = request.with_timeout_ms(10_000).with_validate_only(validate_only);
                let result = client.call(version, &request).results.remove(0);
                assert_eq!(result.error_code, 0, "version {version}");
            }
            let count = usize::try_from(count).expect("a small number");
            await_topic(client, &topic_name, |topic| topic.partitions.len() == count);
        }
    });
}

#[test]
fn a_request_adds_ten_thousand_partitions_at_most() {
    on_each_broker(|client| {
        let names = [unique("many-a"), unique("many-b"), unique("many-c")];
        names.iter().for_each(|name| make(client, topic(name, 1)));
        let grown = |(name, count): (&String, i32)| {
            CreatePartitionsTopic::default().with_name(self::name(name)).with_count(count).with_assignments(None)
        };
        let topics = names.iter().zip([5_001, 5_001, 5_001]).map(grown).collect();
        let request = CreatePartitionsRequest::default().with_topics(topics).with_validate_only(true);
        let request = request.with_timeout_ms(10_000);
        let results = client.call(3, &request).results;
        let answer = |name: &String| {
            let result = results.iter().find(|result| result.name.as_str() == name).expect("every topic is answered");
            (result.error_code, result.error_message.as_ref().map(ToString::to_string))
        };
        // A real one goes through them in an order of its own.
        let answers = names.each_ref().map(answer);
        let refused = answers.iter().filter(|answer| **answer == (-1, None)).count();
        let taken = answers.iter().filter(|answer| **answer == ok()).count();
        assert_eq!((refused, taken), (1, 2), "{answers:?}");
    });
}

fn pages(client: &mut Client, topics: &[&str], limit: i32) -> Vec<DescribeTopicPartitionsResponse> {
    let mut pages: Vec<DescribeTopicPartitionsResponse> = Vec::new();
    let mut cursor = None;
    loop {
        let topics = topics.iter().map(|topic| TopicRequest::default().with_name(name(topic))).collect();
        let request = DescribeTopicPartitionsRequest::default()
            .with_topics(topics)
            .with_response_partition_limit(limit)
            .with_cursor(cursor.take());
        let page = client.call(0, &request);
        let next = page.next_cursor.clone();
        pages.push(page);
        let Some(next) = next else { return pages };
        let from = Cursor::default().with_topic_name(next.topic_name).with_partition_index(next.partition_index);
        cursor = Some(from);
    }
}

#[test]
fn partitions_are_described_page_by_page() {
    on_each_broker(|client| {
        let (first, second, none) = (unique("paged-a"), unique("paged-b"), unique("paged-c"));
        // On node 1, which a real cluster of several need not choose.
        make(client, manual(&first, &[(0, &[1]), (1, &[1]), (2, &[1])]));
        make(client, manual(&second, &[(0, &[1]), (1, &[1])]));
        let indexes = |page: &DescribeTopicPartitionsResponse| -> Vec<(String, Vec<i32>)> {
            let of = |topic: &DescribeTopicPartitionsResponseTopic| {
                let name = topic.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
                (name, topic.partitions.iter().map(|partition| partition.partition_index).collect())
            };
            page.topics.iter().map(of).collect()
        };
        let whole = pages(client, &[&second, &none, &first], 100);
        assert_eq!(whole.len(), 1);
        assert_eq!(
            indexes(&whole[0]),
            [(first.clone(), vec![0, 1, 2]), (second.clone(), vec![0, 1]), (none.clone(), vec![])]
        );
        let of_first = &whole[0].topics[0];
        assert_eq!((of_first.error_code, of_first.topic_authorized_operations), (0, 0b1101_1111_1000));
        let partition = &of_first.partitions[0];
        assert_eq!((partition.leader_id, partition.leader_epoch), (BrokerId(1), 0));
        assert_eq!((&partition.eligible_leader_replicas, &partition.last_known_elr), (&Some(vec![]), &Some(vec![])));
        assert_eq!((whole[0].topics[2].error_code, whole[0].topics[2].topic_id), (3, Uuid::nil()));
        let paged: Vec<_> = pages(client, &[&first, &second], 2).iter().map(indexes).collect();
        assert_eq!(
            paged,
            [
                vec![(first.clone(), vec![0, 1])],
                vec![(first.clone(), vec![2]), (second.clone(), vec![0])],
                vec![(second.clone(), vec![1])],
            ]
        );
        let exact: Vec<_> = pages(client, &[&first, &second], 3).iter().map(indexes).collect();
        assert_eq!(exact, [vec![(first.clone(), vec![0, 1, 2])], vec![(second.clone(), vec![0, 1])]]);
    });
}

#[test]
fn a_page_is_no_longer_than_the_broker_allows() {
    let limited =
        EmbeddedBroker::builder().config("max.request.partition.size.limit", 2).topic("t", 5).start().unwrap();
    let pages = pages(&mut Client::of(&limited), &["t"], 100);
    let lengths: Vec<usize> = pages.iter().map(|page| page.topics[0].partitions.len()).collect();
    assert_eq!(lengths, [2, 2, 1]);
}
