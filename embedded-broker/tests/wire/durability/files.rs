//! What lies in a data directory that the broker has not left there itself, or not on purpose.

use std::fs;

use super::{all, expected, killed_now, log_file, on, produce_numbered, start};
use crate::client::Client;

#[test]
fn what_a_crash_has_left_of_topics_goes_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    start(dir.path()).stop();
    let deleted = dir.path().join("gone-0.0123456789abcdef0123456789abcdef-delete");
    let unborn = dir.path().join("unborn-0");
    for left in [&deleted, &unborn] {
        fs::create_dir(left).unwrap();
        fs::write(left.join("partition.metadata"), "version: 0\ntopic_id: AvEjF2HwQKelqHG8ElH95w\n").unwrap();
        fs::write(left.join("00000000000000000000.log"), "").unwrap();
    }
    fs::write(deleted.join("00000000000000000000.log"), "records").unwrap();
    let other = dir.path().join("lost+found");
    fs::create_dir(&other).unwrap();
    start(dir.path()).stop();
    assert!(!deleted.exists() && !unborn.exists() && other.exists());
}

#[test]
fn records_of_a_topic_that_is_not_known_are_left_alone_and_a_topic_that_they_are_in_the_way_of_is_refused() {
    let from = tempfile::tempdir().unwrap();
    let broker = start(from.path());
    produce_numbered(&mut Client::of(&broker), 0..2);
    let dir = tempfile::tempdir().unwrap();
    on(dir.path()).start().unwrap().stop();
    super::copy_all(from.path().join("t-0").as_path(), &made(dir.path().join("t-0"))).unwrap();
    on(dir.path()).start().unwrap().stop();
    assert_eq!(fs::read(log_file(dir.path())).unwrap(), fs::read(log_file(from.path())).unwrap());
    let refused = on(dir.path()).topic("t", 1).start().unwrap_err().to_string();
    assert!(refused.contains("t-0") && refused.contains("it holds records and is of topic id"), "{refused}");
}

#[test]
fn segments_that_are_copied_into_the_directory_of_a_topic_are_its_records() {
    let from = tempfile::tempdir().unwrap();
    let broker = start(from.path());
    produce_numbered(&mut Client::of(&broker), 0..3);
    let left = killed_now(from.path());
    let dir = tempfile::tempdir().unwrap();
    start(dir.path()).stop();
    fs::copy(log_file(left.path()), log_file(dir.path())).unwrap();
    let broker = start(dir.path());
    let mut client = Client::of(&broker);
    assert_eq!(all(&mut client, 0), expected(0..3));
    produce_numbered(&mut client, 3..4);
}

#[test]
fn a_directory_of_another_topic_in_place_of_a_known_one_keeps_the_broker_from_starting() {
    let from = tempfile::tempdir().unwrap();
    let broker = start(from.path());
    produce_numbered(&mut Client::of(&broker), 0..1);
    let dir = tempfile::tempdir().unwrap();
    start(dir.path()).stop();
    fs::remove_dir_all(dir.path().join("t-0")).unwrap();
    super::copy_all(from.path().join("t-0").as_path(), &made(dir.path().join("t-0"))).unwrap();
    let refused = on(dir.path()).start().unwrap_err().to_string();
    assert!(refused.contains("put that id into its partition.metadata"), "{refused}");
}

fn made(dir: std::path::PathBuf) -> std::path::PathBuf {
    fs::create_dir(&dir).expect("a directory can be made");
    dir
}
