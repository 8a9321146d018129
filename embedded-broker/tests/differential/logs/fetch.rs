//! Fetch, with and without a session.

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{FetchRequest, FetchResponse};

use super::step::{Fetch, Session, Want};
use super::world::World;
use crate::shown;

impl World {
    pub(super) fn fetch(&mut self, fetch: &Fetch) -> Option<String> {
        let (id, epoch) = match fetch.session {
            Session::None => (0, -1),
            Session::New => (0, 0),
            Session::Unknown => (1, 1),
            Session::Next | Session::WrongEpoch if self.session.0 == 0 => return None,
            Session::Next => self.session,
            Session::WrongEpoch => (self.session.0, self.session.1 + 1),
        };
        if fetch.session == Session::New {
            // What nobody goes on with only fills the broker's cache.
            self.end_session();
        }
        let mut request = FetchRequest::default()
            .with_max_wait_ms(0)
            .with_min_bytes(fetch.min_bytes)
            .with_max_bytes(fetch.max_bytes)
            .with_isolation_level(fetch.isolation)
            .with_topics(self.wanted(fetch));
        if fetch.version >= 7 {
            request =
                request.with_session_id(id).with_session_epoch(epoch).with_forgotten_topics_data(self.forgotten(fetch));
        }
        let answer = self.call(fetch.version, &request);
        if answer.error_code == 0 && fetch.session != Session::None {
            self.session = (answer.session_id, epoch + 1);
        }
        Some(show(answer, self.session.0))
    }

    pub(super) fn end_session(&mut self) {
        if self.session.0 != 0 {
            let end = FetchRequest::default().with_session_id(self.session.0).with_session_epoch(-1);
            self.call(12, &end);
            self.session = (0, 0);
        }
    }

    /// A topic for each run of partitions of the same.
    fn wanted(&self, fetch: &Fetch) -> Vec<FetchTopic> {
        let runs = fetch.wants.chunk_by(|one, next| one.topic == next.topic);
        let topic = |wants: &[Want]| {
            let topic = FetchTopic::default().with_partitions(wants.iter().map(wanted).collect());
            match fetch.version {
                ..=12 => topic.with_topic(self.topic_name(wants[0].topic)),
                13.. => topic.with_topic_id(self.topic_id(wants[0].topic)),
            }
        };
        runs.map(topic).collect()
    }

    fn forgotten(&self, fetch: &Fetch) -> Vec<ForgottenTopic> {
        let topic = |&(topic, partition): &(usize, i32)| {
            let forgotten = ForgottenTopic::default().with_partitions(vec![partition]);
            match fetch.version {
                ..=12 => forgotten.with_topic(self.topic_name(topic)),
                13.. => forgotten.with_topic_id(self.topic_id(topic)),
            }
        };
        fetch.forgets.iter().map(topic).collect()
    }
}

fn wanted(want: &Want) -> FetchPartition {
    FetchPartition::default()
        .with_partition(want.partition)
        .with_fetch_offset(want.offset)
        .with_partition_max_bytes(want.max_bytes)
        .with_current_leader_epoch(want.leader_epoch)
        .with_last_fetched_epoch(want.last_epoch)
}

/// The answer without its bytes, and what is in them.
fn show(mut answer: FetchResponse, session: i32) -> String {
    let session = match std::mem::take(&mut answer.session_id) {
        0 => "no session",
        id if id == session => "the session",
        _ => "another session",
    };
    let mut records = Vec::new();
    for partition in answer.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
        let bytes = partition.records.take().map(|bytes| shown::batches(&bytes, |id| id.to_string()));
        records.push(bytes);
    }
    format!("{session} {answer:?}\n        {records:?}")
}
