//! Groups: which there are, who is in them, and their end.

use std::ptr::NonNull;

use rdkafka::bindings::{
    self as sys, rd_kafka_admin_op_t as Op, rd_kafka_consumer_group_state_t as State,
    rd_kafka_consumer_group_type_t as Type,
};

use super::{
    Outcome,
    call::{Answer, Call, Request, taken},
    cluster::node,
    numbers::error_of,
    owned::{Owned, lent, pointers, results},
};
use crate::{
    admin::{GroupDescription, GroupFilter, GroupListing, GroupListings, GroupMember, GroupState, GroupType, PerItem},
    client::ffi::{
        partition_list::elements,
        text::{c_string, c_text},
    },
    error::Result,
    record::TopicPartition,
};

/// Asks every broker for its groups.
pub(crate) struct ListGroups(pub(crate) GroupFilter);

/// Asks who is in groups.
pub(crate) struct DescribeGroups(pub(crate) Vec<String>);

/// Deletes groups that have no members, with all they have committed.
pub(crate) struct DeleteGroups(pub(crate) Vec<String>);

impl Request for ListGroups {
    type Answer = GroupListings;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let states: Vec<_> = self.0.states.iter().map(|state| native_state(*state)).collect();
        let types: Vec<_> = self.0.types.iter().map(|kind| native_type(*kind)).collect();
        // SAFETY: client, options and queue are alive; the arrays are copied; the error objects are ours.
        unsafe {
            if !states.is_empty() {
                taken(sys::rd_kafka_AdminOptions_set_match_consumer_group_states(
                    call.options(),
                    states.as_ptr(),
                    states.len(),
                ))?;
            }
            if !types.is_empty() {
                taken(sys::rd_kafka_AdminOptions_set_match_consumer_group_types(
                    call.options(),
                    types.as_ptr(),
                    types.len(),
                ))?;
            }
            sys::rd_kafka_ListConsumerGroups(call.client(), call.options(), call.queue());
        }
        Ok(())
    }

    fn read(answer: &Answer) -> GroupListings {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_ListConsumerGroups_result(answer.event());
            let groups = lent(result, sys::rd_kafka_ListConsumerGroups_result_valid);
            let errors = lent(result, sys::rd_kafka_ListConsumerGroups_result_errors);
            let mut groups: Vec<_> = groups.into_iter().map(|found| listing(found)).collect();
            groups.sort_by(|left, right| left.group.cmp(&right.group));
            GroupListings { groups, errors: errors.into_iter().filter_map(|error| error_of(error)).collect() }
        }
    }
}

/// # Safety
/// The listing is alive.
unsafe fn listing(group: *const sys::rd_kafka_ConsumerGroupListing_t) -> GroupListing {
    // SAFETY: the caller's promise. librdkafka has states and types by their names: what it does not know is its unknown.
    unsafe {
        GroupListing {
            group: c_text(sys::rd_kafka_ConsumerGroupListing_group_id(group)),
            is_simple: sys::rd_kafka_ConsumerGroupListing_is_simple_consumer_group(group) != 0,
            state: state(sys::rd_kafka_ConsumerGroupListing_state(group)),
            group_type: group_type(sys::rd_kafka_ConsumerGroupListing_type(group)),
        }
    }
}

impl Request for DescribeGroups {
    type Answer = PerItem<String, GroupDescription>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let groups = self.0.iter().map(|group| c_string(group, "group")).collect::<Result<Vec<_>>>()?;
        let mut groups_ptr: Vec<_> = groups.iter().map(|group| group.as_ptr()).collect();
        // SAFETY: client, options and queue are alive; the names are copied.
        unsafe {
            sys::rd_kafka_DescribeConsumerGroups(
                call.client(),
                groups_ptr.as_mut_ptr(),
                groups.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_DescribeConsumerGroups_result,
                sys::rd_kafka_DescribeConsumerGroups_result_groups,
                |group| Some(description(group)),
            )
        }
    }
}

/// # Safety
/// The description is alive.
unsafe fn description(group: *const sys::rd_kafka_ConsumerGroupDescription_t) -> (String, Outcome<GroupDescription>) {
    // SAFETY: the caller's promise; all of it is copied.
    unsafe {
        let name = c_text(sys::rd_kafka_ConsumerGroupDescription_group_id(group));
        if let Some(error) = error_of(sys::rd_kafka_ConsumerGroupDescription_error(group)) {
            return (name, Err(error));
        }
        let n_members = sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        let member = |i| NonNull::new(sys::rd_kafka_ConsumerGroupDescription_member(group, i).cast_mut());
        let mut members: Vec<_> = (0..n_members).filter_map(member).map(|found| self::member(found.as_ptr())).collect();
        members.sort_by(|left, right| left.member_id.cmp(&right.member_id));
        let description = GroupDescription {
            group: name.clone(),
            is_simple: sys::rd_kafka_ConsumerGroupDescription_is_simple_consumer_group(group) != 0,
            state: state(sys::rd_kafka_ConsumerGroupDescription_state(group)),
            group_type: group_type(sys::rd_kafka_ConsumerGroupDescription_type(group)),
            assignor: c_text(sys::rd_kafka_ConsumerGroupDescription_partition_assignor(group)),
            coordinator: node(sys::rd_kafka_ConsumerGroupDescription_coordinator(group)),
            members,
        };
        (name, Ok(description))
    }
}

/// # Safety
/// The member is alive.
unsafe fn member(member: *const sys::rd_kafka_MemberDescription_t) -> GroupMember {
    // SAFETY: the caller's promise; all of it is copied.
    unsafe {
        let instance_id = sys::rd_kafka_MemberDescription_group_instance_id(member);
        GroupMember {
            member_id: c_text(sys::rd_kafka_MemberDescription_consumer_id(member)),
            client_id: c_text(sys::rd_kafka_MemberDescription_client_id(member)),
            host: c_text(sys::rd_kafka_MemberDescription_host(member)),
            instance_id: (!instance_id.is_null()).then(|| c_text(instance_id)),
            assignment: assignment(sys::rd_kafka_MemberDescription_assignment(member)).unwrap_or_default(),
            target_assignment: assignment(sys::rd_kafka_MemberDescription_target_assignment(member)),
        }
    }
}

/// # Safety
/// The assignment is null or alive.
unsafe fn assignment(assignment: *const sys::rd_kafka_MemberAssignment_t) -> Option<Vec<TopicPartition>> {
    if assignment.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; the list is only read.
    unsafe {
        let list = NonNull::new(sys::rd_kafka_MemberAssignment_partitions(assignment).cast_mut())?;
        let mut partitions: Vec<_> = elements(list).map(|entry| entry.partition()).collect();
        partitions.sort();
        Some(partitions)
    }
}

impl Request for DeleteGroups {
    type Answer = PerItem<String, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DELETEGROUPS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let native = |group: &String| {
            let name = c_string(group, "group")?;
            // SAFETY: the name is copied; the object is ours.
            unsafe {
                let native = sys::rd_kafka_DeleteGroup_new(name.as_ptr());
                Owned::new(native, sys::rd_kafka_DeleteGroup_destroy, "group")
            }
        };
        let groups = self.0.iter().map(native).collect::<Result<Vec<_>>>()?;
        let mut groups_ptr = pointers(&groups);
        // SAFETY: client, options and queue are alive; the objects are copied.
        unsafe {
            sys::rd_kafka_DeleteGroups(
                call.client(),
                groups_ptr.as_mut_ptr(),
                groups.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event.
        unsafe {
            results(
                answer,
                sys::rd_kafka_event_DeleteGroups_result,
                sys::rd_kafka_DeleteGroups_result_groups,
                |group| Some(deleted(group)),
            )
        }
    }
}

/// # Safety
/// The result is alive.
unsafe fn deleted(group: *const sys::rd_kafka_group_result_t) -> (String, Outcome<()>) {
    // SAFETY: the caller's promise.
    unsafe {
        let error = error_of(sys::rd_kafka_group_result_error(group));
        (c_text(sys::rd_kafka_group_result_name(group)), error.map_or(Ok(()), Err))
    }
}

fn state(state: State) -> GroupState {
    match state {
        State::RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE => GroupState::PreparingRebalance,
        State::RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE => GroupState::CompletingRebalance,
        State::RD_KAFKA_CONSUMER_GROUP_STATE_STABLE => GroupState::Stable,
        State::RD_KAFKA_CONSUMER_GROUP_STATE_DEAD => GroupState::Dead,
        State::RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY => GroupState::Empty,
        State::RD_KAFKA_CONSUMER_GROUP_STATE_UNKNOWN | State::RD_KAFKA_CONSUMER_GROUP_STATE__CNT => GroupState::Unknown,
    }
}

fn native_state(state: GroupState) -> State {
    match state {
        GroupState::PreparingRebalance => State::RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE,
        GroupState::CompletingRebalance => State::RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE,
        GroupState::Stable => State::RD_KAFKA_CONSUMER_GROUP_STATE_STABLE,
        GroupState::Dead => State::RD_KAFKA_CONSUMER_GROUP_STATE_DEAD,
        GroupState::Empty => State::RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY,
        GroupState::Unknown => State::RD_KAFKA_CONSUMER_GROUP_STATE_UNKNOWN,
    }
}

fn group_type(kind: Type) -> GroupType {
    match kind {
        Type::RD_KAFKA_CONSUMER_GROUP_TYPE_CONSUMER => GroupType::Consumer,
        Type::RD_KAFKA_CONSUMER_GROUP_TYPE_CLASSIC => GroupType::Classic,
        Type::RD_KAFKA_CONSUMER_GROUP_TYPE_UNKNOWN | Type::RD_KAFKA_CONSUMER_GROUP_TYPE__CNT => GroupType::Unknown,
    }
}

fn native_type(kind: GroupType) -> Type {
    match kind {
        GroupType::Consumer => Type::RD_KAFKA_CONSUMER_GROUP_TYPE_CONSUMER,
        GroupType::Classic => Type::RD_KAFKA_CONSUMER_GROUP_TYPE_CLASSIC,
        GroupType::Unknown => Type::RD_KAFKA_CONSUMER_GROUP_TYPE_UNKNOWN,
    }
}
