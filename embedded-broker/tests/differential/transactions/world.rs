//! One broker in one sequence: what its producers believe.

use std::collections::{HashMap, HashSet};

use kafka_protocol::messages::{
    DescribeTransactionsRequest, FindCoordinatorRequest, GroupId, ProducerId, TopicName, TransactionalId,
};
use kafka_protocol::protocol::Request;
use uuid::Uuid;

use super::step::{IDS, PARTITIONS, PRODUCERS, Step, id_of};
use crate::client::Client;
use crate::compare::Answer;
use crate::names::Names;
use crate::patience::{ask_until, comes_true};
use crate::shown;
use crate::target::Target;
use crate::topics::{self, text, unique};

pub(crate) struct Ground {
    target: Target,
}

const MAX_TIMESTAMP: i64 = -3;

impl Ground {
    pub(super) fn new(target: Target) -> Self {
        // Before any broker puts in a time.
        shown::present();
        Self { target }
    }
}

pub(crate) struct World {
    pub(super) client: Client,
    pub(super) names: Names,
    pub(super) topic: String,
    pub(super) topic_id: Uuid,
    pub(super) group: String,
    /// The transactional ids, and one that nobody has used.
    pub(super) ids: Vec<String>,
    pub(super) producers: Vec<Producer>,
    /// Partitions whose first records were deleted.
    pub(super) cut: HashSet<i32>,
    /// Producer ids in the order in which they were first seen.
    seen: Vec<i64>,
    requests: usize,
}

/// What a producer believes of itself.
pub(super) struct Producer {
    pub(super) id: i64,
    pub(super) epoch: i16,
    /// The next sequence, by partition.
    pub(super) sequences: HashMap<i32, i32>,
}

impl Producer {
    /// It has this id and epoch from now on.
    pub(super) fn is_now(&mut self, id: i64, epoch: i16) {
        if (id, epoch) != (self.id, self.epoch) {
            (self.id, self.epoch) = (id, epoch);
            self.sequences.clear();
        }
    }
}

impl World {
    pub(super) fn new(ground: &Ground) -> Self {
        let mut client = ground.target.connect();
        let (topic, group) = (unique("topic"), unique("group"));
        let ids: Vec<_> = (0..=IDS).map(|_| unique("txn")).collect();
        let topic_id = topics::create(&mut client, &topic, PARTITIONS);
        topics::await_partitions(&mut client, &topic, PARTITIONS);
        let mut names = Names::default();
        names.learn(&topic, "the topic");
        names.learn(&topic_id.to_string(), "id of the topic");
        names.learn(&group, "the group");
        ids.iter().enumerate().for_each(|(number, id)| names.learn(id, format!("transactional id {number}")));
        let nobody = |_| Producer { id: -1, epoch: -1, sequences: HashMap::new() };
        let producers = (0..PRODUCERS).map(nobody).collect();
        let mut world = Self {
            client,
            names,
            topic,
            topic_id,
            group,
            ids,
            producers,
            cut: HashSet::new(),
            seen: Vec::new(),
            requests: 0,
        };
        world.await_coordinators();
        world
    }

    /// A real broker makes the topics of its coordinators when it is first asked for one.
    fn await_coordinators(&mut self) {
        for (kind, keys) in [(0, vec![text(&self.group)]), (1, self.ids.iter().map(|id| text(id)).collect())] {
            let find = FindCoordinatorRequest::default().with_key_type(kind).with_coordinator_keys(keys);
            comes_true("the coordinators are found", || {
                self.client.call(6, &find).coordinators.iter().all(|found| found.error_code == 0)
            });
        }
        let ids = (0..self.ids.len()).map(|id| self.transactional_id(id)).collect();
        let describe = DescribeTransactionsRequest::default().with_transactional_ids(ids);
        comes_true("the coordinators are ready", || {
            self.client.call(0, &describe).transaction_states.iter().all(|one| !is_absent(one.error_code))
        });
        ask_until(|| self.stable_offsets_code(), |code| !is_absent(*code));
    }

    pub(super) fn step(&mut self, step: &Step) -> Vec<Answer> {
        let request = self.requests;
        self.requests += 1;
        let text = self.act(step);
        vec![Answer { request, text: self.names.replace(&text) }]
    }

    fn act(&mut self, step: &Step) -> String {
        match *step {
            Step::Init { producer, version, as_known, timeout_ms } => {
                self.init(producer, version, as_known, timeout_ms)
            }
            Step::InitIdempotent { version } => self.init_idempotent(version),
            Step::AddPartitions { producer, version, epoch, ref partitions, verify_only } => {
                self.add_partitions(producer, version, epoch, partitions, verify_only)
            }
            Step::AddOffsets { producer, version, epoch } => self.add_offsets(producer, version, epoch),
            Step::End { producer, version, epoch, commit } => self.end(producer, version, epoch, commit),
            Step::Produce(produce) => self.produce(produce),
            Step::Stage(stage) => self.stage(stage),
            Step::Fetch { version, isolation, partition, offset } => self.fetch(version, isolation, partition, offset),
            // Of the highest time a real broker tells also if its record was deleted, as long as the segment is there.
            Step::ListOffsets { partition, time: MAX_TIMESTAMP, .. } if self.cut.contains(&partition) => String::new(),
            Step::ListOffsets { isolation, partition, time } => self.list_offsets(isolation, partition, time),
            Step::DeleteRecords { partition, offset } => self.delete_records(partition, offset),
            // Nobody's transaction is ended in any epoch.
            Step::Mark { producer, .. } if self.producers[producer].id < 0 => String::new(),
            Step::Mark { producer, epoch, coordinator, commit, partition } => {
                self.mark(producer, epoch, coordinator, commit, partition)
            }
            Step::DescribeProducers { partition } => self.describe_producers(partition),
            Step::DescribeTransactions { id } => self.describe_transactions(id),
            Step::ListTransactions { version, ref states, producer, pattern } => {
                self.list_transactions(version, states, producer, pattern)
            }
            Step::CommitOffset { version, partition, offset } => self.commit_offset(version, partition, offset),
            Step::FetchOffsets { version, all, stable } => self.fetch_offsets(version, all, stable),
            Step::DeleteOffset { partition } => self.delete_offset(partition),
            Step::DeleteGroup { version } => self.delete_group(version),
            Step::ListGroups { version } => self.list_groups(version),
        }
    }

    /// What a producer id is called.
    pub(super) fn called(&mut self, id: i64) -> String {
        if id < 0 {
            return id.to_string();
        }
        let known = self.seen.iter().position(|known| *known == id);
        let at = known.unwrap_or_else(|| {
            self.seen.push(id);
            self.seen.len() - 1
        });
        format!("producer id {at}")
    }

    /// Id and epoch of a producer, with this added to the epoch.
    pub(super) fn identity(&self, producer: usize, epoch: i16) -> (ProducerId, i16) {
        let known = &self.producers[producer];
        (ProducerId(known.id), known.epoch.saturating_add(epoch))
    }

    pub(super) fn transactional_id(&self, id: usize) -> TransactionalId {
        TransactionalId(text(&self.ids[id]))
    }

    pub(super) fn id_of(&self, producer: usize) -> TransactionalId {
        self.transactional_id(id_of(producer))
    }

    pub(super) fn group_id(&self) -> GroupId {
        GroupId(text(&self.group))
    }

    pub(super) fn topic_name(&self) -> TopicName {
        topics::name(&self.topic)
    }

    pub(super) fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        self.client.call(version, request)
    }
}

/// Whether a coordinator is not there yet.
fn is_absent(code: i16) -> bool {
    matches!(code, 14..=16)
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            topics::delete(&mut self.client, &self.topic);
        }
    }
}
