//! InitProducerId: ids for idempotent and transactional producers.

use embedded_broker::ErrorCode;
use kafka_protocol::messages::{InitProducerIdRequest, TransactionalId};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::records::*;

#[test]
fn every_producer_gets_an_id_of_its_own() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut ids = Vec::new();
    for version in 0..=5 {
        let response = client.call(version, &InitProducerIdRequest::default().with_transactional_id(None));
        assert_eq!((response.error_code, response.producer_epoch), (0, 0), "v{version}");
        ids.push(response.producer_id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[test]
fn each_producer_of_a_transactional_id_fences_the_one_before() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let request = || {
        let id = TransactionalId(StrBytes::from_static_str("payments"));
        InitProducerIdRequest::default().with_transactional_id(Some(id)).with_transaction_timeout_ms(1_000)
    };
    let first = client.call(0, &request());
    for (version, epoch) in (1..=5).zip(1..) {
        let next = client.call(version, &request());
        assert_eq!((next.error_code, next.producer_id, next.producer_epoch), (0, first.producer_id, epoch));
    }
    let stale = |version| {
        let known = request().with_producer_id(first.producer_id).with_producer_epoch(0);
        (version, known)
    };
    let (version, known) = stale(3);
    assert_eq!(client.call(version, &known).error_code, ErrorCode::InvalidProducerEpoch.code());
    let (version, known) = stale(4);
    assert_eq!(client.call(version, &known).error_code, ErrorCode::ProducerFenced.code());
    let too_long = request().with_transaction_timeout_ms(900_001);
    assert_eq!(client.call(4, &too_long).error_code, ErrorCode::InvalidTransactionTimeout.code());
}
