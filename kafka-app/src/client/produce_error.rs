//! Why a record was not sent, in words: which topic, how large, which limit, what to do.

use std::time::Duration;

use rdkafka::{
    config::NativeClientConfig,
    error::{KafkaResult, RDKafkaErrorCode},
};

use super::ffi::Outbound;
use crate::error::{Error, ErrorKind};

/// Room for records where librdkafka's queue counts bytes only.
const UNCOUNTED_QUEUE: usize = 1_000_000;

/// The producer's limits, as librdkafka has them after its defaults.
pub(crate) struct Limits {
    pub(crate) servers: String,
    /// `queue.buffering.max.messages`.
    pub(crate) queue_messages: usize,
    /// `queue.buffering.max.kbytes`, in bytes.
    queue_bytes: usize,
    /// `message.max.bytes`, Kafka's `max.request.size`.
    message_bytes: usize,
    /// `delivery.timeout.ms`.
    delivery_timeout_ms: usize,
    /// Whether the broker acknowledges: `acks` is not 0.
    pub(crate) is_acknowledged: bool,
}

impl Limits {
    pub(crate) fn of(config: &NativeClientConfig) -> KafkaResult<Self> {
        let number = |key: &str| config.get(key).map(|value| value.trim_end_matches('\0').parse().unwrap_or(0));
        let text = |key: &str| config.get(key).unwrap_or_default();
        let queue_messages = match number("queue.buffering.max.messages")? {
            0 => UNCOUNTED_QUEUE,
            n => n,
        };
        Ok(Self {
            servers: text("bootstrap.servers"),
            queue_messages,
            queue_bytes: number("queue.buffering.max.kbytes")?.saturating_mul(1024),
            message_bytes: number("message.max.bytes")?,
            delivery_timeout_ms: number("delivery.timeout.ms")?,
            is_acknowledged: text("acks").trim_end_matches('\0') != "0",
        })
    }

    pub(crate) fn delivery_timeout(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.delivery_timeout_ms).unwrap_or(u64::MAX))
    }

    /// Whether an empty queue has room for the record; if not, waiting for room never ends.
    pub(crate) fn fits_queue(&self, record: &Outbound<'_>) -> bool {
        record.payload.map_or(0, <[u8]>::len) <= self.queue_bytes
    }
}

/// Of a record that librdkafka tells of as delivered and has no offset of, though brokers acknowledge: it was refused or its
/// answer was lost, and a later one of its partition was written (`rd_kafka_dr_implicit_ack`). To a partition that knows
/// nothing of the producer the later one was the first, and then the record is nowhere: `docs/librdkafka.md`.
pub(crate) const UNPLACED: RDKafkaErrorCode = RDKafkaErrorCode::NoOffset;

/// The error for a record that was not taken or not delivered; `is_in_doubt` when the broker may have it all the same.
pub(crate) fn describe(code: RDKafkaErrorCode, record: &Outbound<'_>, limits: &Limits, is_in_doubt: bool) -> Error {
    let topic = record.topic;
    let size = record.key.map_or(0, <[u8]>::len) + record.payload.map_or(0, <[u8]>::len);
    let (kind, what) = match code {
        RDKafkaErrorCode::MessageSizeTooLarge if size + OVERHEAD > limits.message_bytes => (
            ErrorKind::Refused,
            format!(
                "it is {size} bytes, more than the producer's limit of {} bytes with its framing \
                 (raise `kafka.producer.properties.message.max.bytes`, and the topic's `max.message.bytes` with it)",
                limits.message_bytes
            ),
        ),
        RDKafkaErrorCode::MessageSizeTooLarge => (
            ErrorKind::Refused,
            format!(
                "it is {size} bytes, and the broker takes no batch that large (see the topic's `max.message.bytes`)"
            ),
        ),
        RDKafkaErrorCode::QueueFull => (
            ErrorKind::Refused,
            format!(
                "it is {size} bytes, more than the producer's queue of {} bytes holds (`queue.buffering.max.kbytes`)",
                limits.queue_bytes
            ),
        ),
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => {
            (ErrorKind::Refused, "the topic does not exist and the broker did not create it".to_owned())
        }
        RDKafkaErrorCode::UnknownPartition => {
            let partition = record.partition.unwrap_or(-1);
            (ErrorKind::Refused, format!("the topic has no partition {partition}"))
        }
        RDKafkaErrorCode::InvalidTopic => (ErrorKind::Refused, "the topic's name is not valid".to_owned()),
        RDKafkaErrorCode::MessageTimedOut => (
            ErrorKind::Unavailable,
            format!(
                "no acknowledgment within {} ms (`delivery.timeout.ms`); is a broker reachable at {}?",
                limits.delivery_timeout_ms, limits.servers
            ),
        ),
        UNPLACED => (
            ErrorKind::Unavailable,
            "librdkafka takes it for written, as a later record of its partition was, and does not know where; \
             it may be missing"
                .to_owned(),
        ),
        RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight => {
            (ErrorKind::Stopped, "the producer was closed before it was acknowledged".to_owned())
        }
        RDKafkaErrorCode::Fatal => {
            (ErrorKind::Stopped, "the producer has stopped for good after an error of idempotence".to_owned())
        }
        code if is_of_transaction(code) => {
            (ErrorKind::Stopped, format!("its transaction has failed, or has ended ({code})"))
        }
        code => (kind_of(code), format!("{code}")),
    };
    let doubt = if is_in_doubt { "; the broker may have it all the same" } else { "" };
    Error::new(kind, format!("the record for `{topic}` was not sent: {what}{doubt}"))
}

/// Whether a record failed only because its transaction did: such a failure is not its own.
pub(crate) fn is_of_transaction(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::State
            | RDKafkaErrorCode::Fatal
            | RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::PurgeQueue
            | RDKafkaErrorCode::PurgeInflight
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidTransactionalState
            | RDKafkaErrorCode::OutOfOrderSequenceNumber
    )
}

/// Whether a record was not delivered since who takes it was away: it may be at another time.
pub(crate) fn is_of_outage(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::MessageTimedOut | UNPLACED) || kind_of(code) == ErrorKind::Unavailable
}

/// Kafka's framing of one record in a batch, at its least.
const OVERHEAD: usize = 64;

fn kind_of(code: RDKafkaErrorCode) -> ErrorKind {
    match code {
        RDKafkaErrorCode::AllBrokersDown
        | RDKafkaErrorCode::BrokerTransportFailure
        | RDKafkaErrorCode::OperationTimedOut
        | RDKafkaErrorCode::TimedOutQueue
        | RDKafkaErrorCode::Resolve
        | RDKafkaErrorCode::NotEnoughReplicas
        | RDKafkaErrorCode::NotEnoughReplicasAfterAppend
        | RDKafkaErrorCode::RequestTimedOut
        | RDKafkaErrorCode::LeaderNotAvailable => ErrorKind::Unavailable,
        _ => ErrorKind::Refused,
    }
}
