//! From our settings to librdkafka's properties: the framework's defaults, what was said, and what is ours to set.
//!
//! Later layers win: defaults ← `kafka.*` ← `kafka.properties` ← `kafka.consumer.*` ← `kafka.consumer.properties` ← the
//! same four of `kafka.clusters.<name>` ← the listener's own properties ← what the framework owns. A property that
//! librdkafka knows by two names has one here (`Key::canonical`), so that a default never stands beside what was said.

use std::{collections::BTreeMap, time::Duration};

use crate::config::{
    AutoOffsetReset, ClientProperties, ConsumerProperties, Delivery, IsolationLevel, KafkaProperties,
    ProducerProperties, ResolvedListener,
    kafka_properties::DEFAULT_SERVERS,
    librdkafka_keys::{Key, Role},
};

/// The kinds of clients; librdkafka makes an admin client of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Consumer,
    Producer,
    Admin,
}

/// A property as said by a user, in a typed key or in a pass-through table.
#[derive(Debug)]
pub(crate) struct Said {
    /// Where: `kafka.consumer.fetch-max-wait`.
    pub(crate) path: String,
    /// librdkafka's name, the canonical one.
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) is_typed: bool,
}

/// Everything for consumer number `instance` (from 0) of a listener.
pub(crate) fn consumer_properties(
    properties: &KafkaProperties,
    listener: &ResolvedListener,
    instance: u32,
) -> BTreeMap<String, String> {
    let said = said_for_listener(properties, listener);
    let mut map = consumer_defaults(is_consumer_protocol(&said));
    map.extend(said.into_iter().map(|said| (said.key, said.value)));
    let client_id = properties.consumer.client.client_id.as_deref().unwrap_or_else(|| shared_client_id(properties));
    let member = format!("{}-{instance}", listener.id);
    // Two consumers with one instance id fence each other for ever.
    if let Some(instance_id) = listener.instance_id(instance) {
        set(&mut map, "group.instance.id", instance_id);
    } else if let Some(instance_id) = map.get_mut("group.instance.id") {
        *instance_id = format!("{instance_id}-{member}");
    }
    if listener.until_end {
        tell_ends(&mut map);
    }
    let commits = listener.by_hand.as_ref().is_none_or(|by_hand| by_hand.commits);
    let auto_commit = listener.delivery == Delivery::AtLeastOnce && commits;
    set(&mut map, "client.id", format!("{client_id}-{member}"));
    set(&mut map, "group.id", listener.group_id.clone());
    // Offsets are stored when a record is finished, not when it is handed over.
    set(&mut map, "enable.auto.offset.store", "false");
    set(&mut map, "enable.auto.commit", auto_commit.to_string());
    set(&mut map, "auto.commit.interval.ms", millis(listener.ack_time));
    map
}

/// Everything for the client that reads the topic of replies: from positions that are named, so that nothing is committed, and
/// no record that is still there is left out where a position is gone.
pub(crate) fn reply_properties(properties: &KafkaProperties, reader: &ResolvedListener) -> BTreeMap<String, String> {
    let mut map = consumer_properties(properties, reader, 0);
    set(&mut map, "enable.auto.commit", "false");
    set(&mut map, "auto.offset.reset", "earliest");
    map.remove("group.instance.id");
    map
}

/// Everything for the client that replays dead letters: it reads to the end and joins no group.
pub(crate) fn replay_properties(properties: &KafkaProperties, reader: &ResolvedListener) -> BTreeMap<String, String> {
    let mut map = reply_properties(properties, reader);
    tell_ends(&mut map);
    map
}

/// Has a consumer say when there is no more of a partition for now.
pub(crate) fn tell_ends(map: &mut BTreeMap<String, String>) {
    set(map, "enable.partition.eof", "true");
}

/// Says which member of its group that outlives restarts a consumer is, or that it is none.
pub(crate) fn set_instance_id(map: &mut BTreeMap<String, String>, id: Option<&str>) {
    match id {
        Some(id) => set(map, "group.instance.id", id),
        None => drop(map.remove("group.instance.id")),
    }
}

/// Everything for a consumer that its owner polls: it commits what it is told to, by itself if there is an interval.
pub(crate) fn hand_held_properties(
    properties: &KafkaProperties,
    group: &str,
    auto_commit: Option<Duration>,
) -> BTreeMap<String, String> {
    let said = said_for_client(properties, Client::Consumer);
    let mut map = consumer_defaults(is_consumer_protocol(&said));
    map.extend(said.into_iter().map(|said| (said.key, said.value)));
    set(&mut map, "client.id", client_id(properties, &properties.consumer.client, "consumer"));
    set(&mut map, "group.id", group);
    set(&mut map, "enable.auto.offset.store", "false");
    set(&mut map, "enable.auto.commit", auto_commit.is_some().to_string());
    if let Some(interval) = auto_commit {
        set(&mut map, "auto.commit.interval.ms", millis(interval));
    }
    map
}

/// Everything for a cluster's producer.
pub(crate) fn producer_properties(properties: &KafkaProperties) -> BTreeMap<String, String> {
    let said = said_for_client(properties, Client::Producer);
    let mut map = common_defaults();
    set(&mut map, "acks", "all");
    set(&mut map, "linger.ms", "5");
    set(&mut map, "delivery.timeout.ms", "120000");
    // The same partition for a key as Java's producers.
    set(&mut map, "partitioner", "murmur2_random");
    set(&mut map, "enable.idempotence", idempotence_obstacle(&said).is_none().to_string());
    map.extend(said.into_iter().map(|said| (said.key, said.value)));
    map.remove("transaction.timeout.ms");
    set(&mut map, "client.id", client_id(properties, &properties.producer.client, "producer"));
    map
}

/// Everything for the client that administers.
pub(crate) fn admin_properties(properties: &KafkaProperties) -> BTreeMap<String, String> {
    let mut map = common_defaults();
    map.extend(said_for_client(properties, Client::Admin).into_iter().map(|said| (said.key, said.value)));
    set(&mut map, "client.id", client_id(properties, &properties.admin.client, "admin"));
    map
}

/// What a producer was told that librdkafka refuses beside idempotence, which is then off unless asked for: as Java's.
pub(crate) fn idempotence_obstacle(said: &[Said]) -> Option<&Said> {
    let last = |key: &str| said.iter().rfind(|said| said.key == key);
    let number = |said: &&Said| said.value.trim().parse::<i64>().ok();
    last("acks")
        .filter(|acks| acks.value.trim() != "-1" && !acks.value.trim().eq_ignore_ascii_case("all"))
        .or_else(|| last("retries").filter(|retries| number(retries) == Some(0)))
        .or_else(|| {
            last("max.in.flight.requests.per.connection").filter(|most| number(most).is_some_and(|most| most > 5))
        })
        .or_else(|| last("queuing.strategy").filter(|strategy| strategy.value.trim().eq_ignore_ascii_case("lifo")))
}

/// Whether the group runs by KIP-848, where the broker decides about sessions and assignments.
pub(crate) fn is_consumer_protocol(said: &[Said]) -> bool {
    let protocol = said.iter().rfind(|said| said.key == "group.protocol");
    protocol.is_some_and(|said| said.value.trim().eq_ignore_ascii_case("consumer"))
}

/// All that was said for a listener's consumers, the most specific last.
pub(crate) fn said_for_listener(properties: &KafkaProperties, listener: &ResolvedListener) -> Vec<Said> {
    let mut said = said_for_client(properties, Client::Consumer);
    said.extend(pass_through(&format!("kafka.listeners.{}", listener.id), &listener.properties));
    said
}

/// All that was said for a kind of client, the most specific last.
pub(crate) fn said_for_client(properties: &KafkaProperties, client: Client) -> Vec<Said> {
    // All that is said of a cluster is more specific than anything that is said of all of them.
    let mut said = properties.laid.as_ref().map(|laid| said_for_client(&laid.base, client)).unwrap_or_default();
    let (root, properties) = properties.own();
    said.extend(typed_client(root, &properties.client));
    said.extend(pass_through(root, &properties.client.properties).filter(|said| has(client, &said.key)));
    let (section, own) = match client {
        Client::Consumer => {
            said.extend(typed_consumer(root, &properties.consumer));
            ("consumer", &properties.consumer.client)
        }
        Client::Producer => {
            said.extend(typed_producer(root, &properties.producer));
            ("producer", &properties.producer.client)
        }
        Client::Admin => ("admin", &properties.admin.client),
    };
    let section = format!("{root}.{section}");
    said.extend(typed_client(&section, own));
    said.extend(pass_through(&section, &own.properties));
    said
}

/// Whether a kind of client has a property: `kafka.properties` is for all of them, and librdkafka warns of the others'.
fn has(client: Client, key: &str) -> bool {
    Key::find(key).is_none_or(|key| match key.role {
        Role::Any => true,
        Role::Consumer => client == Client::Consumer,
        Role::Producer => client == Client::Producer,
    })
}

fn pass_through<'p>(section: &str, table: &'p BTreeMap<String, String>) -> impl Iterator<Item = Said> + use<'p> {
    let section = section.to_owned();
    table.iter().map(move |(name, value)| Said {
        path: format!("{section}.properties.{name}"),
        key: Key::canonical(name).to_owned(),
        value: value.clone(),
        is_typed: false,
    })
}

fn typed_client(section: &str, client: &ClientProperties) -> Vec<Said> {
    let ssl = &client.ssl;
    let secret = |secret: &Option<super::Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    typed(
        section,
        [
            ("bootstrap-servers", "bootstrap.servers", client.bootstrap_servers.as_ref().map(|list| list.join(","))),
            ("security.protocol", "security.protocol", client.security_protocol.as_ref().map(|p| p.to_lowercase())),
            ("ssl.key-password", "ssl.key.password", secret(&ssl.key_password)),
            ("ssl.key-store-certificate-chain", "ssl.certificate.pem", ssl.key_store_certificate_chain.clone()),
            ("ssl.key-store-key", "ssl.key.pem", secret(&ssl.key_store_key)),
            ("ssl.key-store-location", "ssl.keystore.location", ssl.key_store_location.clone()),
            ("ssl.key-store-password", "ssl.keystore.password", secret(&ssl.key_store_password)),
            ("ssl.trust-store-certificates", "ssl.ca.pem", ssl.trust_store_certificates.clone()),
            ("ssl.trust-store-location", "ssl.ca.location", ssl.trust_store_location.clone()),
        ],
    )
}

fn typed_consumer(root: &str, consumer: &ConsumerProperties) -> Vec<Said> {
    let reset = |reset| match reset {
        AutoOffsetReset::Earliest => "earliest".to_owned(),
        AutoOffsetReset::Latest => "latest".to_owned(),
        AutoOffsetReset::Error => "error".to_owned(),
    };
    let isolation = |level| match level {
        IsolationLevel::ReadCommitted => "read_committed".to_owned(),
        IsolationLevel::ReadUncommitted => "read_uncommitted".to_owned(),
    };
    typed(
        &format!("{root}.consumer"),
        [
            ("auto-offset-reset", "auto.offset.reset", consumer.auto_offset_reset.map(reset)),
            ("auto-commit-interval", "auto.commit.interval.ms", consumer.auto_commit_interval.map(millis)),
            ("fetch-max-wait", "fetch.wait.max.ms", consumer.fetch_max_wait.map(millis)),
            ("fetch-min-size", "fetch.min.bytes", consumer.fetch_min_size.map(|n_bytes| n_bytes.to_string())),
            ("heartbeat-interval", "heartbeat.interval.ms", consumer.heartbeat_interval.map(millis)),
            ("isolation-level", "isolation.level", consumer.isolation_level.map(isolation)),
            ("max-poll-interval", "max.poll.interval.ms", consumer.max_poll_interval.map(millis)),
        ],
    )
}

fn typed_producer(root: &str, producer: &ProducerProperties) -> Vec<Said> {
    let kibibytes = |n_bytes: u64| n_bytes.div_ceil(1024).to_string();
    typed(
        &format!("{root}.producer"),
        [
            ("acks", "acks", producer.acks.clone()),
            ("batch-size", "batch.size", producer.batch_size.map(|n_bytes| n_bytes.to_string())),
            ("buffer-memory", "queue.buffering.max.kbytes", producer.buffer_memory.map(kibibytes)),
            ("compression-type", "compression.type", producer.compression_type.clone()),
            ("retries", "retries", producer.retries.map(|retries| retries.to_string())),
        ],
    )
}

fn typed<const N: usize>(section: &str, entries: [(&str, &str, Option<String>); N]) -> Vec<Said> {
    let said = entries.into_iter().filter_map(|(name, key, value)| {
        Some(Said { path: format!("{section}.{name}"), key: key.to_owned(), value: value?, is_typed: true })
    });
    said.collect()
}

fn common_defaults() -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    set(&mut map, "bootstrap.servers", DEFAULT_SERVERS);
    // Peers that died behind a NAT are noticed.
    set(&mut map, "socket.keepalive.enable", "true");
    // As Java's. librdkafka's own 10 s are reached when a broker goes away a few times: its back-off goes on where it
    // was, though the broker was back in between.
    set(&mut map, "reconnect.backoff.max.ms", "1000");
    map
}

fn consumer_defaults(is_consumer_protocol: bool) -> BTreeMap<String, String> {
    let mut map = common_defaults();
    // librdkafka's own default skips records in silence when a group is new.
    set(&mut map, "auto.offset.reset", "earliest");
    set(&mut map, "isolation.level", "read_committed");
    // Its own 1000 ms halves the throughput once the queue was full.
    set(&mut map, "fetch.queue.backoff.ms", "10");
    set(&mut map, "fetch.wait.max.ms", "100");
    // Bounds memory, which is per partition once queues are split, and what is fetched again after a purge.
    set(&mut map, "queued.min.messages", "20000");
    set(&mut map, "queued.max.messages.kbytes", "16384");
    if !is_consumer_protocol {
        set(&mut map, "partition.assignment.strategy", "cooperative-sticky");
        // New partitions stay unseen until then; by KIP-848 the broker tells.
        set(&mut map, "topic.metadata.refresh.interval.ms", "60000");
    }
    map
}

pub(super) fn shared_client_id(properties: &KafkaProperties) -> &str {
    properties.client.client_id.as_deref().unwrap_or("kafka-app")
}

pub(super) fn client_id(properties: &KafkaProperties, own: &ClientProperties, part: &str) -> String {
    own.client_id.clone().unwrap_or_else(|| format!("{}-{part}", shared_client_id(properties)))
}

pub(super) fn set(map: &mut BTreeMap<String, String>, key: &str, value: impl Into<String>) {
    map.insert(key.to_owned(), value.into());
}

pub(super) fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
