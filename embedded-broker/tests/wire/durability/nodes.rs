//! Clusters in a data directory: each node has its own below it, with the replicas it has and as much of them as it has.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedded_broker::{EmbeddedBroker, EmbeddedBrokerBuilder, ProducerRecord};
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, DeleteTopicsRequest, DescribeLogDirsRequest,
    ListPartitionReassignmentsRequest,
};

use super::{killed_now, on};
use crate::client::Client;
use crate::patience::comes_true;
use crate::records::name;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

pub(super) fn three_on(dir: &Path) -> EmbeddedBrokerBuilder {
    on(dir)
        .brokers(3)
        .config("default.replication.factor", 3)
        .configs([("log.index.interval.bytes", "10"), ("log.index.size.max.bytes", "36")])
}

pub(super) fn start(dir: &Path) -> EmbeddedBroker {
    three_on(dir).topic("t", 1).start().expect("three nodes start")
}

pub(super) fn append(broker: &EmbeddedBroker, offsets: std::ops::Range<i64>) {
    for offset in offsets {
        assert_eq!(broker.topic("t").append(0, [&*format!("v{offset}")]).expect("it is there"), offset);
    }
}

pub(super) fn values(broker: &EmbeddedBroker) -> Vec<String> {
    let records = broker.topic("t").records().expect("it is there");
    records
        .iter()
        .map(|record| String::from_utf8(record.value.clone().unwrap_or_default().to_vec()).expect("it is there"))
        .collect()
}

pub(super) fn expected(offsets: std::ops::Range<i64>) -> Vec<String> {
    offsets.map(|offset| format!("v{offset}")).collect()
}

fn replica(dir: &Path, node: i32) -> PathBuf {
    dir.join(format!("node-{node}/t-0"))
}

/// The batches of a node's replica, as they lie in its files.
pub(super) fn logs(dir: &Path, node: i32) -> BTreeMap<OsString, Vec<u8>> {
    let files = fs::read_dir(replica(dir, node)).expect("it is there").map(|entry| entry.expect("it is there").path());
    let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.map(|path| (path.file_name().expect("it is there").to_owned(), fs::read(path).expect("it is there"))).collect()
}

fn len(dir: &Path, node: i32) -> usize {
    logs(dir, node).values().map(Vec::len).sum()
}

/// Cuts bytes off the end of a node's replica, as a machine without power may leave it.
fn tear(dir: &Path, node: i32, bytes: u64) {
    let path = replica(dir, node).join(logs(dir, node).keys().next_back().expect("it is there"));
    let file = fs::File::options().write(true).open(&path).expect("it is there");
    file.set_len(file.metadata().expect("it is there").len().saturating_sub(bytes)).expect("it is there");
}

#[test]
fn each_node_has_a_directory_as_a_kafka_broker_has_it_with_the_replicas_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let builder = on(dir.path()).brokers(3).config("default.replication.factor", 2).topic("t", 3);
    let broker = builder.start().unwrap();
    let mut cluster_ids = Vec::new();
    for node in 1..=3 {
        let own = dir.path().join(format!("node-{node}"));
        let meta = fs::read_to_string(own.join("meta.properties")).unwrap();
        assert!(meta.contains(&format!("node.id={node}\n")), "{meta}");
        cluster_ids.extend(meta.lines().find(|line| line.starts_with("cluster.id=")).map(str::to_owned));
        for partition in 0..3 {
            let has_it = broker.topic("t").replicas(partition).unwrap().replicas.contains(&node);
            assert_eq!(own.join(format!("t-{partition}/partition.metadata")).exists(), has_it, "{node} {partition}");
        }
        assert!(!own.join("state-0.log").exists() && !dir.path().join("t-0").exists());
    }
    cluster_ids.dedup();
    assert_eq!(cluster_ids.len(), 1, "{cluster_ids:?}");
    broker.stop();
    assert!((1..=3).all(|node| dir.path().join(format!("node-{node}/.kafka_cleanshutdown")).exists()));
}

#[test]
fn replicas_that_follow_have_the_same_files() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..20);
    assert!(logs(dir.path(), 1).len() > 2, "several segments");
    assert_eq!(logs(dir.path(), 2), logs(dir.path(), 1));
    assert_eq!(logs(dir.path(), 3), logs(dir.path(), 1));
}

#[test]
fn a_cluster_goes_on_after_a_stop_and_after_a_kill_with_the_leaders_and_the_replicas_in_sync_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    broker.move_leader("t", 0, 2).unwrap();
    append(&broker, 0..5);
    let before = broker.topic("t").replicas(0).unwrap();
    let killed = killed_now(dir.path());
    broker.stop();
    for dir in [dir.path(), killed.path()] {
        let broker = start(dir);
        let after = broker.topic("t").replicas(0).unwrap();
        assert_eq!((after.leader, &after.replicas), (Some(2), &before.replicas));
        assert_eq!(sorted(after.in_sync), [1, 2, 3]);
        assert!(after.leader_epoch > before.leader_epoch, "{} and {}", after.leader_epoch, before.leader_epoch);
        assert_eq!(values(&broker), expected(0..5));
        append(&broker, 5..6);
    }
}

pub(super) fn sorted(mut ids: Vec<i32>) -> Vec<i32> {
    ids.sort_unstable();
    ids
}

#[test]
fn who_was_not_in_sync_does_not_lead_after_a_restart_though_it_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let first = broker.topic("t").replicas(0).unwrap().replicas[0];
    broker.crash(first).unwrap();
    let leader = broker.topic("t").replicas(0).unwrap().leader.unwrap();
    append(&broker, 0..3);
    drop(broker);
    let broker = start(dir.path());
    let after = broker.topic("t").replicas(0).unwrap();
    assert_eq!((after.leader, sorted(after.in_sync)), (Some(leader), vec![1, 2, 3]));
    assert_eq!(values(&broker), expected(0..3));
    assert_eq!(logs(dir.path(), first), logs(dir.path(), leader), "it has caught up");
}

#[test]
fn whatever_is_left_of_each_replica_what_one_in_sync_has_whole_is_there() {
    for (n, torn) in [[1, 0, 90], [0, 70, 1], [500, 3, 0], [200, 200, 0]].into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let broker = start(dir.path());
        append(&broker, 0..8);
        let killed = killed_now(dir.path());
        for (node, bytes) in (1..).zip(torn) {
            tear(killed.path(), node, bytes);
        }
        let broker = start(killed.path());
        assert_eq!(values(&broker), expected(0..8), "{n}: {torn:?}");
        append(&broker, 8..10);
        assert_eq!(logs(killed.path(), 2), logs(killed.path(), 1));
        assert_eq!(logs(killed.path(), 3), logs(killed.path(), 1));
        assert!(broker.topic("t").lost_records().unwrap().is_empty());
    }
}

#[test]
fn a_batch_of_the_leader_that_is_damaged_is_got_from_a_follower() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..6);
    let leader = broker.topic("t").replicas(0).unwrap().leader.unwrap();
    broker.topic("t").corrupt_on_disk(0, 3).unwrap();
    let killed = killed_now(dir.path());
    let broker = start(killed.path());
    assert_eq!(values(&broker), expected(0..6));
    assert_ne!(broker.topic("t").replicas(0).unwrap().leader, Some(leader));
    assert_eq!(logs(killed.path(), 2), logs(killed.path(), 1));
}

#[test]
fn a_node_whose_directory_is_gone_begins_anew_and_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..8);
    let whole = logs(dir.path(), 1);
    for in_order in [true, false] {
        if in_order { broker.stop_node(2) } else { broker.crash(2) }.unwrap();
        fs::remove_dir_all(dir.path().join("node-2")).unwrap();
        broker.restart(2).unwrap();
        assert_eq!(logs(dir.path(), 2), whole);
    }
    broker.stop();
    fs::remove_dir_all(dir.path().join("node-1")).unwrap();
    let broker = start(dir.path());
    assert_eq!((values(&broker), logs(dir.path(), 1)), (expected(0..8), whole));
}

#[test]
fn records_whose_only_replica_is_gone_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || on(dir.path()).brokers(3).topic("t", 1);
    let broker = builder().start().unwrap();
    let node = broker.topic("t").replicas(0).unwrap().replicas[0];
    append(&broker, 0..3);
    broker.crash(node).unwrap();
    fs::remove_dir_all(dir.path().join(format!("node-{node}"))).unwrap();
    broker.restart(node).unwrap();
    assert_eq!(values(&broker), expected(0..0));
    assert_eq!(broker.topic("t").lost_records().unwrap()[0].offsets, 0..3);
    append(&broker, 0..2);
    drop(broker);
    fs::remove_dir_all(dir.path().join(format!("node-{node}"))).unwrap();
    assert_eq!(values(&builder().start().unwrap()), expected(0..0));
}

#[test]
fn the_files_of_a_node_that_is_down_stay_as_they_are_until_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..4);
    broker.stop_node(3).unwrap();
    assert!(dir.path().join("node-3/.kafka_cleanshutdown").exists());
    let before = logs(dir.path(), 3);
    append(&broker, 4..12);
    assert_eq!(logs(dir.path(), 3), before);
    broker.restart(3).unwrap();
    assert!(!dir.path().join("node-3/.kafka_cleanshutdown").exists());
    assert_eq!(logs(dir.path(), 3), logs(dir.path(), 1));
}

#[test]
fn the_file_of_a_replica_that_lags_ends_earlier_and_an_election_cuts_off_what_the_others_had_more() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..2);
    let replicas = broker.topic("t").replicas(0).unwrap().replicas;
    let (leader, next, last) = (replicas[0], replicas[1], replicas[2]);
    let lagging = broker.lag(next, LONG).unwrap();
    append(&broker, 2..9);
    assert!(len(dir.path(), next) < len(dir.path(), leader));
    assert_eq!(logs(dir.path(), last), logs(dir.path(), leader));
    broker.crash(leader).unwrap();
    assert_eq!(values(&broker), expected(0..2));
    assert_eq!(logs(dir.path(), last), logs(dir.path(), next), "the follower has cut off what the new leader has not");
    append(&broker, 2..4);
    broker.restart(leader).unwrap();
    assert_eq!(logs(dir.path(), leader), logs(dir.path(), next), "so has the old leader, once it is back");
    drop(lagging);
    let killed = killed_now(dir.path());
    assert_eq!(values(&start(killed.path())), expected(0..4));
}

#[test]
fn a_replica_that_comes_late_has_in_the_end_what_compaction_and_deletion_have_left() {
    let dir = tempfile::tempdir().unwrap();
    // The cleaner comes when it is told to, and not while files are copied.
    let configs = [("log.cleanup.policy", "compact,delete"), ("log.cleaner.backoff.ms", "9223372036854775807")];
    let (builder, clock) = three_on(dir.path()).configs(configs).manual_clock();
    let broker = builder.topic("t", 1).start().unwrap();
    let keyed = |n: i32| ProducerRecord::new(format!("v{n}")).key(format!("k{}", n % 3));
    let append = |range: std::ops::Range<i32>| {
        range.for_each(|n| _ = broker.topic("t").append(0, [keyed(n)]).unwrap());
    };
    append(0..6);
    let replicas = broker.topic("t").replicas(0).unwrap().replicas;
    let same = |late: i32| assert_eq!(logs(dir.path(), late), logs(dir.path(), replicas[0]));
    let last = replicas[2];
    for round in 0..3 {
        let cuts = [replicas[0], replicas[1]].map(|other| broker.isolate(last, other).unwrap());
        append(6..12);
        clock.advance(Duration::from_secs(40));
        comes_true("it is not waited for any more", || !broker.topic("t").replicas(0).unwrap().in_sync.contains(&last));
        append(12..30);
        match round {
            0 => broker.topic("t").compact_now().unwrap(),
            1 => _ = broker.topic("t").delete_records(0, broker.topic("t").end_offsets().unwrap()[0] - 3).unwrap(),
            _ => broker.topic("t").truncate(0, broker.topic("t").end_offsets().unwrap()[0] - 20).unwrap(),
        }
        append(30..33);
        drop(cuts);
        same(last);
        append(33..40);
        same(last);
        let killed = killed_now(dir.path());
        let again = three_on(killed.path()).start().unwrap();
        assert_eq!(values(&again), values(&broker), "round {round}");
    }
}

#[test]
fn a_directory_of_one_node_is_not_taken_by_several_and_one_of_several_is_by_fewer() {
    let dir = tempfile::tempdir().unwrap();
    on(dir.path()).start().unwrap().stop();
    let refused = start_fails(dir.path());
    assert!(refused.contains("it is the directory of one node, and these are 3"), "{refused}");

    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    append(&broker, 0..3);
    broker.stop();
    let broker = on(dir.path()).start().unwrap();
    assert_eq!(values(&broker), expected(0..3));
    assert_eq!(broker.topic("t").replicas(0).unwrap().leader, Some(1));
    append(&broker, 3..4);
    broker.stop();
    assert_eq!(values(&start(dir.path())), expected(0..4));
}

fn start_fails(dir: &Path) -> String {
    three_on(dir).start().expect_err("it is refused").to_string()
}

#[test]
fn a_directory_of_another_cluster_among_them_is_refused() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    start(dir.path()).stop();
    start(other.path()).stop();
    fs::remove_dir_all(dir.path().join("node-2")).unwrap();
    fs::rename(other.path().join("node-2"), dir.path().join("node-2")).unwrap();
    let refused = start_fails(dir.path());
    assert!(refused.contains("node-2 is of cluster"), "{refused}");
}

#[test]
fn each_node_describes_its_own_directory_with_what_its_replicas_hold() {
    let dir = tempfile::tempdir().unwrap();
    let broker = on(dir.path()).brokers(3).config("default.replication.factor", 2).topic("t", 1).start().unwrap();
    let replicas = broker.topic("t").replicas(0).unwrap().replicas;
    append(&broker, 0..2);
    let lagging = broker.lag(replicas[1], LONG).unwrap();
    append(&broker, 2..5);
    for node in 1..=3 {
        let mut client = Client::connect(&broker.node(node).unwrap().address());
        let described = client.call(4, &DescribeLogDirsRequest::default().with_topics(None)).results.remove(0);
        assert_eq!(described.log_dir.as_str(), dir.path().join(format!("node-{node}")).to_str().unwrap());
        let sizes: Vec<_> = described.topics.iter().flat_map(|topic| &topic.partitions).collect();
        if replicas.contains(&node) {
            assert_eq!(sizes[0].partition_size, i64::try_from(len(dir.path(), node)).unwrap());
        } else {
            assert!(sizes.is_empty(), "{sizes:?}");
        }
    }
    drop(lagging);
}

#[test]
fn topics_that_are_deleted_take_the_directories_of_all_replicas_along() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    broker.stop_node(3).unwrap();
    let request = DeleteTopicsRequest::default().with_topic_names(vec![name("t")]).with_timeout_ms(10_000);
    assert_eq!(Client::connect(&broker.node(1).unwrap().address()).call(4, &request).responses[0].error_code, 0);
    assert!((1..=3).all(|node| !replica(dir.path(), node).exists()));
}

/// Has the partition be on this node alone.
fn reassign(broker: &EmbeddedBroker, to: i32) {
    let partition = ReassignablePartition::default().with_replicas(Some(vec![BrokerId(to)]));
    let topic = ReassignableTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let answer = Client::connect(&broker.node(1).expect("it is there").address()).call(0, &request);
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
}

/// Which nodes have the partition, and which of them come and go.
fn moving(broker: &EmbeddedBroker) -> (Vec<i32>, Vec<i32>, Vec<i32>) {
    let mut client = Client::connect(&broker.node(1).expect("it is there").address());
    let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(10_000);
    let partitions = client.call(0, &request).topics.into_iter().flat_map(|topic| topic.partitions);
    let ids = |ids: Vec<BrokerId>| ids.into_iter().map(|id| id.0).collect();
    let moves = partitions.map(|one| (ids(one.replicas), ids(one.adding_replicas), ids(one.removing_replicas)));
    moves.last().unwrap_or_else(|| (broker.topic("t").replicas(0).expect("it is there").replicas, vec![], vec![]))
}

#[test]
fn a_move_that_a_stop_or_a_kill_has_cut_short_goes_on_and_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    let builder = |dir: &Path| on(dir).brokers(3).topic("t", 1);
    let broker = builder(dir.path()).start().unwrap();
    let from = broker.topic("t").replicas(0).unwrap().replicas[0];
    let to = from % 3 + 1;
    append(&broker, 0..4);
    let lagging = broker.lag(to, LONG).unwrap();
    reassign(&broker, to);
    append(&broker, 4..6);
    assert_eq!(moving(&broker), (vec![to, from], vec![to], vec![from]));
    assert_eq!(broker.topic("t").replicas(0).unwrap().leader, Some(from));
    let killed = killed_now(dir.path());
    broker.stop();
    drop(lagging);
    for dir in [dir.path(), killed.path()] {
        let broker = builder(dir).start().unwrap();
        assert_eq!(moving(&broker), (vec![to], vec![], vec![]));
        assert_eq!(broker.topic("t").replicas(0).unwrap().leader, Some(to));
        assert!(!replica(dir, from).exists());
        assert_eq!(values(&broker), expected(0..6));
        assert!(broker.topic("t").lost_records().unwrap().is_empty());
        append(&broker, 6..7);
        drop(broker);
        assert_eq!(values(&builder(dir).start().unwrap()), expected(0..7));
    }
}

#[test]
fn a_partition_that_moves_takes_its_files_along() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || on(dir.path()).brokers(3).topic("t", 1);
    let broker = builder().start().unwrap();
    let from = broker.topic("t").replicas(0).unwrap().replicas[0];
    append(&broker, 0..4);
    let before = logs(dir.path(), from);
    let to = from % 3 + 1;
    reassign(&broker, to);
    assert_eq!((logs(dir.path(), to), replica(dir.path(), from).exists()), (before, false));
    append(&broker, 4..5);
    let killed = killed_now(dir.path());
    broker.stop();
    for dir in [dir.path(), killed.path()] {
        let broker = on(dir).brokers(3).start().unwrap();
        assert_eq!(values(&broker), expected(0..5));
        assert_eq!(broker.topic("t").replicas(0).unwrap().replicas, [to]);
    }
}
