//! Clusters in a data directory, one of whose nodes cannot write to its own: as a broker of Kafka, it halts.

use std::path::Path;

use embedded_broker::{DiskFault, EmbeddedBroker, ErrorCode};

use super::killed_now;
use super::nodes::{append, expected, logs, sorted, start, three_on, values};
use crate::client::Client;
use crate::patience::comes_true;
use crate::records::{NOBODY, batch, produce};

/// A node's disk is full. Whoever notices, halts; and comes back when there is room.
fn halts(broker: &EmbeddedBroker, dir: &Path, node: i32, write: impl FnOnce()) {
    let full = broker.node(node).expect("it is there").fail_disk(DiskFault::Full);
    write();
    assert!(full.times_happened() > 0);
    comes_true("it halts", || !broker.node(node).expect("it is there").is_up());
    let replicas = broker.topic("t").replicas(0).expect("it is there");
    assert!(replicas.leader != Some(node) && replicas.in_sync.len() == 2, "{replicas:?}");
    let kept = logs(dir, node);
    let end = i64::try_from(values(broker).len()).expect("it is there");
    append(broker, end..end + 3);
    assert_eq!(logs(dir, node), kept, "nobody writes to it");
    drop(full);
    broker.restart(node).expect("it is there");
    assert_eq!(sorted(broker.topic("t").replicas(0).expect("it is there").in_sync), [1, 2, 3]);
    assert_eq!(logs(dir, 2), logs(dir, 1));
    assert_eq!(logs(dir, 3), logs(dir, 1));
}

#[test]
fn a_leader_whose_disk_fails_halts_and_what_it_was_sent_is_refused_and_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..5);
    let leader = broker.topic("t").replicas(0).unwrap().leader.unwrap();
    halts(&broker, dir.path(), leader, || {
        let refused = broker.topic("t").append(0, ["refused"]).unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::KafkaStorageError));
    });
    assert_eq!(values(&broker), expected(0..8));
    let killed = killed_now(dir.path());
    assert_eq!(values(&start(killed.path())), expected(0..8));
}

#[test]
fn a_follower_whose_disk_fails_halts_and_what_the_others_have_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..5);
    let follower = broker.topic("t").replicas(0).unwrap().replicas[1];
    halts(&broker, dir.path(), follower, || append(&broker, 5..6));
    assert_eq!(values(&broker), expected(0..9));
}

#[test]
fn a_disk_that_fails_takes_the_last_replica_along_and_min_insync_replicas_holds() {
    let dir = tempfile::tempdir().unwrap();
    let builder = three_on(dir.path()).config("min.insync.replicas", 2).config("default.replication.factor", 2);
    let broker = builder.topic("t", 1).start().unwrap();
    append(&broker, 0..2);
    let replicas = broker.topic("t").replicas(0).unwrap().replicas;
    let full = broker.node(replicas[1]).unwrap().fail_disk(DiskFault::Full);
    let mut client = Client::connect(&broker.node(replicas[0]).unwrap().address());
    let refused = produce(&mut client, "t", 0, batch(&["too few have it"], NOBODY));
    assert_eq!(refused.error_code, ErrorCode::NotEnoughReplicasAfterAppend.code());
    let also = broker.node(replicas[0]).unwrap().fail_disk(DiskFault::Full);
    assert!(broker.topic("t").append(0, ["nobody"]).is_err());
    assert_eq!(broker.topic("t").replicas(0).unwrap().leader, None);
    comes_true("both halt", || replicas.iter().all(|node| !broker.node(*node).unwrap().is_up()));
    assert_eq!(broker.topic("t").replicas(0).unwrap().leader, None);
    drop((full, also));
    replicas.iter().for_each(|node| broker.restart(*node).unwrap());
    assert!(values(&broker).starts_with(&expected(0..2)));
    assert_eq!(logs(dir.path(), replicas[0]), logs(dir.path(), replicas[1]));
}

#[test]
fn a_topic_is_made_though_the_disk_of_a_node_is_full_and_that_node_halts() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let full = broker.node(2).unwrap().fail_disk(DiskFault::Full);
    broker.create_topic("new", 3).unwrap();
    comes_true("it halts", || !broker.node(2).unwrap().is_up());
    for partition in 0..3 {
        let replicas = broker.topic("new").replicas(partition).unwrap();
        assert!(replicas.leader.is_some_and(|leader| leader != 2) && replicas.in_sync.len() == 2, "{replicas:?}");
        broker.topic("new").append(partition, ["kept"]).unwrap();
    }
    drop(full);
    broker.restart(2).unwrap();
    assert_eq!(sorted(broker.topic("new").replicas(0).unwrap().in_sync), [1, 2, 3]);
}
