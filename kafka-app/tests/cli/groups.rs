//! `kafka-consumer-groups`, `kafka-groups`, `kafka-transactions` and `kafka-acls`.

use embedded_broker::EmbeddedBroker;
use tempfile::NamedTempFile;

use crate::topics::{printed, script};

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
    let (code, out, _) = crate::program::run(&["kafka-consumer-groups", "--validate-regex", "["]).await;
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
