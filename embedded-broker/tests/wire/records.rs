//! Batches as producers make them, requests that carry them, and what comes back.

use bytes::{Bytes, BytesMut};
use embedded_broker::EmbeddedBroker;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{FetchRequest, FetchResponse, MetadataRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use uuid::Uuid;

use crate::client::Client;

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// Who sends a batch: producer id, epoch and first sequence.
pub(crate) type Producer = (i64, i16, i32);

pub(crate) const NOBODY: Producer = (-1, -1, -1);

/// A batch of values, made by the codec and not by the broker's own code.
pub(crate) fn batch(values: &[&str], producer: Producer) -> Bytes {
    batch_at(&values.iter().map(|value| (now_ms(), *value)).collect::<Vec<_>>(), producer)
}

/// A batch of values with timestamps.
pub(crate) fn batch_at(values: &[(i64, &str)], producer: Producer) -> Bytes {
    encoded(&values.iter().map(|&(timestamp, value)| (timestamp, None, Some(value))).collect::<Vec<_>>(), producer)
}

/// A batch of one value with a key.
pub(crate) fn keyed_batch(key: &str, value: &str) -> Bytes {
    encoded(&[(now_ms(), Some(key), Some(value))], NOBODY)
}

/// A batch of records: timestamp, key and value; one with a key and no value is a tombstone.
pub(crate) fn encoded(records: &[(i64, Option<&str>, Option<&str>)], producer: Producer) -> Bytes {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let record = |(index, (timestamp, key, value)): (i32, &(i64, Option<&str>, Option<&str>))| Record {
        transactional: false,
        control: false,
        partition_leader_epoch: 0,
        producer_id: producer.0,
        producer_epoch: producer.1,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(index),
        sequence: producer.2.wrapping_add(index),
        timestamp: *timestamp,
        key: key.map(bytes),
        value: value.map(bytes),
        headers: IndexMap::new(),
        delete_horizon: false,
    };
    let records: Vec<Record> = (0..).zip(records).map(record).collect();
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &records, &options).expect("records can be encoded");
    bytes.freeze()
}

#[expect(clippy::disallowed_methods, reason = "a client reads the time of day")]
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later than 1970");
    i64::try_from(since.as_millis()).expect("it is not that late")
}

/// Hides times in a message of a broker: all numbers of more than five digits.
pub(crate) fn without_times(message: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    for letter in message.chars().chain(['\0']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        shown.push_str(if digits.len() > 5 { "#" } else { &digits });
        digits.clear();
        shown.push(letter);
    }
    shown.trim_end_matches('\0').to_owned()
}

/// The values of fetched bytes, with their offsets.
pub(crate) fn values(bytes: &Bytes) -> Vec<(i64, String)> {
    let sets = RecordBatchDecoder::decode_all(&mut bytes.clone()).expect("batches can be decoded");
    let records = sets.into_iter().flat_map(|set| set.records);
    records
        .map(|record| (record.offset, String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned()))
        .collect()
}

/// The id of a topic, as Metadata tells it.
pub(crate) fn topic_id(client: &mut Client, topic: &str) -> Uuid {
    let request = MetadataRequest::default()
        .with_topics(Some(vec![MetadataRequestTopic::default().with_name(Some(name(topic)))]));
    client.call(12, &request).topics[0].topic_id
}

pub(crate) fn produce_request(topic: &str, id: Uuid, version: i16, partition: i32, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(records));
    let topic = match version >= 13 {
        true => TopicProduceData::default().with_topic_id(id),
        false => TopicProduceData::default().with_name(name(topic)),
    };
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic.with_partition_data(vec![data])])
}

/// Produces one batch to one partition.
pub(crate) fn produce(client: &mut Client, topic: &str, partition: i32, records: Bytes) -> PartitionProduceResponse {
    let request = produce_request(topic, Uuid::nil(), 12, partition, records);
    let mut response = client.call(12, &request);
    response.responses.remove(0).partition_responses.remove(0)
}

/// Asks for one partition from `offset` on.
pub(crate) fn fetch_request(topic: &str, id: Uuid, version: i16, partitions: &[(i32, i64)]) -> FetchRequest {
    let asked = |(partition, offset): &(i32, i64)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
            .with_partition_max_bytes(1 << 20)
    };
    let topic = match version >= 13 {
        true => FetchTopic::default().with_topic_id(id),
        false => FetchTopic::default().with_topic(name(topic)),
    };
    let request = FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_topics(vec![topic.with_partitions(partitions.iter().map(asked).collect())]);
    if version >= 7 { request.with_session_epoch(-1) } else { request }
}

/// The only partition of an answer.
pub(crate) fn only(response: FetchResponse) -> PartitionData {
    let mut partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
    let only = partitions.next().expect("a partition is answered");
    assert!(partitions.next().is_none(), "one partition was asked for");
    only
}

/// Fetches one partition without waiting.
pub(crate) fn fetch(client: &mut Client, topic: &str, partition: i32, offset: i64) -> PartitionData {
    only(client.call(12, &fetch_request(topic, Uuid::nil(), 12, &[(partition, offset)])))
}

pub(crate) fn broker_with(topic: &str, partitions: i32) -> EmbeddedBroker {
    EmbeddedBroker::builder().topic(topic, partitions).start().expect("the broker starts")
}
