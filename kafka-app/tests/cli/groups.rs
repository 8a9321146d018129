//! `kafka-consumer-groups`, `kafka-groups`, `kafka-transactions` and `kafka-acls`.

use embedded_broker::{EmbeddedBroker, Listener};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::{
    program::{Program, run},
    topics::{printed, script},
};

/// A broker with a topic of three partitions, in the first of which are records, and a group that has read some.
async fn broker_with_a_group() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().topic("shop", 3).start().unwrap();
    broker.topic("shop").append(0, ["a", "b", "c", "d", "e"]).unwrap();
    printed(&broker, "kafka-consumer-groups --reset-offsets --group idle --topic shop:0 --to-offset 2 --execute").await;
    broker
}

#[tokio::test]
async fn groups_are_listed_and_described() {
    let broker = broker_with_a_group().await;
    assert_eq!(printed(&broker, "kafka-consumer-groups --list").await, "idle\n");
    assert_eq!(
        printed(&broker, "kafka-consumer-groups --list --state empty --type").await,
        "GROUP                     TYPE                 STATE               \n\
         idle                      Classic              Empty               \n"
    );
    let (code, out, said) = script(&broker, "kafka-consumer-groups --describe --group idle").await;
    assert_eq!(
        out,
        "\n\
         GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID\n\
         idle            shop            0          2               5               3               -               -               -\n"
    );
    assert_eq!((code, &*said), (Some(0), "\nConsumer group 'idle' has no active members.\n"));
    assert_eq!(
        printed(&broker, "kafka-groups --list --consumer").await,
        "GROUP                TYPE                 PROTOCOL            \n\
         idle                 Classic                                   \n"
    );
}

#[tokio::test]
async fn what_cannot_be_described_is_said_on_standard_output_with_exit_code_0() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let (code, out, said) = script(&broker, "kafka-consumer-groups --describe --group nosuch").await;
    assert_eq!(
        out,
        "\nError: Executing consumer group command failed due to \
         org.apache.kafka.common.errors.GroupIdNotFoundException: Group nosuch not found.\n"
    );
    assert_eq!((code, &*said), (Some(0), "error: Group nosuch not found.\n"));
}

#[tokio::test]
async fn offsets_are_reset_and_come_back_from_csv() {
    let broker = broker_with_a_group().await;
    let reset = "kafka-consumer-groups --reset-offsets --group idle";
    let table = "\nGROUP                          TOPIC                          PARTITION  NEW-OFFSET     \n";
    let row = |offset: i64| {
        format!("idle                           shop                           0          {offset:<15}\n")
    };
    for (scenario, offset) in [("--to-earliest", 0), ("--to-latest", 5), ("--to-current", 2), ("--shift-by -1", 1)] {
        let shown = printed(&broker, &format!("{reset} --topic shop:0 {scenario} --dry-run")).await;
        assert_eq!(shown, format!("{table}{}", row(offset)), "{scenario}");
    }
    let csv = printed(&broker, &format!("{reset} --all-topics --to-latest --dry-run --export")).await;
    assert_eq!(csv, "shop,0,5\n\n");
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    let from_file = format!("{reset} --from-file {} --execute", file.path().display());
    assert_eq!(printed(&broker, &from_file).await, format!("{table}{}", row(5)));
}

#[tokio::test]
async fn groups_and_offsets_are_deleted() {
    let broker = broker_with_a_group().await;
    assert_eq!(
        printed(&broker, "kafka-consumer-groups --delete-offsets --group idle --topic shop:0").await,
        "Request succeeded for deleting offsets from group idle.\n\
         \n\
         TOPIC           PARTITION  STATUS         \n\
         shop            0          Successful     \n"
    );
    printed(&broker, "kafka-consumer-groups --reset-offsets --group fresh --topic shop:0 --to-latest --execute").await;
    assert_eq!(
        printed(&broker, "kafka-consumer-groups --delete --group fresh --group nosuch").await,
        "\n\
         Error: Deletion of some consumer groups failed:\n\
         * Group 'nosuch' could not be deleted due to: org.apache.kafka.common.errors.GroupIdNotFoundException: \
         The group id does not exist.\n\
         \n\
         These consumer groups were deleted successfully: 'fresh'\n"
    );
}

#[tokio::test]
async fn wrong_usage_ends_with_exit_code_1() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    for line in [
        "kafka-consumer-groups --describe",
        "kafka-consumer-groups --list --state nope",
        "kafka-groups --consumer",
        "kafka-transactions find-hanging",
        "kafka-acls --add --operation Read --topic shop",
    ] {
        let (code, out, said) = script(&broker, line).await;
        assert_eq!((code, &*out), (Some(1), ""), "{line}");
        assert!(said.starts_with("error: "), "{line}: {said}");
    }
}

#[tokio::test]
async fn patterns_are_checked_as_brokers_read_them() {
    let (code, out, _) = run(&["kafka-consumer-groups", "--validate-regex", "["]).await;
    assert_eq!((code, &*out), (Some(0), "The regular expression `[` is invalid: missing closing ].\n"));
}

#[tokio::test]
async fn transactions_that_are_not_there_are_said_to_be_so() {
    let broker = EmbeddedBroker::builder().topic("shop", 1).start().unwrap();
    assert_eq!(
        printed(&broker, "kafka-transactions list").await,
        "TransactionalId\tCoordinator\tProducerId\tTransactionState\t\n"
    );
    let (code, out, said) = script(&broker, "kafka-transactions describe --transactional-id ghost").await;
    assert_eq!((code, &*out), (Some(1), ""));
    assert_eq!(
        said,
        "error: Failed to describe transaction state of transactional-id `ghost`: DescribeTransactions request for \
         transactionalId `ghost` failed because the ID could not be found. Enable debug logging for additional detail.\n"
    );
}

#[tokio::test]
async fn without_an_authorizer_there_are_no_rights_to_list() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let (code, out, _) = script(&broker, "kafka-acls --list").await;
    let refused = "org.apache.kafka.common.errors.SecurityDisabledException: No Authorizer is configured on the broker";
    assert_eq!(code, Some(1));
    assert!(out.starts_with(&format!("Error while executing ACL command: {refused}\n")), "{out}");
}

/// A member of a group, by one of the protocols, that has read what there is and all partitions.
async fn member(broker: &EmbeddedBroker, group: &str, protocol: &str) -> Program {
    let (servers, protocol) = (broker.bootstrap_servers(), format!("group.protocol={protocol}"));
    let consume = ["consume", "shop", "-b", servers, "--from", "earliest", "--group", group, "-X", &protocol];
    let mut member = Program::start(&consume);
    assert_eq!(member.line().await, "a");
    broker.group(group).await_stable(1).await.unwrap();
    member
}

async fn json_of(broker: &EmbeddedBroker, arguments: &[&str]) -> Value {
    let servers = broker.bootstrap_servers();
    let (code, out, said) = run(&[arguments, &["-b", servers, "-o", "json"]].concat()).await;
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_both_protocols_are_told_of_with_what_they_have() {
    let broker = EmbeddedBroker::builder().topic("shop", 2).start().unwrap();
    broker.topic("shop").append(0, ["a"]).unwrap();
    let members = [member(&broker, "new", "consumer").await, member(&broker, "old", "classic").await];
    let listed = json_of(&broker, &["group", "list"]).await;
    let row = |group: &str, kind: &str| json!({"group": group, "type": kind, "state": "Stable", "members": 1});
    assert_eq!(listed, json!([row("new", "Consumer"), row("old", "Classic")]));

    let described = json_of(&broker, &["group", "describe", "old", "new"]).await;
    for (place, group, assignor) in [(0, "new", "uniform"), (1, "old", "cooperative-sticky")] {
        let described = &described[place];
        assert_eq!((&described["group"], &described["state"]), (&json!(group), &json!("Stable")));
        assert_eq!(described["assignor"], assignor, "{described}");
        let member = &described["members"][0];
        assert_eq!((&member["partitions"], &member["host"]), (&json!(["shop-0", "shop-1"]), &json!("/127.0.0.1")));
        for offsets in described["offsets"].as_array().unwrap() {
            assert_eq!(offsets["consumer_id"], member["consumer_id"], "{described}");
        }
        let lag = json_of(&broker, &["group", "lag", group]).await;
        let partitions: Vec<_> = lag.as_array().unwrap().iter().map(|row| &row["partition"]).collect();
        assert_eq!(partitions, [0, 1], "a partition that a member has is told of before it has a position");
    }

    for group in ["new", "old"] {
        let rows = printed(&broker, &format!("kafka-consumer-groups --describe --group {group}")).await;
        let rows: Vec<Vec<_>> = rows.lines().skip(2).map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(rows.iter().all(|row| row[..2] == [group, "shop"] && row[7] == "/127.0.0.1"), "{rows:?}");
        let rows = printed(&broker, &format!("kafka-consumer-groups --describe --members --group {group}")).await;
        assert_eq!(rows.lines().last().unwrap().split_whitespace().last(), Some("2"), "{rows}");
    }
    for member in members {
        let (code, _, said) = member.end_with("-INT").await;
        assert_eq!(code, Some(130), "{said}");
    }
    // All of it was read, and of the other partition nothing.
    for group in ["new", "old"] {
        let lag = json_of(&broker, &["group", "lag", group]).await;
        let row = |partition: i32, end: i64| json!({"topic": "shop", "partition": partition, "current_offset": end, "log_end_offset": end, "lag": 0});
        assert_eq!(lag, json!([row(0, 1), row(1, 0)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_are_there_are_shown_though_another_one_is_not() {
    let broker = broker_with_a_group().await;
    let (code, out, said) = run(&["group", "describe", "ghost", "idle", "-b", broker.bootstrap_servers()]).await;
    assert_eq!(code, Some(1));
    assert!(out.starts_with("idle: Empty, 0 members, lag 3"), "{out}");
    assert!(said.contains("there is no group ghost: kafka-app group list"), "{said}");
    // Many are asked about at once, and told of in their order.
    let names: Vec<_> = (10..60).map(|n| format!("g{n}")).collect();
    for name in &names {
        let reset = ["group", "reset", name, "--topic", "shop:0", "--to", "1", "--execute"];
        if names.first() == Some(name) || names.last() == Some(name) {
            assert_eq!(run(&[&reset[..], &["-b", broker.bootstrap_servers()]].concat()).await.0, Some(0));
        }
    }
    let described: Vec<_> = names.iter().map(String::as_str).collect();
    let arguments = [&["group", "describe", "-b", broker.bootstrap_servers()][..], &described].concat();
    let (code, out, said) = run(&arguments).await;
    assert_eq!((code, said.matches("there is no group g").count()), (Some(1), 48), "{said}");
    assert!(out.find("g10: Empty").unwrap() < out.find("g59: Empty").unwrap(), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_a_group_is_told_so_and_sees_the_others() {
    let broker = EmbeddedBroker::builder()
        .listener(Listener::plaintext())
        .listener(Listener::sasl_plaintext())
        .super_user("ANONYMOUS")
        .user("alice", "secret")
        .topic("shop", 1)
        .start()
        .unwrap();
    let servers = broker.bootstrap_servers_of("PLAINTEXT").unwrap();
    for group in ["seen", "hidden"] {
        let reset = ["group", "reset", group, "--topic", "shop", "--to", "latest", "--execute", "-b", servers];
        let (code, _, said) = run(&reset).await;
        assert_eq!(code, Some(0), "{said}");
    }
    for resource in [["--group", "seen"], ["--topic", "shop"]] {
        let add = ["kafka-acls", "--bootstrap-server", servers, "--add", "--allow-principal", "User:alice"];
        let (code, _, said) = run(&[&add[..], &["--operation", "Describe"], &resource].concat()).await;
        assert_eq!(code, Some(0), "{said}");
    }
    let alice = [
        &["-b", broker.bootstrap_servers_of("SASL_PLAINTEXT").unwrap(), "-X", "security.protocol=sasl_plaintext"][..],
        &["-X", "sasl.mechanism=PLAIN", "-X", "sasl.username=alice", "-X", "sasl.password=secret"],
    ]
    .concat();
    let as_alice = async |arguments: &[&str]| run(&[arguments, &alice].concat()).await;
    let (code, out, said) = as_alice(&["group", "list", "-o", "csv"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "group,type,state,members\nseen,Classic,Empty,0\n"), "{said}");
    let (code, out, said) = as_alice(&["group", "describe", "hidden", "seen"]).await;
    assert_eq!(code, Some(1));
    assert!(out.starts_with("seen: Empty") && said.contains("GROUP_AUTHORIZATION_FAILED"), "{out}{said}");
    for arguments in [&["group", "describe", "hidden"][..], &["group", "lag", "hidden"]] {
        let (code, out, said) = as_alice(arguments).await;
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(said.contains("GROUP_AUTHORIZATION_FAILED"), "{said}");
    }
    assert_eq!(as_alice(&["group", "lag", "seen"]).await.0, Some(0));
}
