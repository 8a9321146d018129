//! Elections of leaders.

use std::ptr;

use rdkafka::bindings::{self as sys, rd_kafka_ElectionType_t as NativeType, rd_kafka_admin_op_t as Op};

use super::{
    call::{Answer, Call, Request},
    numbers::error_of,
    owned::{Owned, lent},
};
use crate::{
    admin::{ElectionType, PerItem},
    client::ffi::partition_list::{PartitionList, partition_of},
    error::Result,
    record::TopicPartition,
};

/// Has partitions led by another replica; all of them if none is named.
pub(crate) struct ElectLeaders {
    pub(crate) election: ElectionType,
    pub(crate) partitions: Option<Vec<TopicPartition>>,
}

impl Request for ElectLeaders {
    type Answer = PerItem<TopicPartition, ()>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_ELECTLEADERS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let list = self.partitions.as_deref().map(PartitionList::of).transpose()?;
        let election = match self.election {
            ElectionType::Preferred => NativeType::RD_KAFKA_ELECTION_TYPE_PREFERRED,
            ElectionType::Unclean => NativeType::RD_KAFKA_ELECTION_TYPE_UNCLEAN,
        };
        // SAFETY: client, options and queue are alive; the list is copied into the object, which is ours and is copied by
        // the call; no list means all partitions.
        unsafe {
            let list = list.as_ref().map_or(ptr::null_mut(), PartitionList::as_ptr);
            let elections = Owned::new(
                sys::rd_kafka_ElectLeaders_new(election, list),
                sys::rd_kafka_ElectLeaders_destroy,
                "election",
            )?;
            sys::rd_kafka_ElectLeaders(call.client(), elections.as_ptr(), call.options(), call.queue());
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_ElectLeaders_result(answer.event());
            let elected = |one| {
                let at = partition_of(&*sys::rd_kafka_topic_partition_result_partition(one));
                let error = error_of(sys::rd_kafka_topic_partition_result_error(one));
                (at, error.map_or(Ok(()), Err))
            };
            lent(result, sys::rd_kafka_ElectLeaders_result_partitions).into_iter().map(elected).collect()
        }
    }
}
