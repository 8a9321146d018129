//! What only an embedded broker can show: markers that are held back, time that is moved by hand, views from inside.

use std::time::Duration;

use embedded_broker::{EmbeddedBroker, ErrorCode, ManualClock, TransactionState};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, DeleteTopicsRequest, GroupId};

use super::*;
use crate::patience::comes_true;

/// When manual clocks begin.
const START_MS: i64 = 1_700_000_000_000;

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().start().expect("the broker starts")
}

fn broker_by_hand() -> (EmbeddedBroker, ManualClock) {
    let (builder, clock) = EmbeddedBroker::builder().manual_clock();
    (builder.start().expect("the broker starts"), clock)
}

/// EndTxn without waiting for its markers.
fn end_at_once(talk: &mut Talk<'_>, version: i16, (id, epoch): Producer, commit: bool) -> (i16, Producer) {
    let request = EndTxnRequest::default()
        .with_transactional_id(talk.transactional_id())
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch)
        .with_committed(commit);
    let answer = talk.client.call(version, &request);
    (answer.error_code, (answer.producer_id.0, answer.producer_epoch))
}

fn write_at(talk: &mut Talk<'_>, version: i16, (id, epoch): Producer, sequence: i32, at: i64) -> i16 {
    let batch = Raw::of(1).at(at).from(id, epoch, sequence).with(|raw| raw.attributes = 0x10);
    talk.produce_raw(version, Some(talk.transactional_id()), &batch, 0).0
}

#[test]
fn until_the_markers_are_written_nothing_new_begins_and_nothing_is_seen() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let producer = talk.init();
    talk.add(3, producer, &[0]);
    talk.produce(11, producer, 0, 0);
    let held = broker.transactions().hold_markers();
    assert_eq!(end_at_once(&mut talk, 3, producer, true).0, 0);
    let id = talk.id.clone();
    let state = || broker.transactions().get(&id).expect("a producer has asked for it").state;
    assert_eq!(state(), TransactionState::PrepareCommit);

    let moving = ErrorCode::ConcurrentTransactions.code();
    assert_eq!(talk.add(3, producer, &[0]), [moving]);
    assert_eq!(talk.init_as(5, (-1, -1)).0, moving);
    assert_eq!(end_at_once(&mut talk, 3, producer, true).0, moving, "the same again");
    assert_eq!(end_at_once(&mut talk, 3, producer, false).0, ErrorCode::InvalidTxnState.code());
    let offsets = AddOffsetsToTxnRequest::default()
        .with_transactional_id(talk.transactional_id())
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_group_id(GroupId(text("g")));
    assert_eq!(talk.client.call(3, &offsets).error_code, moving);
    assert_eq!(talk.fetch(0, 0, 1), "0 1 0 Some([]) []");
    assert!(broker.topic(&talk.topic).committed_records().expect("the topic is there").is_empty());

    drop(held);
    assert_eq!(state(), TransactionState::CompleteCommit);
    assert_eq!(broker.topic(&talk.topic).committed_records().expect("the topic is there").len(), 1);
    assert_eq!(talk.add(3, producer, &[0]), [0]);
}

#[test]
fn a_write_that_begins_the_next_transaction_waits_for_the_markers_of_the_last() {
    let patience = "add.partitions.to.txn.retry.backoff.max.ms";
    let broker = EmbeddedBroker::builder().config(patience, 600_000).start().expect("the broker starts");
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let producer = talk.init();
    talk.produce(12, producer, 0, 0);
    let held = broker.transactions().hold_markers();
    let (code, next) = end_at_once(&mut talk, 5, producer, true);
    assert_eq!((code, next), (0, (producer.0, producer.1 + 1)));
    std::thread::scope(|scope| {
        let written = scope.spawn(|| talk.produce(12, next, 0, 0));
        drop(held);
        // Behind the marker of the transaction before.
        assert_eq!(written.join().expect("it is answered"), (0, 2));
    });
}

#[test]
fn who_does_not_want_to_wait_is_told_to_come_again() {
    let patience = "add.partitions.to.txn.retry.backoff.max.ms";
    let broker = EmbeddedBroker::builder().config(patience, 0).start().expect("the broker starts");
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let producer = talk.init();
    talk.produce(12, producer, 0, 0);
    let _held = broker.transactions().hold_markers();
    let (_, next) = end_at_once(&mut talk, 5, producer, true);
    assert_eq!(talk.produce(12, next, 0, 0).0, ErrorCode::ConcurrentTransactions.code());
}

#[test]
fn a_reader_of_committed_records_is_woken_by_the_commit() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let producer = talk.init();
    let (topic, id) = (talk.topic.clone(), talk.topic_id);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let request = fetch_request(&topic, id, 16, &[(0, 0)]).with_isolation_level(1).with_max_wait_ms(600_000);
            only(Client::of(&broker).call(16, &request))
        });
        talk.produce(12, producer, 0, 0);
        talk.produce(12, producer, 1, 0);
        talk.end(5, producer, true);
        let read = reading.join().expect("it is answered");
        assert_eq!(offsets_of(&read.records.expect("records")), ["0", "1", "C2"]);
    });
}

#[test]
fn readers_are_told_of_the_aborted_transactions_in_what_they_get_and_of_no_other() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let (one, two) = (talk.id.clone(), unique("txn"));
    let first = talk.init();
    talk.id = two.clone();
    let second = talk.init();
    talk.produce(12, second, 0, 0);
    talk.id = one;
    talk.produce(12, first, 0, 0);
    talk.end(5, first, false);
    talk.id = two;
    talk.end(5, second, false);
    let told = |talk: &mut Talk<'_>, offset: i64| {
        let mut request = fetch_request(&talk.topic, talk.topic_id, 16, &[(0, offset)]).with_isolation_level(1);
        request.topics[0].partitions[0].partition_max_bytes = 1;
        let aborted = only(talk.client.call(16, &request)).aborted_transactions.expect("a list");
        aborted.iter().map(|one| (one.producer_id.0, one.first_offset)).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut talk, 0), [(second.0, 0)]);
    assert_eq!(told(&mut talk, 1), [(second.0, 0), (first.0, 1)], "by first offset");
    assert_eq!(told(&mut talk, 3), [(second.0, 0)]);
    assert_eq!(talk.fetch(0, 0, 0), "0 4 4 None [\"0\", \"1\", \"C2\", \"C3\"]", "others are told nothing");
}

#[test]
fn an_abandoned_transaction_is_aborted_and_its_producer_fenced() {
    let (broker, clock) = broker_by_hand();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let producer = talk.init();
    assert_eq!(write_at(&mut talk, 12, producer, 0, START_MS), 0);
    let id = talk.id.clone();
    let state = || broker.transactions().get(&id).expect("a producer has asked for it").state;
    clock.advance(Duration::from_secs(60));
    assert_eq!(state(), TransactionState::Ongoing, "its time is not over");
    clock.advance(Duration::from_secs(10));
    comes_true("the transaction is aborted", || state() == TransactionState::CompleteAbort);
    assert_eq!(write_at(&mut talk, 12, producer, 1, START_MS), ErrorCode::InvalidProducerEpoch.code());
    assert_eq!(end_at_once(&mut talk, 3, producer, true).0, ErrorCode::ProducerFenced.code());
    assert_eq!(end_at_once(&mut talk, 1, producer, true).0, ErrorCode::InvalidProducerEpoch.code());
    let aborted = broker.topic(&talk.topic).aborted_ranges().expect("the topic is there");
    assert_eq!((aborted.len(), aborted[0].first_offset, aborted[0].last_offset), (1, 0, 1));
    // The next one is looked at as well, though nothing was open for a while.
    let next = talk.init();
    assert_eq!(write_at(&mut talk, 12, next, 0, START_MS), 0);
    clock.advance(Duration::from_secs(80));
    comes_true("the transaction is aborted", || state() == TransactionState::CompleteAbort);
}

#[test]
fn what_nobody_uses_is_forgotten_in_time() {
    let (broker, clock) = broker_by_hand();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let producer = talk.init();
    assert_eq!(write_at(&mut talk, 12, producer, 0, START_MS), 0);
    let (_, next) = talk.end(5, producer, true);
    let day = Duration::from_secs(24 * 3_600);
    clock.advance(day + Duration::from_secs(600));
    // Its sequence may begin anywhere once the partition has forgotten it.
    let plain = |sequence| Raw::of(1).at(START_MS).from(next.0, next.1, sequence);
    comes_true("the producer is forgotten", || talk.produce_raw(12, None, &plain(7), 0).0 == 0);
    clock.advance(5 * day);
    assert!(broker.transactions().get(&talk.id).is_some());
    clock.advance(2 * day);
    comes_true("the id is forgotten", || broker.transactions().get(&talk.id).is_none());
    assert_eq!(end_at_once(&mut talk, 5, next, true).0, ErrorCode::InvalidProducerIdMapping.code());
}

#[test]
fn a_topic_that_is_deleted_does_not_hold_up_the_end() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let producer = talk.init();
    talk.produce(12, producer, 0, 0);
    let doomed = DeleteTopicState::default().with_name(Some(name(&talk.topic)));
    let request = DeleteTopicsRequest::default().with_topics(vec![doomed]).with_timeout_ms(1_000);
    assert_eq!(talk.client.call(6, &request).responses[0].error_code, 0);
    assert_eq!(talk.end(5, producer, true).0, 0);
    assert_eq!(talk.state(), "CompleteCommit");
}

#[test]
fn a_request_with_batches_of_two_producers_is_refused_whole() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let (id, epoch) = talk.init();
    let batch = |epoch: i16| Raw::of(1).from(id, epoch, 0).with(|raw| raw.attributes = 0x10).bytes();
    let mut request = produce_request(&talk.topic, talk.topic_id, 12, 0, batch(epoch))
        .with_transactional_id(Some(talk.transactional_id()));
    let mut other = request.topic_data[0].partition_data[0].clone();
    other.index = 1;
    other.records = Some(batch(epoch + 1));
    request.topic_data[0].partition_data.push(other);
    let answer = talk.client.call(12, &request);
    let codes: Vec<i16> = answer.responses[0].partition_responses.iter().map(|one| one.error_code).collect();
    assert_eq!(codes, [ErrorCode::InvalidProducerIdMapping.code(); 2]);
}

#[test]
fn what_a_client_was_told_is_committed_is_seen_from_inside() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let mut talk = Talk::new(&mut client);
    let mut producer = talk.init();
    let topic = broker.topic(&talk.topic);
    for n in 1..=50 {
        assert_eq!(talk.produce(12, producer, 0, 0).0, 0);
        producer = end_at_once(&mut talk, 5, producer, true).1;
        assert_eq!(topic.committed_records().expect("the topic is there").len(), n);
    }
    talk.produce(12, producer, 0, 0);
    end_at_once(&mut talk, 5, producer, false);
    assert_eq!(topic.aborted_ranges().expect("the topic is there").len(), 1);
    assert_eq!(topic.committed_records().expect("the topic is there").len(), 50);
}
