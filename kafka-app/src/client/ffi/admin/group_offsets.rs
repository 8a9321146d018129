//! What groups have committed: read, changed and deleted. librdkafka takes one group a call.

use std::{collections::BTreeMap, ptr, slice};

use rdkafka::bindings::{self as sys, rd_kafka_admin_op_t as Op};

use super::{
    call::{Answer, Call, Request, taken},
    owned::{Owned, lent_by},
    topics::partition_results,
};
use crate::{
    admin::{CommittedOffset, GroupOffsetsQuery, PerItem},
    client::ffi::{
        partition_list::{PartitionList, leader_epoch},
        text::c_string,
    },
    error::Result,
    record::TopicPartition,
};

/// Asks what a group has committed.
pub(crate) struct ListGroupOffsets {
    pub(crate) group: String,
    pub(crate) query: GroupOffsetsQuery,
}

/// Commits for a group without members.
pub(crate) struct AlterGroupOffsets {
    pub(crate) group: String,
    pub(crate) offsets: BTreeMap<TopicPartition, i64>,
}

/// Has a group forget what it has committed.
pub(crate) struct DeleteGroupOffsets {
    pub(crate) group: String,
    pub(crate) partitions: Vec<TopicPartition>,
}

impl Request for ListGroupOffsets {
    type Answer = PerItem<TopicPartition, Option<CommittedOffset>>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let group = c_string(&self.group, "group")?;
        let list = self.query.partitions.as_deref().map(PartitionList::of).transpose()?;
        // SAFETY: client, options and queue are alive; group and list are copied into the object, which is ours and is
        // copied by the call, and no list means all partitions; the error object is ours.
        unsafe {
            let stable = i32::from(self.query.require_stable);
            taken(sys::rd_kafka_AdminOptions_set_require_stable_offsets(call.options(), stable))?;
            let list = list.as_ref().map_or(ptr::null_mut(), PartitionList::as_ptr);
            let request = Owned::new(
                sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), list),
                sys::rd_kafka_ListConsumerGroupOffsets_destroy,
                "group or partitions",
            )?;
            let mut requests = [request.as_ptr()];
            sys::rd_kafka_ListConsumerGroupOffsets(
                call.client(),
                requests.as_mut_ptr(),
                requests.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event; what it lends is alive.
        unsafe {
            let groups = lent_by(
                answer,
                sys::rd_kafka_event_ListConsumerGroupOffsets_result,
                sys::rd_kafka_ListConsumerGroupOffsets_result_groups,
            );
            of_group(&groups, committed)
        }
    }
}

fn committed(entry: &sys::rd_kafka_topic_partition_t) -> Option<CommittedOffset> {
    let metadata = if entry.metadata.is_null() {
        String::new()
    } else {
        // SAFETY: the metadata of an entry are as long as it says.
        let metadata = unsafe { slice::from_raw_parts(entry.metadata.cast::<u8>(), entry.metadata_size) };
        String::from_utf8_lossy(metadata).into_owned()
    };
    // Below zero is librdkafka's way of saying that there is none.
    (entry.offset >= 0).then(|| CommittedOffset { offset: entry.offset, leader_epoch: leader_epoch(entry), metadata })
}

impl Request for AlterGroupOffsets {
    type Answer = PerItem<TopicPartition, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let group = c_string(&self.group, "group")?;
        let mut list = PartitionList::new();
        for (at, offset) in &self.offsets {
            list.add(&at.topic, at.partition)?.set(*offset, None);
        }
        // SAFETY: client, options and queue are alive; group and list are copied into the object, which is ours and is
        // copied by the call.
        unsafe {
            let request = Owned::new(
                sys::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), list.as_ptr()),
                sys::rd_kafka_AlterConsumerGroupOffsets_destroy,
                "group or partitions",
            )?;
            let mut requests = [request.as_ptr()];
            sys::rd_kafka_AlterConsumerGroupOffsets(
                call.client(),
                requests.as_mut_ptr(),
                requests.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event; what it lends is alive.
        unsafe {
            let groups = lent_by(
                answer,
                sys::rd_kafka_event_AlterConsumerGroupOffsets_result,
                sys::rd_kafka_AlterConsumerGroupOffsets_result_groups,
            );
            of_group(&groups, |_| ())
        }
    }
}

impl Request for DeleteGroupOffsets {
    type Answer = PerItem<TopicPartition, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let group = c_string(&self.group, "group")?;
        let list = PartitionList::of(&self.partitions)?;
        // SAFETY: as for changing them.
        unsafe {
            let request = Owned::new(
                sys::rd_kafka_DeleteConsumerGroupOffsets_new(group.as_ptr(), list.as_ptr()),
                sys::rd_kafka_DeleteConsumerGroupOffsets_destroy,
                "group or partitions",
            )?;
            let mut requests = [request.as_ptr()];
            sys::rd_kafka_DeleteConsumerGroupOffsets(
                call.client(),
                requests.as_mut_ptr(),
                requests.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: both functions are of this kind of event; what it lends is alive.
        unsafe {
            let groups = lent_by(
                answer,
                sys::rd_kafka_event_DeleteConsumerGroupOffsets_result,
                sys::rd_kafka_DeleteConsumerGroupOffsets_result_groups,
            );
            of_group(&groups, |_| ())
        }
    }
}

/// What is said of each partition of the one group that was asked about.
///
/// # Safety
/// The results are alive.
unsafe fn of_group<T>(
    groups: &[*const sys::rd_kafka_group_result_t],
    read: impl Fn(&sys::rd_kafka_topic_partition_t) -> T,
) -> PerItem<TopicPartition, T> {
    let Some(group) = groups.first() else { return PerItem::new() };
    // SAFETY: the caller's promise; the list is the group's, or null.
    unsafe { partition_results(sys::rd_kafka_group_result_partitions(*group), read) }
}
