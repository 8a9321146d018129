//! A cluster that takes steps, the model that goes along, and how the two are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cluster::*;
use crate::config::layers::Configs;
use crate::coordinator::group::OffsetToCommit;
use crate::coordinator::group::classic::Identity;
use crate::error::{Error, ErrorCode};
use crate::log::tests::{TestBatch, valid_at};
use crate::log::{BatchHeader, for_each_record};
use crate::partition::{Isolation, ReadFrom, Reader};
use crate::persist::disk::Disk;
use crate::quotas::entity::NamedEntity;
use crate::replication::Election;
use crate::security::acl::binding::Acl;
use crate::security::acl::filter::{AclFilter, AsAsked};
use crate::security::acl::kinds::{Operation, PatternType, Permission, ResourceType};
use crate::topic::{NewTopic, Topic};

const NOW_MS: i64 = 2_000;
const PRODUCER: i64 = 7;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Create(usize),
    Delete(usize),
    /// Some records with keys of few.
    Append(usize, Vec<u8>),
    /// All records before this share, of 256, of what there is.
    DeleteRecords(usize, u8),
    /// Drops segments until few are left.
    Expire(usize),
    Compact(usize),
    /// Cuts off what comes after this share of 256.
    Truncate(usize, u8),
    Commit(u8),
    Quota(u8),
    Acl(u8),
    CompactState,
    /// One of the nodes but the first stops: in order, or not.
    Down(i32, bool),
    /// It is back.
    Up(i32),
    /// A node leads everything it can.
    Lead(i32),
}

/// The last one is compacted.
pub(super) const TOPICS: [&str; 3] = ["a", "b", "compacted"];

/// A topic's records by offset, and where it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TopicModel {
    start: i64,
    end: i64,
    records: BTreeMap<i64, (String, String)>,
    /// The batches of its producer: the sequence after each, where it lies, and how it was sent.
    batches: Vec<(i32, i64, Vec<u8>)>,
    /// It was cut off since the last append: of its producer it knows what is left.
    is_cut: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Model {
    topics: BTreeMap<&'static str, TopicModel>,
    committed: Option<i64>,
    quota: Option<u8>,
    acls: BTreeSet<Acl>,
}

impl TopicModel {
    /// What a reader of a compacted topic goes by.
    fn latest(&self) -> BTreeMap<&str, (i64, &str)> {
        self.records.iter().map(|(offset, (key, value))| (key.as_str(), (*offset, value.as_str()))).collect()
    }
}

fn settings() -> BrokerSettings {
    let config = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let configs = [
        ("log.flush.interval.messages", "1"),
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
    ];
    BrokerSettings::resolve(&configs.map(config).into()).unwrap()
}

pub(super) fn open(disk: Disk, path: &Path, nodes: i32) -> Result<Cluster, Error> {
    Cluster::open_on(disk, Clock::real(), settings(), (1..=nodes).map(Node::of).collect(), path)
}

fn acl(name: u8) -> Acl {
    Acl {
        resource: ResourceType::Topic,
        pattern: PatternType::Literal,
        name: name.to_string(),
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation: Operation::Read,
        permission: Permission::Allow,
    }
}

/// A replica on every node, the first of them in turn.
fn new_topic(n: usize, nodes: &[i32]) -> NewTopic {
    let name = TOPICS[n];
    let mut replicas = nodes.to_vec();
    replicas.rotate_left(n % nodes.len());
    let mut configs = Configs::from([
        ("internal.segment.bytes".to_owned(), "400".to_owned()),
        ("index.interval.bytes".to_owned(), "100".to_owned()),
        ("retention.bytes".to_owned(), "900".to_owned()),
        ("message.timestamp.type".to_owned(), "CreateTime".to_owned()),
        ("retention.ms".to_owned(), "-1".to_owned()),
    ]);
    if name == "compacted" {
        configs.insert("cleanup.policy".to_owned(), "compact".to_owned());
    }
    NewTopic { name: name.to_owned(), replicas: vec![replicas], configs }
}

/// A cluster and what it must be.
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) model: Model,
    values: u32,
}

impl World {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, model: Model::default(), values: 0 }
    }

    fn topic(&self, n: usize) -> Option<Arc<Topic>> {
        self.cluster.topics().by_name(TOPICS[n]).cloned()
    }

    /// Takes a step; the model after it is returned, whether the step succeeds or is cut short.
    pub(super) fn step(&mut self, step: &Step) -> (Model, Result<(), String>) {
        let mut after = self.model.clone();
        let text = |error: Error| error.to_string();
        let done = match step {
            Step::Create(n) => {
                after.topics.entry(TOPICS[*n]).or_default();
                match self
                    .cluster
                    .change_topics(|topics| self.cluster.add_topic(topics, new_topic(*n, &self.cluster.node_ids())))
                {
                    Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => Ok(()),
                    other => other.map(drop).map_err(text),
                }
            }
            Step::Delete(n) => {
                after.topics.remove(TOPICS[*n]);
                self.cluster.change_topics(|topics| Ok(topics.remove(TOPICS[*n]))).map(drop).map_err(text)
            }
            Step::Append(n, keys) => self.append(*n, keys, &mut after),
            Step::DeleteRecords(n, share) => self.delete_records(*n, *share, &mut after),
            Step::Expire(n) => {
                let moved = self.topic(*n).map(|topic| topic.partitions[0].expire(NOW_MS));
                self.moved(*n, moved.unwrap_or_default(), &mut after)
            }
            Step::Compact(n) => match self.topic(*n) {
                None => Ok(()),
                Some(topic) => topic.partitions[0].compact(NOW_MS, true).map(drop).map_err(|error| error.to_string()),
            },
            Step::Truncate(n, share) => self.truncate(*n, *share, &mut after),
            Step::Commit(offset) => {
                after.committed = Some(i64::from(*offset));
                self.commit(i64::from(*offset));
                Ok(())
            }
            Step::Quota(rate) => {
                after.quota = Some(*rate).filter(|rate| *rate > 0);
                let value = after.quota.map(f64::from);
                let user = NamedEntity::from([("user".to_owned(), None)]);
                let ops = vec![("producer_byte_rate".to_owned(), value)];
                self.cluster.alter_quotas(&user, &ops, false).map_err(text)
            }
            Step::Acl(name) => {
                let acls = BTreeSet::from([acl(*name), acl(name / 2)]);
                after.acls.extend(acls.iter().cloned());
                self.cluster.create_acls(self.cluster.authorizer.as_ref().unwrap(), acls).map_err(text)
            }
            Step::CompactState => self.cluster.state.compact_now().map_err(|error| error.to_string()),
            Step::Down(id, in_order) => self.take_down(*id, *in_order).map_err(text),
            Step::Up(id) => self.bring_up(*id).map_err(text),
            Step::Lead(id) => {
                let topics = self.cluster.topics();
                let partitions = topics.iter().flat_map(|topic| &topic.partitions);
                partitions.for_each(|partition| _ = self.cluster.elect(|| partition.elect(Election::Of(*id))));
                self.all_online()
            }
        };
        let done = if self.cluster.state.is_broken() { Err("the state log is broken".to_owned()) } else { done };
        (after, done)
    }

    fn take_down(&self, id: i32, in_order: bool) -> Result<(), Error> {
        if id > 1 && self.cluster.nodes().runs(id) {
            let first = if in_order { NodeState::Stopping } else { NodeState::Lost };
            for state in [first, NodeState::Down] {
                self.cluster.change_nodes(|nodes| nodes.set_state(id, state))?;
            }
        }
        self.all_online().map_err(Error::new)
    }

    fn bring_up(&self, id: i32) -> Result<(), Error> {
        if self.cluster.nodes().get(id).is_some() && !self.cluster.nodes().runs(id) {
            self.cluster.open_node_dir(id)?;
            self.cluster.change_nodes(|nodes| nodes.set_state(id, NodeState::Up))?;
        }
        self.all_online().map_err(Error::new)
    }

    /// A change of nodes has no answer that says it: a partition that cannot be kept is offline.
    fn all_online(&self) -> Result<(), String> {
        let topics = self.cluster.topics();
        let mut partitions = topics.iter().flat_map(|topic| &topic.partitions);
        partitions
            .try_for_each(|partition| partition.look(Reader::INSIDE, |_, _| ()).map_err(|code| format!("{code:?}")))
    }

    fn append(&mut self, n: usize, keys: &[u8], after: &mut Model) -> Result<(), String> {
        let (Some(topic), Some(model)) = (self.topic(n), after.topics.get_mut(TOPICS[n])) else { return Ok(()) };
        let mut record = |key: &u8| {
            self.values += 1;
            (format!("k{}", key % 4), format!("v{}", self.values))
        };
        let records: Vec<(String, String)> = keys.iter().map(&mut record).collect();
        let sequence = model.batches.last().map_or(0, |(next, ..)| *next);
        let mut batch = TestBatch::of(&[]).from(PRODUCER, 0, sequence);
        let bytes = |text: &str| Some(text.as_bytes().to_vec());
        batch.records = records.iter().map(|(key, value)| (1_000, bytes(key), bytes(value))).collect();
        let sent = batch.bytes();
        let base = model.end;
        for (record, offset) in records.into_iter().zip(base..) {
            model.records.insert(offset, record);
        }
        model.end += i64::try_from(keys.len()).unwrap();
        model.batches.push((sequence + i32::try_from(keys.len()).unwrap(), base, sent.clone()));
        model.is_cut = false;
        match topic.partitions[0].append(&valid_at(&sent, NOW_MS)) {
            Ok((appended, _)) => {
                assert_eq!((appended.base_offset, appended.duplicate), (base, false));
                Ok(())
            }
            Err(rejected) => Err(rejected.message),
        }
    }

    fn delete_records(&self, n: usize, share: u8, after: &mut Model) -> Result<(), String> {
        let (Some(topic), Some(model)) = (self.topic(n), after.topics.get_mut(TOPICS[n])) else { return Ok(()) };
        let offset = model.start + (model.end - model.start) * i64::from(share) / 255;
        model.start = offset;
        model.records.retain(|at, _| *at >= offset);
        topic.partitions[0].delete_records(None, offset).map(drop).map_err(|code| format!("{code:?}"))
    }

    /// Retention has moved the start of a log, or has tried to.
    fn moved(&self, n: usize, moved: bool, after: &mut Model) -> Result<(), String> {
        let (Some(topic), Some(model)) = (self.topic(n), after.topics.get_mut(TOPICS[n])) else { return Ok(()) };
        if moved {
            model.start = topic.partitions[0].offsets().log_start;
            let start = model.start;
            model.records.retain(|at, _| *at >= start);
        }
        topic.partitions[0].look(Reader::INSIDE, |_, _| ()).map_err(|code| format!("{code:?}"))
    }

    /// At the beginning of a batch, or at the start of the log: a batch that holds the start goes whole.
    fn truncate(&self, n: usize, share: u8, after: &mut Model) -> Result<(), String> {
        let (Some(topic), Some(model)) = (self.topic(n), after.topics.get_mut(TOPICS[n])) else { return Ok(()) };
        let from = model.start + (model.end - model.start) * i64::from(share) / 255;
        let mut bytes = Vec::new();
        let read = ReadFrom::everything(from, Isolation::ReadUncommitted);
        topic.partitions[0].read(read, &mut bytes).map_err(|code| format!("{code:?}"))?;
        let first = bytes.first().and_then(|bytes| BatchHeader::read(bytes));
        let offset = first.map_or(model.end, |header| header.base_offset.max(model.start));
        let end = std::mem::replace(&mut model.end, offset);
        model.records.retain(|at, _| *at < offset);
        let ends = model.batches.iter().skip(1).map(|(_, base, _)| *base).chain([end]);
        let kept = ends.take_while(|end| *end <= offset).count();
        model.batches.truncate(kept);
        model.is_cut = true;
        topic.partitions[0].truncate(offset).map_err(|code| format!("{code:?}"))
    }

    fn commit(&self, offset: i64) {
        self.cluster.groups.find_or_create("g").turn(&self.cluster, |group, turn| {
            let identity = Identity { member_id: "", instance_id: None, generation: -1 };
            group.validate_commit(identity, 8, turn).unwrap();
            let commit = OffsetToCommit {
                topic: "offsets",
                partition: 0,
                offset,
                leader_epoch: -1,
                metadata: "",
                retention: None,
            };
            group.commit_offset(&commit, turn).unwrap();
        });
    }
}

/// What a cluster says it has, without what only a model knows.
pub(super) fn observe(cluster: &Cluster) -> Model {
    let mut seen = Model::default();
    for topic in cluster.topics().iter() {
        let partition = &topic.partitions[0];
        let offsets = partition.offsets();
        let mut bytes = Vec::new();
        let everything = ReadFrom::everything(offsets.log_start, Isolation::ReadUncommitted);
        partition.read(everything, &mut bytes).unwrap();
        let mut model = TopicModel { start: offsets.log_start, end: offsets.high_watermark, ..TopicModel::default() };
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
        for_each_record(&bytes.concat(), |at| {
            let before = model.records.insert(at.offset, (text(at.record.key), text(at.record.value)));
            assert_eq!(before, None, "an offset that is there twice");
            true
        })
        .unwrap();
        model.records.retain(|at, _| *at >= offsets.log_start);
        let name = TOPICS.into_iter().find(|name| *name == &*topic.name).unwrap();
        seen.topics.insert(name, model);
    }
    let group = cluster.groups.find("g");
    seen.committed = group.and_then(|cell| cell.look(|group| group.offsets.get("offsets", 0).map(|one| one.offset)));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the test's own small numbers")]
    let rate = |values: &crate::quotas::entity::Values| values["producer_byte_rate"] as u8;
    seen.quota = cluster.quotas.all().values().next().map(rate);
    let all = AsAsked { resource: 1, name: None, pattern: 1, principal: None, host: None, operation: 1, permission: 1 };
    let acls = cluster.authorizer.as_ref().unwrap().describe(&AclFilter::of(all).unwrap());
    seen.acls = acls.into_iter().collect();
    seen
}

/// Whether what is there is what the model says; compaction may have taken records with later ones of their keys.
pub(super) fn is(seen: &Model, model: &Model) -> bool {
    let same_topic = |(name, seen): (&&str, &TopicModel)| {
        let Some(model) = model.topics.get(name) else { return false };
        let same_records = match *name {
            "compacted" => {
                seen.latest() == model.latest()
                    && seen.records.iter().all(|one| model.records.get_key_value(one.0) == Some(one))
            }
            _ => seen.records == model.records,
        };
        (seen.start, seen.end) == (model.start, model.end) && same_records
    };
    seen.topics.len() == model.topics.len()
        && seen.topics.iter().all(same_topic)
        && (seen.committed, seen.quota, &seen.acls) == (model.committed, model.quota, &model.acls)
}

/// The producer's last batch is known, and its next one is taken.
pub(super) fn goes_on(cluster: &Cluster, model: &Model) {
    for (name, topic) in &model.topics {
        let Some((next, base, sent)) = topic.batches.last() else { continue };
        if topic.is_cut && *base < topic.start {
            continue;
        }
        let partition = Arc::clone(&cluster.topics().by_name(name).unwrap().partitions[0]);
        let (repeated, _) = partition.append(&valid_at(sent, NOW_MS)).unwrap();
        assert_eq!((repeated.base_offset, repeated.duplicate), (*base, true), "{name}");
        let mut batch = TestBatch::of(&["x"]).from(PRODUCER, 0, *next);
        batch.records[0].1 = Some(b"k0".to_vec());
        let (appended, _) = partition.append(&valid_at(&batch.bytes(), NOW_MS)).unwrap();
        assert_eq!((appended.base_offset, appended.duplicate), (topic.end, false), "{name}");
    }
}
