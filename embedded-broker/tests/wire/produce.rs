//! Produce: batches in, acknowledgements out.

use bytes::Bytes;
use embedded_broker::{EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::ProduceRequest;
use uuid::Uuid;

use crate::client::Client;
use crate::records::*;

#[test]
fn every_version_appends_and_says_where() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let id = topic_id(&mut client, "t");
    for (offset, version) in (0..).zip(3..=13) {
        let response = client.call(version, &produce_request("t", id, version, 0, batch(&["v"], NOBODY)));
        let topic = &response.responses[0];
        assert_eq!(topic.name, if version >= 13 { name("") } else { name("t") }, "v{version}");
        assert_eq!(topic.topic_id, if version >= 13 { id } else { Uuid::nil() }, "v{version}");
        let partition = &topic.partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (0, offset), "v{version}");
        assert_eq!((partition.log_append_time_ms, partition.index), (-1, 0), "v{version}");
    }
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [11]);
}

#[test]
fn partitions_of_one_request_are_answered_one_by_one() {
    let broker = broker_with("t", 2);
    let mut client = Client::of(&broker);
    let mut request = produce_request("t", Uuid::nil(), 9, 1, batch(&["a"], NOBODY));
    for partition in [7, 0] {
        let more = produce_request("t", Uuid::nil(), 9, partition, batch(&["b"], NOBODY));
        request.topic_data[0].partition_data.extend(more.topic_data[0].partition_data.clone());
    }
    request.topic_data.extend(produce_request("nowhere", Uuid::nil(), 9, 0, batch(&["c"], NOBODY)).topic_data);
    let response = client.call(9, &request);
    let codes = response.responses.iter().map(|topic| {
        let partitions = topic.partition_responses.iter().map(|partition| (partition.index, partition.error_code));
        (topic.name.to_string(), partitions.collect::<Vec<_>>())
    });
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let expected = [("t".to_owned(), vec![(1, 0), (7, unknown), (0, 0)]), ("nowhere".to_owned(), vec![(0, unknown)])];
    assert_eq!(codes.collect::<Vec<_>>(), expected);
}

#[test]
fn an_unknown_topic_id_has_its_own_error() {
    let broker = broker_with("t", 1);
    let request = produce_request("t", Uuid::from_u128(5), 13, 0, batch(&["a"], NOBODY));
    let response = Client::of(&broker).call(13, &request);
    assert_eq!(response.responses[0].partition_responses[0].error_code, ErrorCode::UnknownTopicId.code());
}

#[test]
fn refusals_have_kafkas_codes_and_nothing_is_appended() {
    let broker = EmbeddedBroker::builder().topic("t", 1).config("message.max.bytes", 200).start().unwrap();
    let mut client = Client::of(&broker);
    let large = produce(&mut client, "t", 0, batch(&[&"x".repeat(300)], NOBODY));
    assert_eq!((large.error_code, large.base_offset), (ErrorCode::MessageTooLarge.code(), -1));
    assert_eq!(large.error_message, None, "clients have words of their own for it");
    let mut corrupt = batch(&["a"], NOBODY).to_vec();
    *corrupt.last_mut().unwrap() ^= 1;
    let refused = produce(&mut client, "t", 0, corrupt.into());
    assert_eq!(refused.error_code, ErrorCode::CorruptMessage.code());
    assert_eq!(produce(&mut client, "t", 0, Bytes::new()).error_code, ErrorCode::InvalidRecord.code());
    let twice = [batch(&["a"], NOBODY), batch(&["b"], NOBODY)].concat();
    assert_eq!(produce(&mut client, "t", 0, twice.into()).error_code, ErrorCode::InvalidRecord.code());
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [0]);
}

#[test]
fn acks_0_is_not_answered_and_keeps_the_order() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let request = produce_request("t", Uuid::nil(), 9, 0, batch(&["silent"], NOBODY)).with_acks(0);
    client.send(9, &request);
    client.expect_no_answer();
    let loud = produce(&mut client, "t", 0, batch(&["loud"], NOBODY));
    assert_eq!(loud.base_offset, 1, "the silent record came first");
}

#[test]
fn an_error_of_acks_0_closes_the_connection() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    client.send(9, &produce_request("nowhere", Uuid::nil(), 9, 0, batch(&["a"], NOBODY)).with_acks(0));
    assert!(client.is_closed());
}

#[test]
fn other_acks_are_refused() {
    let broker = broker_with("t", 1);
    let request: ProduceRequest = produce_request("t", Uuid::nil(), 9, 0, batch(&["a"], NOBODY)).with_acks(2);
    let response = Client::of(&broker).call(9, &request);
    assert_eq!(response.responses[0].partition_responses[0].error_code, ErrorCode::InvalidRequiredAcks.code());
}

#[test]
fn a_repeated_batch_is_acknowledged_with_its_first_offset_and_a_gap_is_refused() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    produce(&mut client, "t", 0, batch(&["before"], NOBODY));
    let first = batch(&["a", "b"], (9, 0, 0));
    for _ in 0..2 {
        let answer = produce(&mut client, "t", 0, first.clone());
        assert_eq!((answer.error_code, answer.base_offset), (0, 1));
    }
    let gap = produce(&mut client, "t", 0, batch(&["d"], (9, 0, 3)));
    assert_eq!(gap.error_code, ErrorCode::OutOfOrderSequenceNumber.code());
    let next = produce(&mut client, "t", 0, batch(&["c"], (9, 0, 2)));
    assert_eq!((next.error_code, next.base_offset), (0, 3));
    let newer = produce(&mut client, "t", 0, batch(&["e"], (9, 1, 0)));
    assert_eq!(newer.error_code, 0);
    let fenced = produce(&mut client, "t", 0, batch(&["f"], (9, 0, 3)));
    assert_eq!(fenced.error_code, ErrorCode::InvalidProducerEpoch.code());
}

#[test]
fn log_append_time_is_told_and_kept() {
    let broker =
        EmbeddedBroker::builder().config("log.message.timestamp.type", "LogAppendTime").topic("t", 1).start().unwrap();
    let before = now_ms();
    let answer = produce(&mut Client::of(&broker), "t", 0, batch_at(&[(5, "a"), (6, "b")], NOBODY));
    assert!(answer.log_append_time_ms >= before);
    let records = broker.topic("t").records().unwrap();
    assert!(records.iter().all(|record| record.timestamp == answer.log_append_time_ms), "{records:?}");
}

#[test]
fn a_producer_that_is_closed_in_mid_request_leaves_nothing() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    // A frame that says it is longer than what follows.
    client.send_raw(&[0, 0, 1, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0]);
    drop(client);
    produce(&mut Client::of(&broker), "t", 0, batch(&["a"], NOBODY));
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [1]);
}
