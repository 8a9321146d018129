//! Bad input at start: each mistake with a clear error, all of them together, before a socket opens.

use std::time::Duration;

use anyhow::Result;
use kafka_app::{ErrorKind, KafkaApp, Listener, ListenerState, State, kafka_listener, listeners};
use kafka_app_tests::{PATIENCE, TestBroker};

#[kafka_listener(id = "plain", topic = "orders", group = "g")]
async fn plain(_text: String) {}

#[kafka_listener(id = "stateful", topic = "orders", group = "g")]
async fn stateful(_text: String, State(_answer): State<u64>) {}

/// What a start with these settings says; nothing listens on the port, so a start that got past the checks hangs or lies.
async fn start_error(listeners: Vec<Listener>, settings: &[(&str, &str)]) -> String {
    let app = settings.iter().fold(KafkaApp::new("127.0.0.1:1"), |app, (key, value)| app.set(*key, *value));
    let started = tokio::time::timeout(Duration::from_secs(5), app.listeners(listeners).start()).await;
    let error = started.expect("the check needs no broker").expect_err("the mistake is found");
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    error.to_string()
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is missing in:\n{error}");
    }
}

#[tokio::test]
async fn an_unknown_property_is_answered_with_the_nearest_right_name() {
    let error = start_error(
        listeners![plain],
        &[("kafka.consumer.group-idd", "g"), ("kafka.consumer.properties.fetch.mim.bytes", "1")],
    )
    .await;
    assert_says(&error, &["2 mistakes", "group-idd", "group-id", "fetch.mim.bytes", "fetch.min.bytes"]);
}

#[tokio::test]
async fn a_wrong_type_names_the_key_and_what_is_expected() {
    let error =
        start_error(listeners![plain], &[("kafka.listener.concurrency", "many"), ("kafka.listener.ack-time", "soon")])
            .await;
    assert_says(
        &error,
        &["2 mistakes", "kafka.listener.concurrency", "whole number", "kafka.listener.ack-time", "\"500ms\""],
    );
}

#[tokio::test]
async fn an_unknown_listener_id_in_the_configuration_is_an_error() {
    let error = start_error(listeners![plain], &[("kafka.listeners.plane.concurrency", "2")]).await;
    assert_says(&error, &["plane", "plain"]);
}

#[tokio::test]
async fn two_listeners_with_one_id_are_an_error_that_names_both_places() {
    let error = start_error(listeners![plain, plain], &[]).await;
    assert_says(&error, &["plain", "bad_input.rs"]);
}

#[tokio::test]
async fn missing_state_is_an_error_that_names_the_type_and_the_listener() {
    let error = start_error(listeners![stateful], &[]).await;
    assert_says(&error, &["u64", "stateful", ".state("]);
}

#[tokio::test]
async fn all_mistakes_are_reported_together() {
    let error = start_error(listeners![stateful, plain, plain], &[("kafka.nonsense", "1")]).await;
    assert_says(&error, &["3 mistakes", "u64", "plain", "kafka.nonsense"]);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let error = start_error(
        listeners![plain],
        &[("kafka.properties.sasl.passwort", "hunter2"), ("kafka.properties.sasl.password", "hunter3")],
    )
    .await;
    assert_says(&error, &["sasl.passwort"]);
    assert!(!error.contains("hunter"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_broker_is_named_when_one_waits_for_the_application_to_be_ready() -> Result<()> {
    // A port that was free a moment ago and has no listener.
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let app = KafkaApp::new(&address).listeners(listeners![plain]).start().await?;
    let error = tokio::time::timeout(PATIENCE, app.ready_within(Duration::from_secs(2))).await?.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&address), "{error}");
    let _ = app.stop().await;
    Ok(())
}

#[kafka_listener(id = "unknown", topic = "${in}", group = "${group}")]
async fn unknown(_text: String) {}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topic_is_an_error_at_start_when_missing_topics_are_fatal() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.name("never-created");
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("unknown"))
        .set("kafka.listener.missing-topics-fatal", "true")
        .listeners(listeners![unknown]);
    let error = app.start().await.unwrap_err();
    assert!(error.to_string().contains(&topic), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_to_an_unknown_topic_fails_and_names_it_when_auto_creation_is_off() -> Result<()> {
    let broker = TestBroker::embedded(&[("auto.create.topics.enable", "false")])?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("kafka.producer.properties.delivery.timeout.ms", "2000")
        .start()
        .await?;
    let template = app.template::<String, String>();
    let error = tokio::time::timeout(PATIENCE, template.send("nowhere", "k", &"v".to_owned())).await?.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    let _ = app.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_of_an_unknown_topic_says_so_and_begins_when_the_topic_is_there() -> Result<()> {
    let broker = TestBroker::embedded(&[("auto.create.topics.enable", "false")])?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", broker.name("late"))
        .set("group", "g")
        .set("kafka.consumer.properties.topic.metadata.refresh.interval.ms", "500")
        .listeners(listeners![unknown])
        .start()
        .await?;
    broker.topic("late", 1).await?;
    let listener = app.listener("unknown").unwrap();
    tokio::time::timeout(PATIENCE, listener.wait_for(|state| matches!(state, ListenerState::Running))).await?;
    app.stop().await.expect_clean();
    Ok(())
}
