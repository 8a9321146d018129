use std::time::Duration;

use embedded_broker::EmbeddedBroker;

use super::*;
use crate::admin::{ConfigSource, missing_topics};

fn existing(topics: &[(&str, usize)]) -> BTreeMap<String, usize> {
    topics.iter().map(|(topic, n)| ((*topic).to_owned(), *n)).collect()
}

#[test]
fn a_missing_topic_is_created_and_a_smaller_one_grown() {
    let declared =
        [NewTopic::new("a").partitions(3), NewTopic::new("b").partitions(3), NewTopic::new("c").partitions(3)];
    let plan = Plan::of(&declared, &existing(&[("b", 1), ("c", 3)]));
    assert_eq!(plan.create, [&declared[0]]);
    assert_eq!(plan.grow, [Growth { topic: "b", from: 1, to: 3 }]);
    assert_eq!((plan.compare.len(), plan.notes.len()), (0, 0));
}

#[test]
fn partitions_are_never_taken_away() {
    let declared = [NewTopic::new("a").partitions(2), NewTopic::new("b")];
    let plan = Plan::of(&declared, &existing(&[("a", 5), ("b", 5)]));
    assert_eq!((plan.create.len(), plan.grow.len()), (0, 0));
    assert_eq!(plan.notes, [TopicChange::KeptLarger { topic: "a".to_owned(), declared: 2, actual: 5 }]);
}

#[test]
fn configs_that_differ_are_told_with_both_values() {
    let declared = NewTopic::new("a").config("retention.ms", 1).compact();
    let actual = [("retention.ms", "5"), ("cleanup.policy", "compact"), ("min.insync.replicas", "1")];
    let actual = actual.map(|(name, value)| {
        let entry = ConfigEntry {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            source: ConfigSource::DynamicTopic,
            is_default: false,
            is_sensitive: false,
            is_read_only: false,
            synonyms: Vec::new(),
        };
        (name.to_owned(), entry)
    });
    let found = differences(&[&declared], &BTreeMap::from([("a".to_owned(), BTreeMap::from(actual))]));
    let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["config `retention.ms` of topic `a` is 5, 1 is declared"]);
}

#[test]
fn a_topic_declared_twice_in_different_ways_is_a_mistake() {
    let twice = [NewTopic::new("a").partitions(1), NewTopic::new("a").partitions(2)];
    assert!(refuse_contradictions(&twice).unwrap_err().to_string().contains("`a` is declared twice"));
    assert!(refuse_contradictions(&[NewTopic::new("a"), NewTopic::new("a")]).is_ok());
}

fn connection(servers: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("bootstrap.servers".to_owned(), servers.to_owned())])
}

fn failing_fast() -> AdminProperties {
    AdminProperties { fail_fast: true, ..AdminProperties::default() }
}

#[tokio::test]
async fn topics_are_created_then_left_alone_then_grown() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let connection = connection(broker.bootstrap_servers());
    let make = async |topic: NewTopic| make_topics(&connection, &failing_fast(), &[topic]).await.unwrap();

    let topic = "orders".to_owned();
    let declared = NewTopic::new("orders").partitions(2).replicas(1).config("retention.ms", 1_000);
    assert_eq!(make(declared.clone()).await, [TopicChange::Created { topic: topic.clone() }]);
    assert_eq!(make(declared.clone()).await, []);
    assert_eq!(
        make(declared.clone().partitions(3)).await,
        [TopicChange::Grown { topic: topic.clone(), from: 2, to: 3 }]
    );
    assert_eq!(make(declared).await, [TopicChange::KeptLarger { topic, declared: 2, actual: 3 }]);
}

#[tokio::test]
async fn configs_are_changed_only_when_asked_for() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    let connection = connection(broker.bootstrap_servers());
    let declared = [NewTopic::new("orders").config("retention.ms", 1_000)];
    let difference = ConfigDifference {
        topic: "orders".to_owned(),
        key: "retention.ms".to_owned(),
        declared: "1000".to_owned(),
        actual: Some("604800000".to_owned()),
    };
    let mut properties = failing_fast();
    let left = make_topics(&connection, &properties, &declared).await.unwrap();
    assert_eq!(left, [TopicChange::ConfigDiffers(difference.clone())]);
    properties.modify_topic_configs = true;
    let changed = make_topics(&connection, &properties, &declared).await.unwrap();
    assert_eq!(changed, [TopicChange::ConfigChanged(difference)]);
    assert_eq!(make_topics(&connection, &properties, &declared).await.unwrap(), []);
}

#[tokio::test]
async fn what_the_broker_refuses_is_told_for_each_topic() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    let connection = connection(broker.bootstrap_servers());
    let mut properties = failing_fast();
    properties.modify_topic_configs = true;
    let declared = [
        NewTopic::new("no/such/name"),
        NewTopic::new("too-safe").replicas(3),
        NewTopic::new("fine").partitions(1),
        NewTopic::new("orders").config("retention.ms", "soon"),
    ];
    let error = make_topics(&connection, &properties, &declared).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(["`no/such/name`", "`too-safe`", "`orders`"].iter().all(|topic| text.contains(topic)), "{text}");
    assert!(!text.contains("`fine`"), "{text}");
    let asked = ["fine", "too-safe"].map(str::to_owned);
    assert_eq!(missing_topics(&connection, &properties, &asked, &[]).await.unwrap().read, ["too-safe"]);
}

/// A port nobody listens on: bound, its number taken, closed.
fn unreachable_servers() -> String {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn an_unreachable_broker_fails_the_start_only_when_told_so() {
    let servers = unreachable_servers();
    let mut properties = failing_fast();
    properties.operation_timeout = Duration::from_millis(200);
    let declared = [NewTopic::new("orders")];
    let error = make_topics(&connection(&servers), &properties, &declared).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&servers), "{error}");
    properties.fail_fast = false;
    assert_eq!(make_topics(&connection(&servers), &properties, &declared).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_is_asked_of_the_cluster_with_auto_create_off() {
    let mut properties = failing_fast();
    properties.auto_create = false;
    let made = make_topics(&connection(&unreachable_servers()), &properties, &[NewTopic::new("orders")]).await;
    assert_eq!(made.unwrap(), []);
}
