//! The program's own commands: topics, groups, configs, clusters.

use std::fs;

use embedded_broker::{EmbeddedBroker, ProducerRecord};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::run;

/// Runs a command on a broker.
async fn on(broker: &EmbeddedBroker, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(&[arguments, &["-b", broker.bootstrap_servers()]].concat()).await
}

/// What a command prints when it succeeds.
async fn done(broker: &EmbeddedBroker, arguments: &[&str]) -> String {
    let (code, said, errors) = on(broker, arguments).await;
    assert_eq!(code, Some(0), "{arguments:?}: {errors}");
    said
}

async fn json_of(broker: &EmbeddedBroker, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(broker, &[arguments, &["-o", "json"]].concat()).await).unwrap()
}

#[tokio::test]
async fn a_topic_is_made_grown_described_trimmed_and_deleted() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let made = done(&broker, &["topic", "create", "orders", "-p", "2", "--config", "retention.ms=5000"]).await;
    assert_eq!(made, "created orders\n");
    let (code, _, errors) = on(&broker, &["topic", "create", "orders"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("TOPIC_ALREADY_EXISTS"), "{errors}");
    assert_eq!(done(&broker, &["topic", "create", "orders", "--if-not-exists"]).await, "");

    broker.topic("orders").append(0, ["one", "two"].map(ProducerRecord::new)).unwrap();
    let listed = json_of(&broker, &["topic", "list"]).await;
    assert_eq!(listed, json!([{"name": "orders", "partitions": 2, "replicas": 1, "messages": 2}]));

    done(
        &broker,
        &["topic", "alter", "orders", "-p", "3", "--set", "cleanup.policy=compact", "--unset", "retention.ms"],
    )
    .await;
    let described = json_of(&broker, &["topic", "describe", "orders"]).await;
    assert_eq!(described["partitions"].as_array().unwrap().len(), 3);
    let configs = described["configs"].as_array().unwrap();
    let compact = json!({"key": "cleanup.policy", "value": "compact", "source": "DYNAMIC_TOPIC_CONFIG"});
    assert!(configs.contains(&compact) && configs.iter().all(|config| config["key"] != "retention.ms"), "{configs:?}");

    done(&broker, &["topic", "alter", "orders", "--set", "cleanup.policy=delete"]).await;
    done(&broker, &["topic", "trim", "orders", "--all", "--yes"]).await;
    let listed = json_of(&broker, &["topic", "list"]).await;
    assert_eq!(listed[0]["messages"], 0);
    assert_eq!(done(&broker, &["topic", "delete", "orders", "--yes"]).await, "deleted orders\n");
    assert_eq!(json_of(&broker, &["topic", "list"]).await, json!([]));
    let (code, _, errors) = on(&broker, &["topic", "describe", "orders"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("UNKNOWN_TOPIC_OR_PARTITION"), "{errors}");
}

#[tokio::test]
async fn what_destroys_asks_and_without_a_terminal_wants_yes() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    for arguments in [&["topic", "delete", "orders"][..], &["topic", "trim", "orders", "--all"]] {
        let (code, _, errors) = on(&broker, arguments).await;
        assert_eq!(code, Some(2));
        assert!(errors.contains("--yes"), "{errors}");
    }
    assert_eq!(json_of(&broker, &["topic", "list"]).await[0]["name"], "orders");
}

#[tokio::test]
async fn a_group_is_reset_described_and_deleted() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    broker.topic("orders").append(0, ["one", "two", "three"].map(ProducerRecord::new)).unwrap();
    // Without --execute it is only shown.
    let to_earliest = ["group", "reset", "billing", "--topic", "orders", "--to", "earliest"];
    let row = json!([{"group": "billing", "topic": "orders", "partition": 0, "prior_offset": null, "new_offset": 0}]);
    assert_eq!(json_of(&broker, &to_earliest).await, row);
    let (code, ..) = on(&broker, &["group", "describe", "billing"]).await;
    assert_eq!(code, Some(1), "the group is not there");

    done(&broker, &["group", "reset", "billing", "--topic", "orders:0", "--to", "latest", "--execute"]).await;
    done(&broker, &["group", "reset", "billing", "--all-topics", "--to", "-2", "--execute"]).await;
    let lag = json_of(&broker, &["group", "lag", "billing"]).await;
    let row = json!([{"topic": "orders", "partition": 0, "current_offset": 1, "log_end_offset": 3, "lag": 2}]);
    assert_eq!(lag, row);
    let described = json_of(&broker, &["group", "describe", "billing"]).await;
    assert_eq!((&described["state"], &described["lag"]), (&json!("Empty"), &json!(2)));
    let listed = json_of(&broker, &["group", "list", "--state", "empty"]).await;
    assert_eq!(listed[0]["group"], "billing");
    assert_eq!(done(&broker, &["group", "delete", "billing", "--yes"]).await, "deleted billing\n");
    assert_eq!(json_of(&broker, &["group", "list"]).await, json!([]));
}

#[tokio::test]
async fn configs_are_changed_one_by_one() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    let set = ["config", "set", "topic/orders", "retention.ms=5000", "max.message.bytes=2000"];
    assert_eq!(done(&broker, &set).await, "topic `orders`: retention.ms = 5000, max.message.bytes = 2000\n");
    done(&broker, &["config", "unset", "topic/orders", "retention.ms"]).await;
    let csv = done(&broker, &["config", "get", "topic/orders", "-o", "csv"]).await;
    assert!(csv.starts_with("key,value,source\nmax.message.bytes,2000,DYNAMIC_TOPIC_CONFIG\n"), "{csv}");
    assert!(!csv.contains("retention.ms"), "{csv}");
    let all = json_of(&broker, &["config", "get", "topic/orders", "--all"]).await;
    assert!(all.as_array().unwrap().len() > 20);
    let (code, _, errors) = on(&broker, &["config", "set", "topic/orders", "no.such=1"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("no.such"), "{errors}");
    let (code, _, errors) = on(&broker, &["config", "get", "orders"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("topic/NAME"), "{errors}");
}

#[tokio::test]
async fn a_cluster_is_found_in_the_files_that_applications_are_configured_by() {
    let (first, second) = (EmbeddedBroker::builder().start().unwrap(), EmbeddedBroker::builder().start().unwrap());
    let folder = TempDir::new().unwrap();
    let text = format!(
        "[kafka]\nbootstrap-servers = \"{}\"\n[kafka.clusters.other]\nbootstrap-servers = \"{}\"\n",
        first.bootstrap_servers(),
        second.bootstrap_servers()
    );
    fs::write(folder.path().join("kafka-app.toml"), text).unwrap();
    let dir = folder.path().display().to_string();
    for (broker, more) in [(&first, &[][..]), (&second, &["--cluster", "other"])] {
        let arguments = [&["cluster", "info", "-o", "json", "--config-dir", &dir], more].concat();
        let (code, said, errors) = run(&arguments).await;
        assert_eq!(code, Some(0), "{errors}");
        let info: Value = serde_json::from_str(&said).unwrap();
        let port = info["brokers"][0]["port"].to_string();
        assert!(broker.bootstrap_servers().ends_with(&port), "{info}");
    }
    let (code, _, errors) = run(&["cluster", "info", "--config-dir", &dir, "--cluster", "third"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("there is no cluster third under kafka.clusters, but other"), "{errors}");
}

#[tokio::test]
async fn nobody_listens_is_said_within_the_time() {
    let (code, said, errors) = run(&["topic", "list", "-b", "127.0.0.1:1", "--timeout", "1s"]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(errors.contains("127.0.0.1:1"), "{errors}");
}

#[tokio::test]
async fn completions_and_manual_pages_are_written() {
    let (code, said, _) = run(&["completions", "bash"]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("kafka-app"), "{said}");
    let folder = TempDir::new().unwrap();
    let (code, ..) = run(&["man", &folder.path().display().to_string()]).await;
    assert_eq!(code, Some(0));
    for page in ["kafka-app.1", "kafka-app-topic-create.1"] {
        assert!(folder.path().join(page).exists(), "{page}");
    }
}

#[tokio::test]
async fn a_program_that_is_no_application_tells_no_topology() {
    let (code, said, errors) = run(&["topology", "true"]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(errors.contains("it tells no topology"), "{errors}");
    let (code, _, errors) = run(&["topology", "--timeout", "100ms", "sleep", "--", "60"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("does not end within 100ms"), "{errors}");
}
