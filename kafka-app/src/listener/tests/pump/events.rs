//! What is told of partitions, of silence and of handlers that hang.

use super::{SECOND, listener};
use crate::{config::ResolvedListener, listener::tests::fake::Rig};

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
