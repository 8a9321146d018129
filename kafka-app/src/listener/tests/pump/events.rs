//! What is told of partitions, of silence and of handlers that hang.

use super::{SECOND, listener};
use crate::{
    client::{ConsumerEvent, Fault, FaultKind},
    config::ResolvedListener,
    listener::tests::fake::Rig,
    test_support::Events,
};

#[tokio::test]
async fn what_happens_to_partitions_is_told() {
    let mut rig = Rig::assigned(listener(), 2).await;
    rig.revoke(0, false).await;
    rig.revoke(1, true).await;
    let told = [rig.told().await, rig.told().await, rig.told().await];
    assert_eq!(
        told,
        [
            "Assigned { listener: \"bill\", consumer: 0, partitions: orders-0 orders-1 }",
            "Revoked { listener: \"bill\", consumer: 0, partitions: orders-0 }",
            "Lost { listener: \"bill\", consumer: 0, partitions: orders-1 }",
        ]
    );
}

#[tokio::test]
async fn silence_is_told_of_the_consumer_and_of_each_partition_and_so_is_its_end() {
    let idle = Some(10 * SECOND);
    let listener =
        ResolvedListener { idle_event_interval: idle, idle_partition_event_interval: Some(15 * SECOND), ..listener() };
    let mut rig = Rig::assigned(listener, 2).await;
    rig.told().await;
    rig.pass(10 * SECOND).await;
    assert_eq!(rig.told().await, "Idle { listener: \"bill\", consumer: 0, idle_for: 10s, paused: false }");
    rig.arrive(1, [0]).await;
    assert_eq!(rig.told().await, "NoLongerIdle { listener: \"bill\", consumer: 0, idle_for: 11s }");
    rig.pass(4 * SECOND).await;
    assert_eq!(
        rig.told().await,
        "PartitionIdle { listener: \"bill\", partition: orders-0, idle_for: 15s, paused: false }"
    );
    rig.arrive(0, [0]).await;
    assert_eq!(rig.told().await, "PartitionNoLongerIdle { listener: \"bill\", partition: orders-0, idle_for: 16s }");
}

#[tokio::test]
async fn a_handler_that_hangs_is_told() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.told().await;
    rig.arrive(0, [7]).await;
    for _ in 0..2 {
        rig.pass(301 * SECOND).await;
    }
    assert_eq!(
        rig.told().await,
        "StuckHandler { listener: \"bill\", partition: orders-0, offset: Some(7), elapsed: 301s }"
    );
}

#[tokio::test]
async fn a_broker_that_is_lost_is_told_and_logged_once_and_so_is_that_it_is_back() {
    let log = Events::collect();
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.told().await;
    let connections = rig.brokers.add_client();
    connections.note("h", 9092, 2, "DOWN", rig.now);
    connections.note("h", 9092, 2, "CONNECT", rig.now);
    let text = "h:9092/2: Disconnected (after 5ms in state UP)".to_owned();
    rig.event(ConsumerEvent::Fault(Fault { kind: FaultKind::BrokerUnreachable, text })).await;
    rig.pass(SECOND).await;
    rig.pass(SECOND).await;
    connections.note("h", 9092, 2, "UP", rig.now);
    rig.pass(SECOND).await;
    let told = [rig.told().await, rig.told().await];
    assert_eq!(
        told,
        [
            "BrokerUnreachable { listener: \"bill\", consumer: 0, all: false, reason: \"h:9092/2: Disconnected (after \
             5ms in state UP)\" }",
            "BrokerReached { listener: \"bill\", consumer: 0, broker: \"h:9092/2\", unreachable_for: 3s }",
        ]
    );
    let lines: Vec<_> = log.lines().into_iter().filter(|line| line.contains("h:9092/2")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("a broker cannot be reached") && lines[1].contains("is reached again"), "{lines:?}");
}

#[tokio::test]
async fn what_the_producer_of_a_consumer_says_is_told_and_what_no_client_said_as_well() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.told().await;
    let text = "TxnCoordinator: h:1: Disconnected".to_owned();
    rig.brokers.say(Fault { kind: FaultKind::BrokerUnreachable, text });
    let connections = rig.brokers.add_client();
    connections.note("TxnCoordinator", 0, -1, "DOWN", rig.now);
    connections.note("TxnCoordinator", 0, -1, "CONNECT", rig.now);
    connections.note("h", 9093, 3, "DOWN", rig.now);
    connections.note("h", 9093, 3, "CONNECT", rig.now);
    rig.pass(SECOND).await;
    assert!(rig.told().await.contains("reason: \"TxnCoordinator: h:1: Disconnected\""));
    assert!(rig.told().await.contains("reason: \"h:9093/3: not connected for 1s\""));
}
