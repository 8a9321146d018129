//! `kafka-log-dirs`, `kafka-leader-election`, `kafka-client-metrics`, `kafka-features` and `kafka-metadata-quorum`.

use embedded_broker::EmbeddedBroker;

use crate::topics::{printed, script};

#[tokio::test]
async fn log_directories_are_one_line_of_json() {
    let broker = EmbeddedBroker::builder().topic("shop", 2).topic("other", 1).start().unwrap();
    let told = printed(&broker, "kafka-log-dirs --describe --topic-list shop").await;
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[..2],
        ["Querying brokers for log directories information", "Received log directory information from brokers 1"]
    );
    let json: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(json["brokers"][0]["logDirs"][0]["partitions"].as_array().unwrap().len(), 2, "{json}");
    let (code, out, said) = script(&broker, "kafka-log-dirs --describe --broker-list 1,9").await;
    assert_eq!((code, &*out), (Some(1), ""));
    assert!(
        said.contains("The given brokers do not exist from --broker-list: 9. Current existent brokers: 1"),
        "{said}"
    );
}

#[tokio::test]
async fn the_preferred_leader_is_elected() {
    let broker = EmbeddedBroker::builder()
        .brokers(3)
        .config("default.replication.factor", 3)
        .config("auto.leader.rebalance.enable", false)
        .topic("shop", 1)
        .start()
        .unwrap();
    let elect = "kafka-leader-election --election-type preferred --topic shop --partition 0";
    assert_eq!(printed(&broker, elect).await, "Valid replica already elected for partitions shop-0\n");
    let preferred = broker.topic("shop").replicas(0).unwrap().replicas[0];
    let other = (1..=3).find(|id| *id != preferred).unwrap();
    broker.move_leader("shop", 0, other).unwrap();
    let expected = "Successfully completed leader election (PREFERRED) for partitions shop-0\n";
    assert_eq!(printed(&broker, elect).await, expected);
    assert_eq!(printed(&broker, "kafka-leader-election --election-type PREFERRED --all-topic-partitions").await, "");
    let (code, out, _) =
        script(&broker, "kafka-leader-election --election-type preferred --topic ghost --partition 0").await;
    assert_eq!(code, Some(1));
    assert!(
        out.starts_with("Error completing leader election (PREFERRED) for partition: ghost-0: org.apache."),
        "{out}"
    );
}

#[tokio::test]
async fn subscriptions_to_client_metrics_come_and_go() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    assert_eq!(printed(&broker, "kafka-client-metrics --list").await, "\n");
    let alter = "kafka-client-metrics --alter --name mine --metrics org.apache.kafka.producer. --interval 5000";
    assert_eq!(printed(&broker, alter).await, "Altered client metrics config for mine.\n");
    assert_eq!(printed(&broker, "kafka-client-metrics --list").await, "mine\n");
    let told = printed(&broker, "kafka-client-metrics --describe --name mine").await;
    assert!(told.starts_with("Client metrics configs for mine are:\n"), "{told}");
    assert!(told.contains("\n  interval.ms=5000\n"), "{told}");
    let delete = "kafka-client-metrics --delete --name mine";
    assert_eq!(printed(&broker, delete).await, "Deleted client metrics config for mine.\n");
    assert_eq!(
        printed(&broker, "kafka-client-metrics --describe --name mine").await,
        "The client metric resource mine doesn't exist and doesn't have dynamic config.\n"
    );
}

#[tokio::test]
async fn features_and_the_quorum_are_described() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let told = printed(&broker, "kafka-features describe").await;
    assert!(
        told.contains("Feature: metadata.version\tSupportedMinVersion: 3.3-IV3\tSupportedMaxVersion: 4.1-IV1\t"),
        "{told}"
    );
    let told = printed(&broker, "kafka-metadata-quorum describe --status").await;
    assert!(told.starts_with("ClusterId:              "), "{told}");
    let told = printed(&broker, "kafka-metadata-quorum describe --replication").await;
    assert!(told.starts_with("NodeId\tDirectoryId"), "{told}");
    let (code, ..) = script(&broker, "kafka-metadata-quorum describe").await;
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn features_change_their_levels() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let told = printed(&broker, "kafka-features upgrade --feature group.version=1").await;
    assert_eq!(told, "group.version was upgraded to 1.\n");
    let told = printed(&broker, "kafka-features downgrade --feature transaction.version=1 --dry-run").await;
    assert_eq!(told, "transaction.version can be downgraded to 1.\n");
    let told = printed(&broker, "kafka-features disable --feature group.version --dry-run").await;
    assert_eq!(told, "group.version can be disabled.\n");
    let (code, told, said) = script(&broker, "kafka-features upgrade --feature group.version=9").await;
    assert_eq!(code, Some(1));
    let refused = "Could not upgrade group.version to 9. The update failed for all features since the following feature \
                   had an error: Invalid update version 9 for feature group.version. ";
    assert!(told.starts_with(refused), "{told}");
    assert!(said.contains("1 out of 1 operation(s) failed."), "{said}");
    let (code, told, said) = script(&broker, "kafka-features upgrade").await;
    assert_eq!((code, &*told), (Some(1), ""));
    assert!(said.contains("You must specify at least one feature to upgrade"), "{said}");
    let told = printed(&broker, "kafka-features version-mapping --release-version 3.9").await;
    assert!(told.starts_with("metadata.version=21 (3.9)\nkraft.version=1\n"), "{told}");
    let told = printed(&broker, "kafka-features feature-dependencies --feature group.version=1").await;
    assert_eq!(told, "group.version=1 has no dependencies.\n");
}

#[tokio::test]
async fn the_voters_of_a_quorum_that_is_fixed_stay_as_they_are() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let remove = "kafka-metadata-quorum remove-controller -i 1 -d AAAAAAAAAAAAAAAAAAAAAA";
    let told = printed(&broker, &format!("{remove} --dry-run")).await;
    assert_eq!(told, "DRY RUN of removing  KRaft controller 1 with directory id AAAAAAAAAAAAAAAAAAAAAA\n");
    let (code, told, said) = script(&broker, remove).await;
    assert_eq!((code, &*told), (Some(1), ""));
    assert!(said.contains("The node does not support REMOVE_RAFT_VOTER"), "{said}");
    let (code, _, said) = script(&broker, "kafka-metadata-quorum add-controller").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("You must supply the configuration file of the controller you are adding"), "{said}");
}
