//! InitProducerId: ids for idempotent producers, and a clear no to transactions.

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
fn a_transactional_id_is_refused_for_good() {
    let broker = broker_with("t", 1);
    let id = TransactionalId(StrBytes::from_static_str("payments"));
    let request = InitProducerIdRequest::default().with_transactional_id(Some(id)).with_transaction_timeout_ms(1_000);
    let response = Client::of(&broker).call(4, &request);
    assert_eq!((response.error_code, response.producer_id.0), (ErrorCode::UnsupportedVersion.code(), -1));
}
