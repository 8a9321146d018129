//! Fetch sessions: what is told again and what is not, and how sessions go on and end.

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{DeleteTopicsRequest, FetchRequest, FetchResponse};

use super::raw::Raw;
use super::*;

/// A client with one session, and the topic it talks of.
struct Talk<'a> {
    client: &'a mut Client,
    version: i16,
    topic: String,
    id: Uuid,
    session: i32,
    epoch: i32,
    lines: Vec<Line>,
}

impl<'a> Talk<'a> {
    fn new(client: &'a mut Client, version: i16) -> Self {
        let topic = make(client, &[]);
        let id = topic_id(client, &topic);
        Self { client, version, topic, id, session: 0, epoch: 0, lines: Vec::new() }
    }

    fn request(&self, asked: &[(i32, i64)]) -> FetchRequest {
        let mut request = fetch_request(&self.topic, self.id, self.version, asked);
        if asked.is_empty() {
            request.topics.clear();
        }
        request.with_session_id(self.session).with_session_epoch(self.epoch)
    }

    fn forget(&self, partitions: &[i32]) -> Vec<ForgottenTopic> {
        let forgotten = ForgottenTopic::default().with_partitions(partitions.to_vec());
        let named = match self.version >= 13 {
            true => forgotten.with_topic_id(self.id),
            false => forgotten.with_topic(name(&self.topic)),
        };
        vec![named]
    }

    /// Sends a request and notes what is seen; a session that it opens or goes on with is the one from then on.
    fn send(&mut self, what: &'static str, request: &FetchRequest) {
        let response = self.client.call(self.version, request);
        let session = match response.session_id {
            0 => "none",
            id if id == self.session => "same",
            _ => "new",
        };
        let line = format!("{} {session} {}", response.error_code, self.show(&response));
        self.lines.push((what, line));
        if response.error_code == 0 {
            self.epoch = if response.session_id == self.session { self.epoch + 1 } else { 1 };
            self.session = response.session_id;
        }
    }

    fn ask(&mut self, what: &'static str, asked: &[(i32, i64)]) {
        let request = self.request(asked);
        self.send(what, &request);
    }

    fn show(&self, response: &FetchResponse) -> String {
        let mut topics = Vec::new();
        for one in &response.responses {
            let topic = match (one.topic_id == self.id, one.topic.0 == *self.topic) {
                (true, _) => "ID",
                (_, true) => "T",
                _ => "other",
            };
            let parts = one.partitions.iter().map(|p| {
                let records = p.records.as_ref().map_or(0, bytes::Bytes::len);
                format!("{}: {} {} {} {records}", p.partition_index, p.error_code, p.high_watermark, p.log_start_offset)
            });
            topics.push(format!("{topic} {:?}", parts.collect::<Vec<_>>()));
        }
        topics.join(" ")
    }

    fn put(&mut self, partition: i32) {
        assert_eq!(produce(self.client, &self.topic, partition, Raw::of(2).bytes()).error_code, 0);
    }

    fn trim(&mut self, partition: i32, offset: i64) {
        assert_eq!(delete_before(self.client, &self.topic, partition, offset), 0);
    }

    fn delete_topic(&mut self) {
        let request = DeleteTopicsRequest::default().with_topic_names(vec![name(&self.topic)]).with_timeout_ms(10_000);
        assert_eq!(self.client.call(5, &request).responses[0].error_code, 0);
        ask_until(|| topic_error(self.client, &self.topic), |code| *code == 3);
    }

    fn make_again(&mut self) {
        let new =
            CreatableTopic::default().with_name(name(&self.topic)).with_num_partitions(2).with_replication_factor(1);
        let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
        assert_eq!(self.client.call(7, &request).topics[0].error_code, 0);
        for partition in 0..2 {
            ask_until(|| find(self.client, 7, &self.topic, partition, -1, -1), |found| found.starts_with("0 "));
        }
    }
}

fn topic_error(client: &mut Client, topic: &str) -> i16 {
    use kafka_protocol::messages::MetadataRequest;
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(false);
    client.call(9, &request).topics[0].error_code
}

#[test]
fn what_a_session_tells() {
    seen_on_each_broker(include_str!("seen/what_a_session_tells.txt"), |client| {
        let mut lines = Vec::new();
        for version in [7, 11, 12, 13, 17] {
            let mut talk = Talk::new(client, version);
            for partition in [0, 0, 1] {
                talk.put(partition);
            }
            talk.ask("opened", &[(0, 0), (1, 0)]);
            talk.ask("nothing named", &[]);
            talk.ask("nothing named", &[]);
            talk.ask("at the end", &[(0, 4), (1, 2)]);
            talk.ask("nothing new", &[]);
            talk.put(1);
            talk.ask("records in one", &[]);
            talk.put(0);
            talk.ask("records in both", &[]);
            talk.ask("one is read", &[(0, 6)]);
            talk.ask("all is read", &[(1, 4)]);
            talk.trim(0, 1);
            talk.ask("a start has moved", &[]);
            talk.ask("a start has moved, again", &[]);
            talk.ask("read from before the start", &[(0, 0)]);
            talk.ask("still before the start", &[]);
            talk.ask("from the start on", &[(0, 1)]);
            talk.ask("at the end again", &[(0, 6)]);
            talk.ask("an unknown partition", &[(7, 0)]);
            talk.ask("still unknown", &[]);
            let forget = talk.forget(&[7]);
            let request = talk.request(&[]).with_forgotten_topics_data(forget);
            talk.send("forgotten", &request);
            let forget = talk.forget(&[0]);
            let request = talk.request(&[(0, 5)]).with_forgotten_topics_data(forget);
            talk.send("named and forgotten", &request);
            talk.put(0);
            talk.ask("records in what is forgotten", &[]);
            let twice = talk.request(&[(1, 2), (1, 4), (0, 0), (0, 8)]);
            talk.send("named twice", &twice);
            let forget = talk.forget(&[0, 1]);
            let request = talk.request(&[]).with_forgotten_topics_data(forget);
            talk.send("all forgotten", &request);
            lines.append(&mut talk.lines);
        }
        lines
    });
}

/// A client whose log is another is told so each time, and nothing more when it has gone back: that is no error that is over.
#[test]
fn a_client_on_another_way_than_the_log() {
    seen_on_each_broker(include_str!("seen/a_client_on_another_way_than_the_log.txt"), |client| {
        let mut lines = Vec::new();
        for version in [12, 13, 17] {
            let mut talk = Talk::new(client, version);
            talk.put(0);
            let mut request = talk.request(&[(0, 5)]);
            request.topics[0].partitions[0].last_fetched_epoch = 0;
            talk.send("behind the end", &request);
            talk.ask("still there", &[]);
            talk.ask("at the end", &[(0, 2)]);
            talk.ask("still at the end", &[]);
            talk.put(0);
            talk.ask("records", &[]);
            lines.append(&mut talk.lines);
        }
        lines
    });
}

#[test]
fn how_sessions_go_on_and_end() {
    seen_on_each_broker(include_str!("seen/how_sessions_go_on_and_end.txt"), |client| {
        let mut lines = Vec::new();
        for version in [7, 12, 13] {
            let mut talk = Talk::new(client, version);
            talk.put(0);
            talk.ask("opened", &[(0, 0)]);
            for epoch in [2, 5, -2, -5, i32::MIN, i32::MAX] {
                let request = talk.request(&[(0, 0)]).with_session_epoch(epoch);
                talk.send("another epoch", &request);
            }
            talk.ask("goes on", &[]);
            let (session, epoch) = (talk.session, talk.epoch);
            // Not compared: i32::MIN, over which a real one fails.
            for id in [session ^ 1, -1, 1] {
                let request = talk.request(&[]).with_session_id(id);
                talk.send("another id", &request);
            }
            talk.version = if version == 13 { 12 } else { 13 };
            talk.ask("another way to name topics", &[]);
            talk.version = version;
            talk.ask("goes on", &[]);
            let request = talk.request(&[(0, 0)]).with_session_epoch(0);
            talk.send("opened in its place", &request);
            let request = talk.request(&[]).with_session_id(session).with_session_epoch(epoch + 1);
            talk.send("the one before", &request);
            talk.ask("goes on", &[]);
            let request = talk.request(&[(0, 2)]).with_session_epoch(-1);
            talk.send("closed", &request);
            (talk.session, talk.epoch) = (0, 0);
            talk.ask("opened with nothing", &[]);
            talk.ask("goes on with nothing", &[]);
            (talk.session, talk.epoch) = (0, 0);
            talk.ask("opened with nothing", &[]);
            talk.ask("goes on with something", &[(0, 0)]);
            lines.append(&mut talk.lines);
        }
        lines
    });
}

#[test]
fn topics_that_go_and_come_back() {
    seen_on_each_broker(include_str!("seen/topics_that_go_and_come_back.txt"), |client| {
        let mut lines = Vec::new();
        for version in [12, 13, 17] {
            let mut talk = Talk::new(client, version);
            talk.put(0);
            talk.ask("opened", &[(0, 0), (1, 0)]);
            talk.ask("goes on", &[(0, 2)]);
            talk.delete_topic();
            talk.ask("deleted", &[]);
            talk.ask("deleted", &[]);
            talk.make_again();
            talk.ask("made again", &[]);
            talk.put(0);
            talk.ask("made again, with records", &[(0, 0)]);
            talk.ask("made again, with records", &[]);
            if version >= 13 {
                let old = talk.id;
                talk.id = topic_id(talk.client, &talk.topic);
                assert_ne!(old, talk.id);
                talk.ask("by its new id", &[(0, 0)]);
                talk.ask("by its new id", &[(0, 2)]);
                talk.ask("by its new id", &[]);
                let unknown = talk.request(&[(0, 0)]);
                let mut unknown = unknown;
                unknown.topics[0].topic_id = NO_ID;
                talk.send("an unknown id", &unknown);
                talk.ask("an unknown id", &[]);
            }
            lines.append(&mut talk.lines);
        }
        lines
    });
}

/// A limit of bytes lets some partitions wait; they come first the next time.
#[test]
fn partitions_take_turns() {
    seen_on_each_broker(include_str!("seen/partitions_take_turns.txt"), |client| {
        let mut lines = Vec::new();
        let mut talk = Talk::new(client, 12);
        let other = make(talk.client, &[]);
        for partition in [0, 1] {
            talk.put(partition);
            assert_eq!(produce(talk.client, &other, partition, Raw::of(2).bytes()).error_code, 0);
        }
        let mut request = talk.request(&[(0, 0), (1, 0)]);
        let asked = [1, 0].map(|p| FetchPartition::default().with_partition(p).with_partition_max_bytes(1 << 20));
        request.topics.push(FetchTopic::default().with_topic(name(&other)).with_partitions(asked.to_vec()));
        talk.send("all", &request.with_max_bytes(1));
        for _ in 0..5 {
            let request = talk.request(&[]).with_max_bytes(1);
            talk.send("one in turn", &request);
        }
        let request = talk.request(&[]).with_max_bytes(150);
        talk.send("two in turn", &request);
        talk.ask("all in turn", &[]);
        lines.append(&mut talk.lines);
        lines
    });
}
