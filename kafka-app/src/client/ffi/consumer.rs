//! [`NativeConsumer`]: a consumer that speaks by events alone, and is destroyed without blocking.

use std::{
    ffi::CStr,
    ptr::{self, NonNull},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::bindings::{self as sys, rd_kafka_resp_err_t as RespErr};

use super::{
    conf::Conf,
    fault::{check, check_error, fault, other},
    first_brokers::keep_brokers,
    partition_list::{Element, PartitionList},
    queue::{EventQueue, PartitionQueue},
    text::{buffer_text, c_string, c_text},
    transaction::{self, GroupMetadata},
};
use crate::{
    client::{
        brokers::Connections,
        port::{Fault, Signal, StoredOffset},
    },
    error::{Error, ErrorKind, Result},
    record::TopicPartition,
};

/// An owned `rd_kafka_t` of type consumer with the queues its events arrive on.
///
/// Dropping it never blocks: a thread of its own destroys the client, which waits for the last record.
pub(crate) struct NativeConsumer {
    rk: NonNull<sys::rd_kafka_t>,
    /// Told by the client until it is destroyed.
    connections: Arc<Connections>,
}

// SAFETY: librdkafka's API is thread-safe.
unsafe impl Send for NativeConsumer {}
// SAFETY: as above.
unsafe impl Sync for NativeConsumer {}

impl NativeConsumer {
    /// Takes over a client that librdkafka made.
    pub(super) fn owning(rk: NonNull<sys::rd_kafka_t>, connections: Arc<Connections>) -> Self {
        Self { rk, connections }
    }

    /// Makes a consumer, which tells what becomes of its connections; nothing is connected yet.
    pub(crate) fn new<'p>(
        properties: impl Iterator<Item = (&'p str, &'p str)>,
        connections: Arc<Connections>,
    ) -> Result<Self> {
        let mut conf = Conf::new("consumer");
        for (key, value) in properties {
            conf.set(key, value)?;
        }
        conf.into_consumer(connections)
    }

    /// See [`keep_brokers`].
    pub(crate) fn keep_brokers(&self, now: Instant) {
        // SAFETY: a valid client.
        unsafe { keep_brokers(self.rk.as_ptr(), &self.connections, now) };
    }

    /// The queue rebalances, errors and results of automatic commits arrive on.
    pub(crate) fn event_queue(self: &Arc<Self>) -> Result<EventQueue> {
        // SAFETY: a valid client; global events are to arrive on the consumer's queue too.
        unsafe { sys::rd_kafka_poll_set_consumer(self.rk.as_ptr()) };
        // SAFETY: a valid client; the reference we get is destroyed by `Queue`.
        let queue = unsafe { sys::rd_kafka_queue_get_consumer(self.rk.as_ptr()) };
        EventQueue::new(self, queue, "the consumer's queue")
    }

    /// A queue of our own, for results of commits.
    pub(crate) fn new_queue(self: &Arc<Self>) -> Result<EventQueue> {
        // SAFETY: a valid client; the queue is destroyed by `Queue`.
        let queue = unsafe { sys::rd_kafka_queue_new(self.rk.as_ptr()) };
        EventQueue::new(self, queue, "a queue")
    }

    /// Takes a partition's records out of the common queue into one of their own.
    pub(crate) fn partition_queue(
        self: &Arc<Self>,
        partition: &TopicPartition,
        signal: Arc<dyn Signal>,
    ) -> Result<PartitionQueue> {
        let topic = c_string(&partition.topic, "topic")?;
        // SAFETY: a valid client and topic; the reference we get is destroyed by `Queue`.
        let queue = unsafe { sys::rd_kafka_queue_get_partition(self.rk.as_ptr(), topic.as_ptr(), partition.partition) };
        PartitionQueue::new(self, queue, signal)
    }

    pub(crate) fn subscribe<'t>(&self, topics: impl Iterator<Item = &'t str>) -> Result<()> {
        let mut list = PartitionList::new();
        for topic in topics {
            list.add(topic, -1)?; // Any partition.
        }
        // SAFETY: a valid client and list; the list is copied.
        check(unsafe { sys::rd_kafka_subscribe(self.rk.as_ptr(), list.as_ptr()) }, "cannot subscribe")
    }

    /// Adds partitions to the assignment, or makes them the assignment when the group's protocol is eager.
    pub(crate) fn assign(&self, partitions: &[TopicPartition]) -> Result<()> {
        let list = PartitionList::of(partitions)?;
        if self.is_cooperative() {
            // SAFETY: a valid client and list; the list is copied.
            let error = unsafe { sys::rd_kafka_incremental_assign(self.rk.as_ptr(), list.as_ptr()) };
            return check_error(error, "cannot add the assigned partitions");
        }
        // SAFETY: as above.
        check(unsafe { sys::rd_kafka_assign(self.rk.as_ptr(), list.as_ptr()) }, "cannot take the assigned partitions")
    }

    /// Makes these the assignment, each from its offset on, for a client that joins no group.
    pub(crate) fn assign_at(&self, positions: &[StoredOffset]) -> Result<()> {
        let list = PartitionList::of_offsets(positions)?;
        // SAFETY: a valid client and list; the list is copied.
        check(unsafe { sys::rd_kafka_assign(self.rk.as_ptr(), list.as_ptr()) }, "cannot read the partitions")
    }

    /// Takes partitions out of the assignment, or all when the group's protocol is eager.
    pub(crate) fn unassign(&self, partitions: &[TopicPartition]) -> Result<()> {
        if self.is_cooperative() {
            let list = PartitionList::of(partitions)?;
            // SAFETY: a valid client and list; the list is copied.
            let error = unsafe { sys::rd_kafka_incremental_unassign(self.rk.as_ptr(), list.as_ptr()) };
            return check_error(error, "cannot give back the revoked partitions");
        }
        // SAFETY: a valid client; null means none.
        check(unsafe { sys::rd_kafka_assign(self.rk.as_ptr(), ptr::null()) }, "cannot give back the revoked partitions")
    }

    fn is_cooperative(&self) -> bool {
        // SAFETY: a valid client; the text is static.
        let protocol = unsafe { sys::rd_kafka_rebalance_protocol(self.rk.as_ptr()) };
        // SAFETY: not null and static.
        !protocol.is_null() && unsafe { CStr::from_ptr(protocol) }.to_bytes() == b"COOPERATIVE"
    }

    /// Whether the partitions of the revoke event at hand belong to somebody else already.
    pub(super) fn is_assignment_lost(&self) -> bool {
        // SAFETY: a valid client.
        unsafe { sys::rd_kafka_assignment_lost(self.rk.as_ptr()) == 1 }
    }

    /// Marks positions for the next commit, with their leader epochs. Returns what was refused.
    pub(crate) fn store(&self, offsets: &[StoredOffset]) -> Vec<(TopicPartition, Fault)> {
        let list = match PartitionList::of_offsets(offsets) {
            Ok(list) => list,
            Err(error) => {
                let fault = other(error.to_string());
                return offsets.iter().map(|stored| (stored.partition.clone(), fault.clone())).collect();
            }
        };
        // SAFETY: a valid client and list; each element gets its own result.
        unsafe { sys::rd_kafka_offsets_store(self.rk.as_ptr(), list.as_ptr()) };
        list.elements().filter_map(|element| Some((element.partition(), element.fault()?))).collect()
    }

    /// Starts a commit of what is stored; the result arrives on `results`.
    pub(crate) fn commit_stored(&self, results: &EventQueue, token: u64) -> Result<()> {
        self.start_commit(None, results, token)
    }

    /// Starts a commit of these, whatever is stored or committed and whoever owns them; the result arrives on `results`.
    pub(crate) fn commit_exactly(&self, offsets: &[StoredOffset], results: &EventQueue, token: u64) -> Result<()> {
        self.start_commit(Some(&PartitionList::of_offsets(offsets)?), results, token)
    }

    fn start_commit(&self, offsets: Option<&PartitionList>, results: &EventQueue, token: u64) -> Result<()> {
        let list = offsets.map_or(ptr::null(), |list| list.as_ptr().cast_const());
        let opaque = ptr::without_provenance_mut(usize::try_from(token).unwrap_or(usize::MAX));
        // SAFETY: a valid client and queue; the list is copied, and none means what is stored; without a callback the
        // result is an event that carries the token back; it is never used as a pointer.
        let res = unsafe { sys::rd_kafka_commit_queue(self.rk.as_ptr(), list, results.as_ptr(), None, opaque) };
        check(res, "cannot start a commit")
    }

    /// Moves a partition's fetch position; returns at once.
    pub(crate) fn seek(&self, partition: &TopicPartition, offset: i64) -> Result<()> {
        let mut list = PartitionList::new();
        list.add(&partition.topic, partition.partition)?.set(offset, None);
        // SAFETY: a valid client and list; a timeout of 0 does not wait.
        let error = unsafe { sys::rd_kafka_seek_partitions(self.rk.as_ptr(), list.as_ptr(), 0) };
        check_error(error, "cannot seek")?;
        // Without a wait, a seek that was taken is "in progress"; fetched records of before it are dropped from now on.
        let refused = |element: &Element<'_>| element.code() != RespErr::RD_KAFKA_RESP_ERR__IN_PROGRESS;
        match list.elements().filter(refused).find_map(|element| element.fault()) {
            Some(fault) => Err(fault.to_error(&format!("cannot seek {partition} to {offset}"))),
            None => Ok(()),
        }
    }

    /// Leaves the group before [`NativeConsumer::close`], for a member of the cooperative protocol that owns nothing: librdkafka
    /// closes such a one without telling the group, which then waits for it, and for its next rebalance, until the session
    /// ends (`rdkafka_cgrp.c`, `rd_kafka_cgrp_revoke_all_rejoin`, "skipping rejoin"). In the middle of a rebalance it leaves
    /// only after that: until then it [is a member](Self::is_member). With other protocols nothing is done, and the answer
    /// is `false`.
    pub(crate) fn unsubscribe(&self) -> Result<bool> {
        if !self.is_cooperative() {
            return Ok(false);
        }
        // SAFETY: a valid client; it asks the client's own thread and does not wait for the network.
        check(unsafe { sys::rd_kafka_unsubscribe(self.rk.as_ptr()) }, "cannot unsubscribe")?;
        Ok(true)
    }

    /// Whether the client is a member of its group: it gives its id up when it starts to leave.
    pub(crate) fn is_member(&self) -> bool {
        // SAFETY: a valid client; it asks the client's own thread and does not wait for the network.
        let Some(id) = NonNull::new(unsafe { sys::rd_kafka_memberid(self.rk.as_ptr()) }) else { return false };
        let is_member = !c_text(id.as_ptr()).is_empty();
        // SAFETY: the text was made for us and is freed once.
        unsafe { sys::rd_kafka_mem_free(self.rk.as_ptr(), id.as_ptr().cast()) };
        is_member
    }

    /// Starts to leave the group; remaining events arrive on `events`.
    pub(crate) fn close(&self, events: &EventQueue) -> Result<()> {
        // SAFETY: a valid client and queue.
        let error = unsafe { sys::rd_kafka_consumer_close_queue(self.rk.as_ptr(), events.as_ptr()) };
        check_error(error, "cannot close the consumer")
    }

    /// Who it is in its group now; asks the client's own thread and does not wait for the network.
    pub(crate) fn group_metadata(&self) -> Result<GroupMetadata> {
        // SAFETY: a valid client.
        let metadata = NonNull::new(unsafe { sys::rd_kafka_consumer_group_metadata(self.rk.as_ptr()) });
        // SAFETY: it was made for us.
        let metadata = metadata
            .map(|metadata| unsafe { GroupMetadata::owning(metadata) })
            .ok_or_else(|| Error::new(ErrorKind::Config, "the consumer is in no group"))?;
        if metadata.is_of_member() {
            Ok(metadata)
        } else {
            Err(Error::new(ErrorKind::Unavailable, "the consumer is no member of its group any more"))
        }
    }

    /// See [`transaction::committed`].
    pub(crate) fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>> {
        // SAFETY: a valid client.
        unsafe { transaction::committed(self.rk, partitions, timeout) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: a valid client.
        unsafe { sys::rd_kafka_consumer_closed(self.rk.as_ptr()) == 1 }
    }

    /// The fatal error the client is in, if it is in one.
    pub(super) fn fatal(&self) -> Option<Fault> {
        let mut text = [0; 512];
        // SAFETY: a valid client and a buffer with its length.
        let code = unsafe { sys::rd_kafka_fatal_error(self.rk.as_ptr(), text.as_mut_ptr(), text.len()) };
        (code != RespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| fault(code, &buffer_text(&text)))
    }
}

impl Drop for NativeConsumer {
    /// Destroying waits for records that are still held and for librdkafka's threads, so it has a thread of its own.
    fn drop(&mut self) {
        struct Destroy(NonNull<sys::rd_kafka_t>, Arc<Connections>);
        // SAFETY: librdkafka's API is thread-safe, and nobody else holds the client any more.
        unsafe impl Send for Destroy {}
        impl Destroy {
            fn run(self) {
                // SAFETY: the only place that destroys the client; queues and handles hold an `Arc` of it and are gone.
                // The flag keeps it from leaving the group, which `close` did or which is given up.
                unsafe { sys::rd_kafka_destroy_flags(self.0.as_ptr(), sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
                drop(self.1);
            }
        }
        let destroy = Destroy(self.rk, Arc::clone(&self.connections));
        if let Err(error) = std::thread::Builder::new().name("kafka-reaper".into()).spawn(move || destroy.run()) {
            // Out of threads: the client's memory stays, which is better than a drop that may hang, and what it tells
            // things to with it.
            let _kept = std::mem::ManuallyDrop::new(Arc::clone(&self.connections));
            tracing::warn!(%error, "a closed consumer could not be freed");
        }
    }
}
