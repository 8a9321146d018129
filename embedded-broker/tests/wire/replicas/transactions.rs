//! Transactions whose records and markers are not everywhere yet.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProducerId, TransactionalId,
};

use super::*;
use crate::patience::comes_true;

fn id() -> TransactionalId {
    TransactionalId(text("x"))
}

fn begin(client: &mut Client) -> (i64, i16) {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(id()))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let made = client.call(4, &request);
    assert_eq!(made.error_code, 0);
    (made.producer_id.0, made.producer_epoch)
}

/// Writes one record in a transaction, at whichever node leads.
fn write(coordinator: &mut Client, leader: &mut Client, own: (i64, i16), sequence: i32) {
    let topic = AddPartitionsToTxnTopic::default().with_name(name("t")).with_partitions(vec![0]);
    let add = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id())
        .with_v3_and_below_producer_id(ProducerId(own.0))
        .with_v3_and_below_producer_epoch(own.1)
        .with_v3_and_below_topics(vec![topic]);
    let added = coordinator.call(3, &add).results_by_topic_v3_and_below;
    assert_eq!(added[0].results_by_partition[0].partition_error_code, 0);
    let mut records = bytes::BytesMut::from(&batch(&["in the transaction"], (own.0, own.1, sequence))[..]);
    records[22] |= 1 << 4;
    let crc = crc32c::crc32c(&records[21..]);
    records[17..21].copy_from_slice(&crc.to_be_bytes());
    let request =
        produce_request("t", Uuid::nil(), 11, 0, records.freeze()).with_transactional_id(Some(id())).with_acks(1);
    assert_eq!(only_produced(leader.call(11, &request)).error_code, 0);
}

fn end(client: &mut Client, own: (i64, i16), commits: bool) -> i16 {
    let request = EndTxnRequest::default()
        .with_transactional_id(id())
        .with_producer_id(ProducerId(own.0))
        .with_producer_epoch(own.1)
        .with_committed(commits);
    client.call(3, &request).error_code
}

/// The high watermark and the last stable offset, as a reader of committed records is told.
fn told(client: &mut Client) -> (i64, i64) {
    let request = fetch_request("t", Uuid::nil(), FETCH, &[(0, 0)]).with_isolation_level(1);
    let got = only(client.call(FETCH, &request));
    (got.high_watermark, got.last_stable_offset)
}

/// The node that coordinates transactions, whichever that is.
fn coordinator(broker: &EmbeddedBroker) -> Client {
    use kafka_protocol::messages::FindCoordinatorRequest;
    let request = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![text("x")]);
    let found = client_of(broker, 1).call(4, &request).coordinators.remove(0);
    assert_eq!(found.error_code, 0);
    client_of(broker, found.node_id.0)
}

#[test]
fn a_transaction_is_not_seen_to_be_committed_before_its_marker_is_safe() {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    let (mut coordinator, mut leader) = (coordinator(&broker), client_of(&broker, 1));
    let own = begin(&mut coordinator);
    write(&mut coordinator, &mut leader, own, 0);
    assert_eq!(told(&mut leader), (1, 0));
    let frozen = broker.freeze_high_watermark("t", 0).unwrap();
    assert_eq!(end(&mut coordinator, own, true), 0);
    comes_true("the marker is written", || broker.topic("t").end_offsets().unwrap() == [2]);
    assert_eq!(told(&mut leader), (1, 0), "all have the record, and not all have the marker");
    drop(frozen);
    assert_eq!(told(&mut leader), (2, 2));
}

#[test]
fn a_marker_that_is_lost_with_its_leader_is_written_again() {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    let (mut coordinator, mut leader) = (coordinator(&broker), client_of(&broker, 1));
    let own = begin(&mut coordinator);
    write(&mut coordinator, &mut leader, own, 0);
    let slow = broker.lag(2, std::time::Duration::from_secs(25)).unwrap();
    assert_eq!(end(&mut coordinator, own, true), 0);
    comes_true("the marker is written", || broker.topic("t").end_offsets().unwrap() == [2]);
    broker.move_leader("t", 0, 2).unwrap();
    assert_eq!(broker.topic("t").lost_records().unwrap()[0].offsets, 1..2);
    drop(slow);
    let mut leader = client_of(&broker, 2);
    comes_true("the transaction is committed", || told(&mut leader) == (2, 2));
    assert_eq!(broker.topic("t").committed_records().unwrap().len(), 1);
}

#[test]
fn a_decision_waits_for_a_partition_that_nobody_leads() {
    let broker = three();
    create(&broker, "t", &[1], &[]);
    let (mut coordinator, mut leader) = (coordinator(&broker), client_of(&broker, 1));
    let own = begin(&mut coordinator);
    write(&mut coordinator, &mut leader, own, 0);
    // The coordinator may be on the node that is to go.
    broker.topic("t").replicas(0).unwrap();
    let frozen = broker.freeze_high_watermark("t", 0).unwrap();
    assert_eq!(end(&mut coordinator, own, false), 0);
    comes_true("the marker is written", || broker.topic("t").end_offsets().unwrap() == [2]);
    assert_eq!(broker.topic("t").high_watermarks().unwrap(), [1]);
    broker.stop_node(1).unwrap();
    broker.restart(1).unwrap();
    drop(frozen);
    let mut leader = client_of(&broker, 1);
    comes_true("the transaction is aborted", || told(&mut leader).1 >= 2);
    assert!(broker.topic("t").committed_records().unwrap().is_empty());
}
