//! Offsets that are committed in transactions.

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, DeleteGroupsRequest, GroupId, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
    TxnOffsetCommitRequest,
};

use super::*;

/// A conversation about the offsets of one group.
struct Offsets<'a> {
    talk: Talk<'a>,
    group: String,
}

impl<'a> Offsets<'a> {
    fn new(client: &'a mut Client) -> Self {
        let mut offsets = Self { talk: Talk::new(client), group: unique("group") };
        offsets.await_group_coordinator();
        offsets
    }

    fn await_group_coordinator(&mut self) {
        let key = vec![text(&self.group)];
        let request = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(key);
        ask_until(|| self.talk.client.call(6, &request).coordinators[0].error_code, |code| *code == 0);
        ask_until(|| self.fetch(9, false, 0), |seen| !matches!(seen.as_str(), "14" | "15" | "16"));
    }

    fn group_id(&self) -> GroupId {
        GroupId(text(&self.group))
    }

    fn add(&mut self, version: i16, (id, epoch): Producer) -> i16 {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.talk.transactional_id())
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
            .with_group_id(self.group_id());
        self.talk.client.call(version, &request).error_code
    }

    fn request(&self, (id, epoch): Producer, partition: i32, offset: i64) -> TxnOffsetCommitRequest {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_metadata(Some(text("noted")));
        let topic =
            TxnOffsetCommitRequestTopic::default().with_name(name(&self.talk.topic)).with_partitions(vec![partition]);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(self.talk.transactional_id())
            .with_group_id(self.group_id())
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
            .with_topics(vec![topic])
    }

    fn send(&mut self, version: i16, request: &TxnOffsetCommitRequest) -> i16 {
        self.talk.client.call_alone(version, request).topics[0].partitions[0].error_code
    }

    fn commit(&mut self, version: i16, producer: Producer, partition: i32, offset: i64) -> i16 {
        let request = self.request(producer, partition, offset);
        self.send(version, &request)
    }

    fn say_commit(&mut self, asked: &'static str, version: i16, producer: Producer, partition: i32, offset: i64) {
        let code = self.commit(version, producer, partition, offset);
        self.talk.say(asked, format!("v{version} {code}"));
    }

    /// A commit outside of transactions.
    fn commit_plainly(&mut self, partition: i32, offset: i64) -> i16 {
        let partition =
            OffsetCommitRequestPartition::default().with_partition_index(partition).with_committed_offset(offset);
        let topic =
            OffsetCommitRequestTopic::default().with_name(name(&self.talk.topic)).with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![topic]);
        self.talk.client.call(8, &request).topics[0].partitions[0].error_code
    }

    /// Code, offset and note; the code of the group alone if there is one.
    fn fetch(&mut self, version: i16, require_stable: bool, partition: i32) -> String {
        let topic = name(&self.talk.topic);
        let mut request = OffsetFetchRequest::default();
        if version >= 7 {
            request = request.with_require_stable(require_stable);
        }
        if version >= 8 {
            let topic = OffsetFetchRequestTopics::default().with_name(topic).with_partition_indexes(vec![partition]);
            let group =
                OffsetFetchRequestGroup::default().with_group_id(self.group_id()).with_topics(Some(vec![topic]));
            let answer = self.talk.client.call(version, &request.with_groups(vec![group])).groups.remove(0);
            if answer.error_code != 0 {
                return answer.error_code.to_string();
            }
            let found = &answer.topics[0].partitions[0];
            return format!("{} {} {:?}", found.error_code, found.committed_offset, found.metadata);
        }
        let topic = OffsetFetchRequestTopic::default().with_name(topic).with_partition_indexes(vec![partition]);
        let request = request.with_group_id(self.group_id()).with_topics(Some(vec![topic]));
        let answer = self.talk.client.call(version, &request);
        if answer.error_code != 0 {
            return answer.error_code.to_string();
        }
        let found = &answer.topics[0].partitions[0];
        format!("{} {} {:?}", found.error_code, found.committed_offset, found.metadata)
    }

    fn say_fetch(&mut self, asked: &'static str) {
        for (version, require_stable) in [(5, false), (7, false), (7, true), (8, true), (9, true)] {
            for partition in [0, 1] {
                let seen = self.fetch(version, require_stable, partition);
                let stable = if require_stable { " stable" } else { "" };
                self.talk.say(asked, format!("v{version}{stable} {partition}: {seen}"));
            }
        }
    }

    /// Everything the group has committed: topics with their partitions.
    fn fetch_all(&mut self) -> String {
        let group = OffsetFetchRequestGroup::default().with_group_id(self.group_id()).with_topics(None);
        let request = OffsetFetchRequest::default().with_require_stable(true).with_groups(vec![group]);
        let answer = self.talk.client.call(9, &request).groups.remove(0);
        let mut found: Vec<_> = answer.topics.iter().flat_map(|topic| &topic.partitions).collect();
        found.sort_by_key(|one| one.partition_index);
        let found: Vec<_> =
            found.iter().map(|one| (one.partition_index, one.error_code, one.committed_offset)).collect();
        format!("{} {found:?}", answer.error_code)
    }

    fn delete_group(&mut self) -> i16 {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![self.group_id()]);
        self.talk.client.call(2, &request).results[0].error_code
    }

    fn delete_offset(&mut self, partition: i32) -> (i16, Option<i16>) {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(partition);
        let topic =
            OffsetDeleteRequestTopic::default().with_name(name(&self.talk.topic)).with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default().with_group_id(self.group_id()).with_topics(vec![topic]);
        let answer = self.talk.client.call(0, &request);
        (answer.error_code, answer.topics.first().map(|topic| topic.partitions[0].error_code))
    }
}

#[test]
fn offsets_are_staged_until_the_end() {
    seen_on_each_broker(include_str!("seen/staged.txt"), |client| {
        let mut case = Offsets::new(client);
        let producer = case.talk.init();
        for version in 0..=4 {
            case.say_commit("not announced", version, producer, 0, 1);
        }
        for version in 0..=4 {
            let code = case.add(version, producer);
            case.talk.say("announced", format!("v{version} {code}"));
            case.say_commit("staged", version, producer, 0, 10 + i64::from(version));
        }
        case.say_fetch("while it is open");
        let seen = case.fetch_all();
        case.talk.say("all, while it is open", seen);
        case.talk.say_end("commit", 3, producer, true);
        case.say_fetch("committed");
        case.add(4, producer);
        case.say_commit("staged", 3, producer, 1, 20);
        case.say_commit("staged", 3, producer, 0, 20);
        let seen = case.fetch_all();
        case.talk.say("all, while it is open", seen);
        case.talk.say_end("abort", 3, producer, false);
        case.say_fetch("aborted");
        case.talk.lines
    });
}

#[test]
fn offsets_announce_themselves() {
    seen_on_each_broker(include_str!("seen/offsets_implicit.txt"), |client| {
        let mut case = Offsets::new(client);
        let producer = case.talk.init();
        let (id, epoch) = producer;
        case.say_commit("an old epoch", 5, (id, epoch - 1), 0, 1);
        case.say_commit("a future epoch", 5, (id, epoch + 1), 0, 1);
        case.say_commit("another producer id", 5, (id + 1, epoch), 0, 1);
        case.say_commit("a partition that is not there", 5, producer, 7, 1);
        let state = case.talk.state();
        case.talk.say("state", state);
        case.say_commit("staged", 5, producer, 0, 5);
        case.say_commit("staged again", 5, producer, 0, 6);
        case.say_fetch("while it is open");
        let next = case.talk.say_end("commit", 5, producer, true);
        case.say_fetch("committed");
        case.say_commit("of the last epoch", 5, producer, 0, 7);
        case.say_commit("next", 5, next, 1, 8);
        let after = case.talk.say_end("abort", 5, next, false);
        case.say_fetch("aborted");
        let mut long = case.request(after, 0, 9);
        long.topics[0].partitions[0].committed_metadata = Some(text(&"x".repeat(4097)));
        let code = case.send(5, &long);
        case.talk.say("a long note", code.to_string());
        case.talk.lines
    });
}

#[test]
fn members_that_are_left_behind_stage_nothing() {
    seen_on_each_broker(include_str!("seen/left_behind.txt"), |client| {
        let mut case = Offsets::new(client);
        let producer = case.talk.init();
        let as_member = |case: &Offsets<'_>, generation: i32, member: &str, instance: Option<&str>| {
            case.request(producer, 0, 1)
                .with_generation_id(generation)
                .with_member_id(text(member))
                .with_group_instance_id(instance.map(text))
        };
        for (asked, generation, member, instance) in [
            ("a generation of no group", 3, "", None),
            ("a member of no group", 3, "nobody", None),
            ("a member without generation of no group", -1, "nobody", None),
        ] {
            let request = as_member(&case, generation, member, instance);
            let code = case.send(5, &request);
            case.talk.say(asked, code.to_string());
        }
        case.group = unique("group");
        assert_eq!(case.commit_plainly(0, 1), 0);
        for (asked, generation, member, instance) in [
            ("nobody", -1, "", None),
            ("a generation", 3, "", None),
            ("a member", 3, "nobody", None),
            ("a member without generation", -1, "nobody", None),
            ("an instance", 3, "nobody", Some("instance")),
            ("an instance without generation", -1, "", Some("instance")),
        ] {
            let request = as_member(&case, generation, member, instance);
            let code = case.send(5, &request);
            case.talk.say(asked, code.to_string());
        }
        case.group = String::new();
        let request = as_member(&case, -1, "", None);
        let code = case.send(5, &request);
        case.talk.say("no group id", code.to_string());
        case.talk.lines
    });
}

#[test]
fn the_later_commit_counts_whichever_ends_first() {
    seen_on_each_broker(include_str!("seen/later_commit.txt"), |client| {
        let mut case = Offsets::new(client);
        let producer = case.talk.init();
        case.say_commit("staged", 5, producer, 0, 5);
        case.say_commit("staged", 5, producer, 1, 5);
        let code = case.commit_plainly(0, 3);
        case.talk.say("plainly", code.to_string());
        let seen = case.fetch_all();
        case.talk.say("open", seen);
        let producer = case.talk.say_end("commit", 5, producer, true);
        let seen = case.fetch_all();
        case.talk.say("committed", seen);

        let first = case.talk.id.clone();
        let second = unique("txn");
        case.talk.id = second.clone();
        let other = case.talk.init();
        case.talk.id = first.clone();
        case.say_commit("first stages", 5, producer, 0, 100);
        case.talk.id = second;
        case.say_commit("second stages", 5, other, 0, 50);
        case.talk.say_end("second commits", 5, other, true);
        let seen = case.fetch_all();
        case.talk.say("one is open", seen);
        case.talk.id = first;
        case.talk.say_end("first commits", 5, producer, true);
        let seen = case.fetch_all();
        case.talk.say("committed", seen);
        case.talk.lines
    });
}

#[test]
fn what_deletes_offsets_deletes_staged_ones() {
    seen_on_each_broker(include_str!("seen/deleted.txt"), |client| {
        let mut case = Offsets::new(client);
        let producer = case.talk.init();
        case.say_commit("staged", 5, producer, 0, 5);
        case.say_commit("staged", 5, producer, 1, 5);
        let seen = case.delete_offset(0);
        case.talk.say("offset deleted", format!("{seen:?}"));
        let seen = case.fetch_all();
        case.talk.say("open", seen);
        let seen = case.fetch(9, true, 1);
        case.talk.say("the other one", seen);
        let producer = case.talk.say_end("commit", 5, producer, true);
        let seen = case.fetch_all();
        case.talk.say("committed", seen);
        case.say_commit("staged", 5, producer, 0, 6);
        let code = case.delete_group();
        case.talk.say("group deleted", code.to_string());
        let seen = case.fetch(9, true, 0);
        case.talk.say("open", seen);
        case.talk.say_end("commit", 5, producer, true);
        let seen = case.fetch_all();
        case.talk.say("committed", seen);
        case.talk.lines
    });
}
