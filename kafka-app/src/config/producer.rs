//! [`ProducerProperties`]: `kafka.producer.*`.

use crate::config::{ClientProperties, from_text::Bytes, section::Section};

/// `kafka.producer.*`: the producer behind templates, `send_to` and dead letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerProperties {
    /// Settings of the connection that differ from `kafka.*`.
    pub client: ClientProperties,
    /// `all` (default), or a number of replicas. Anything but `all` turns idempotence off.
    pub acks: Option<String>,
    /// Most bytes of a batch; default 1 000 000.
    pub batch_size: Option<u64>,
    /// Most bytes that wait to be sent; default 1 GiB.
    pub buffer_memory: Option<u64>,
    /// `none` (default), `gzip`, `snappy`, `lz4` or `zstd`.
    pub compression_type: Option<String>,
    /// How often a failed send is tried again, within `delivery.timeout.ms`; default without limit.
    pub retries: Option<u32>,
    /// What every `transactional.id` begins with. Give each process a prefix of its own that it keeps over restarts
    /// (`"${env:HOSTNAME}-"` where that is stable): then a process that comes back closes at once what it left open.
    pub transaction_id_prefix: Option<String>,
    /// The whole `transactional.id` of templates' transactions, which then take turns on one producer; default one for each
    /// that is open at the same time, with ids of the prefix. For programs whose users say the id, as tools have it. Two
    /// processes with the same id fence each other.
    pub transactional_id: Option<String>,
}

impl ProducerProperties {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            client: ClientProperties::read(section),
            acks: section.get("acks"),
            batch_size: section.get("batch-size").map(|Bytes(n_bytes)| n_bytes),
            buffer_memory: section.get("buffer-memory").map(|Bytes(n_bytes)| n_bytes),
            compression_type: section.get("compression-type"),
            retries: section.get("retries"),
            transaction_id_prefix: section.get("transaction-id-prefix"),
            transactional_id: section.get("transactional-id"),
        };
        section.finish(ANSWERS);
        read
    }
}

const ANSWERS: &[(&str, &str)] = &[
    ("linger", "use \"linger.ms\" under [kafka.producer.properties]"),
    ("key-serializer", "the template's types decide: KafkaTemplate<K, V>"),
    ("value-serializer", "the template's types decide: KafkaTemplate<K, V>"),
];
