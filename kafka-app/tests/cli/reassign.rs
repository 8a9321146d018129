//! `kafka-reassign-partitions`.

use std::{fs, path::Path, time::Duration};

use embedded_broker::EmbeddedBroker;
use tempfile::TempDir;

use crate::topics::{printed, script};

const COMMAND: &str = "kafka-reassign-partitions";
const CLEARED: &str =
    "Clearing broker-level throttles on brokers 1,2,3\nClearing topic-level throttles on topic shop\n";

/// Three nodes, and a topic that lies on two of them.
async fn three() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().brokers(3).start().unwrap();
    printed(&broker, "kafka-topics --create --topic shop --replica-assignment 1:2,2:1").await;
    broker
}

fn file(dir: &Path, name: &str, json: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, json).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn partitions_move_to_where_a_file_says() {
    let (broker, dir) = (three().await, TempDir::new().unwrap());
    let moves = r#"{"version":1,"partitions":[{"topic":"shop","partition":0,"replicas":[3,1]}]}"#;
    let moves = file(dir.path(), "moves.json", moves);
    let told = printed(&broker, &format!("{COMMAND} --execute --reassignment-json-file {moves}")).await;
    let expected = "Current partition replica assignment\n\n\
        {\"version\":1,\"partitions\":[{\"topic\":\"shop\",\"partition\":0,\"replicas\":[1,2],\
        \"log_dirs\":[\"any\",\"any\"]}]}\n\n\
        Save this to use as the --reassignment-json-file option during rollback\n\
        Successfully started partition reassignment for shop-0\n";
    assert_eq!(told, expected);
    assert_eq!(broker.topic("shop").replicas(0).unwrap().replicas, [3, 1]);
    assert_eq!(printed(&broker, &format!("{COMMAND} --list")).await, "No partition reassignments found.\n");
    let told = printed(&broker, &format!("{COMMAND} --verify --reassignment-json-file {moves}")).await;
    let done = "Status of partition reassignment:\nReassignment of partition shop-0 is completed.\n\n";
    assert_eq!(told, format!("{done}{CLEARED}"));
    let told = printed(&broker, &format!("{COMMAND} --cancel --reassignment-json-file {moves}")).await;
    let none = "None of the specified partition reassignments are active.\n\
                None of the specified partition moves are active.";
    assert_eq!(told, format!("{none}{CLEARED}"));
}

#[tokio::test]
async fn a_move_that_waits_for_a_node_is_listed_and_cancelled() {
    let (broker, dir) = (three().await, TempDir::new().unwrap());
    let _held = broker.lag(3, Duration::from_secs(3600)).unwrap();
    broker.topic("shop").append(0, ["what node 3 gets in an hour"]).unwrap();
    let moves = r#"{"version":1,"partitions":[{"topic":"shop","partition":0,"replicas":[3,1]}]}"#;
    let moves = file(dir.path(), "moves.json", moves);
    let execute = format!("{COMMAND} --execute --reassignment-json-file {moves} --throttle 5000");
    let told = printed(&broker, &execute).await;
    assert!(
        told.contains(
            "\nWarning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is \
             removed.\nThe inter-broker throttle limit was set to 5000 B/s\nSuccessfully started partition reassignment \
             for shop-0\n"
        ),
        "{told}"
    );
    let listed = "Current partition reassignments:\nshop-0: replicas: 3,1,2. adding: 3. removing: 2.\n";
    assert_eq!(printed(&broker, &format!("{COMMAND} --list")).await, listed);
    let told = printed(&broker, &format!("{COMMAND} --verify --reassignment-json-file {moves}")).await;
    let moving = "Status of partition reassignment:\nReassignment of partition shop-0 is still in progress.\n\n";
    assert_eq!(told, moving, "throttles stay while it moves");
    let configs = printed(&broker, "kafka-configs --describe --topic shop").await;
    assert!(configs.contains("leader.replication.throttled.replicas=0:1,0:2 "), "{configs}");
    assert!(configs.contains("follower.replication.throttled.replicas=0:3 "), "{configs}");
    let rates = printed(&broker, "kafka-configs --describe --entity-type brokers --entity-name 2").await;
    assert!(rates.contains("leader.replication.throttled.rate=5000 "), "{rates}");

    let (code, told, said) = script(&broker, &execute).await;
    assert_eq!((code, &*said), (Some(1), ""));
    assert!(told.starts_with("Cannot execute because there is an existing partition assignment.  Use --additional "));
    let told = printed(&broker, &format!("{COMMAND} --cancel --reassignment-json-file {moves}")).await;
    let cancelled = "Successfully cancelled partition reassignment for: shop-0\n\
                     None of the specified partition moves are active.";
    assert_eq!(told, format!("{cancelled}{CLEARED}"));
    assert_eq!(broker.topic("shop").replicas(0).unwrap().replicas, [1, 2]);
    let configs = printed(&broker, "kafka-configs --describe --topic shop").await;
    assert!(!configs.contains("throttled"), "{configs}");
}

#[tokio::test]
async fn a_proposal_spreads_topics_over_brokers_and_changes_nothing() {
    let (broker, dir) = (three().await, TempDir::new().unwrap());
    let topics = file(dir.path(), "topics.json", r#"{"topics":[{"topic":"shop"}],"version":1}"#);
    let line = format!("{COMMAND} --generate --topics-to-move-json-file {topics} --broker-list");
    let told = printed(&broker, &format!("{line} 2,3")).await;
    let lines: Vec<&str> = told.lines().collect();
    let now = r#"{"version":1,"partitions":[{"topic":"shop","partition":0,"replicas":[1,2],"log_dirs":["any","any"]},{"topic":"shop","partition":1,"replicas":[2,1],"log_dirs":["any","any"]}]}"#;
    assert_eq!(
        lines[..4],
        ["Current partition replica assignment", now, "", "Proposed partition reassignment configuration"]
    );
    let proposed: serde_json::Value = serde_json::from_str(lines[4]).unwrap();
    let replicas = |partition: usize| {
        let replicas = proposed["partitions"][partition]["replicas"].as_array().unwrap();
        replicas.iter().map(|id| id.as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert!([vec![2, 3], vec![3, 2]].contains(&replicas(0)), "{proposed}");
    assert_eq!(replicas(1), [replicas(0)[1], replicas(0)[0]], "the next partition is led by the other one");
    assert_eq!(broker.topic("shop").replicas(0).unwrap().replicas, [1, 2]);
    for (list, words) in [
        (
            "1",
            "The target replication factor of 2 cannot be reached because only 1 broker(s) are registered.\n\
             org.apache.kafka.common.errors.InvalidReplicationFactorException: ",
        ),
        ("1,1", "Broker list contains duplicate entries: [1]\norg.apache.kafka.tools.AdminCommandFailedException: "),
        ("1,x", "For input string: \"x\"\njava.lang.NumberFormatException: "),
    ] {
        let (code, told, said) = script(&broker, &format!("{line} {list}")).await;
        assert_eq!((code, &*said), (Some(1), ""));
        assert!(told.starts_with(&format!("Error: {words}")), "{told}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_told_on_standard_output_with_exit_code_1() {
    let (broker, dir) = (three().await, TempDir::new().unwrap());
    let of = |topic: &str, partition: i32, replicas: &str| {
        format!(r#"{{"partitions":[{{"topic":"{topic}","partition":{partition},"replicas":{replicas}}}]}}"#)
    };
    let unknown = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException";
    for (json, words) in [
        (of("shop", 0, "[9,1]"), "Error: Unknown broker id 9\n".to_owned()),
        (of("shop", 0, "[]"), "Error: Partition replica list cannot be empty\n".to_owned()),
        (
            of("ghost", 0, "[1]"),
            format!(
                "Error: {unknown}: Topic ghost not found.\njava.util.concurrent.ExecutionException: {unknown}: Topic \
                 ghost not found.\nCaused by: {unknown}: Topic ghost not found.\n\n"
            ),
        ),
        (of("shop", 7, "[1]"), format!("Error: {unknown}: Unable to find partition: shop-7\n")),
        ("{}".to_owned(), "Error: Partition reassignment list cannot be empty\n".to_owned()),
    ] {
        let moves = file(dir.path(), "moves.json", &json);
        let (code, told, said) =
            script(&broker, &format!("{COMMAND} --execute --reassignment-json-file {moves}")).await;
        assert_eq!((code, &*said), (Some(1), ""), "{json}");
        assert!(told.starts_with(&words), "{told}");
    }
    let moves = file(dir.path(), "moves.json", &of("shop", 0, "[1,2,3]"));
    let line = format!("{COMMAND} --execute --reassignment-json-file {moves} --disallow-replication-factor-change");
    let (code, told, _) = script(&broker, &line).await;
    assert_eq!(code, Some(1));
    let refused = "\nError reassigning partition(s):\nshop-0: The replication factor is changed from 2 to 3\n";
    assert!(told.ends_with(refused), "{told}");
}

#[tokio::test]
async fn replicas_stay_in_the_one_directory_of_their_node() {
    let (broker, dir) = (three().await, TempDir::new().unwrap());
    let told = printed(&broker, "kafka-log-dirs --describe --broker-list 1").await;
    let json: serde_json::Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    let own = json["brokers"][0]["logDirs"][0]["logDir"].as_str().unwrap();
    let of = |log_dir: &str| {
        format!(
            r#"{{"partitions":[{{"topic":"shop","partition":0,"replicas":[1,2],"log_dirs":["{log_dir}","any"]}}]}}"#
        )
    };
    let moves = file(dir.path(), "own.json", &of(own));
    let told = printed(&broker, &format!("{COMMAND} --execute --reassignment-json-file {moves}")).await;
    let started = format!("Successfully started moving log directory to {own} for replica shop-0 with broker 1 \n");
    assert!(told.ends_with(&started), "{told}");
    let verify = format!("{COMMAND} --verify --preserve-throttles --reassignment-json-file");
    let told = printed(&broker, &format!("{verify} {moves}")).await;
    assert!(told.ends_with("\nReassignment of replica shop-0-1 completed successfully.\n"), "{told}");
    let moves = file(dir.path(), "other.json", &of("/no/such"));
    let told = printed(&broker, &format!("{verify} {moves}")).await;
    let elsewhere = format!("\nPartition shop-0 on broker 1 is not being moved from log dir {own} to /no/such.\n");
    assert!(told.ends_with(&elsewhere), "{told}");
    let (code, told, _) = script(&broker, &format!("{COMMAND} --execute --reassignment-json-file {moves}")).await;
    assert_eq!(code, Some(1));
    let refused = "Error: Failed to alter dir for shop-0-1\n\
        org.apache.kafka.tools.AdminCommandFailedException: Failed to alter dir for shop-0-1\n\
        Caused by: java.util.concurrent.ExecutionException: org.apache.kafka.common.errors.LogDirNotFoundException: The \
        user-specified log directory is not found in the broker config.\n";
    assert!(told.contains(refused), "{told}");
}

#[tokio::test]
async fn a_broker_is_no_controller() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let mismatch = "org.apache.kafka.common.errors.MismatchedEndpointTypeException: The request was sent to an endpoint \
                    of type BROKER, but we wanted an endpoint of type CONTROLLER";
    let line = |script: &str| [script, "--bootstrap-controller", broker.bootstrap_servers()].map(str::to_owned);
    for (words, rest) in [
        (&line(COMMAND)[..], &["--list"][..]),
        (&line("kafka-features")[..], &["describe"]),
        (&line("kafka-metadata-quorum")[..], &["describe", "--status"]),
        (&line("kafka-configs")[..], &["--describe", "--broker", "1"]),
        (&line("kafka-acls")[..], &["--list"]),
        (&["kafka-cluster".to_owned(), "cluster-id".to_owned()][..], &["-C", broker.bootstrap_servers()]),
    ] {
        let words: Vec<&str> = words.iter().map(String::as_str).chain(rest.iter().copied()).collect();
        let (code, out, said) = crate::program::run(&words).await;
        assert_eq!(code, Some(1), "{words:?}");
        assert!(out.contains(mismatch) || said.contains(mismatch), "{words:?}: {out}{said}");
    }
}
