//! Which replica a consumer of a rack is sent to (KIP-392): what a real cluster of three nodes in three racks (4.1.1)
//! answers, the embedded one answers too.

use std::time::{Duration, Instant};

use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::{DeleteRecordsRequest, FetchRequest};

use super::cluster::{Line, Three, seen_of};
use super::following::SELECTOR;
use super::third_down::make;
use super::wrong_node::{fetch_request, fetched, send_to_all, shown, with_acks};
use super::*;
use crate::patience::ask_until;

/// Longer than any answer takes, and than a test may wait.
const LONG: Duration = Duration::from_secs(60);

struct Case<'a> {
    nodes: &'a Three,
    topic: String,
    id: Uuid,
    lines: Vec<Line>,
}

impl<'a> Case<'a> {
    /// Three partitions with three records each, led by nodes 1, 1 and 2, which everybody has and knows of.
    fn new(nodes: &'a Three) -> Self {
        let mut client = nodes.client(1);
        let topic = make(&mut client, &[&[1, 2], &[1, 3], &[2, 1]], &[]);
        for (index, leader) in [(0, 1), (1, 1), (2, 2)] {
            nodes.until_led(&[1, 2, 3], &topic, index, (leader, 0), 2);
            send_to_all(nodes, leader, (&topic, index), batch(&["a", "b", "c"], NOBODY));
        }
        let id = topic_id(&mut client, &topic);
        let case = Self { nodes, topic, id, lines: Vec::new() };
        for (index, follower) in [(0, 2), (1, 3), (2, 1)] {
            case.until_it_has(follower, index, 3);
        }
        case
    }

    fn request(&self, version: i16, rack: &str, asked: &[(i32, i64, i32, i32)]) -> FetchRequest {
        fetch_request((&self.topic, self.id), version, asked).with_rack_id(text(rack))
    }

    /// Waits until a node knows that this is safe.
    fn until_it_has(&self, node: i32, index: i32, end: i64) {
        let (mut client, request) = (self.nodes.client(node), self.request(17, "", &[(index, 0, -1, -1)]));
        ask_until(|| only(client.call(17, &request)), |got| got.error_code == 0 && got.high_watermark == end);
    }

    fn saw(&mut self, what: impl Into<String>, node: i32, version: i16, request: &FetchRequest) {
        self.lines.push((what.into(), fetched(self.nodes, (node, version), request)));
    }

    fn each_version_and_rack(&mut self) {
        for version in 4..=18 {
            let request = self.request(version, "r2", &[(0, 0, -1, -1)]);
            self.saw(format!("v{version} of r2"), 1, version, &request);
        }
        for node in 1..=3 {
            for rack in ["", "r1", "r2", "r3", "r9", "R2"] {
                let request = self.request(17, rack, &[(0, 1, -1, -1), (1, 1, -1, -1), (2, 1, -1, -1)]);
                self.saw(format!("of `{rack}` at {node}"), node, 17, &request);
            }
        }
    }

    fn each_offset_and_epoch(&mut self) {
        for offset in -1..=5 {
            for rack in ["r2", "r1"] {
                let request = self.request(17, rack, &[(0, offset, -1, -1)]);
                self.saw(format!("of {rack} from {offset}"), 1, 17, &request);
            }
        }
        for epoch in [-2, -1, 0, 1] {
            for last in [-1, 0, 1] {
                let request = self.request(17, "r2", &[(0, 2, epoch, last)]);
                for node in [1, 2] {
                    self.saw(format!("at {node} in {epoch} behind {last}"), node, 17, &request);
                }
            }
        }
        for offset in 2..=5 {
            let request = self.request(17, "r2", &[(0, offset, 0, -1)]).with_isolation_level(1);
            self.saw(format!("committed, at the follower from {offset}"), 2, 17, &request);
            self.saw(format!("committed, at the leader from {offset}"), 1, 17, &request);
        }
        let request = self.request(17, "r3", &[(0, 0, -1, -1), (1, 0, -1, -1), (9, 0, -1, -1)]);
        self.saw("several", 1, 17, &request);
    }

    fn in_a_session_and_at_the_end(&mut self) {
        let mut client = self.nodes.client(1);
        let request = self.request(17, "r3", &[(0, 3, -1, -1), (1, 3, -1, -1)]).with_session_epoch(0);
        let began = Instant::now();
        let opened = client.call(17, &request.with_max_wait_ms(i32::MAX));
        self.lines.push(("a session, at the end".to_owned(), shown(self.nodes, &opened)));
        let next = FetchRequest::default().with_session_id(opened.session_id).with_session_epoch(1);
        let next = next.with_max_bytes(50 << 20).with_rack_id(text("r3")).with_max_wait_ms(i32::MAX).with_min_bytes(1);
        let again = client.call(17, &next);
        self.lines.push(("and again".to_owned(), shown(self.nodes, &again)));
        assert!(began.elapsed() < LONG, "who is sent elsewhere need not wait");
    }

    fn with_a_follower_that_is_behind(&mut self) {
        let frozen = self.nodes.freeze(2);
        let mut leader = self.nodes.client(1);
        for _ in 0..2 {
            assert_eq!(only_produced(leader.call(12, &with_acks(&self.topic, 0, 1))).error_code, 0);
        }
        for offset in 2..=5 {
            let request = self.request(17, "r2", &[(0, offset, -1, -1)]);
            self.saw(format!("one is behind: from {offset}"), 1, 17, &request);
        }
        drop(frozen);
        self.until_it_has(2, 0, 5);
    }

    fn with_a_follower_that_is_out_of_sync(&mut self) {
        self.nodes.kill(2);
        self.nodes.until(1, &self.topic, 0, |told| told.leader_id.0 == 1 && told.isr_nodes.len() == 1);
        let request = self.request(17, "r2", &[(0, 2, -1, -1)]);
        let ask = |case: &Self| only(case.nodes.client(1).call(17, &request)).preferred_read_replica.0;
        ask_until(|| ask(self), |preferred| *preferred == -1);
        self.saw("one is gone", 1, 17, &request);
        self.nodes.start(2);
        ask_until(|| ask(self), |preferred| *preferred == 2);
        self.saw("it is back", 1, 17, &request);
        self.until_it_has(2, 0, 5);
        self.saw("where it is back", 2, 17, &request);
    }

    fn with_records_deleted(&mut self) {
        let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(2);
        let topic = DeleteRecordsTopic::default().with_name(name(&self.topic)).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(60_000);
        let deleted = self.nodes.client(1).call(2, &request).topics.remove(0).partitions.remove(0);
        assert_eq!((deleted.error_code, deleted.low_watermark), (0, 2), "all have deleted them");
        for offset in 0..=2 {
            let request = self.request(17, "r2", &[(0, offset, -1, -1)]);
            self.saw(format!("deleted: from {offset}"), 1, 17, &request);
            self.saw(format!("deleted: at the follower from {offset}"), 2, 17, &request);
        }
    }
}

#[test]
fn consumers_are_sent_to_the_replica_in_their_rack_that_is_in_sync_and_has_the_offset() {
    let (key, selector) = SELECTOR;
    let embedded = EmbeddedBroker::builder().racks(["r1", "r2", "r3"]).config(key, selector);
    seen_of("KAFKA_APP_TEST_RACKS", embedded, include_str!("../seen/racks.txt"), |nodes| {
        let mut case = Case::new(nodes);
        case.each_version_and_rack();
        case.each_offset_and_epoch();
        case.in_a_session_and_at_the_end();
        case.with_a_follower_that_is_behind();
        case.with_a_follower_that_is_out_of_sync();
        case.with_records_deleted();
        case.lines
    });
}
