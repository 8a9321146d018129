//! Where partitions begin and end, and what lies at a time.

use std::collections::BTreeMap;

use rdkafka::bindings::{
    self as sys, rd_kafka_IsolationLevel_t as Level, rd_kafka_OffsetSpec_t as Spec, rd_kafka_admin_op_t as Op,
};

use super::{
    call::{Answer, Call, Request, taken},
    numbers::error_of_partition,
    owned::lent,
};
use crate::{
    admin::{BrokerError, ListedOffset, OffsetQuery, PerItem},
    client::ffi::partition_list::{NO_OFFSET, PartitionList, leader_epoch, partition_of},
    config::IsolationLevel,
    error::Result,
    record::TopicPartition,
};

/// Asks for one offset of each partition.
pub(crate) struct ListOffsets {
    pub(crate) asked: BTreeMap<TopicPartition, OffsetQuery>,
    pub(crate) isolation: IsolationLevel,
}

impl Request for ListOffsets {
    type Answer = PerItem<TopicPartition, ListedOffset>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let mut list = PartitionList::new();
        for (at, query) in &self.asked {
            let spec = match query {
                OffsetQuery::Earliest => Spec::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
                OffsetQuery::Latest => Spec::RD_KAFKA_OFFSET_SPEC_LATEST as i64,
                OffsetQuery::MaxTimestamp => Spec::RD_KAFKA_OFFSET_SPEC_MAX_TIMESTAMP as i64,
                // Below zero are those above.
                OffsetQuery::Timestamp(ms) => (*ms).max(0),
            };
            list.add(&at.topic, at.partition)?.set(spec, None);
        }
        let level = match self.isolation {
            IsolationLevel::ReadCommitted => Level::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
            IsolationLevel::ReadUncommitted => Level::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
        };
        // SAFETY: client, options and queue are alive; the error object is ours; the list is copied.
        unsafe {
            taken(sys::rd_kafka_AdminOptions_set_isolation_level(call.options(), level))?;
            sys::rd_kafka_ListOffsets(call.client(), list.as_ptr(), call.options(), call.queue());
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_ListOffsets_result(answer.event());
            let infos = lent(result, sys::rd_kafka_ListOffsets_result_infos);
            infos.into_iter().map(|info| listed(info)).collect()
        }
    }
}

/// # Safety
/// The entry is alive.
unsafe fn listed(
    info: *const sys::rd_kafka_ListOffsetsResultInfo_t,
) -> (TopicPartition, std::result::Result<ListedOffset, BrokerError>) {
    // SAFETY: the caller's promise; the partition is the entry's.
    unsafe {
        let native = sys::rd_kafka_ListOffsetsResultInfo_topic_partition(info);
        let at = partition_of(&*native);
        if let Some(error) = error_of_partition(native) {
            return (at, Err(error));
        }
        let offset = (*native).offset;
        if offset == NO_OFFSET {
            // librdkafka forgets the error of a leader that did not answer.
            return (at, Err(BrokerError::timed_out()));
        }
        let timestamp = sys::rd_kafka_ListOffsetsResultInfo_timestamp(info);
        let listed = ListedOffset {
            offset: (offset >= 0).then_some(offset),
            timestamp: (timestamp >= 0).then_some(timestamp),
            leader_epoch: leader_epoch(&*native),
        };
        (at, Ok(listed))
    }
}
