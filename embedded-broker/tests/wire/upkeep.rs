//! What time, and a lost end, do to logs.

use std::time::Duration;

use bytes::Bytes;
use embedded_broker::{EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{CreateTopicsRequest, OffsetForLeaderEpochRequest};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::patience::comes_true;
use crate::records::*;

/// Where a manual clock begins.
const START_MS: i64 = 1_700_000_000_000;

fn create(client: &mut Client, topic: &str, configs: &[(&str, &str)]) {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let config = |(key, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
    };
    let new = CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(configs.iter().map(config).collect());
    let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
    assert_eq!(client.call(7, &request).topics[0].error_code, 0);
}

#[test]
fn retention_is_looked_at_after_half_a_minute_and_then_every_five() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    create(&mut client, "t", &[("retention.ms", "1000")]);
    let starts_at = |offset: i64| {
        comes_true(&format!("the log begins at {offset}"), || broker.topic("t").start_offsets().unwrap() == [offset]);
    };
    produce(&mut client, "t", 0, batch_at(&[(START_MS, "old")], NOBODY));
    hand.advance(Duration::from_secs(29));
    assert_eq!(broker.topic("t").start_offsets().unwrap(), [0]);
    hand.advance(Duration::from_secs(1));
    starts_at(1);
    produce(&mut client, "t", 0, batch_at(&[(START_MS, "old too")], NOBODY));
    hand.advance(Duration::from_secs(299));
    assert_eq!(broker.topic("t").start_offsets().unwrap(), [1]);
    hand.advance(Duration::from_secs(1));
    starts_at(2);
}

#[test]
fn a_test_can_let_retention_happen_at_once() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let mut client = Client::of(&broker);
    create(&mut client, "old", &[("retention.ms", "1000")]);
    create(&mut client, "large", &[("retention.bytes", "1"), ("internal.segment.bytes", "80")]);
    for topic in ["old", "large"] {
        for _ in 0..3 {
            produce(&mut client, topic, 0, batch_at(&[(now_ms() - 5_000, "v")], NOBODY));
        }
        broker.topic(topic).expire_now().unwrap();
    }
    assert_eq!(broker.topic("old").start_offsets().unwrap(), [3]);
    assert_eq!(broker.topic("large").start_offsets().unwrap(), [2], "the active segment is needed");
}

#[test]
fn who_has_read_what_was_lost_is_told_where_the_logs_part() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    for value in ["a", "b", "c"] {
        produce(&mut client, "t", 0, batch(&[value], NOBODY));
    }
    broker.topic("t").truncate(0, 1).unwrap();
    produce(&mut client, "t", 0, batch(&["other"], NOBODY));
    let mut ask = |offset, current: i32, last: i32| {
        let mut request = fetch_request("t", Uuid::nil(), 12, &[(0, offset)]);
        request.topics[0].partitions[0].current_leader_epoch = current;
        request.topics[0].partitions[0].last_fetched_epoch = last;
        let answer = only(client.call(12, &request));
        let diverging = (answer.diverging_epoch.epoch, answer.diverging_epoch.end_offset);
        (answer.error_code, diverging, values(&answer.records.unwrap()).len())
    };
    assert_eq!(ask(3, 1, 0), (0, (0, 1), 0));
    assert_eq!(ask(1, 1, 0), (0, (-1, -1), 1), "it has read nothing that was lost");
    assert_eq!(ask(2, 1, 1), (0, (-1, -1), 0));
    assert_eq!(ask(1, 0, 0).0, ErrorCode::FencedLeaderEpoch.code());
    assert_eq!(ask(1, 1, 5).0, ErrorCode::OffsetOutOfRange.code());
    let asked = OffsetForLeaderPartition::default().with_current_leader_epoch(1).with_leader_epoch(0);
    let asked = OffsetForLeaderTopic::default().with_topic(name("t")).with_partitions(vec![asked]);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![asked]).with_replica_id((-1).into());
    let end = &client.call(4, &request).topics[0].partitions[0];
    assert_eq!((end.error_code, end.leader_epoch, end.end_offset), (0, 0, 1));
}

#[test]
fn a_fetch_that_waits_is_told_at_once_that_its_log_was_cut_off() {
    let (builder, _hand) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    produce(&mut client, "t", 0, batch_at(&[(START_MS, "a")], NOBODY));
    let mut request = fetch_request("t", Uuid::nil(), 12, &[(0, 1)]).with_max_wait_ms(60_000);
    request.topics[0].partitions[0].last_fetched_epoch = 0;
    client.send(12, &request);
    broker.topic("t").truncate(0, 0).unwrap();
    let answer = only(client.receive::<kafka_protocol::messages::FetchRequest>(12));
    assert_eq!((answer.diverging_epoch.epoch, answer.diverging_epoch.end_offset), (0, 0));
}

/// A batch of one record with a key; `None` makes a tombstone.
fn keyed(key: &str, value: Option<&str>, timestamp: i64) -> Bytes {
    encoded(&[(timestamp, Some(key), value)], NOBODY)
}

/// Key and value of all records of the topic.
fn kept(broker: &EmbeddedBroker, topic: &str) -> Vec<(String, Option<String>)> {
    let records = broker.topic(topic).records().expect("the topic is there");
    let text = |record: &embedded_broker::Record| {
        (record.key_str().unwrap_or_default().to_owned(), record.value_str().map(str::to_owned))
    };
    records.iter().map(text).collect()
}

#[test]
fn a_test_can_let_compaction_happen_at_once() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    create(&mut client, "t", &[("cleanup.policy", "compact"), ("delete.retention.ms", "1000")]);
    create(&mut client, "plain", &[]);
    for topic in ["t", "plain"] {
        for (key, value) in [("a", Some("1")), ("b", Some("1")), ("a", Some("2")), ("b", None)] {
            assert_eq!(produce(&mut client, topic, 0, keyed(key, value, START_MS)).error_code, 0);
        }
        broker.topic(topic).compact_now().unwrap();
    }
    let two = || ("a".to_owned(), Some("2".to_owned()));
    assert_eq!(kept(&broker, "t"), [two(), ("b".to_owned(), None)]);
    assert_eq!(kept(&broker, "plain").len(), 4, "it is not compacted");
    hand.advance(Duration::from_secs(1));
    broker.topic("t").compact_now().unwrap();
    assert_eq!(kept(&broker, "t"), [two()]);
    assert_eq!(
        (broker.topic("t").start_offsets().unwrap(), broker.topic("t").end_offsets().unwrap()),
        (vec![0], vec![4])
    );
}

#[test]
fn the_cleaner_looks_every_quarter_of_a_minute() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    create(&mut client, "t", &[("cleanup.policy", "compact"), ("segment.ms", "10")]);
    for (value, at) in [("1", 0), ("2", 5), ("3", 20)] {
        assert_eq!(produce(&mut client, "t", 0, keyed("a", Some(value), START_MS + at)).error_code, 0);
    }
    hand.advance(Duration::from_secs(14));
    assert_eq!(kept(&broker, "t").len(), 3);
    hand.advance(Duration::from_secs(1));
    let what = "the closed segment holds the latest of its records, and the active one is as it was";
    comes_true(what, || kept(&broker, "t").len() == 2);
}
