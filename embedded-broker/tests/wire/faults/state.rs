//! What a test does to transactions, groups and logs from inside, as the client sees it.

use std::time::Duration;

use embedded_broker::{DiskFault, EmbeddedBroker, ErrorCode, ProducerRecord, TransactionState};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiVersionsRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, EndTxnRequest, EndTxnResponse,
    GroupId, InitProducerIdRequest, ProduceRequest, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

use super::written;
use crate::client::Client;
use crate::records::*;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A producer under the transactional id `x`, which speaks KIP-890.
struct Transactional {
    client: Client,
    producer_id: i64,
    epoch: i16,
    sequence: i32,
}

impl Transactional {
    fn of(broker: &EmbeddedBroker) -> Self {
        let mut own = Self { client: Client::of(broker), producer_id: -1, epoch: -1, sequence: 0 };
        assert_eq!(own.init(), 0);
        own
    }

    /// Takes the id over; the code that is answered.
    fn init(&mut self) -> i16 {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(text("x"))))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let response = self.client.call(4, &request);
        if response.error_code == 0 {
            (self.producer_id, self.epoch, self.sequence) = (response.producer_id.0, response.producer_epoch, 0);
        }
        response.error_code
    }

    fn send(&mut self, value: &str) -> i16 {
        let record = Record {
            transactional: true,
            control: false,
            partition_leader_epoch: 0,
            producer_id: self.producer_id,
            producer_epoch: self.epoch,
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence: self.sequence,
            timestamp: now_ms(),
            key: None,
            value: Some(bytes::Bytes::copy_from_slice(value.as_bytes())),
            headers: Default::default(),
            delete_horizon: false,
        };
        let mut batch = bytes::BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut batch, [&record], &options).expect("a record can be encoded");
        let data = PartitionProduceData::default().with_index(0).with_records(Some(batch.freeze()));
        let topic = TopicProduceData::default().with_name(name("t")).with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_transactional_id(Some(TransactionalId(text("x"))))
            .with_acks(-1)
            .with_timeout_ms(1_000)
            .with_topic_data(vec![topic]);
        let code = self.client.call(12, &request).responses[0].partition_responses[0].error_code;
        self.sequence += i32::from(code == 0);
        code
    }

    fn end(&mut self, commit: bool) -> EndTxnResponse {
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text("x")))
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch)
            .with_committed(commit);
        let response = self.client.call(5, &request);
        if response.error_code == 0 {
            let (id, epoch) = (response.producer_id.0, response.producer_epoch);
            self.sequence = 0;
            (self.producer_id, self.epoch) = (id, epoch);
        }
        response
    }
}

/// What readers of committed records see.
fn committed(broker: &EmbeddedBroker) -> Vec<String> {
    let records = broker.topic("t").committed_records().expect("the topic can be read");
    records.iter().map(|record| record.value_str().expect("every value is text").to_owned()).collect()
}

#[test]
fn a_transaction_that_is_ended_from_inside_is_aborted_and_its_producer_fenced() {
    let ways: [fn(&EmbeddedBroker) -> bool; 3] = [
        |broker| broker.transactions().abort("x"),
        |broker| broker.transactions().time_out("x"),
        |broker| broker.transactions().fence("x"),
    ];
    for (number, end) in ways.into_iter().enumerate() {
        let broker = broker_with("t", 1);
        let mut producer = Transactional::of(&broker);
        assert_eq!(producer.send("lost"), 0);
        assert!(end(&broker), "way {number}");
        assert_eq!(broker.transactions().get("x").unwrap().state, TransactionState::CompleteAbort, "way {number}");
        assert_eq!(producer.send("late"), ErrorCode::InvalidProducerEpoch.code(), "way {number}");
        assert_ne!(producer.end(true).error_code, 0, "way {number}");
        assert_eq!((producer.init(), producer.send("again"), producer.end(true).error_code), (0, 0, 0), "way {number}");
        assert_eq!(committed(&broker), ["again"], "way {number}");
        assert_eq!(broker.topic("t").aborted_ranges().unwrap().len(), 1, "way {number}");
    }
}

#[test]
fn a_producer_whose_epochs_run_out_goes_on_under_a_new_id() {
    let broker = broker_with("t", 1);
    let mut producer = Transactional::of(&broker);
    assert!(broker.transactions().exhaust_epochs("x"));
    assert_eq!(producer.end(true).error_code, ErrorCode::ProducerFenced.code());
    assert_eq!(producer.init(), 0);
    let first = producer.producer_id;
    for value in ["a", "b", "c"] {
        assert_eq!((producer.send(value), producer.end(true).error_code), (0, 0), "{value}");
    }
    assert_ne!(producer.producer_id, first);
    assert_eq!(committed(&broker), ["a", "b", "c"]);
}

#[test]
fn the_generation_of_the_protocol_can_be_switched() {
    let broker = broker_with("t", 1);
    let level = |client: &mut Client| {
        let asked = ApiVersionsRequest::default()
            .with_client_software_name(text("wire-test"))
            .with_client_software_version(text("1"));
        let told = client.call(4, &asked).finalized_features;
        told.iter().find(|feature| *feature.name == *"transaction.version").map(|feature| feature.max_version_level)
    };
    assert_eq!(level(&mut Client::of(&broker)), Some(2));
    broker.set_feature("transaction.version", 1).unwrap();
    assert_eq!(level(&mut Client::of(&broker)), Some(1));
    broker.set_feature("transaction.version", 2).unwrap();
    assert_eq!(level(&mut Client::of(&broker)), Some(2));
    assert_eq!(broker.set_feature("nope", 1).unwrap_err().code(), Some(ErrorCode::InvalidUpdateVersion));
}

#[test]
fn producers_are_seen_and_forgotten() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let send = |client: &mut Client, sequence| produce(client, "t", 0, batch(&["a"], (7, 0, sequence))).error_code;
    assert_eq!(send(&mut client, 0), 0);
    let known = broker.topic("t").producers().unwrap().remove(0);
    assert_eq!((known.producer_id, known.epoch, known.last_sequence, known.open_since), (7, 0, Some(0), None));
    assert_eq!(send(&mut client, 5), ErrorCode::OutOfOrderSequenceNumber.code());
    broker.topic("t").forget_producers().unwrap();
    assert!(broker.topic("t").producers().unwrap().is_empty());
    assert_eq!(send(&mut client, 5), 0, "of an unknown producer any sequence is the first");
    assert_eq!(send(&mut client, 6), 0);
}

#[test]
fn records_are_put_in_without_a_client_and_fetched_by_one() {
    let broker = broker_with("t", 2);
    let topic = broker.topic("t");
    assert_eq!(topic.append(0, ["a", "b"]).unwrap(), 0);
    let record = ProducerRecord::new("c").key("k").header("h", "v").timestamp(1_000);
    assert_eq!(topic.append(0, [record]).unwrap(), 2);
    topic.append(1, [ProducerRecord::tombstone("gone")]).unwrap();
    let mut client = Client::of(&broker);
    let fetched = values(&fetch(&mut client, "t", 0, 0).records.unwrap());
    assert_eq!(fetched, [(0, "a".to_owned()), (1, "b".to_owned()), (2, "c".to_owned())]);
    let all = topic.records().unwrap();
    assert_eq!((all[2].key_str(), all[2].header("h"), all[2].timestamp), (Some("k"), Some(&b"v"[..]), 1_000));
    assert_eq!((all[3].partition, all[3].key_str(), &all[3].value), (1, Some("gone"), &None));
    assert_eq!(topic.append(2, ["x"]).unwrap_err().code(), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(topic.append(0, [""; 0]).unwrap_err().code(), Some(ErrorCode::InvalidRecord));
}

#[test]
fn aborted_records_are_shown_to_who_reads_everything_and_to_nobody_else() {
    let broker = broker_with("t", 1);
    let topic = broker.topic("t");
    topic.append(0, ["a"]).unwrap();
    topic.append_aborted(0, ["never", "happened"]).unwrap();
    topic.append(0, ["b"]).unwrap();
    assert_eq!((committed(&broker), topic.records().unwrap().len()), (vec!["a".to_owned(), "b".to_owned()], 4));
    let mut client = Client::of(&broker);
    let request = fetch_request("t", uuid::Uuid::nil(), 12, &[(0, 0)]).with_isolation_level(1);
    let aborted = only(client.call(12, &request)).aborted_transactions.unwrap();
    assert_eq!((aborted.len(), aborted[0].first_offset), (1, 1));
    assert_eq!(topic.last_stable_offsets().unwrap(), topic.end_offsets().unwrap());
}

#[test]
fn records_are_deleted_from_inside() {
    let broker = broker_with("t", 1);
    let topic = broker.topic("t");
    topic.append(0, ["a", "b", "c"]).unwrap();
    assert_eq!(topic.delete_records(0, 2).unwrap(), 2);
    let mut client = Client::of(&broker);
    assert_eq!(fetch(&mut client, "t", 0, 0).error_code, ErrorCode::OffsetOutOfRange.code());
    assert_eq!(fetch(&mut client, "t", 0, 2).error_code, 0);
    assert_eq!(written(&broker), ["c"]);
    assert_eq!(topic.delete_records(0, 9).unwrap_err().code(), Some(ErrorCode::OffsetOutOfRange));
}

#[test]
fn a_batch_that_has_rotten_on_the_disk_is_shown_with_its_wrong_checksum() {
    let dir = tempfile::tempdir().unwrap();
    let start = || EmbeddedBroker::builder().data_dir(dir.path()).topic("t", 1);
    let broker = start().start().unwrap();
    for value in ["a", "b"] {
        broker.topic("t").append(0, [value]).unwrap();
    }
    let before = fetch(&mut Client::of(&broker), "t", 0, 1).records.unwrap();
    broker.topic("t").corrupt_on_disk(0, 1).unwrap();
    assert!(broker.topic("t").corrupt_on_disk(0, 7).is_err());
    assert_eq!(fetch(&mut Client::of(&broker), "t", 0, 1).records.unwrap(), before, "it is in memory as well");
    broker.stop();
    let broker = start().start().unwrap();
    let mut client = Client::of(&broker);
    let after = fetch(&mut client, "t", 0, 1).records.unwrap();
    let differing: Vec<_> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
    assert_eq!(differing, [20], "only the checksum differs");
    assert_eq!(values(&fetch(&mut client, "t", 0, 0).records.unwrap().slice(..before.len())).len(), 1);
    assert!(broker_with("t", 1).topic("t").corrupt_on_disk(0, 0).is_err(), "there is no disk");
}

#[test]
fn a_disk_that_fails_counts_what_it_has_refused() {
    let dir = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::builder().data_dir(dir.path()).topic("t", 1).start().unwrap();
    let mut client = Client::of(&broker);
    let full = broker.fail_disk(DiskFault::Full);
    assert_eq!(produce(&mut client, "t", 0, batch(&["a"], NOBODY)).error_code, ErrorCode::KafkaStorageError.code());
    assert!(full.times_happened() > 0);
}

/// A member of the group `g`, of the consumer protocol.
fn heartbeat(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_member_id(text(member))
        .with_member_epoch(epoch);
    if epoch > 0 {
        return request.with_rebalance_timeout_ms(-1).with_subscribed_topic_names(None).with_topic_partitions(None);
    }
    request
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![name("t")]))
        .with_topic_partitions(Some(Vec::new()))
}

fn partitions(response: &ConsumerGroupHeartbeatResponse) -> Option<Vec<i32>> {
    let assigned = response.assignment.as_ref()?;
    Some(assigned.topic_partitions.iter().flat_map(|topic| topic.partitions.clone()).collect())
}

#[test]
fn a_target_that_a_test_says_is_what_the_members_get() {
    let broker = broker_with("t", 4);
    let mut client = Client::of(&broker);
    let joined = client.call(1, &heartbeat("one", 0));
    assert_eq!(partitions(&joined), Some(vec![0, 1, 2, 3]));
    assert!(broker.group("g").assign([("one", vec![("t", 2), ("nope", 0)])]));
    let mut told = client.call(1, &heartbeat("one", joined.member_epoch));
    if partitions(&told).is_none() {
        told = client.call(1, &heartbeat("one", told.member_epoch));
    }
    assert_eq!(partitions(&told), Some(vec![2]));
    assert!(broker.group("g").rebalance_now());
    assert!(!broker.group("nobody").assign([("one", vec![])]));
}

#[test]
fn offsets_that_a_group_has_committed_are_looked_up() {
    let broker = broker_with("t", 1);
    assert_eq!(broker.group("g").committed_offset("t", 0), None);
    let none = broker.group("g").await_stable(1).within(Duration::from_millis(1)).wait();
    assert!(none.is_err());
}
