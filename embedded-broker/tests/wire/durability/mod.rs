//! A broker with a data directory: stopped, killed, cut off, and with a disk that fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedded_broker::{DiskFault, EmbeddedBroker, EmbeddedBrokerBuilder, ErrorCode, Flush};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeConfigsRequest, GroupId, IncrementalAlterConfigsRequest,
    InitProducerIdRequest, OffsetCommitRequest, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

mod access;
mod failing_nodes;
mod files;
mod nodes;
mod transactions;

use crate::client::Client;
use crate::records::*;

const SMALL_SEGMENTS: (&str, &str) = ("internal.segment.bytes", "300");

fn on(dir: &Path) -> EmbeddedBrokerBuilder {
    EmbeddedBroker::builder().data_dir(dir)
}

fn start(dir: &Path) -> EmbeddedBroker {
    on(dir).topic("t", 2).start().expect("the broker starts")
}

/// What a broker that is killed at this moment leaves behind.
fn killed_now(running: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary directory");
    copy_all(running, copy.path()).expect("files can be copied");
    copy
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn all(client: &mut Client, partition: i32) -> Vec<(i64, String)> {
    let fetched = fetch(client, "t", partition, 0);
    assert_eq!(fetched.error_code, 0);
    values(&fetched.records.unwrap_or_default())
}

fn expected(offsets: std::ops::Range<i64>) -> Vec<(i64, String)> {
    offsets.map(|offset| (offset, format!("v{offset}"))).collect()
}

fn produce_numbered(client: &mut Client, offsets: std::ops::Range<i64>) {
    for offset in offsets {
        let answer = produce(client, "t", 0, batch(&[&format!("v{offset}")], NOBODY));
        assert_eq!((answer.error_code, answer.base_offset), (0, offset));
    }
}

/// Sets configs of the topic.
fn configure(client: &mut Client, configs: &[(&'static str, &'static str)]) {
    let text = StrBytes::from_static_str;
    let config = |&(key, value): &(&'static str, &'static str)| {
        AlterableConfig::default().with_name(text(key)).with_value(Some(text(value)))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("t"))
        .with_configs(configs.iter().map(config).collect());
    let answer = client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]));
    assert_eq!(answer.responses[0].error_code, 0);
}

fn commit(client: &mut Client, offset: i64) {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(StrBytes::from_static_str("noted")));
    let topic = OffsetCommitRequestTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("g")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    assert_eq!(client.call(8, &request).topics[0].partitions[0].error_code, 0);
}

/// A producer id and its epoch.
fn producer(client: &mut Client, transactional_id: Option<&'static str>) -> (i64, i16) {
    let transactional_id = transactional_id.map(|id| TransactionalId(StrBytes::from_static_str(id)));
    let request = InitProducerIdRequest::default()
        .with_transactional_id(transactional_id)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let answer = client.call(4, &request);
    assert_eq!(answer.error_code, 0);
    (answer.producer_id.0, answer.producer_epoch)
}

fn committed(broker: &EmbeddedBroker) -> Option<i64> {
    broker.group("g").committed().values().next().map(|committed| committed.offset)
}

fn log_file(dir: &Path) -> PathBuf {
    dir.join("t-0").join("00000000000000000000.log")
}

#[test]
fn a_broker_that_was_stopped_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    let id = topic_id(&mut client, "t");
    produce_numbered(&mut client, 0..3);
    commit(&mut client, 2);
    let first_pid = producer(&mut client, None).0;
    broker.stop();

    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    assert_eq!(topic_id(&mut client, "t"), id);
    assert_eq!(all(&mut client, 0), expected(0..3));
    assert_eq!(committed(&broker), Some(2));
    let next_pid = producer(&mut client, None).0;
    assert!(next_pid > first_pid && first_pid >= 0, "{next_pid} after {first_pid}");
    produce_numbered(&mut client, 3..5);
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [5, 0]);
}

#[test]
fn a_broker_that_was_killed_has_everything_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let broker = on(dir.path()).flush(Flush::Always).topic("t", 2).start().unwrap();
    let mut client = Client::of(&broker);
    for round in 0..5 {
        produce_numbered(&mut client, round * 4..round * 4 + 4);
        commit(&mut client, round);
        let left = killed_now(dir.path());
        let again = start(left.path());
        assert_eq!(all(&mut Client::of(&again), 0), expected(0..round * 4 + 4));
        assert_eq!(committed(&again), Some(round));
    }
}

#[test]
fn a_repeated_batch_is_known_after_a_restart_also_when_its_records_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    let sent = [batch(&["a", "b"], (70, 3, 0)), batch(&["c"], (70, 3, 2))];
    for records in &sent {
        assert_eq!(produce(&mut client, "t", 0, records.clone()).error_code, 0);
    }
    let asked = DeleteRecordsPartition::default().with_partition_index(0).with_offset(-1);
    let topic = DeleteRecordsTopic::default().with_name(name("t")).with_partitions(vec![asked]);
    for delete_first in [false, true] {
        if delete_first {
            let request = DeleteRecordsRequest::default().with_topics(vec![topic.clone()]);
            assert_eq!(client.call(2, &request).topics[0].partitions[0].low_watermark, 3);
        }
        let left = killed_now(dir.path());
        let again = start(left.path());
        let mut client = Client::of(&again);
        assert_eq!(fetch(&mut client, "t", 0, 3).log_start_offset, if delete_first { 3 } else { 0 });
        let repeated = produce(&mut client, "t", 0, sent[1].clone());
        assert_eq!((repeated.error_code, repeated.base_offset), (0, 2));
        let gap = produce(&mut client, "t", 0, batch(&["z"], (70, 3, 9)));
        assert_eq!(gap.error_code, ErrorCode::OutOfOrderSequenceNumber.code());
    }
}

#[test]
fn a_torn_tail_is_cut_off_and_whole_batches_stay() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    produce_numbered(&mut Client::of(&broker), 0..3);
    let whole = fs::read(log_file(dir.path())).unwrap();
    let batch_len = whole.len() / 3;
    for cut in [whole.len() - 1, 2 * batch_len + 1, batch_len, 1] {
        let left = killed_now(dir.path());
        fs::write(log_file(left.path()), &whole[..cut]).unwrap();
        let again = start(left.path());
        let mut client = Client::of(&again);
        let kept = i64::try_from(cut / batch_len).unwrap();
        assert_eq!(all(&mut client, 0), expected(0..kept));
        produce_numbered(&mut client, kept..kept + 1);
    }
    let mut flipped = whole;
    flipped[batch_len + 65] ^= 1;
    let left = killed_now(dir.path());
    fs::write(log_file(left.path()), flipped).unwrap();
    assert_eq!(all(&mut Client::of(&start(left.path())), 0), expected(0..1), "a checksum that does not hold");
}

#[test]
fn configs_and_deleted_topics_stay_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let broker = on(dir.path()).topic("t", 1).topic("gone", 1).start().unwrap();
    let mut client = Client::of(&broker);
    let text = StrBytes::from_static_str;
    let config = AlterableConfig::default().with_name(text("retention.ms")).with_value(Some(text("777")));
    let resource =
        AlterConfigsResource::default().with_resource_type(2).with_resource_name(text("t")).with_configs(vec![config]);
    client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]));
    let delete = DeleteTopicsRequest::default().with_topic_names(vec![name("gone")]).with_timeout_ms(1000);
    assert_eq!(client.call(5, &delete).responses[0].error_code, 0);
    assert!(!dir.path().join("gone-0").exists());

    let left = killed_now(dir.path());
    let again = on(left.path()).start().unwrap();
    let asked = kafka_protocol::messages::describe_configs_request::DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_static_str("t"))
        .with_configuration_keys(Some(vec![StrBytes::from_static_str("retention.ms")]));
    let described = Client::of(&again).call(4, &DescribeConfigsRequest::default().with_resources(vec![asked]));
    assert_eq!(described.results[0].configs[0].value.as_deref(), Some("777"));
    assert!(again.topic("gone").end_offsets().is_err());
}

#[test]
fn segments_roll_are_dropped_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    configure(&mut client, &[SMALL_SEGMENTS, ("retention.bytes", "500")]);
    produce_numbered(&mut client, 0..20);
    let logs = |dir: &Path| {
        let files = fs::read_dir(dir.join("t-0")).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "log")).count()
    };
    let before = logs(dir.path());
    assert!(before >= 5, "{before} segments");
    broker.topic("t").expire_now().unwrap();
    assert!(logs(dir.path()) < before);
    let start_offset = fetch(&mut client, "t", 0, 20).log_start_offset;
    assert!(start_offset > 0);

    let left = killed_now(dir.path());
    let again = start(left.path());
    let mut client = Client::of(&again);
    let fetched = fetch(&mut client, "t", 0, start_offset);
    assert_eq!(fetched.log_start_offset, start_offset);
    assert_eq!(values(&fetched.records.unwrap()), expected(start_offset..20));
    produce_numbered(&mut client, 20..22);
}

#[test]
fn a_compacted_log_is_the_same_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    configure(&mut client, &[SMALL_SEGMENTS, ("cleanup.policy", "compact")]);
    for n in 0..30 {
        let answer = produce(&mut client, "t", 0, keyed_batch(&format!("k{}", n % 3), &format!("v{n}")));
        assert_eq!(answer.error_code, 0);
    }
    broker.topic("t").compact_now().unwrap();
    let compacted = all(&mut client, 0);
    assert_eq!(compacted, [27, 28, 29].map(|n| (n, format!("v{n}"))));
    assert_eq!(produce(&mut client, "t", 0, keyed_batch("k0", "v30")).base_offset, 30);
    let left = killed_now(dir.path());
    let again = start(left.path());
    let mut client = Client::of(&again);
    assert_eq!(all(&mut client, 0), [27, 28, 29, 30].map(|n| (n, format!("v{n}"))));
    assert_eq!(produce(&mut client, "t", 0, keyed_batch("k0", "v31")).base_offset, 31);
}

#[test]
fn a_full_disk_takes_the_partition_offline_and_a_restart_brings_back_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    produce_numbered(&mut client, 0..2);
    let full = broker.fail_disk(DiskFault::Full);
    let refused = produce(&mut client, "t", 0, batch(&["lost"], NOBODY));
    assert_eq!(refused.error_code, ErrorCode::KafkaStorageError.code());
    drop(full);
    assert_eq!(fetch(&mut client, "t", 0, 0).error_code, ErrorCode::KafkaStorageError.code());
    assert_eq!(produce(&mut client, "t", 1, batch(&["other"], NOBODY)).error_code, 0, "the other partition goes on");
    broker.stop();
    let broker = start(dir.path());
    assert_eq!(all(&mut Client::of(&broker), 0), expected(0..2));
}

#[test]
fn a_commit_that_cannot_be_written_is_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let broker = on(dir.path()).flush(Flush::Always).topic("t", 1).start().unwrap();
    let mut client = Client::of(&broker);
    commit(&mut client, 5);
    let _fails = broker.fail_disk(DiskFault::SyncFails);
    let partition = OffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(6);
    let topic = OffsetCommitRequestTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("g")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    client.send(8, &request);
    assert!(client.is_closed());
    let left = killed_now(dir.path());
    assert_eq!(committed(&on(left.path()).start().unwrap()), Some(5));
}

#[test]
fn a_directory_has_one_broker_at_a_time_and_says_what_is_wrong_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let _first = start(dir.path());
    let refused = on(dir.path()).start().unwrap_err().to_string();
    assert!(
        refused.contains("another broker has it") && refused.contains(&dir.path().display().to_string()),
        "{refused}"
    );
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(on(&file).start().is_err());
}

#[test]
fn an_interval_flushes_with_the_first_batch_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (builder, clock) = on(dir.path()).flush(Flush::Interval(Duration::from_secs(5))).topic("t", 1).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let then = 1_700_000_000_000;
    // The first batch writes down that an epoch begins, which the disk confirms at once.
    assert_eq!(produce(&mut client, "t", 0, batch_at(&[(then, "first")], NOBODY)).error_code, 0);
    let _fails = broker.fail_disk(DiskFault::SyncFails);
    assert_eq!(produce(&mut client, "t", 0, batch_at(&[(then, "early")], NOBODY)).error_code, 0);
    clock.advance(Duration::from_secs(5));
    let late = produce(&mut client, "t", 0, batch_at(&[(then, "late")], NOBODY));
    assert_eq!(late.error_code, ErrorCode::KafkaStorageError.code());
}
