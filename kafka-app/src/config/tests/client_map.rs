//! What librdkafka is told of what was said.

use crate::config::{
    Delivery, KafkaProperties, Properties, ResolvedListener, TransactionalIds,
    client_map::{admin_properties, consumer_properties, producer_properties},
    transactional_properties,
};

fn load(toml: &[(&str, &str)]) -> KafkaProperties {
    let builder = toml.iter().fold(KafkaProperties::builder(), |builder, (key, value)| builder.set(*key, *value));
    builder.load().expect("right properties")
}

fn listener() -> ResolvedListener {
    ResolvedListener::new("bill", "orders", "billing")
}

#[test]
fn consumers_have_the_frameworks_defaults() {
    let map = consumer_properties(&KafkaProperties::new("a:1,b:2"), &listener(), 0);
    for (key, value) in [
        ("bootstrap.servers", "a:1,b:2"),
        ("client.id", "kafka-app-bill-0"),
        ("group.id", "billing"),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_committed"),
        ("enable.auto.offset.store", "false"),
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "1000"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("topic.metadata.refresh.interval.ms", "60000"),
        ("fetch.queue.backoff.ms", "10"),
        ("fetch.wait.max.ms", "100"),
        ("queued.min.messages", "20000"),
        ("queued.max.messages.kbytes", "16384"),
        ("reconnect.backoff.max.ms", "1000"),
        ("socket.keepalive.enable", "true"),
    ] {
        assert_eq!(map.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(map.len(), 16);
}

#[test]
fn producers_have_the_frameworks_defaults() {
    let map = producer_properties(&KafkaProperties::new("a:1"));
    let expected = [
        ("acks", "all"),
        ("bootstrap.servers", "a:1"),
        ("client.id", "kafka-app-producer"),
        ("delivery.timeout.ms", "120000"),
        ("enable.idempotence", "true"),
        ("linger.ms", "5"),
        ("partitioner", "murmur2_random"),
        ("reconnect.backoff.max.ms", "1000"),
        ("socket.keepalive.enable", "true"),
    ];
    assert_eq!(map, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
}

#[test]
fn at_most_once_commits_by_hand() {
    let listener = ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() };
    let map = consumer_properties(&KafkaProperties::default(), &listener, 0);
    assert_eq!(map["enable.auto.commit"], "false");
    assert_eq!(map["enable.auto.offset.store"], "false");
}

#[test]
fn transactional_producers_have_ids_and_times_of_their_own() {
    let properties = load(&[
        ("kafka.producer.transaction-id-prefix", "host-1-"),
        ("kafka.producer.properties.transaction.timeout.ms", "20000"),
    ]);
    let ids = TransactionalIds::new(&properties);
    assert_eq!(ids.of_listener(&properties, &listener(), (2, 1), 0), "host-1-billing-bill-2-1");
    // Another process of the same name, which may have the same number: in a container each is number 1.
    let other = TransactionalIds::new(&properties);
    let lost = [&ids, &other].map(|ids| ids.of_listener(&properties, &listener(), (2, 1), 3));
    assert!(lost.iter().all(|id| id.starts_with("host-1-billing-bill-2-1-") && id.ends_with("-3")), "{lost:?}");
    assert_ne!(lost[0], lost[1]);
    assert_eq!(ids.of_template(4), "host-1-template-4");
    let map = transactional_properties(&properties, "id");
    for (key, value) in [
        ("transactional.id", "id"),
        ("transaction.timeout.ms", "20000"),
        ("delivery.timeout.ms", "20000"),
        ("enable.idempotence", "true"),
        ("retry.backoff.ms", "10"),
        ("connections.max.idle.ms", "10000"),
        ("client.id", "kafka-app-producer-id"),
    ] {
        assert_eq!(map.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert!(!producer_properties(&properties).contains_key("transaction.timeout.ms"));
    assert!(!producer_properties(&properties).contains_key("connections.max.idle.ms"));
    let said = load(&[("kafka.producer.properties.connections.max.idle.ms", "5000")]);
    assert_eq!(transactional_properties(&said, "id")["connections.max.idle.ms"], "5000");
}

#[test]
fn transactional_ids_of_static_members_are_theirs_and_those_of_templates_nobody_elses() {
    let properties = load(&[("kafka.consumer.properties.group.instance.id", "pod-7")]);
    let ids = TransactionalIds::new(&properties);
    assert_eq!(ids.of_listener(&properties, &listener(), (0, 0), 0), "billing-bill-pod-7-0-0");
    assert_ne!(ids.of_template(0), TransactionalIds::new(&properties).of_template(0), "two processes without a name");
    let map = transactional_properties(&KafkaProperties::new("a:1"), "id");
    assert_eq!((map["transaction.timeout.ms"].as_str(), map["delivery.timeout.ms"].as_str()), ("30000", "30000"));
}

#[test]
fn an_id_that_is_said_is_that_of_every_template_and_of_no_listener() {
    let said = load(&[("kafka.producer.transactional-id", "till"), ("kafka.producer.transaction-id-prefix", "shop-")]);
    let ids = TransactionalIds::new(&said);
    assert_eq!((ids.of_template(0), ids.of_template(7)), ("till".to_owned(), "till".to_owned()));
    assert!(ids.is_one_for_templates());
    assert_eq!(ids.of_listener(&said, &listener(), (0, 0), 0), "shop-billing-bill-0-0");
    assert!(!TransactionalIds::new(&load(&[])).is_one_for_templates());
}

#[test]
fn exactly_once_leaves_commits_to_transactions() {
    let listener = ResolvedListener { delivery: Delivery::ExactlyOnce, ..listener() };
    let map = consumer_properties(&KafkaProperties::default(), &listener, 0);
    assert_eq!((map["enable.auto.commit"].as_str(), map["enable.auto.offset.store"].as_str()), ("false", "false"));
    assert_eq!(map["isolation.level"], "read_committed");
}

#[test]
fn the_most_specific_property_wins() {
    let properties = load(&[
        ("kafka.properties.fetch.wait.max.ms", "1"),
        ("kafka.properties.socket.timeout.ms", "1000"),
        ("kafka.properties.debug", "msg"),
        ("kafka.consumer.fetch-max-wait", "2ms"),
        ("kafka.consumer.properties.socket.timeout.ms", "2000"),
        ("kafka.consumer.properties.debug", "cgrp"),
    ]);
    let own = Properties::from_iter([("debug", "fetch")]);
    let map = consumer_properties(&properties, &ResolvedListener { properties: own, ..listener() }, 0);
    assert_eq!(map["fetch.wait.max.ms"], "2");
    assert_eq!(map["socket.timeout.ms"], "2000");
    assert_eq!(map["debug"], "fetch");
    assert_eq!(admin_properties(&properties)["socket.timeout.ms"], "1000");
}

#[test]
fn shared_properties_reach_only_the_clients_that_have_them() {
    let properties =
        load(&[("kafka.properties.queue.buffering.max.ms", "50"), ("kafka.properties.session.timeout.ms", "6000")]);
    let consumer = consumer_properties(&properties, &listener(), 0);
    let producer = producer_properties(&properties);
    assert_eq!((consumer.get("linger.ms"), consumer["session.timeout.ms"].as_str()), (None, "6000"));
    assert_eq!((producer["linger.ms"].as_str(), producer.get("session.timeout.ms")), ("50", None));
    assert_eq!(producer.get("queue.buffering.max.ms"), None, "one name for one property");
    let admin = admin_properties(&properties);
    assert_eq!((admin.get("linger.ms"), admin.get("session.timeout.ms")), (None, None));
}

#[test]
fn the_consumer_protocol_drops_the_classic_defaults() {
    let properties = load(&[("kafka.consumer.properties.group.protocol", "consumer")]);
    let map = consumer_properties(&properties, &listener(), 0);
    assert_eq!(map.get("partition.assignment.strategy"), None);
    assert_eq!(map["group.protocol"], "consumer");
}

#[test]
fn idempotence_gives_way_to_fewer_acks() {
    for (key, value) in [
        ("kafka.producer.acks", "1"),
        ("kafka.producer.retries", "0"),
        ("kafka.producer.properties.max.in.flight", "6"),
    ] {
        assert_eq!(producer_properties(&load(&[(key, value)]))["enable.idempotence"], "false", "{key}");
    }
    assert_eq!(producer_properties(&load(&[("kafka.producer.acks", "all")]))["enable.idempotence"], "true");
}

#[test]
fn static_members_have_an_instance_id_each() {
    let properties = load(&[("kafka.consumer.properties.group.instance.id", "host-7")]);
    assert_eq!(consumer_properties(&properties, &listener(), 3)["group.instance.id"], "host-7-bill-3");
}

#[test]
fn typed_keys_become_librdkafkas() {
    let properties = load(&[
        ("kafka.security.protocol", "SASL_SSL"),
        ("kafka.ssl.key-password", "hunter2"),
        ("kafka.ssl.trust-store-location", "file:/etc/ca.pem"),
        ("kafka.properties.sasl.mechanism", "OAUTHBEARER"),
        ("kafka.client-id", "shop"),
        ("kafka.producer.buffer-memory", "32MiB"),
        ("kafka.producer.compression-type", "lz4"),
        ("kafka.producer.batch-size", "64KiB"),
        ("kafka.producer.client-id", "shop-out"),
        ("kafka.consumer.heartbeat-interval", "1s"),
        ("kafka.consumer.max-poll-interval", "10m"),
        ("kafka.consumer.fetch-min-size", "1KiB"),
        ("kafka.consumer.auto-offset-reset", "latest"),
        ("kafka.consumer.isolation-level", "read-uncommitted"),
    ]);
    let producer = producer_properties(&properties);
    let consumer = consumer_properties(&properties, &listener(), 1);
    for (map, key, value) in [
        (&producer, "security.protocol", "sasl_ssl"),
        (&producer, "ssl.key.password", "hunter2"),
        (&producer, "ssl.ca.location", "/etc/ca.pem"),
        (&producer, "queue.buffering.max.kbytes", "32768"),
        (&producer, "compression.type", "lz4"),
        (&producer, "batch.size", "65536"),
        (&producer, "client.id", "shop-out"),
        (&consumer, "client.id", "shop-bill-1"),
        (&consumer, "heartbeat.interval.ms", "1000"),
        (&consumer, "max.poll.interval.ms", "600000"),
        (&consumer, "fetch.min.bytes", "1024"),
        (&consumer, "auto.offset.reset", "latest"),
        (&consumer, "isolation.level", "read_uncommitted"),
    ] {
        assert_eq!(map.get(key).map(String::as_str), Some(value), "{key}");
    }
}
