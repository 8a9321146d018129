//! One broker in one sequence: its topics, the producers' sequences and the fetch session.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use kafka_protocol::messages::{FetchRequest, TopicName};
use kafka_protocol::protocol::Request;
use uuid::Uuid;

use super::step::{FORMER, PARTITIONS, Step, TOPICS};
use crate::client::Client;
use crate::compare::Answer;
use crate::names::Names;
use crate::shown;
use crate::target::Target;
use crate::topics::{self, Barrier};

/// What all sequences of a thread share.
pub(crate) struct Ground {
    target: Target,
    barrier: Rc<Barrier>,
}

impl Ground {
    pub(super) fn new(target: Target) -> Self {
        // Before any broker puts in a time.
        shown::present();
        let barrier = Rc::new(Barrier::new(&mut target.connect()));
        Self { target, barrier }
    }
}

pub(crate) struct World {
    pub(super) client: Client,
    pub(super) barrier: Rc<Barrier>,
    pub(super) names: Names,
    pub(super) topics: Vec<Topic>,
    /// The id of topic 0 before it was deleted.
    pub(super) former: Uuid,
    /// What each producer has sent, by topic, partition and producer.
    pub(super) sent: HashMap<(usize, i32, usize), Sent>,
    /// Partitions whose first records were deleted.
    pub(super) cut: HashSet<(usize, i32)>,
    /// The fetch session: its id and next epoch.
    pub(super) session: (i32, i32),
    requests: usize,
}

pub(super) struct Topic {
    pub(super) name: String,
    /// Nil if it is not there.
    pub(super) id: Uuid,
    pub(super) partitions: i32,
    /// How many ids it had.
    pub(super) ids: usize,
}

/// What one producer has written to one partition.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) epoch: i16,
    /// First sequence and number of records, the oldest first.
    pub(super) batches: Vec<(i32, i32)>,
}

/// The id of a topic nobody has.
const NO_ID: Uuid = Uuid::from_u128(0x1234_5678);

impl World {
    pub(super) fn new(ground: &Ground) -> Self {
        let topic = |_| Topic { name: topics::unique("logs"), id: Uuid::nil(), partitions: 0, ids: 0 };
        let mut world = Self {
            client: ground.target.connect(),
            barrier: Rc::clone(&ground.barrier),
            names: Names::default(),
            topics: (0..TOPICS).map(topic).collect(),
            former: NO_ID,
            sent: HashMap::new(),
            cut: HashSet::new(),
            session: (0, 0),
            requests: 0,
        };
        for topic in 0..TOPICS {
            world.names.learn(&world.topics[topic].name, format!("topic {topic}"));
        }
        world.names.learn(&NO_ID.to_string(), "nobody's id");
        for topic in 0..2 {
            let id = topics::create(&mut world.client, &world.topics[topic].name, PARTITIONS);
            world.has_topic(topic, id, PARTITIONS);
        }
        for topic in 0..2 {
            topics::await_partitions(&mut world.client, &world.topics[topic].name, PARTITIONS);
        }
        world
    }

    pub(super) fn step(&mut self, step: &Step) -> Vec<Answer> {
        let request = self.requests;
        self.requests += 1;
        let answer = self.act(step).map(|text| Answer { request, text: self.names.replace(&text) });
        answer.into_iter().collect()
    }

    fn act(&mut self, step: &Step) -> Option<String> {
        match *step {
            Step::Produce(ref produce) => Some(self.produce(produce)),
            Step::Fetch(ref fetch) => self.fetch(fetch),
            Step::ListOffsets { version, isolation, ref asked } => self.list_offsets(version, isolation, asked),
            Step::DeleteRecords { version, topic, ref partitions } => {
                Some(self.delete_records(version, topic, partitions))
            }
            Step::EpochEnd { version, topic, partition, current_epoch, epoch } => {
                Some(self.epoch_end(version, topic, partition, current_epoch, epoch))
            }
            Step::DescribeProducers { topic, partition } => Some(self.describe_producers(topic, partition)),
            Step::Metadata { version, topic, by_id } => self.metadata(version, topic, by_id),
            Step::Alter { topic, config, value, validate_only } => {
                Some(self.alter(topic, config, value, validate_only))
            }
            Step::Create { version, topic, partitions, config, validate_only } => {
                Some(self.create(version, topic, partitions, config, validate_only))
            }
            Step::Delete { version, topic, by_id } => Some(self.delete(version, topic, by_id)),
            Step::Grow { version, topic, count, validate_only } => {
                Some(self.grow(version, topic, count, validate_only))
            }
        }
    }

    /// The topic is there from now on.
    pub(super) fn has_topic(&mut self, topic: usize, id: Uuid, partitions: i32) {
        let known = &mut self.topics[topic];
        known.id = id;
        known.partitions = partitions;
        known.ids += 1;
        let meaning = format!("id {} of topic {topic}", known.ids);
        self.names.learn(&id.to_string(), meaning);
    }

    /// The topic is not there any more.
    pub(super) fn lost_topic(&mut self, topic: usize) {
        let id = std::mem::take(&mut self.topics[topic].id);
        if topic == 0 {
            self.former = id;
        }
        self.sent.retain(|(of, ..), _| *of != topic);
        self.cut.retain(|(of, _)| *of != topic);
    }

    /// What was is called as what never was.
    pub(super) fn topic_name(&self, topic: usize) -> TopicName {
        topics::name(&self.topics[topic.min(TOPICS - 1)].name)
    }

    pub(super) fn topic_id(&self, topic: usize) -> Uuid {
        match topic {
            FORMER => self.former,
            _ if self.topics[topic].id.is_nil() => NO_ID,
            _ => self.topics[topic].id,
        }
    }

    pub(super) fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        self.client.call(version, request)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Leaves nothing behind that would slow the broker down; after a panic there is no telling what would be answered.
        if std::thread::panicking() {
            return;
        }
        let end = FetchRequest::default().with_session_id(self.session.0).with_session_epoch(-1);
        self.client.call(12, &end);
        for topic in self.topics.iter().filter(|topic| !topic.id.is_nil()) {
            topics::delete(&mut self.client, &topic.name);
        }
    }
}
