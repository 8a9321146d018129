//! [`PartitionList`]: librdkafka's lists of partitions.

use std::ptr::NonNull;

use rdkafka::bindings::{self as sys, rd_kafka_resp_err_t as RespErr};

use super::{
    fault::fault,
    text::{c_string, c_text},
};
use crate::{
    client::port::{Fault, StoredOffset},
    error::Result,
    record::TopicPartition,
};

/// An owned list of partitions.
pub(super) struct PartitionList(NonNull<sys::rd_kafka_topic_partition_list_t>);

/// One entry of a list.
pub(super) struct Element<'l>(&'l mut sys::rd_kafka_topic_partition_t);

impl PartitionList {
    pub(super) fn new() -> Self {
        // SAFETY: no precondition. librdkafka's allocations end the process rather than give null.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(8) };
        let list =
            NonNull::new(list).unwrap_or_else(|| std::alloc::handle_alloc_error(std::alloc::Layout::new::<Self>()));
        Self(list)
    }

    pub(super) fn of(partitions: &[TopicPartition]) -> Result<Self> {
        let mut list = Self::new();
        for partition in partitions {
            list.add(&partition.topic, partition.partition)?;
        }
        Ok(list)
    }

    pub(super) fn of_offsets(offsets: &[StoredOffset]) -> Result<Self> {
        let mut list = Self::new();
        for stored in offsets {
            list.add(&stored.partition.topic, stored.partition.partition)?.set(stored.offset, stored.leader_epoch);
        }
        Ok(list)
    }

    pub(super) fn add(&mut self, topic: &str, partition: i32) -> Result<Element<'_>> {
        let topic = c_string(topic, "topic")?;
        // SAFETY: a valid list; the topic is copied; the entry lives until the list is changed, which the borrow forbids.
        let element = unsafe { sys::rd_kafka_topic_partition_list_add(self.as_ptr(), topic.as_ptr(), partition) };
        // SAFETY: librdkafka returns the entry it added.
        Ok(Element(unsafe { &mut *element }))
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        // SAFETY: the list is ours and outlives the iterator's borrow.
        unsafe { elements(self.0) }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned by us.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) }
    }
}

/// # Safety
/// The list lives as long as `'l` and nobody else uses it meanwhile.
pub(super) unsafe fn elements<'l>(
    list: NonNull<sys::rd_kafka_topic_partition_list_t>,
) -> impl Iterator<Item = Element<'l>> {
    // SAFETY: the caller's promise.
    let (first, count) = unsafe { (list.as_ref().elems, list.as_ref().cnt) };
    // SAFETY: `elems` holds `cnt` entries.
    (0..usize::try_from(count).unwrap_or(0)).map(move |index| Element(unsafe { &mut *first.add(index) }))
}

/// `RD_KAFKA_OFFSET_INVALID`, a macro that the bindings leave out: there is no offset.
pub(super) const NO_OFFSET: i64 = -1001;

/// Which partition an entry is about.
pub(super) fn partition_of(entry: &sys::rd_kafka_topic_partition_t) -> TopicPartition {
    TopicPartition::new(c_text(entry.topic), entry.partition)
}

pub(super) fn leader_epoch(entry: &sys::rd_kafka_topic_partition_t) -> Option<i32> {
    // SAFETY: a valid entry.
    let epoch = unsafe { sys::rd_kafka_topic_partition_get_leader_epoch(entry) };
    (epoch >= 0).then_some(epoch)
}

impl Element<'_> {
    pub(super) fn set(self, offset: i64, leader_epoch: Option<i32>) {
        self.0.offset = offset;
        if let Some(epoch) = leader_epoch {
            // SAFETY: a valid entry.
            unsafe { sys::rd_kafka_topic_partition_set_leader_epoch(self.0, epoch) };
        }
    }

    pub(super) fn as_native(&self) -> &sys::rd_kafka_topic_partition_t {
        self.0
    }

    pub(super) fn partition(&self) -> TopicPartition {
        partition_of(self.0)
    }

    pub(super) fn stored(&self) -> StoredOffset {
        StoredOffset { partition: self.partition(), offset: self.0.offset, leader_epoch: leader_epoch(self.0) }
    }

    /// What a call said of this entry.
    pub(super) fn code(&self) -> RespErr {
        self.0.err
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        (self.code() != RespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| fault(self.code(), ""))
    }
}
