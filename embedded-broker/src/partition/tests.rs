//! Partitions whose directory says something that no broker wrote.

use std::fs;

use super::*;
use crate::clock::Clock;
use crate::cluster::{Cluster, Node};
use crate::log::BatchHeader;
use crate::log::tests::{TestBatch, valid};
use crate::persist::disk::DiskFault;
use crate::settings::BrokerSettings;

fn open(path: &std::path::Path) -> Cluster {
    Cluster::open(Clock::real(), BrokerSettings::default(), vec![Node::of(1)], path).unwrap()
}

fn append(partition: &Partition) -> i64 {
    partition.append(&valid(&TestBatch::of(&["v"]).bytes())).unwrap().0.base_offset
}

#[test]
fn a_log_in_the_last_epoch_there_is_goes_on_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = open(dir.path());
    append(&cluster.auto_create_topic("t").unwrap().partitions[0]);
    drop(cluster);
    let checkpoint = dir.path().join("t-0/leader-epoch-checkpoint");
    fs::write(checkpoint, format!("0\n1\n{} 0\n", i32::MAX)).unwrap();
    for round in 1..3 {
        let cluster = open(dir.path());
        let partition = Arc::clone(&cluster.topics().by_name("t").unwrap().partitions[0]);
        assert_eq!((append(&partition), append(&partition)), (round, round + 1));
        partition.truncate(round + 1).unwrap();
        let mut read = Vec::new();
        partition.read(ReadFrom::everything(round, Isolation::ReadUncommitted), &mut read).unwrap();
        let header = BatchHeader::read(&read.concat()).unwrap();
        assert_eq!((header.base_offset, header.leader_epoch), (round, i32::MAX));
        assert_eq!(
            partition.look(Reader { leader_epoch: i32::MAX, ..Reader::INSIDE }, |log, _| log.end_offset()).unwrap(),
            round + 1
        );
    }
}

#[test]
fn producers_whose_segments_a_recovery_drops_are_known_to_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = open(dir.path());
    let topic = cluster.auto_create_topic("t").unwrap();
    topic.partitions[0].append(&valid(&TestBatch::of(&["v"]).from(7, 0, 0).bytes())).unwrap();
    drop((topic, cluster));
    fs::write(dir.path().join("t-0/log-start-offset"), "900\n").unwrap();
    fs::write(dir.path().join(format!("t-0/{:020}.log", 900)), "").unwrap();
    for _ in 0..3 {
        let cluster = open(dir.path());
        let producers = cluster.topics().by_name("t").unwrap().partitions[0]
            .look(Reader::INSIDE, |log, _| log.producers().entries());
        let known: Vec<_> = producers.unwrap().iter().map(|entry| (entry.producer_id, entry.last_sequence)).collect();
        assert_eq!(known, [(7, 0)]);
    }
}

#[test]
fn nothing_more_becomes_of_a_partition_that_is_offline() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = open(dir.path());
    let partition = Arc::clone(&cluster.auto_create_topic("t").unwrap().partitions[0]);
    assert_eq!((append(&partition), append(&partition)), (0, 1));
    let disk = cluster.disk_of(None).unwrap();
    disk.set_fault(Some(DiskFault::Full));
    partition.append(&valid(&TestBatch::of(&["lost"]).bytes())).unwrap_err();
    disk.set_fault(None);
    // In memory there is a batch that the directory lacks: what is done to the one must not be done to the other.
    assert_eq!(partition.delete_records(None, 3), Err(ErrorCode::KafkaStorageError));
    assert_eq!(partition.truncate(1), Err(ErrorCode::KafkaStorageError));
    assert!(!partition.expire(i64::MAX));
    drop((partition, cluster));
    let partition = Arc::clone(&open(dir.path()).topics().by_name("t").unwrap().partitions[0]);
    assert_eq!(partition.look(Reader::INSIDE, |log, _| (log.start_offset(), log.end_offset())), Ok((0, 2)));
}
