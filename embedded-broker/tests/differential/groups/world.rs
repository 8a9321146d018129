//! One broker in one sequence: its clients, what they believe, and the requests that are not answered yet.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    GroupId, JoinGroupRequest, JoinGroupResponse, OffsetFetchRequest, SyncGroupRequest, SyncGroupResponse, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use uuid::Uuid;

use super::bytes::{Partitions, read_assignment};
use super::ground::Ground;
use super::step::{CLIENTS, Step, instance, is_consumer};
use crate::client::Client;
use crate::compare::Answer;
use crate::names::Names;
use crate::topics::{text, unique};

pub(crate) struct World {
    pub(super) group: String,
    pub(super) prefix: String,
    pub(super) topics: Vec<(String, Uuid)>,
    pub(super) names: Names,
    pub(super) members: Vec<Member>,
    /// For all requests that are answered at once.
    pub(super) client: Client,
    requests: usize,
    patience: Duration,
}

/// What a client believes, and the connection on which its requests may be held.
pub(super) struct Member {
    pub(super) client: Client,
    pub(super) held: Option<Held>,
    pub(super) id: String,
    /// Generation or epoch.
    pub(super) epoch: i32,
    pub(super) protocol: Option<StrBytes>,
    pub(super) leads: bool,
    /// All members, as the leader was told of them.
    pub(super) others: Vec<StrBytes>,
    /// What it has, by topic; classic members by name.
    pub(super) owned: Partitions,
    /// What a consumer has, and what it was told to have.
    pub(super) has: Vec<(Uuid, i32)>,
    pub(super) told: Vec<(Uuid, i32)>,
    /// How many ids it had.
    pub(super) ids: usize,
}

impl Member {
    /// Whether it is in the group, or will be when it is answered.
    fn may_be_in(&self) -> bool {
        !self.id.is_empty() || self.held.is_some()
    }
}

/// A request that is not answered yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) request: usize,
    pub(super) version: i16,
    pub(super) is_join: bool,
}

/// The answer to a request that was held.
enum Received {
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
}

impl Held {
    fn receive(self, client: &mut Client, patience: Duration) -> Option<Received> {
        if self.is_join {
            client.receive_within::<JoinGroupRequest>(self.version, patience).map(Received::Join)
        } else {
            client.receive_within::<SyncGroupRequest>(self.version, patience).map(Received::Sync)
        }
    }
}

/// How long an answer is waited for that the other broker has given.
const AS_THE_OTHER: Duration = Duration::from_secs(20);
/// What is there already is seen in this time.
const AT_A_GLANCE: Duration = Duration::from_millis(1);

impl World {
    pub(super) fn new(ground: &Ground, patience: Duration) -> Self {
        let mut names = Names::default();
        let group = unique("group");
        names.learn(&group, "the group");
        for (number, (name, id)) in ground.topics.iter().enumerate() {
            names.learn(name, format!("topic {number}"));
            if !id.is_nil() {
                names.learn(&id.to_string(), format!("id of topic {number}"));
            }
        }
        names.learn(&ground.prefix, "dif");
        let member = |_| Member {
            client: ground.target.connect(),
            held: None,
            id: String::new(),
            epoch: 0,
            protocol: None,
            leads: false,
            others: Vec::new(),
            owned: Partitions::new(),
            has: Vec::new(),
            told: Vec::new(),
            ids: 0,
        };
        Self {
            group,
            prefix: ground.prefix.clone(),
            topics: ground.topics.clone(),
            names,
            members: (0..CLIENTS).map(member).collect(),
            client: ground.target.connect(),
            requests: 0,
            patience,
        }
    }

    pub(super) fn step(&mut self, step: &Step, first: Option<&[Answer]>) -> Vec<Answer> {
        let mut answers = Vec::new();
        let request = self.requests;
        self.requests += 1;
        if let Some(mut text) = self.act(step, request) {
            if step.brings_pattern() {
                let first = first.and_then(|first| first.iter().find(|answer| answer.request == request));
                text = self.when_looked_up(&text, first);
            }
            answers.push(Answer { request, text: self.names.replace(&text) });
        }
        self.take_held(first, &mut answers);
        answers
    }

    /// A pattern is looked up some time after the answer to the heartbeat that brought it: when the group's epoch is the one
    /// that the first broker has come to, or after a while.
    fn when_looked_up(&mut self, text: &str, first: Option<&Answer>) -> String {
        let started = Instant::now();
        loop {
            let text = format!("{text} then epoch {}", self.group_epoch());
            let is_as_the_first = first.is_none_or(|first| first.text == self.names.replace(&text));
            if is_as_the_first || started.elapsed() > AS_THE_OTHER {
                return text;
            }
        }
    }

    /// Does the step, and gives the answer if its request is never held.
    fn act(&mut self, step: &Step, request: usize) -> Option<String> {
        match step {
            Step::Join(join) => self.join(join, request),
            Step::Sync(sync) => self.sync(sync, request),
            Step::Heartbeat { client, version, generation, as_instance } => {
                Some(self.heartbeat(*client, *version, *generation, *as_instance))
            }
            Step::Leave { clients, version, by_instance } => self.leave(clients, *version, *by_instance),
            Step::Beat { client, version, beat } => self.beat(*client, *version, beat),
            Step::Commit(commit) => Some(self.commit(commit)),
            Step::Fetch { version, client, epoch, all, stable } => {
                Some(self.fetch(*version, *client, *epoch, *all, *stable))
            }
            Step::DeleteOffsets { topic } => Some(self.delete_offsets(*topic)),
            Step::DescribeClassic { version } => Some(self.describe_classic(*version)),
            Step::DescribeConsumer { version } => Some(self.describe_consumer(*version)),
            Step::List { version, states, types } => Some(self.list(*version, states, types)),
            Step::DeleteGroup { version } => Some(self.delete_group(*version)),
        }
    }

    /// Takes the answers that the other broker has given as well.
    pub(super) fn catch_up(&mut self, other: &[Answer], own: &mut Vec<Answer>) {
        let is_late = |answer: &Answer| own.iter().all(|own| own.request != answer.request);
        if other.iter().any(is_late) {
            self.take_held(Some(other), own);
        }
    }

    /// Takes the answers that have come to requests that were held, or come while there is patience: once for all of them.
    fn take_held(&mut self, other: Option<&[Answer]>, answers: &mut Vec<Answer>) {
        let mut come = Vec::new();
        let deadline = Instant::now() + self.patience;
        for client in 0..CLIENTS {
            let Some(held) = self.members[client].held else { continue };
            let is_due = other.is_some_and(|other| other.iter().any(|answer| answer.request == held.request));
            let left = deadline.saturating_duration_since(Instant::now()).max(AT_A_GLANCE);
            let patience = if is_due { AS_THE_OTHER } else { left };
            if let Some(answer) = held.receive(&mut self.members[client].client, patience) {
                self.members[client].held = None;
                come.push((client, held.request, answer));
            }
        }
        // All of them first: one answer may name somebody who is told of its id by another.
        for (client, _, answer) in &come {
            if let Received::Join(answer) = answer {
                self.learn_of_join(*client, answer);
            }
        }
        for (client, request, answer) in come {
            let text = match answer {
                Received::Join(answer) => self.joined(client, answer),
                Received::Sync(answer) => self.synced(client, answer),
            };
            answers.push(Answer { request, text: self.names.replace(&text) });
        }
        answers.sort();
    }

    pub(super) fn group_id(&self) -> GroupId {
        GroupId(text(&self.group))
    }

    pub(super) fn topic_name(&self, topic: usize) -> TopicName {
        TopicName(text(&self.topics[topic].0))
    }

    pub(super) fn instance(client: usize) -> Option<StrBytes> {
        instance(client).map(StrBytes::from_string)
    }

    /// The client has this id now.
    pub(super) fn learn_id(&mut self, client: usize, id: &str) {
        let member = &mut self.members[client];
        if member.id != id {
            member.id = id.to_owned();
            member.ids += 1;
            let meaning = format!("id {} of client {client}", member.ids);
            self.names.learn(id, meaning);
        }
    }

    /// The client has lost everything.
    pub(super) fn forget(&mut self, client: usize) {
        let member = &mut self.members[client];
        member.id.clear();
        member.owned.clear();
        member.has.clear();
        member.told.clear();
        (member.epoch, member.leads, member.protocol) = (0, false, None);
    }

    /// Members of the classic protocol that believe to be in the group, apart from these. Kafka chooses a leader among
    /// them by the hash of their ids, so steps that make it choose among several are left out.
    pub(super) fn classic_members_beside(&self, leaving: &[usize]) -> usize {
        (0..CLIENTS).filter(|c| !is_consumer(*c) && !leaving.contains(c) && self.members[*c].may_be_in()).count()
    }

    /// Waits until all that was answered can be seen: a real coordinator shows what it has written, a little after it said
    /// so. Only a request for stable offsets waits for that.
    pub(super) fn settle(&mut self) {
        let group = OffsetFetchRequestGroup::default().with_group_id(self.group_id()).with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(true);
        self.client.call(8, &request);
    }

    pub(super) fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        self.client.call(version, request)
    }

    /// An assignment as it is compared: how many partitions it has, and what else is in it.
    pub(super) fn share(bytes: &Bytes) -> Bytes {
        match read_assignment(bytes) {
            Some((partitions, rest)) => {
                let n: usize = partitions.values().map(Vec::len).sum();
                format!("{n} partitions and {rest:?}").into()
            }
            None => bytes.clone(),
        }
    }
}
