//! Elections that are asked for where nobody leads, and what is told of the log then: what a real cluster of three nodes (4.1.1)
//! answers, the embedded one answers too.

use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{ElectLeadersRequest, FetchRequest};

use super::cluster::{Line, Three, seen_of_three};
use super::moves::{alter_request, answer};
use super::third_down::{make, told};
use super::wrong_node::{end_of, fetch_request, fetched, produced, send_to_all, with_acks};
use super::*;
use crate::patience::ask_until;

const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

/// Asks for elections of these partitions, or of all, and gives what is said of this topic and one that is not there.
fn elect(nodes: &Three, version: i16, kind: i8, topic: &str, indexes: Option<&[i32]>) -> String {
    let of = |topic: &str, indexes: &[i32]| {
        TopicPartitions::default().with_topic(name(topic)).with_partitions(indexes.to_vec())
    };
    let asked = indexes.map(|indexes| vec![of(topic, indexes), of("not-there", &[0])]);
    let request = ElectLeadersRequest::default().with_topic_partitions(asked).with_timeout_ms(10_000);
    let request = if version >= 1 { request.with_election_type(kind) } else { request };
    let answer = nodes.client(3).call(version, &request);
    let mut results = answer.replica_election_results;
    results.retain(|one| [topic, "not-there"].contains(&one.topic.as_str()));
    results.sort_by_key(|one| one.topic.as_str() == "not-there");
    let mut seen = format!("{}", answer.error_code);
    for one in results {
        let mut partitions = one.partition_result;
        partitions.sort_by_key(|partition| partition.partition_id);
        for partition in partitions {
            let why = partition.error_message.map(|why| why.replace(topic, "T"));
            seen += &format!(" [{}: {} {why:?}]", partition.partition_id, partition.error_code);
        }
    }
    seen
}

/// Partitions 0 and 4 lose their leader while a replica is there that is not in sync, 2 loses its only one, and 3 its first.
const REPLICAS: [&[i32]; 6] = [&[1, 2], &[3, 1], &[1], &[1, 3], &[2, 1], &[3, 2]];
/// All of them, and one that is not there.
const ALL: Option<&[i32]> = Some(&[0, 1, 2, 3, 4, 5, 9]);

struct Case<'a> {
    nodes: &'a Three,
    topic: String,
    lines: Vec<Line>,
}

impl<'a> Case<'a> {
    /// A topic whose partitions have two records, which all their replicas have.
    fn new(nodes: &'a Three) -> Self {
        let mut client = nodes.client(1);
        // They must be as many everywhere at first.
        let replicas = REPLICAS.map(|replicas| if replicas.len() == 1 { &[1, 2] } else { replicas });
        let topic = make(&mut client, &replicas, &[("min.insync.replicas", "1")]);
        assert_eq!(answer(&mut client, 0, &alter_request(&topic, 2, Some(REPLICAS[2]))), "0 -");
        nodes.until_led(&[1, 2, 3], &topic, 2, (1, 1), 1);
        nodes.until_led(&[1, 2, 3], &topic, 0, (1, 0), 2);
        for (index, replicas) in (0..).zip(REPLICAS) {
            send_to_all(nodes, replicas[0], (&topic, index), batch(&["a", "b"], NOBODY));
        }
        Self { nodes, topic, lines: Vec::new() }
    }

    fn saw(&mut self, what: impl Into<String>, seen: String) {
        self.lines.push((what.into(), seen));
    }

    /// What becomes of a record that waits for no follower.
    fn send(&mut self, what: impl Into<String>, node: i32) {
        let seen = produced(self.nodes, (node, 12), &with_acks(&self.topic, 0, 1));
        self.saw(what, seen);
    }

    fn elect(&mut self, what: impl Into<String>, (version, kind): (i16, i8), indexes: Option<&[i32]>) {
        let seen = elect(self.nodes, version, kind, &self.topic, indexes);
        self.saw(what, seen);
    }

    /// Tells of partitions, each once these are in sync.
    fn tell(&mut self, what: &str, in_sync: &[(usize, &[i32])]) {
        for (index, in_sync) in in_sync {
            let seen = told(&mut self.nodes.client(3), &self.topic, *index, REPLICAS[*index], in_sync);
            self.saw(format!("partition {index} {what}"), seen);
        }
    }

    /// Partition 0 from an offset on, in the leader's epoch and behind a record of another.
    fn request(&self, offset: i64, epoch: i32, last: i32) -> FetchRequest {
        let id = topic_id(&mut self.nodes.client(3), &self.topic);
        fetch_request((&self.topic, id), 18, &[(0, offset, epoch, last)])
    }

    /// Node 2 goes, node 1 goes on alone, and goes; node 2 comes back.
    fn lose_who_was_ahead(&mut self) {
        self.nodes.kill(2);
        self.nodes.until_led(&[1], &self.topic, 0, (1, 0), 1);
        self.nodes.until_led(&[1], &self.topic, 4, (1, 1), 1);
        for _ in 0..3 {
            self.send("read, and to be lost", 1);
        }
        self.nodes.kill(1);
        self.nodes.start(2);
        self.nodes.until(3, &self.topic, 0, |told| told.leader_id.0 == -1);
        self.tell("without node 1", &[(0, &[]), (1, &[3]), (2, &[]), (3, &[3]), (4, &[]), (5, &[3, 2])]);
    }

    fn while_nobody_leads(&mut self) {
        for version in 0..=2 {
            self.elect(format!("the preferred one, v{version}"), (version, PREFERRED), ALL);
        }
        self.elect("the preferred one of all", (2, PREFERRED), None);
        self.elect("no kind of election", (2, 7), ALL);
        self.elect("no kind, of all", (2, 7), None);
        for node in [2, 3] {
            self.send(format!("produced at {node}, nobody leads"), node);
            // The high watermark of a real one that is back from a crash is what it last wrote down: not compared.
            for epoch in if node == 2 { &[0, 2][..] } else { &[-1, 0, 1, 2] } {
                let seen = fetched(self.nodes, (node, 18), &self.request(1, *epoch, -1));
                self.saw(format!("fetched at {node} in {epoch}, nobody leads"), seen);
            }
            let seen = end_of(self.nodes, (node, 4), &self.topic, -1, 0);
            self.saw(format!("an end at {node}, nobody leads"), seen);
        }
    }

    fn elect_any(&mut self) {
        self.elect("any, of the first", (1, UNCLEAN), Some(&[0]));
        self.elect("any, of the first again", (2, UNCLEAN), Some(&[0]));
        self.elect("any, of those that lead and cannot", (2, UNCLEAN), Some(&[1, 2, 3, 5, 9]));
        self.elect("any, of all", (2, UNCLEAN), None);
        self.elect("any, of all again", (2, UNCLEAN), None);
        self.tell("elected", &[(0, &[2]), (1, &[3]), (2, &[]), (3, &[3]), (4, &[2]), (5, &[3, 2])]);
        let (mut leader, known) = (self.nodes.client(2), self.request(0, 2, -1));
        ask_until(|| only(leader.call(18, &known)).error_code, |code| *code == 0);
        self.send("in the place of what is lost", 2);
    }

    /// What consumers are told that have read what is lost, and others.
    fn look(&mut self, node: i32) {
        for (offset, epoch, last) in [(5, -1, -1), (5, -1, 0), (5, -1, 1), (5, 0, 0), (2, 2, 0), (3, 2, 2), (2, -1, -1)]
        {
            let seen = fetched(self.nodes, (node, 18), &self.request(offset, epoch, last));
            self.saw(format!("fetched at {node} from {offset} behind {last} in {epoch}"), seen);
        }
        let ends = [-1, 0, 1, 2, 3].map(|epoch| end_of(self.nodes, (node, 4), &self.topic, -1, epoch));
        self.saw(format!("ends at {node}"), ends.join(", "));
    }

    fn come_back(&mut self) {
        self.nodes.start(1);
        self.tell("with node 1", &[(0, &[2, 1]), (1, &[3, 1]), (2, &[1]), (3, &[3, 1]), (4, &[2, 1]), (5, &[3, 2])]);
        let (mut follower, known) = (self.nodes.client(1), self.request(0, 2, -1));
        ask_until(|| only(follower.call(18, &known)).high_watermark, |high| *high == 3);
    }
}

#[test]
fn whoever_is_there_leads_when_an_unclean_election_is_asked_for() {
    seen_of_three(include_str!("../seen/unclean.txt"), |nodes| {
        let mut case = Case::new(nodes);
        case.lose_who_was_ahead();
        case.while_nobody_leads();
        case.elect_any();
        case.look(2);
        case.come_back();
        case.look(1);
        case.elect("the preferred one, all there", (2, PREFERRED), ALL);
        case.tell("back", &[(0, &[2, 1]), (3, &[3, 1])]);
        case.lines
    });
}
