//! `kafka-topics`.

use embedded_broker::EmbeddedBroker;

use crate::program::run;

/// Runs a script of Kafka's on a broker.
pub(crate) async fn script(broker: &EmbeddedBroker, line: &str) -> (Option<i32>, String, String) {
    let mut words = line.split(' ');
    let script = words.next().unwrap();
    let arguments: Vec<&str> =
        [script, "--bootstrap-server", broker.bootstrap_servers()].into_iter().chain(words).collect();
    run(&arguments).await
}

/// What it prints, as it does all that is asked of it.
pub(crate) async fn printed(broker: &EmbeddedBroker, line: &str) -> String {
    let (code, out, said) = script(broker, line).await;
    assert_eq!((code, &*said), (Some(0), ""), "{line}: {out}");
    out
}

fn without_ids(described: &str) -> String {
    let word = |word: &str| if word.starts_with("TopicId: ") { "TopicId: ID".to_owned() } else { word.to_owned() };
    described.split('\t').map(word).collect::<Vec<_>>().join("\t")
}

#[tokio::test]
async fn topics_are_made_listed_described_and_deleted() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    assert_eq!(printed(&broker, "kafka-topics --list").await, "\n");
    let made = printed(&broker, "kafka-topics --create --topic orders --partitions 2 --config retention.ms=5000").await;
    assert_eq!(made, "Created topic orders.\n");
    let made = printed(&broker, "kafka-topics --create --topic order.events").await;
    assert_eq!(
        made,
        "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid \
         issues it is best to use either, but not both.\nCreated topic order.events.\n"
    );
    assert_eq!(printed(&broker, "kafka-topics --list --topic order.*").await, "order.events\norders\n");
    let described = printed(&broker, "kafka-topics --describe --topic orders").await;
    assert!(described.contains("retention.ms=5000"), "{described}");
    let described = without_ids(&described);
    assert!(described.starts_with("Topic: orders\tTopicId: ID\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: "));
    assert!(
        described.ends_with("\tTopic: orders\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n"),
        "{described}"
    );
    assert_eq!(printed(&broker, "kafka-topics --alter --topic orders --partitions 3").await, "");
    assert_eq!(broker.topic("orders").end_offsets().unwrap().len(), 3);
    assert_eq!(printed(&broker, "kafka-topics --delete --topic order.*").await, "");
    assert_eq!(printed(&broker, "kafka-topics --list").await, "\n");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_on_standard_output_with_exit_code_1() {
    let broker = EmbeddedBroker::builder().topic("orders", 2).start().unwrap();
    for (line, words) in [
        ("--create --topic orders", "Topic 'orders' already exists."),
        ("--create --topic x --partitions 0", "The partitions must be greater than 0"),
        ("--create --topic x --partitions abc", "Cannot parse argument 'abc' of option partitions"),
        ("--create --topic x --config no.such=1", "Unknown topic config name: no.such"),
        ("--create --topic x.y --config no.such=1", "Unknown topic config name: no.such"),
        ("--alter --topic orders --partitions 2", "Topic already has 2 partition(s)."),
        ("--describe --topic nosuch", "Topic 'nosuch' does not exist as expected"),
        ("--delete --topic nosuch", "Topic 'nosuch' does not exist as expected"),
        ("--list --topic [", "[ is an invalid regex."),
    ] {
        let (code, out, said) = script(&broker, &format!("kafka-topics {line}")).await;
        let expected = format!("Error while executing topic command : {words}\n");
        assert_eq!((code, out, &*said), (Some(1), expected, ""), "{line}");
    }
    let line = "kafka-topics --create --topic orders --if-not-exists";
    assert_eq!(printed(&broker, line).await, "");
}

#[tokio::test]
async fn wrong_usage_is_said_on_standard_error_with_exit_code_1() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    for line in ["--list --describe", "--create", "--list --if-exists", "--list --nosuch", "--topic", "--help"] {
        let (code, out, said) = script(&broker, &format!("kafka-topics {line}")).await;
        assert_eq!((code, &*out), (Some(1), ""), "{line}");
        assert_ne!(said, "", "{line}");
    }
    assert_eq!(run(&["kafka-topics", "--version"]).await.1, "4.1.1\n");
}

#[tokio::test]
async fn a_topic_is_described_page_by_page_and_by_what_is_wrong_with_it() {
    let broker = EmbeddedBroker::builder().brokers(3).topic("orders", 3).start().unwrap();
    let whole = printed(&broker, "kafka-topics --describe --topic orders").await;
    let line = "kafka-topics --describe --topic orders --partition-size-limit-per-response 1";
    assert_eq!(printed(&broker, line).await, whole);
    assert_eq!(whole.lines().count(), 4, "{whole}");
    assert_eq!(printed(&broker, "kafka-topics --describe --unavailable-partitions").await, "");
    let line = "kafka-topics --describe --topic orders --at-min-isr-partitions";
    assert_eq!(printed(&broker, line).await.lines().count(), 3);
}
