//! What tools ask: DescribeGroups, ConsumerGroupDescribe, ListGroups, DeleteGroups.

use kafka_protocol::messages::consumer_group_describe_response::{Assignment, DescribedGroup};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest,
};

use super::world::World;
use crate::topics::text;

impl World {
    pub(super) fn describe_classic(&mut self, version: i16) -> String {
        self.settle();
        let request = DescribeGroupsRequest::default()
            .with_groups(vec![self.group_id()])
            .with_include_authorized_operations(version >= 3);
        let mut answer = self.call(version, &request);
        for group in &mut answer.groups {
            for member in &mut group.members {
                member.member_assignment = Self::share(&member.member_assignment);
                member.member_metadata = format!("{} bytes", member.member_metadata.len().min(4)).into();
            }
            // A client that was not told its id has left behind a member without a name.
            group
                .members
                .sort_by_key(|member| (self.names.meaning(&member.member_id), member.member_assignment.clone()));
        }
        format!("{answer:?}")
    }

    pub(super) fn describe_consumer(&mut self, version: i16) -> String {
        self.settle();
        let request = ConsumerGroupDescribeRequest::default()
            .with_group_ids(vec![self.group_id()])
            .with_include_authorized_operations(true);
        let mut answer = self.call(version, &request);
        let mut counts = Vec::new();
        for group in &mut answer.groups {
            group.members.sort_by_key(|member| self.names.meaning(&member.member_id));
            for member in &mut group.members {
                member.subscribed_topic_names.sort();
                counts.push((take(&mut member.assignment), take(&mut member.target_assignment)));
            }
        }
        format!("partitions {counts:?} {answer:?}")
    }

    /// The epoch of a consumer group; 0 if it is none.
    pub(super) fn group_epoch(&mut self) -> i32 {
        self.consumer_group().group_epoch
    }

    pub(super) fn is_empty_consumer_group(&mut self) -> bool {
        *self.consumer_group().group_state == *"Empty"
    }

    fn consumer_group(&mut self) -> DescribedGroup {
        self.settle();
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![self.group_id()]);
        self.call(1, &request).groups.remove(0)
    }

    pub(super) fn list(&mut self, version: i16, states: &[&str], types: &[&str]) -> String {
        self.settle();
        let request = ListGroupsRequest::default();
        let request = if version >= 4 {
            request.with_states_filter(states.iter().map(|state| text(state)).collect())
        } else {
            request
        };
        let request = if version >= 5 {
            request.with_types_filter(types.iter().map(|kind| text(kind)).collect())
        } else {
            request
        };
        let mut answer = self.call(version, &request);
        answer.groups.retain(|group| *group.group_id.0 == *self.group);
        format!("{answer:?}")
    }

    pub(super) fn delete_group(&mut self, version: i16) -> String {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![self.group_id()]);
        let answer = self.call(version, &request);
        format!("{answer:?}")
    }
}

/// The number of partitions in an assignment, which is empty then.
fn take(assignment: &mut Assignment) -> usize {
    std::mem::take(assignment).topic_partitions.iter().map(|topic| topic.partitions.len()).sum()
}
