//! `kafka-configs`.

use std::io::Write;

use embedded_broker::EmbeddedBroker;
use tempfile::NamedTempFile;

use crate::topics::{printed, script};

#[tokio::test]
async fn configs_of_a_topic_are_set_shown_and_unset() {
    let broker = EmbeddedBroker::builder().topic("cfg", 1).start().unwrap();
    let set = printed(
        &broker,
        "kafka-configs --alter --topic cfg --add-config retention.ms=5000,cleanup.policy=[compact,delete]",
    )
    .await;
    assert_eq!(set, "Completed updating config for topic cfg.\n");
    assert_eq!(
        printed(&broker, "kafka-configs --describe --entity-type topics --entity-name cfg").await,
        "Dynamic configs for topic cfg are:\n  cleanup.policy=compact,delete sensitive=false \
         synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete}\n  \
         retention.ms=5000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=5000}\n"
    );
    let all = printed(&broker, "kafka-configs --describe --topic cfg --all").await;
    assert!(all.starts_with("All configs for topic cfg are:\n  cleanup.policy="), "{all}");
    assert!(all.lines().count() > 30, "{all}");
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(b"flush.ms = 1000\n").unwrap();
    let path = file.path().display();
    let line = format!(
        "kafka-configs --alter --topic cfg --add-config-file {path} --delete-config cleanup.policy,retention.ms"
    );
    printed(&broker, &line).await;
    let shown = printed(&broker, "kafka-configs --describe --topic cfg").await;
    assert_eq!(
        shown.lines().skip(1).map(|line| line.split(' ').nth(2).unwrap()).collect::<Vec<_>>(),
        ["flush.ms=1000"]
    );
    assert_eq!(
        printed(&broker, "kafka-configs --describe --topic ghost").await,
        "The topic 'ghost' doesn't exist and doesn't have dynamic config.\n"
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_said_on_standard_error_with_exit_code_1() {
    let broker = EmbeddedBroker::builder().topic("cfg", 1).start().unwrap();
    for (line, words) in [
        ("--alter --topic cfg --delete-config no.such", "Invalid config(s): no.such"),
        (
            "--alter --topic cfg --add-config retention.ms=soon",
            "Invalid value soon for configuration retention.ms: Not a number of type LONG",
        ),
        ("--alter --topic ghost --add-config retention.ms=1", "UnknownTopicOrPartitionException"),
        ("--alter --topic a,b --add-config retention.ms=1", "Topic name is invalid: 'a,b' contains"),
        (
            "--alter --broker 1 --add-config num.partitions=4",
            "Cannot update these configs dynamically: Set(num.partitions)",
        ),
        ("--describe --entity-type nope", "Invalid entity type nope, the entity type must be one of topics, clients,"),
        ("--describe --broker abc", "must be a valid integer broker id, but it is: abc"),
        (
            "--alter --ip nowhere.invalid --add-config connection_creation_rate=1",
            "must be a valid IP or resolvable host",
        ),
        ("--alter --user u --add-config SCRAM-SHA-256=[password=]", "Password must not be empty"),
    ] {
        let (code, out, said) = script(&broker, &format!("kafka-configs {line}")).await;
        assert_eq!((code, &*out), (Some(1), ""), "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
    }
}

#[tokio::test]
async fn brokers_have_configs_of_their_own_and_a_default() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let set = printed(&broker, "kafka-configs --alter --broker 1 --add-config log.cleaner.threads=2").await;
    assert_eq!(set, "Completed updating config for broker 1.\n");
    let set = printed(&broker, "kafka-configs --alter --broker-defaults --add-config message.max.bytes=2000000").await;
    assert_eq!(set, "Completed updating default config for brokers in the cluster.\n");
    let shown = printed(&broker, "kafka-configs --describe --entity-type brokers").await;
    let heads: Vec<&str> = shown.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(heads, ["Dynamic configs for broker 1 are:", "Default configs for brokers in the cluster are:"]);
    assert!(
        shown.contains(
            "  log.cleaner.threads=2 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:log.cleaner.threads=2, "
        )
    );
    assert!(shown.contains("  message.max.bytes=2000000 sensitive=false "));
    assert_eq!(
        printed(&broker, "kafka-configs --describe --entity-type brokers --entity-name 77").await,
        "The broker '77' doesn't exist and doesn't have dynamic config.\n"
    );
}

#[tokio::test]
async fn quotas_are_set_shown_and_unset() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    printed(&broker, "kafka-configs --alter --client c1 --add-config producer_byte_rate=12345678").await;
    printed(&broker, "kafka-configs --alter --user-defaults --add-config request_percentage=50").await;
    let line = "kafka-configs --alter --entity-type users --entity-name u --entity-type clients --entity-default --add-config \
                consumer_byte_rate=1";
    let set = printed(&broker, line).await;
    assert_eq!(set, "Completed updating config for user u.\n");
    assert_eq!(
        printed(&broker, "kafka-configs --describe --client c1").await,
        "Quota configs for client-id 'c1' are producer_byte_rate=1.2345678E7\n"
    );
    assert_eq!(
        printed(&broker, "kafka-configs --describe --user-defaults").await,
        "Quota configs for the default user-principal are request_percentage=50.0\n"
    );
    assert_eq!(
        printed(&broker, "kafka-configs --describe --entity-type users --entity-name u --entity-type clients").await,
        "Quota configs for user-principal 'u', the default client-id are consumer_byte_rate=1.0\n"
    );
    printed(&broker, "kafka-configs --alter --client c1 --delete-config producer_byte_rate").await;
    assert_eq!(printed(&broker, "kafka-configs --describe --client c1").await, "");
}

#[tokio::test]
async fn passwords_are_set_shown_and_unset() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    for password in ["SCRAM-SHA-256=[iterations=8192,password=a]", "SCRAM-SHA-512=[password=b]"] {
        let line = format!("kafka-configs --alter --user u1 --add-config {password}");
        assert_eq!(printed(&broker, &line).await, "Completed updating config for user u1.\n");
    }
    assert_eq!(
        printed(&broker, "kafka-configs --describe --user u1").await,
        "SCRAM credential configs for user-principal 'u1' are SCRAM-SHA-256=iterations=8192, \
         SCRAM-SHA-512=iterations=4096\n"
    );
    printed(&broker, "kafka-configs --alter --user u1 --delete-config SCRAM-SHA-256").await;
    let (code, ..) = script(&broker, "kafka-configs --alter --user u1 --delete-config SCRAM-SHA-256").await;
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn groups_and_client_metrics_have_configs_without_being_there() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let not_there = "The group 'g1' doesn't exist and doesn't have dynamic config.\n";
    assert_eq!(printed(&broker, "kafka-configs --describe --group g1").await, not_there);
    printed(&broker, "kafka-configs --alter --group g1 --add-config consumer.session.timeout.ms=50000").await;
    assert_eq!(
        printed(&broker, "kafka-configs --describe --entity-type groups --entity-name g1").await,
        "Dynamic configs for group g1 are:\n  consumer.session.timeout.ms=50000 sensitive=false \
         synonyms={DYNAMIC_GROUP_CONFIG:consumer.session.timeout.ms=50000}\n"
    );
    printed(&broker, "kafka-configs --alter --client-metrics m --add-config interval.ms=1000,metrics=").await;
    let shown = printed(&broker, "kafka-configs --describe --entity-type client-metrics").await;
    assert!(shown.starts_with("Dynamic configs for client-metric m are:\n  interval.ms=1000 "), "{shown}");
}
