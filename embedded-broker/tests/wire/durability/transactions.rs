//! Transactions that a broker was killed in, and those it has aborted.

use std::fs;

use embedded_broker::ErrorCode;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::{AddPartitionsToTxnRequest, EndTxnRequest, ProducerId, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use super::{killed_now, producer, start};
use crate::client::Client;
use crate::records::*;

fn end_transaction(client: &mut Client, (id, epoch): (i64, i16), commits: bool) -> i16 {
    let request = EndTxnRequest::default()
        .with_transactional_id(TransactionalId(StrBytes::from_static_str("x")))
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch)
        .with_committed(commits);
    client.call(3, &request).error_code
}

/// Begins a transaction and writes one record in it.
fn write(client: &mut Client, own: (i64, i16)) {
    let topic = AddPartitionsToTxnTopic::default().with_name(name("t")).with_partitions(vec![0]);
    let add = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(TransactionalId(StrBytes::from_static_str("x")))
        .with_v3_and_below_producer_id(ProducerId(own.0))
        .with_v3_and_below_producer_epoch(own.1)
        .with_v3_and_below_topics(vec![topic]);
    let added = client.call(3, &add).results_by_topic_v3_and_below;
    assert_eq!(added[0].results_by_partition[0].partition_error_code, 0);
    let mut records = bytes::BytesMut::from(&batch(&["in the transaction"], (own.0, own.1, 0))[..]);
    records[22] |= 1 << 4;
    let crc = crc32c::crc32c(&records[21..]);
    records[17..21].copy_from_slice(&crc.to_be_bytes());
    let request = produce_request("t", uuid::Uuid::nil(), 11, 0, records.freeze())
        .with_transactional_id(Some(TransactionalId(StrBytes::from_static_str("x"))));
    assert_eq!(client.call(11, &request).responses[0].partition_responses[0].error_code, 0);
}

#[test]
fn a_transaction_that_was_open_when_the_broker_died_can_be_committed_and_its_producer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    let own = producer(&mut client, Some("x"));
    write(&mut client, own);

    let left = killed_now(dir.path());
    let again = start(left.path());
    let mut client = Client::of(&again);
    assert_eq!(fetch(&mut client, "t", 0, 0).last_stable_offset, 0, "nobody has decided yet");
    assert_eq!(end_transaction(&mut client, own, true), 0);
    assert_eq!(producer(&mut client, Some("x")), (own.0, own.1 + 1), "answered once the markers are written");
    let fetched = fetch(&mut client, "t", 0, 0);
    assert_eq!((fetched.last_stable_offset, fetched.high_watermark), (2, 2));

    let left = killed_now(left.path());
    let again = start(left.path());
    let mut client = Client::of(&again);
    assert_eq!(fetch(&mut client, "t", 0, 0).last_stable_offset, 2);
    assert_eq!(end_transaction(&mut client, own, true), ErrorCode::ProducerFenced.code());
}

#[test]
fn aborted_transactions_are_in_kafkas_index_and_there_again_after_it_was_lost() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    let mut own = producer(&mut client, Some("x"));
    for commits in [false, true, false] {
        write(&mut client, own);
        assert_eq!(end_transaction(&mut client, own, commits), 0);
        // Answered once the markers are written.
        own = producer(&mut client, Some("x"));
    }
    let index = |dir: &std::path::Path| fs::read(dir.join("t-0").join("00000000000000000000.txnindex")).unwrap();
    let told = index(dir.path());
    let numbers: Vec<i64> =
        told.chunks(34).map(|entry| i64::from_be_bytes(entry[10..18].try_into().unwrap())).collect();
    assert_eq!(numbers, [0, 4], "where the aborted ones began");
    let left = killed_now(dir.path());
    fs::write(left.path().join("t-0").join("00000000000000000000.txnindex"), b"rubbish").unwrap();
    let _again = start(left.path());
    assert_eq!(index(left.path()), told);
}
