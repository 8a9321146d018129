//! What tools ask: producers, transactions, markers by hand, offsets by time.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{
    BrokerId, DescribeProducersRequest, ListOffsetsRequest, ListTransactionsRequest, WriteTxnMarkersRequest,
};

use super::*;

impl Talk<'_> {
    fn producers(&mut self, topic: &str, partition: i32) -> String {
        let topic = TopicRequest::default().with_name(name(topic)).with_partition_indexes(vec![partition]);
        let request = DescribeProducersRequest::default().with_topics(vec![topic]);
        let answer = self.client.call(0, &request).topics.remove(0).partitions.remove(0);
        let mut producers = answer.active_producers;
        producers.sort_by_key(|producer| producer.producer_id);
        let producers: Vec<_> = producers
            .iter()
            .map(|one| {
                let (name, time) = (self.name(one.producer_id.0), if one.last_timestamp > 0 { "time" } else { "-" });
                let (epoch, sequence) = (one.producer_epoch, one.last_sequence);
                let (coordinator, open) = (one.coordinator_epoch, one.current_txn_start_offset);
                format!("{name} {epoch} seq {sequence} {time} coordinator {coordinator} open {open}")
            })
            .collect();
        format!("{} {:?} {producers:?}", answer.error_code, answer.error_message)
    }

    fn say_producers(&mut self, asked: &'static str, partition: i32) {
        let topic = self.topic.clone();
        let seen = self.producers(&topic, partition);
        self.say(asked, seen);
    }

    fn mark(&mut self, (id, epoch): Producer, coordinator: i32, commit: bool, partitions: &[i32]) -> String {
        let topic =
            WritableTxnMarkerTopic::default().with_name(name(&self.topic)).with_partition_indexes(partitions.to_vec());
        let marker = WritableTxnMarker::default()
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
            .with_coordinator_epoch(coordinator)
            .with_transaction_result(commit)
            .with_topics(vec![topic]);
        let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
        let markers = self.client.call(1, &request).markers;
        let mut codes: Vec<_> = markers[0].topics.iter().flat_map(|topic| &topic.partitions).collect();
        codes.sort_by_key(|one| one.partition_index);
        format!("{:?}", codes.iter().map(|one| one.error_code).collect::<Vec<_>>())
    }

    fn say_mark(&mut self, asked: &'static str, producer: Producer, coordinator: i32, commit: bool, at: &[i32]) {
        let seen = self.mark(producer, coordinator, commit, at);
        self.say(asked, seen);
    }

    fn list_offsets(&mut self, partition: i32, isolation: i8, timestamp: i64) -> String {
        let asked = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let asked = ListOffsetsTopic::default().with_name(name(&self.topic)).with_partitions(vec![asked]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation)
            .with_topics(vec![asked]);
        let found = self.client.call(7, &request).topics.remove(0).partitions.remove(0);
        format!("{} {}", found.error_code, found.offset)
    }
}

#[test]
fn producers_of_a_partition() {
    seen_on_each_broker(include_str!("seen/producers.txt"), |client| {
        let mut talk = Talk::new(client);
        let seen = talk.producers("nobody-has-it", 0);
        talk.say("no topic", seen);
        let seen = talk.producers("no such name!", 0);
        talk.say("no name", seen);
        talk.say_producers("no partition", 9);
        talk.say_producers("nobody", 0);
        let producer = talk.init();
        talk.produce(12, producer, 0, 0);
        talk.produce(12, producer, 1, 0);
        talk.say_producers("open", 0);
        let next = talk.say_end("commit", 5, producer, true);
        talk.say_producers("committed", 0);
        talk.produce(12, next, 0, 0);
        talk.say_producers("next", 0);
        talk.say_end("abort", 5, next, false);
        talk.say_producers("aborted", 0);
        let old = talk.init();
        talk.add(3, old, &[0, 1]);
        talk.produce(11, old, 0, 0);
        talk.say_producers("announced", 0);
        talk.say_end("commit", 3, old, true);
        talk.say_producers("announced, committed", 0);
        talk.say_producers("announced, never written to", 1);
        talk.lines
    });
}

#[test]
fn markers_by_hand() {
    seen_on_each_broker(include_str!("seen/markers.txt"), |client| {
        let mut talk = Talk::new(client);
        talk.init();
        let producer = talk.init();
        let (id, epoch) = producer;
        talk.name(id);
        talk.produce(12, producer, 0, 0);
        talk.produce(12, producer, 0, 1);
        talk.say_mark("an old epoch", (id, epoch - 1), 0, false, &[0]);
        talk.say_mark("a partition that is not there", producer, 0, false, &[0, 7]);
        talk.say_fetch("aborted by hand", 0, 0, 1);
        talk.say_mark("again", producer, 5, false, &[0]);
        talk.say_mark("an old coordinator", producer, 4, false, &[0]);
        talk.say_fetch("aborted by hand", 0, 0, 1);
        talk.say_producers("producers", 0);
        talk.say_produce("it goes on", 12, producer, 1, 0);
        talk.say_produce("it goes on elsewhere", 12, producer, 1, 1);
        talk.say_mark("a future epoch", (id, epoch + 3), 5, true, &[1]);
        talk.say_produce("fenced there", 12, producer, 2, 1);
        talk.say_producers("producers", 1);
        let request = WriteTxnMarkersRequest::default();
        let markers = talk.client.call(1, &request).markers.len();
        talk.say("none", markers.to_string());
        talk.say_mark("without an epoch", (id, -1), 0, true, &[0, 7]);
        talk.say_mark("without an epoch, nowhere", (id, -1), 0, true, &[7]);
        talk.say_mark("without a producer", (-1, 0), 0, true, &[0]);
        talk.say_mark("of a producer nobody knows", (id + 1000, 0), 0, true, &[0]);
        talk.say_fetch("in the end", 0, 0, 1);
        talk.lines
    });
}

#[test]
fn the_bytes_of_a_marker() {
    seen_on_each_broker(include_str!("seen/marker_bytes.txt"), |client| {
        let mut talk = Talk::new(client);
        for (asked, commit) in [("commit", true), ("abort", false)] {
            let producer = talk.init();
            let (_, offset) = talk.produce(12, producer, 0, 0);
            talk.end(5, producer, commit);
            let request = fetch_request(&talk.topic, talk.topic_id, 16, &[(0, offset + 1)]);
            let answer = only(talk.client.call(16, &request));
            let mut bytes = answer.records.expect("a marker").to_vec();
            // Checksum, times, producer id and epoch are its own.
            for own in [17..21, 27..53] {
                bytes[own].fill(0);
            }
            talk.say(asked, format!("{bytes:?}"));
        }
        talk.lines
    });
}

#[test]
fn offsets_of_what_is_stable() {
    seen_on_each_broker(include_str!("seen/stable_offsets.txt"), |client| {
        let mut talk = Talk::new(client);
        let producer = talk.init();
        let (id, epoch) = producer;
        let plain = |at: i64| Raw::of(1).at(at);
        talk.produce_raw(12, None, &plain(1_000), 0);
        let batch =
            |sequence: i32, at: i64| Raw::of(1).from(id, epoch, sequence).at(at).with(|raw| raw.attributes = 0x10);
        let own = Some(talk.transactional_id());
        talk.produce_raw(12, own, &batch(0, 2_000), 0);
        talk.produce_raw(12, None, &plain(3_000), 0);
        let ask = |talk: &mut Talk<'_>| {
            for (asked, timestamp) in [
                ("latest", -1),
                ("earliest", -2),
                ("newest", -3),
                ("1000", 1_000),
                ("2000", 2_000),
                ("3000", 3_000),
                ("4000", 4_000),
            ] {
                let seen = format!("{} | {}", talk.list_offsets(0, 0, timestamp), talk.list_offsets(0, 1, timestamp));
                talk.say(asked, seen);
            }
        };
        ask(&mut talk);
        talk.say_end("commit", 5, producer, true);
        ask(&mut talk);
        talk.lines
    });
}

/// What is undecided begins with the batch that the log begins in, be it before the log's start.
#[test]
fn records_are_deleted_from_an_open_transaction() {
    seen_on_each_broker(include_str!("seen/records_deleted.txt"), |client| {
        let mut talk = Talk::new(client);
        let (id, epoch) = talk.init();
        let own = Some(talk.transactional_id());
        let batch = Raw::of(3).from(id, epoch, 0).with(|raw| raw.attributes = 0x10);
        talk.produce_raw(12, own, &batch, 0);
        talk.produce_raw(12, None, &Raw::of(3), 0);
        for (asked, offset) in [
            ("nothing", 0),
            ("a part of the first batch", 1),
            ("more of it", 2),
            ("all of it", 3),
            ("a part of the second", 4),
            ("all but one", 5),
            ("all", 6),
        ] {
            let code = delete_before(talk.client, &talk.topic, 0, offset);
            let latest = format!("{} | {}", talk.list_offsets(0, 0, -1), talk.list_offsets(0, 1, -1));
            let seen = format!("{code} {latest}, {}, {}", talk.fetch(0, offset, 0), talk.fetch(0, offset, 1));
            talk.say(asked, seen);
        }
        talk.produce_raw(12, None, &Raw::of(2), 0);
        talk.say_fetch("after one more", 0, 6, 1);
        talk.say_end("commit", 5, (id, epoch), true);
        talk.say_fetch("committed", 0, 6, 1);
        talk.lines
    });
}

#[test]
fn transactions_are_listed_and_described() {
    seen_on_each_broker(include_str!("seen/listed.txt"), |client| {
        let mut talk = Talk::new(client);
        let list = |talk: &mut Talk<'_>, version, request: &ListTransactionsRequest| {
            let answer = talk.client.call(version, request);
            let own = answer.transaction_states.iter().filter(|state| *state.transactional_id.0 == *talk.id);
            let states: Vec<_> = own.map(|state| state.transaction_state.to_string()).collect();
            let unknown: Vec<_> = answer.unknown_state_filters.iter().map(ToString::to_string).collect();
            format!("{} {states:?} {unknown:?}", answer.error_code)
        };
        let describe = |talk: &mut Talk<'_>, id: &str| {
            let request =
                DescribeTransactionsRequest::default().with_transactional_ids(vec![TransactionalId(text(id))]);
            let state = talk.client.call(0, &request).transaction_states.remove(0);
            let own = talk.topic.clone();
            let name = if state.error_code == 0 { talk.name(state.producer_id.0) } else { "-".to_owned() };
            let mut topics: Vec<_> = state
                .topics
                .into_iter()
                .map(|mut topic| {
                    topic.partitions.sort_unstable();
                    (topic.topic.0.replace(&own, "T"), topic.partitions)
                })
                .collect();
            topics.sort();
            let begun = if state.transaction_start_time_ms > 0 { "begun" } else { "-" };
            let (code, epoch, timeout) = (state.error_code, state.producer_epoch, state.transaction_timeout_ms);
            format!("{code} {} {name} {epoch} {timeout} {begun} {topics:?}", state.transaction_state)
        };
        let seen = describe(&mut talk, "nobody-has-it");
        talk.say("unknown", seen);
        let seen = describe(&mut talk, "");
        talk.say("empty id", seen);
        let producer = talk.init();
        let id = talk.id.clone();
        let seen = describe(&mut talk, &id);
        talk.say("empty", seen);
        talk.add(3, producer, &[1, 0]);
        let seen = describe(&mut talk, &id);
        talk.say("ongoing", seen);
        let all = ListTransactionsRequest::default();
        let states = |names: &[&str]| all.clone().with_state_filters(names.iter().map(|name| text(name)).collect());
        for (asked, version, request) in [
            ("all", 0, all.clone()),
            ("ongoing", 0, states(&["Ongoing"])),
            ("other states", 0, states(&["Empty", "CompleteAbort", "Dead"])),
            ("unknown states", 0, states(&["Asleep", "ongoing"])),
            ("known and unknown", 0, states(&["Asleep", "Ongoing"])),
            ("own producer", 0, all.clone().with_producer_id_filters(vec![ProducerId(producer.0)])),
            ("other producer", 0, all.clone().with_producer_id_filters(vec![ProducerId(producer.0 + 1)])),
            ("open for an hour", 1, all.clone().with_duration_filter(3_600_000)),
            ("any duration", 1, all.clone().with_duration_filter(-1)),
            ("own id", 2, all.clone().with_transactional_id_pattern(Some(text(&id)))),
            ("a part of the id", 2, all.clone().with_transactional_id_pattern(Some(text(&id[..8])))),
            ("a pattern", 2, all.clone().with_transactional_id_pattern(Some(text(&format!("{}.*", &id[..8]))))),
            ("no pattern", 2, all.clone().with_transactional_id_pattern(Some(text("(")))),
            ("no pattern by itself", 2, all.clone().with_transactional_id_pattern(Some(text("a)(b")))),
            ("an empty pattern", 2, all.clone().with_transactional_id_pattern(Some(text("")))),
        ] {
            let seen = list(&mut talk, version, &request);
            talk.say(asked, seen);
        }
        talk.end(3, producer, false);
        let seen = describe(&mut talk, &id);
        talk.say("aborted", seen);
        talk.lines
    });
}
