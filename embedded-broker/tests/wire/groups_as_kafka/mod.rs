//! What a real Kafka was seen to answer about groups: the same requests to each broker, the same answers.

use bytes::Bytes;
use embedded_broker::ErrorCode;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, CreateTopicsRequest, DeleteGroupsRequest,
    DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
    SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

mod assignors;
mod migration;
mod patterns;

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use crate::patience::ask_until;

/// One test's topic and group on one broker.
struct Case<'a> {
    client: &'a mut Client,
    topic: String,
    group: String,
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn on_each(test: impl Fn(&mut Case<'_>)) {
    on_each_broker(|client| {
        let mut case = Case { client, topic: unique("groups"), group: unique("g") };
        case.create_topic();
        // A real broker makes its offsets topic for the first group there is, and hears of a new topic a little late.
        let not_ready = [3, 14, 15, 16];
        let commit = |case: &mut Case<'_>| match case.find_coordinator() {
            0 => case.commit(8, -1, "", 0),
            error => error,
        };
        ask_until(|| commit(&mut case), |error| !not_ready.contains(error));
        case.await_topic();
        let probe = DeleteGroupsRequest::default().with_groups_names(vec![case.group_id()]);
        assert_eq!(case.client.call(2, &probe).results[0].error_code, 0);
        test(&mut case);
    });
}

impl Case<'_> {
    fn group_id(&self) -> GroupId {
        GroupId(text(&self.group))
    }

    fn create_topic(&mut self) {
        let topic = CreatableTopic::default()
            .with_name(TopicName(text(&self.topic)))
            .with_num_partitions(2)
            .with_replication_factor(1);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
        assert_eq!(self.client.call(7, &request).topics[0].error_code, 0);
    }

    /// Waits until the coordinator knows the topic: on a real broker that is later than anything else does.
    fn await_topic(&mut self) {
        let probe = GroupId(text(&unique("probe")));
        let in_probe = |request: ConsumerGroupHeartbeatRequest| request.with_group_id(probe.clone());
        let join = self.joining(in_probe(ConsumerGroupHeartbeatRequest::default()));
        let (error, mut epoch, assigned) = self.beat(|request| join.with_member_id(request.member_id));
        assert_eq!(error, 0);
        let is_some = |assigned: &Option<Vec<i32>>| assigned.as_ref().is_some_and(|assigned| !assigned.is_empty());
        let mut next = || {
            let beat = self.beat(|request| in_probe(request).with_member_epoch(epoch));
            epoch = beat.1;
            beat.2
        };
        if !is_some(&assigned) {
            ask_until(&mut next, is_some);
        }
        self.beat(|request| in_probe(request).with_member_epoch(-1));
        let delete = DeleteGroupsRequest::default().with_groups_names(vec![probe]);
        assert_eq!(self.client.call(2, &delete).results[0].error_code, 0);
    }

    fn find_coordinator(&mut self) -> i16 {
        let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(&self.group)]);
        self.client.call(6, &request).coordinators[0].error_code
    }

    fn commit(&mut self, version: i16, generation: i32, member_id: &str, partition: i32) -> i16 {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(7)
            .with_committed_metadata(Some(text("noted")));
        let topic = OffsetCommitRequestTopic::default()
            .with_name(TopicName(text(&self.topic)))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id_or_member_epoch(generation)
            .with_member_id(text(member_id))
            .with_topics(vec![topic]);
        self.client.call(version, &request).topics[0].partitions[0].error_code
    }

    /// The error of the group, and offset and metadata of partition 0.
    fn fetch(&mut self, member_id: Option<&str>, epoch: i32) -> (i16, Option<(i64, Option<StrBytes>)>) {
        let topic =
            OffsetFetchRequestTopics::default().with_name(TopicName(text(&self.topic))).with_partition_indexes(vec![0]);
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(self.group_id())
            .with_member_id(member_id.map(text))
            .with_member_epoch(epoch)
            .with_topics(Some(vec![topic]));
        let group = self.client.call(9, &OffsetFetchRequest::default().with_groups(vec![group])).groups.remove(0);
        let found = group.topics.first().map(|topic| &topic.partitions[0]);
        (group.error_code, found.map(|found| (found.committed_offset, found.metadata.clone())))
    }

    fn join_request(&self, member_id: &StrBytes, instance: Option<&str>) -> JoinGroupRequest {
        self.join_owning(member_id, instance, &[])
    }

    /// A JoinGroup of a consumer that has these partitions.
    fn join_owning(&self, member_id: &StrBytes, instance: Option<&str>, owned: &[i32]) -> JoinGroupRequest {
        let mut subscription = vec![0, 1, 0, 0, 0, 1];
        self.put_topic(&mut subscription);
        subscription.extend([0xff; 4]);
        subscription.extend([0, 0, 0, u8::from(!owned.is_empty())]);
        if !owned.is_empty() {
            self.put_topic(&mut subscription);
            put_partitions(&mut subscription, owned);
        }
        let range = JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(subscription.into());
        JoinGroupRequest::default()
            .with_group_id(self.group_id())
            .with_session_timeout_ms(10_000)
            .with_rebalance_timeout_ms(60_000)
            .with_member_id(member_id.clone())
            .with_group_instance_id(instance.map(text))
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![range])
    }

    fn join(&mut self, version: i16, instance: Option<&str>) -> JoinGroupResponse {
        let first = self.join_request(&text(""), instance);
        let first = self.client.call(version, &first);
        if first.error_code != ErrorCode::MemberIdRequired.code() {
            return first;
        }
        let second = self.join_request(&first.member_id, instance);
        self.client.call(version, &second)
    }

    fn put_topic(&self, bytes: &mut Vec<u8>) {
        bytes.extend(i16::try_from(self.topic.len()).unwrap_or(0).to_be_bytes());
        bytes.extend(self.topic.as_bytes());
    }

    /// An assignment of these partitions, as consumers exchange it.
    fn assignment(&self, partitions: &[i32]) -> Bytes {
        let mut bytes = vec![0, 1, 0, 0, 0, 1];
        self.put_topic(&mut bytes);
        put_partitions(&mut bytes, partitions);
        bytes.extend([0xff; 4]);
        bytes.into()
    }

    fn sync(&mut self, member_id: &StrBytes, generation: i32) -> (i16, Bytes) {
        self.sync_sharing(member_id, generation, Bytes::from_static(b"share"))
    }

    fn sync_sharing(&mut self, member_id: &StrBytes, generation: i32, share: Bytes) -> (i16, Bytes) {
        let share = SyncGroupRequestAssignment::default().with_member_id(member_id.clone()).with_assignment(share);
        let request = SyncGroupRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id(generation)
            .with_member_id(member_id.clone())
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range")))
            .with_assignments(vec![share]);
        let response = self.client.call(5, &request);
        (response.error_code, response.assignment)
    }

    fn heartbeat(&mut self, member_id: &StrBytes, generation: i32, instance: Option<&str>) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id(generation)
            .with_member_id(member_id.clone())
            .with_group_instance_id(instance.map(text));
        self.client.call(4, &request).error_code
    }

    fn leave(&mut self, member_id: &StrBytes) -> (i16, Vec<i16>) {
        let member = MemberIdentity::default().with_member_id(member_id.clone());
        let request = LeaveGroupRequest::default().with_group_id(self.group_id()).with_members(vec![member]);
        let response = self.client.call(5, &request);
        (response.error_code, response.members.iter().map(|member| member.error_code).collect())
    }

    fn delete(&mut self) -> i16 {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![self.group_id()]);
        self.client.call(2, &request).results[0].error_code
    }

    fn delete_offset(&mut self) -> (i16, Option<i16>) {
        let partition = OffsetDeleteRequestPartition::default();
        let topic = OffsetDeleteRequestTopic::default()
            .with_name(TopicName(text(&self.topic)))
            .with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default().with_group_id(self.group_id()).with_topics(vec![topic]);
        let response = self.client.call(0, &request);
        (response.error_code, response.topics.first().map(|topic| topic.partitions[0].error_code))
    }

    /// Waits until all that was answered can be seen: a real coordinator shows what it has written, a little after it said
    /// so. Only a request for stable offsets waits for that.
    fn settle(&mut self) {
        let group = OffsetFetchRequestGroup::default().with_group_id(self.group_id()).with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(true);
        assert_eq!(self.client.call(8, &request).groups[0].error_code, 0);
    }

    /// Error, state, protocol and number of members.
    fn describe(&mut self, version: i16) -> (i16, String, String, usize) {
        self.settle();
        let request = DescribeGroupsRequest::default().with_groups(vec![self.group_id()]);
        let group = self.client.call(version, &request).groups.remove(0);
        (group.error_code, group.group_state.to_string(), group.protocol_data.to_string(), group.members.len())
    }

    /// Protocol type, state and type in the list of all groups.
    fn listed(&mut self) -> Option<(String, String, String)> {
        self.settle();
        let groups = self.client.call(5, &ListGroupsRequest::default()).groups;
        let group = groups.iter().find(|group| *group.group_id.0 == *self.group)?;
        let (kind, state) = (group.protocol_type.to_string(), group.group_state.to_string());
        Some((kind, state, group.group_type.to_string()))
    }

    fn beat(&mut self, change: impl FnOnce(ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatRequest) -> Beat {
        let request = ConsumerGroupHeartbeatRequest::default().with_group_id(self.group_id()).with_member_id(text("a"));
        let heard = self.client.call(1, &change(request));
        let assigned = heard
            .assignment
            .map(|assignment| assignment.topic_partitions.iter().flat_map(|topic| topic.partitions.clone()).collect());
        (heard.error_code, heard.member_epoch, assigned)
    }

    fn joining(&self, request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatRequest {
        request
            .with_rebalance_timeout_ms(60_000)
            .with_subscribed_topic_names(Some(vec![TopicName(text(&self.topic))]))
            .with_topic_partitions(Some(Vec::<TopicPartitions>::new()))
    }
}

fn put_partitions(bytes: &mut Vec<u8>, partitions: &[i32]) {
    bytes.extend(i32::try_from(partitions.len()).unwrap_or(0).to_be_bytes());
    partitions.iter().for_each(|partition| bytes.extend(partition.to_be_bytes()));
}

/// Error, epoch and assigned partitions of an answer to a heartbeat.
type Beat = (i16, i32, Option<Vec<i32>>);

fn shown(error: i16, state: &str, protocol: &str, members: usize) -> (i16, String, String, usize) {
    (error, state.to_owned(), protocol.to_owned(), members)
}

#[test]
fn a_classic_member_lives_and_leaves() {
    on_each(|case| {
        let joined = case.join(9, None);
        let me = joined.member_id.clone();
        assert_eq!((joined.error_code, joined.generation_id, &joined.leader), (0, 1, &me));
        assert_eq!((joined.skip_assignment, joined.members.len()), (false, 1));
        assert_eq!(case.describe(6), shown(0, "CompletingRebalance", "", 1));
        assert_eq!(case.commit(9, 1, &me, 0), ErrorCode::RebalanceInProgress.code());
        let nameless =
            SyncGroupRequest::default().with_group_id(case.group_id()).with_generation_id(1).with_member_id(me.clone());
        assert_eq!(case.client.call(5, &nameless).error_code, ErrorCode::InconsistentGroupProtocol.code());
        assert_eq!(case.sync(&me, 1), (0, Bytes::from_static(b"share")));
        assert_eq!(case.describe(6), shown(0, "Stable", "range", 1));
        assert_eq!(case.heartbeat(&me, 1, None), 0);
        assert_eq!(case.heartbeat(&me, 2, None), ErrorCode::IllegalGeneration.code());
        assert_eq!(case.sync(&me, 2).0, ErrorCode::IllegalGeneration.code());
        assert_eq!(case.commit(9, 1, &me, 0), 0);
        assert_eq!(case.commit(9, 1, &me, 2), ErrorCode::UnknownTopicOrPartition.code());
        assert_eq!(case.commit(9, 2, &me, 0), ErrorCode::IllegalGeneration.code());
        assert_eq!(case.commit(9, -1, "", 0), ErrorCode::UnknownMemberId.code());
        assert_eq!(case.delete(), ErrorCode::NonEmptyGroup.code());
        assert_eq!(case.delete_offset(), (0, Some(ErrorCode::GroupSubscribedToTopic.code())));
        assert_eq!(case.listed(), Some(("consumer".into(), "Stable".into(), "classic".into())));
        assert_eq!(case.leave(&me), (0, vec![0]));
        assert_eq!(case.leave(&me), (0, vec![ErrorCode::UnknownMemberId.code()]));
        assert_eq!(case.describe(6), shown(0, "Empty", "", 0));
        assert_eq!(case.listed(), Some(("consumer".into(), "Empty".into(), "classic".into())));
        assert_eq!(case.fetch(None, -1), (0, Some((7, Some(text("noted"))))));
        assert_eq!(case.delete_offset(), (0, Some(0)));
        assert_eq!(case.fetch(None, -1), (0, Some((-1, Some(text(""))))));
        assert_eq!(case.describe(6), shown(0, "Empty", "", 0));
        assert_eq!(case.delete(), 0);
    });
}

#[test]
fn what_is_not_there_is_told_apart() {
    on_each(|case| {
        let nobody = text("nobody");
        let unknown = ErrorCode::UnknownMemberId.code();
        let join = case.join_request(&nobody, None);
        assert_eq!(case.client.call(9, &join).error_code, unknown);
        assert_eq!(case.sync(&nobody, 1).0, unknown);
        assert_eq!(case.heartbeat(&nobody, 1, None), unknown);
        assert_eq!(case.leave(&nobody), (0, vec![unknown]));
        assert_eq!(case.commit(8, 1, "nobody", 0), ErrorCode::IllegalGeneration.code());
        assert_eq!(case.commit(9, 1, "nobody", 0), ErrorCode::GroupIdNotFound.code());
        assert_eq!(case.describe(5), shown(0, "Dead", "", 0));
        assert_eq!(case.describe(6), shown(69, "Dead", "", 0));
        assert_eq!(case.delete(), 69);
        assert_eq!(case.delete_offset(), (69, None));
        assert_eq!(case.fetch(None, -1), (0, Some((-1, Some(text(""))))));
        assert_eq!(case.beat(|request| request.with_member_epoch(1)).0, 69);
        assert_eq!(case.listed(), None);
        assert_eq!(case.commit(9, -1, "", 2), ErrorCode::UnknownTopicOrPartition.code());
        assert_eq!(case.listed(), None, "no group for a partition that does not exist");
        assert_eq!(case.commit(9, -1, "", 0), 0);
        assert_eq!(case.listed(), Some((String::new(), "Empty".into(), "classic".into())));
        assert_eq!(case.delete(), 0);
    });
}

#[test]
fn a_static_member_is_replaced_without_a_rebalance() {
    on_each(|case| {
        let first = case.join(9, Some("one"));
        assert_eq!((first.error_code, first.generation_id), (0, 1));
        case.sync(&first.member_id, 1);
        let second = case.join(9, Some("one"));
        assert_eq!((second.error_code, second.generation_id, second.skip_assignment), (0, 1, true));
        assert_eq!((&second.leader, second.members.len()), (&second.member_id, 1));
        let third = case.join(5, Some("one"));
        assert_eq!((third.generation_id, &third.leader, third.members.len()), (1, &second.member_id, 0));
        assert_eq!(case.sync(&third.member_id, 1), (0, Bytes::from_static(b"share")));
        let fenced = ErrorCode::FencedInstanceId.code();
        assert_eq!(case.heartbeat(&second.member_id, 1, Some("one")), fenced);
        assert_eq!(case.heartbeat(&second.member_id, 1, None), ErrorCode::UnknownMemberId.code());
        assert_eq!(case.heartbeat(&third.member_id, 1, Some("two")), ErrorCode::UnknownMemberId.code());
        assert_eq!(case.leave(&third.member_id), (0, vec![0]));
    });
}

#[test]
fn a_consumer_group_member_lives_and_leaves() {
    on_each(|case| {
        let join = case.joining(ConsumerGroupHeartbeatRequest::default());
        let whole = |request: ConsumerGroupHeartbeatRequest| {
            request
                .with_rebalance_timeout_ms(60_000)
                .with_subscribed_topic_names(join.subscribed_topic_names.clone())
                .with_topic_partitions(Some(Vec::new()))
        };
        let invalid = ErrorCode::InvalidRequest.code();
        assert_eq!(case.beat(|request| whole(request).with_rebalance_timeout_ms(-1)).0, invalid);
        assert_eq!(case.beat(|request| whole(request).with_topic_partitions(None)).0, invalid);
        assert_eq!(case.beat(|request| whole(request).with_subscribed_topic_names(None)).0, invalid);
        let unsupported = ErrorCode::UnsupportedAssignor.code();
        assert_eq!(case.beat(|request| whole(request).with_server_assignor(Some(text("sticky")))).0, unsupported);

        let joined = case.beat(whole);
        let epoch = joined.1;
        assert_eq!((joined.0, joined.2), (0, Some(vec![0, 1])));
        assert_eq!(case.beat(|request| request.with_member_epoch(epoch)), (0, epoch, None));
        let fenced = ErrorCode::FencedMemberEpoch.code();
        assert_eq!(case.beat(|request| request.with_member_epoch(epoch + 1)).0, fenced);
        let unknown = ErrorCode::UnknownMemberId.code();
        assert_eq!(case.beat(|request| request.with_member_id(text("b")).with_member_epoch(epoch)).0, unknown);
        let broken = |request: ConsumerGroupHeartbeatRequest| {
            request.with_member_epoch(epoch).with_subscribed_topic_regex(Some(text("te(")))
        };
        assert_eq!(case.beat(broken).0, ErrorCode::InvalidRegularExpression.code());
        assert_eq!(case.listed(), Some(("consumer".into(), "Stable".into(), "consumer".into())));
        assert_eq!(case.describe(6), shown(69, "Dead", "", 0));
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![case.group_id()]);
        let described = case.client.call(1, &request).groups.remove(0);
        assert_eq!((described.group_epoch, described.assignment_epoch), (epoch, epoch));
        assert_eq!((described.assignor_name.as_str(), described.members[0].member_type), ("uniform", 1));

        assert_eq!(case.commit(9, epoch, "a", 0), 0);
        assert_eq!(case.commit(9, epoch + 1, "a", 0), ErrorCode::StaleMemberEpoch.code());
        assert_eq!(case.commit(8, epoch, "a", 0), ErrorCode::UnsupportedVersion.code());
        assert_eq!(case.commit(9, -1, "", 0), unknown);
        assert_eq!(case.fetch(Some("a"), epoch).0, 0);
        assert_eq!(case.fetch(Some("a"), epoch + 1).0, ErrorCode::StaleMemberEpoch.code());
        assert_eq!(case.fetch(Some("b"), epoch).0, unknown);
        assert_eq!(case.delete(), ErrorCode::NonEmptyGroup.code());
        assert_eq!(case.delete_offset(), (0, Some(ErrorCode::GroupSubscribedToTopic.code())));

        assert_eq!(case.beat(|request| request.with_member_epoch(-1)), (0, -1, None));
        assert_eq!(case.listed(), Some(("consumer".into(), "Empty".into(), "consumer".into())));
        assert_eq!(case.delete(), 0);
    });
}

#[test]
fn a_static_consumer_group_member_is_kept_its_place() {
    on_each(|case| {
        let join = case.joining(ConsumerGroupHeartbeatRequest::default().with_instance_id(Some(text("one"))));
        let as_one = |id: &str, epoch: i32| {
            let (id, join) = (text(id), join.clone());
            move |request: ConsumerGroupHeartbeatRequest| {
                let request = request.with_member_id(id).with_member_epoch(epoch).with_instance_id(join.instance_id);
                if epoch != 0 {
                    return request;
                }
                request
                    .with_rebalance_timeout_ms(join.rebalance_timeout_ms)
                    .with_subscribed_topic_names(join.subscribed_topic_names)
                    .with_topic_partitions(join.topic_partitions)
            }
        };
        let (_, epoch, assigned) = case.beat(as_one("a", 0));
        assert_eq!(assigned, Some(vec![0, 1]));
        assert_eq!(case.beat(as_one("b", 0)).0, ErrorCode::UnreleasedInstanceId.code());
        assert_eq!(case.beat(as_one("a", -2)), (0, -2, None));
        assert_eq!(case.beat(as_one("b", 0)), (0, epoch, Some(vec![0, 1])));
        assert_eq!(case.beat(as_one("a", epoch)).0, ErrorCode::FencedInstanceId.code());
        assert_eq!(case.beat(as_one("b", -1)), (0, -1, None));
    });
}
