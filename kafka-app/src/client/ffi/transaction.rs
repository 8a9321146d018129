//! The calls of a transaction. All of them but `begin` wait for the network.

use std::{ffi::c_int, ptr::NonNull, time::Duration};

use rdkafka::{
    bindings as sys,
    client::ClientContext,
    error::{IsError, RDKafkaErrorCode},
};

use super::{partition_list::PartitionList, producer::NativeProducer, text::c_text};
use crate::{
    client::{
        port::StoredOffset,
        transactional::{TransactionFault, TransactionFaultKind},
    },
    error::Result,
};

/// Which member of which group, in which generation, a consumer was when it was asked: the broker takes offsets of a
/// transaction only from one that still is.
pub(crate) struct GroupMetadata(NonNull<sys::rd_kafka_consumer_group_metadata_t>);

// SAFETY: it is a value of its own that nobody changes.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    /// Takes over what a consumer said of itself.
    ///
    /// # Safety
    /// The pointer was given with its ownership.
    pub(super) unsafe fn owning(metadata: NonNull<sys::rd_kafka_consumer_group_metadata_t>) -> Self {
        Self(metadata)
    }

    /// Whether it is of a member. Of one that has just lost its place librdkafka knows neither id nor generation, and a
    /// broker takes such offsets as those of somebody outside of the group (`ClassicGroup.validateOffsetCommit`).
    pub(super) fn is_of_member(&self) -> bool {
        // SAFETY: ours, and not freed before the text is read.
        unsafe { !c_text(sys::rd_kafka_consumer_group_metadata_member_id(self.0.as_ptr())).is_empty() }
    }

    /// That of nobody in particular; for doubles.
    #[cfg(test)]
    pub(crate) fn of_group(group_id: &str) -> Self {
        let group_id = super::text::c_string(group_id, "group").expect("no zero byte");
        // SAFETY: a string that lives for the call, which copies it.
        let metadata = unsafe { sys::rd_kafka_consumer_group_metadata_new(group_id.as_ptr()) };
        Self(NonNull::new(metadata).expect("librdkafka's allocations do not fail"))
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: ours, and given back once.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) }
    }
}

type Outcome = std::result::Result<(), TransactionFault>;

impl<C: ClientContext> NativeProducer<C> {
    /// Gets the producer's id and closes what an earlier owner of the `transactional.id` left open.
    pub(crate) fn init_transactions(&self, timeout: Duration) -> Outcome {
        // SAFETY (of every call below): the client is alive, and error objects are taken over by `outcome`.
        unsafe { outcome(sys::rd_kafka_init_transactions(self.client().native_ptr(), millis(timeout))) }
    }

    /// What is produced from here on belongs to a transaction.
    pub(crate) fn begin_transaction(&self) -> Outcome {
        // SAFETY: as above.
        unsafe { outcome(sys::rd_kafka_begin_transaction(self.client().native_ptr())) }
    }

    /// Puts a group's positions into the transaction.
    pub(crate) fn send_offsets(&self, offsets: &[StoredOffset], group: &GroupMetadata, timeout: Duration) -> Outcome {
        let list = PartitionList::of_offsets(offsets)
            .map_err(|error| TransactionFault { kind: TransactionFaultKind::Fatal, text: error.to_string() })?;
        // SAFETY: as above; list and metadata live for the call, which copies them.
        unsafe {
            outcome(sys::rd_kafka_send_offsets_to_transaction(
                self.client().native_ptr(),
                list.as_ptr(),
                group.0.as_ptr(),
                millis(timeout),
            ))
        }
    }

    /// Commits; needs a poller on another thread.
    pub(crate) fn commit_transaction(&self, timeout: Duration) -> Outcome {
        // SAFETY: as above.
        unsafe { outcome(sys::rd_kafka_commit_transaction(self.client().native_ptr(), millis(timeout))) }
    }

    /// Gives the transaction up, with what is still to be sent; needs a poller on another thread.
    pub(crate) fn abort_transaction(&self, timeout: Duration) -> Outcome {
        // SAFETY: as above.
        unsafe { outcome(sys::rd_kafka_abort_transaction(self.client().native_ptr(), millis(timeout))) }
    }
}

fn millis(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX)
}

/// The three flags of an error, which alone decide. One with none of them is a call in a wrong state: nothing is known of
/// such a producer any more, so it is given up as after a fatal error.
///
/// # Safety
/// `error` is null or was given with its ownership.
unsafe fn outcome(error: *mut sys::rd_kafka_error_t) -> Outcome {
    let Some(error) = NonNull::new(error) else { return Ok(()) };
    // SAFETY: the caller's promise; what is read is copied before the object is destroyed, once.
    unsafe {
        let kind = if sys::rd_kafka_error_is_fatal(error.as_ptr()) != 0 {
            TransactionFaultKind::Fatal
        } else if sys::rd_kafka_error_txn_requires_abort(error.as_ptr()) != 0 {
            TransactionFaultKind::Abort
        } else if sys::rd_kafka_error_is_retriable(error.as_ptr()) != 0 {
            TransactionFaultKind::Retry
        } else {
            TransactionFaultKind::Fatal
        };
        let code = RDKafkaErrorCode::from(sys::rd_kafka_error_code(error.as_ptr()));
        let text = c_text(sys::rd_kafka_error_string(error.as_ptr()));
        sys::rd_kafka_error_destroy(error.as_ptr());
        Err(TransactionFault { kind, text: format!("{code}: {text}") })
    }
}

/// The positions a group has committed, `None` where it has none. Waits for the network, and for transactions that hold
/// positions of these partitions, as far as the consumer reads committed records only.
///
/// # Safety
/// `rk` is a valid consumer.
pub(super) unsafe fn committed(
    rk: NonNull<sys::rd_kafka_t>,
    partitions: &[crate::record::TopicPartition],
    timeout: Duration,
) -> Result<Vec<(crate::record::TopicPartition, Option<i64>)>> {
    let list = PartitionList::of(partitions)?;
    // SAFETY: the caller's promise; the list is filled in and ours.
    let code = unsafe { sys::rd_kafka_committed(rk.as_ptr(), list.as_ptr(), millis(timeout)) };
    if code.is_error() {
        return Err(super::fault::fault(code, "").to_error("cannot read the committed positions"));
    }
    let mut committed = Vec::with_capacity(partitions.len());
    for element in list.elements() {
        if let Some(fault) = element.fault() {
            return Err(fault.to_error(&format!("cannot read the committed position of {}", element.partition())));
        }
        let stored = element.stored();
        committed.push((stored.partition, (stored.offset >= 0).then_some(stored.offset)));
    }
    Ok(committed)
}
