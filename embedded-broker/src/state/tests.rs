use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::config::layers::Configs;
use crate::coordinator::group::offsets::CommittedOffset;
use crate::coordinator::group::record::GroupRecord;
use crate::coordinator::transaction::record::{Metadata, TransactionRecord};
use crate::persist::disk::{Disk, DiskFault};
use crate::quotas::entity::{Entity, EntityType, Name, Values};
use crate::replication::{Assignment, Remembered};
use crate::security::acl::binding::Acl;
use crate::security::acl::kinds::{Operation, PatternType, Permission, ResourceType};
use crate::security::sasl::scram::ScramHash;
use crate::security::sasl::scram::credentials::{ScramChange, ScramCredential};

fn configs(value: &str) -> Configs {
    BTreeMap::from([("retention.ms".to_owned(), value.to_owned())])
}

fn topic(id: u128, partitions: usize) -> StateRecord {
    StateRecord::Topic(TopicFacts {
        id: Uuid::from_u128(id),
        name: format!("t{id}").into(),
        replicas: vec![vec![1]; partitions],
        moving: BTreeMap::new(),
        configs: configs("5"),
    })
}

fn replicas(topic: u128, leader_epoch: i32) -> StateRecord {
    let remembered = Remembered { leader_epoch, ..Remembered::of_new(Assignment::of(vec![1, 2])) };
    StateRecord::Replicas { topic: Uuid::from_u128(topic), partition: 0, remembered }
}

fn commit(offset: i64) -> StateRecord {
    let offset =
        CommittedOffset { offset, leader_epoch: 3, metadata: "note".into(), committed_ms: 7, expires_ms: Some(9) };
    let record = GroupRecord::OffsetCommitted { topic: "t1".into(), partition: 0, offset };
    StateRecord::Group { id: "g".into(), record }
}

fn transaction(id: &str, record: TransactionRecord) -> StateRecord {
    StateRecord::Transaction { id: id.into(), record }
}

fn quotas(user: &str, rate: Option<f64>) -> StateRecord {
    let client = (EntityType::ClientId, Name::Default);
    let entity = Entity::from([(EntityType::User, Name::Exact(user.to_owned())), client]);
    let values: Values = rate.into_iter().map(|rate| ("producer_byte_rate".to_owned(), rate)).collect();
    StateRecord::ClientQuotas { entity, values }
}

fn scram(hash: ScramHash, iterations: Option<u32>) -> StateRecord {
    let credential = iterations.map(|iterations| ScramCredential {
        salt: b"salt".to_vec(),
        iterations,
        stored_key: vec![1, 200],
        server_key: vec![2; 64],
    });
    StateRecord::ScramCredential(ScramChange { user: "alice".to_owned(), hash, credential })
}

fn acl(name: &str) -> Acl {
    Acl {
        resource: ResourceType::Topic,
        pattern: PatternType::Prefixed,
        name: name.to_owned(),
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation: Operation::Read,
        permission: Permission::Allow,
    }
}

fn feature(name: &str, level: i16) -> StateRecord {
    StateRecord::FeatureLevel { name: name.to_owned(), level }
}

fn history_of_access() -> Vec<StateRecord> {
    vec![
        quotas("u", Some(1.0)),
        quotas("u", Some(2.5)),
        quotas("gone", Some(1.0)),
        quotas("gone", None),
        scram(ScramHash::Sha256, Some(4096)),
        scram(ScramHash::Sha512, Some(4096)),
        scram(ScramHash::Sha256, None),
        scram(ScramHash::Sha512, Some(8192)),
        StateRecord::Acl(acl("orders")),
        StateRecord::Acl(acl("gone")),
        StateRecord::Acl(acl("orders")),
        StateRecord::AclRemoved(acl("gone")),
        feature("group.version", 1),
        feature("group.version", 0),
    ]
}

fn history() -> Vec<StateRecord> {
    vec![
        topic(1, 1),
        topic(2, 1),
        StateRecord::BrokerConfigs { node: Some(1), configs: configs("1") },
        StateRecord::BrokerConfigs { node: None, configs: configs("2") },
        StateRecord::GroupConfigs { group: "g".to_owned(), configs: configs("3") },
        StateRecord::ClientMetrics { name: "gone".to_owned(), configs: configs("4") },
        StateRecord::ClientMetrics { name: "gone".to_owned(), configs: Configs::new() },
        StateRecord::ProducerIds { next: 1000 },
        commit(1),
        commit(2),
        StateRecord::Group { id: "dead".into(), record: GroupRecord::Deleted },
        topic(1, 3),
        StateRecord::TopicDeleted(Uuid::from_u128(2)),
        transaction("x", TransactionRecord::Metadata(Metadata::new(5, 1))),
        transaction("x", TransactionRecord::Metadata(Metadata::new(6, 2))),
        transaction("gone", TransactionRecord::Metadata(Metadata::new(7, 3))),
        transaction("gone", TransactionRecord::Expired),
        replicas(1, 4),
        replicas(1, 5),
        topic(3, 1),
        replicas(3, 1),
        StateRecord::TopicDeleted(Uuid::from_u128(3)),
    ]
}

fn facts_of(records: impl IntoIterator<Item = StateRecord>) -> Vec<StateRecord> {
    let mut image = StateImage::default();
    records.into_iter().for_each(|record| image.replay(record));
    image.facts()
}

#[test]
fn an_image_says_the_last_of_each_thing_and_nothing_of_what_is_gone() {
    let facts = facts_of(history());
    let kept = [11, 18, 3, 2, 4, 7, 9, 14].map(|index: usize| history()[index].clone());
    assert_eq!(facts, kept);
    assert_eq!(facts_of(facts.clone()), facts, "an image of its own facts");
}

#[test]
fn of_quotas_credentials_acls_and_features_an_image_says_what_is_left() {
    let facts = facts_of(history_of_access());
    let kept = [1, 7, 8, 13].map(|index: usize| history_of_access()[index].clone());
    assert_eq!(facts[..4], kept);
    assert_eq!(facts_of(facts.clone()), facts, "an image of its own facts");
}

#[test]
fn every_fact_is_the_same_after_it_was_written_down() {
    for fact in history().into_iter().chain(history_of_access()) {
        assert_eq!(StateRecord::decode(&fact.encode().unwrap()).unwrap(), fact);
    }
}

#[test]
fn facts_come_back_when_the_store_is_opened_again_also_after_it_was_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = StateStore::open(dir.path(), Disk::default(), false).unwrap();
    store.keep(history).unwrap();
    // Enough of the same for the log to be worth it.
    for _ in 0..20_000 {
        store.keep(|| [commit(5)]).unwrap();
    }
    store.compact_if_long().unwrap();
    store.keep(|| [commit(6)]).unwrap();
    store.keep(history_of_access).unwrap();
    let whole = facts_of(history().into_iter().chain([commit(6)]).chain(history_of_access()));
    drop(store);
    let (_, image) = StateStore::open(dir.path(), Disk::default(), false).unwrap();
    assert_eq!(image.facts(), whole);
    let len: u64 = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(len < 20_000, "{len} bytes after compaction");
}

#[test]
fn without_a_data_directory_facts_are_not_even_made() {
    let store = StateStore::default();
    store.keep(|| -> Vec<StateRecord> { panic!("nobody asked") }).unwrap();
}

#[test]
fn a_fact_that_could_not_be_kept_breaks_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let (store, _) = StateStore::open(dir.path(), disk.clone(), false).unwrap();
    disk.set_fault(Some(DiskFault::Full));
    let refused = store.keep(history).unwrap_err();
    assert_eq!(refused.code(), Some(crate::error::ErrorCode::KafkaStorageError));
    assert!(store.is_broken());
}

#[test]
fn what_a_newer_version_wrote_is_an_error_and_not_skipped() {
    let refused = StateRecord::decode(b"\x81\xa6Future\xc0").unwrap_err();
    assert!(refused.to_string().contains("does not understand"), "{refused}");
}
