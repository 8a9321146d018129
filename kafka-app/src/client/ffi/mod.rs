//! The one module with `unsafe`: calls of librdkafka that rust-rdkafka lacks, as RAII types with their reasons.
//!
//! The consumer is used through librdkafka's event interface alone: rebalances, commit results and errors are values
//! taken from a queue, never callbacks, so the pump decides when to answer them.
#![allow(unsafe_code, reason = "the only file that calls librdkafka directly")]

mod admin;
mod producer;

pub(crate) use admin::incremental_alter_configs;
pub(crate) use producer::{
    BatchTicket, MAX_BATCH, MessageArray, NativeProducer, NotTaken, Outbound, Report, ReportSink, Ticket,
};

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    mem::ManuallyDrop,
    ptr::{self, NonNull},
    sync::Arc,
};

use parking_lot::Mutex;
use rdkafka::{
    bindings::{self as sys, rd_kafka_resp_err_t as RespErr},
    types::RDKafkaErrorCode,
};

use crate::{
    client::port::{ConsumerEvent, Fault, FaultKind, Signal, StoredOffset},
    error::{Error, ErrorKind, Result},
    record::{Timestamp, TopicPartition},
};

// ---- records -----------------------------------------------------------------------------------------------------

/// A message owned by us and by nobody else, still in librdkafka's buffer.
///
/// It keeps its broker's state in librdkafka, so `rd_kafka_destroy` waits for it: it never outlives the client's memory.
pub(crate) struct NativeRecord {
    message: NonNull<sys::rd_kafka_message_t>,
}

// SAFETY: a consumed message belongs to whoever took it from its queue; librdkafka lets any thread read and destroy it
// (reference counts inside are atomic).
unsafe impl Send for NativeRecord {}
// SAFETY: all methods take `&self` and only read, but for the first look at the headers, which parses them into the
// message: `HEADERS` has at most one thread do that at a time.
unsafe impl Sync for NativeRecord {}

/// Guards the lazy parse of headers; by address, so that lanes rarely meet.
static HEADERS: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];

impl NativeRecord {
    fn message(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: the pointer came from librdkafka with its ownership and is freed in `drop` only; nothing mutates the
        // public part of a consumed message.
        unsafe { self.message.as_ref() }
    }

    pub(crate) fn offset(&self) -> i64 {
        self.message().offset
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: a valid message and a valid place for the kind.
        let ms = unsafe { sys::rd_kafka_message_timestamp(self.message.as_ptr(), &raw mut kind) };
        match kind {
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => Timestamp::NotAvailable,
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => Timestamp::CreateTime(ms),
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => Timestamp::LogAppendTime(ms),
        }
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        let message = self.message();
        // SAFETY: librdkafka gives key and length together; the bytes live as long as the message.
        unsafe { bytes(message.key, message.key_len) }
    }

    pub(crate) fn payload(&self) -> Option<&[u8]> {
        let message = self.message();
        // SAFETY: as for the key.
        unsafe { bytes(message.payload, message.len) }
    }

    pub(crate) fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: a valid message.
        let epoch = unsafe { sys::rd_kafka_message_leader_epoch(self.message.as_ptr()) };
        (epoch >= 0).then_some(epoch)
    }

    /// Calls `visit` with each header. Kafka's header names are UTF-8; one that is not arrives as U+FFFD.
    pub(crate) fn for_each_header<'r>(&'r self, visit: &mut dyn FnMut(&'r str, Option<&'r [u8]>)) {
        let mut headers = ptr::null_mut();
        let found = {
            let _parsing = HEADERS[(self.message.as_ptr() as usize >> 6) % HEADERS.len()].lock();
            // SAFETY: a valid message; the lock keeps other threads from parsing it at the same time.
            unsafe { sys::rd_kafka_message_headers(self.message.as_ptr(), &raw mut headers) }
        };
        if found != RespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return; // It has none.
        }
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        for index in 0.. {
            // SAFETY: parsed headers belong to the message, are not changed any more, and the places are valid.
            let res =
                unsafe { sys::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut size) };
            if res != RespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                return; // Past the last.
            }
            // SAFETY: the name ends with a zero and, like the value, lives as long as the message.
            let (name, value) = unsafe { (CStr::from_ptr::<'r>(name), bytes(value, size)) };
            visit(name.to_str().unwrap_or("\u{fffd}"), value);
        }
    }
}

impl Drop for NativeRecord {
    fn drop(&mut self) {
        // SAFETY: owned by us, and this is the only place that frees it.
        unsafe { sys::rd_kafka_message_destroy(self.message.as_ptr()) }
    }
}

/// # Safety
/// `data` is null or points to `len` bytes that live as long as `'r` and are not written.
unsafe fn bytes<'r>(data: *const c_void, len: usize) -> Option<&'r [u8]> {
    // SAFETY: the caller's promise.
    (!data.is_null()).then(|| unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

// ---- the consumer ------------------------------------------------------------------------------------------------

/// An owned `rd_kafka_t` of type consumer with the queues its events arrive on.
///
/// Dropping it never blocks: a thread of its own destroys the client, which waits for the last record.
pub(crate) struct NativeConsumer {
    rk: NonNull<sys::rd_kafka_t>,
}

// SAFETY: librdkafka's API is thread-safe.
unsafe impl Send for NativeConsumer {}
// SAFETY: as above.
unsafe impl Sync for NativeConsumer {}

impl NativeConsumer {
    /// Makes a consumer; nothing is connected yet.
    pub(crate) fn new<'p>(properties: impl Iterator<Item = (&'p str, &'p str)>) -> Result<Self> {
        let conf = Conf::new();
        for (key, value) in properties {
            conf.set(key, value)?;
        }
        conf.into_consumer()
    }

    /// The queue rebalances, errors and results of automatic commits arrive on.
    pub(crate) fn event_queue(self: &Arc<Self>) -> Result<EventQueue> {
        // SAFETY: a valid client; global events are to arrive on the consumer's queue too.
        unsafe { sys::rd_kafka_poll_set_consumer(self.rk.as_ptr()) };
        // SAFETY: a valid client; the reference we get is destroyed by `Queue`.
        let queue = unsafe { sys::rd_kafka_queue_get_consumer(self.rk.as_ptr()) };
        Ok(EventQueue { queue: Queue::new(self, queue, "the consumer's queue")? })
    }

    /// A queue of our own, for results of commits.
    pub(crate) fn new_queue(self: &Arc<Self>) -> Result<EventQueue> {
        // SAFETY: a valid client; the queue is destroyed by `Queue`.
        let queue = unsafe { sys::rd_kafka_queue_new(self.rk.as_ptr()) };
        Ok(EventQueue { queue: Queue::new(self, queue, "a queue")? })
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
        let mut queue = Queue::new(self, queue, "the partition's queue")?;
        // SAFETY: a valid queue; null ends the forwarding to the consumer's queue.
        unsafe { sys::rd_kafka_queue_forward(queue.queue.as_ptr(), ptr::null_mut()) };
        queue.on_records(signal);
        Ok(PartitionQueue { queue, buffer: Vec::new() })
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
    fn is_assignment_lost(&self) -> bool {
        // SAFETY: a valid client.
        unsafe { sys::rd_kafka_assignment_lost(self.rk.as_ptr()) == 1 }
    }

    /// Marks positions for the next commit, with their leader epochs. Returns what was refused.
    pub(crate) fn store(&self, offsets: &[StoredOffset]) -> Vec<(TopicPartition, Fault)> {
        let mut list = PartitionList::new();
        for stored in offsets {
            match list.add(&stored.partition.topic, stored.partition.partition) {
                Ok(element) => element.set(stored.offset, stored.leader_epoch),
                Err(error) => return vec![(stored.partition.clone(), other(error.to_string()))],
            }
        }
        // SAFETY: a valid client and list; each element gets its own result.
        unsafe { sys::rd_kafka_offsets_store(self.rk.as_ptr(), list.as_ptr()) };
        list.elements().filter_map(|element| Some((element.partition(), element.fault()?))).collect()
    }

    /// Starts a commit of what is stored; the result arrives on `results`.
    pub(crate) fn commit_stored(&self, results: &EventQueue, token: u64) -> Result<()> {
        let opaque = ptr::without_provenance_mut(usize::try_from(token).unwrap_or(usize::MAX));
        // SAFETY: a valid client and queue; no list means what is stored; without a callback the result is an event that
        // carries the token back; it is never used as a pointer.
        let res = unsafe {
            sys::rd_kafka_commit_queue(self.rk.as_ptr(), ptr::null(), results.queue.queue.as_ptr(), None, opaque)
        };
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
        let refused = |element: &Element<'_>| element.0.err != RespErr::RD_KAFKA_RESP_ERR__IN_PROGRESS;
        match list.elements().filter(refused).find_map(|element| element.fault()) {
            Some(fault) => Err(fault.to_error(&format!("cannot seek {partition} to {offset}"))),
            None => Ok(()),
        }
    }

    /// Leaves the group before [`NativeConsumer::close`], for a member of the cooperative protocol that owns nothing: librdkafka
    /// closes such a one without telling the group, which then waits for it, and for its next rebalance, until the session
    /// ends (`rdkafka_cgrp.c`, `rd_kafka_cgrp_revoke_all_rejoin`, "skipping rejoin"). Nothing is done with other protocols.
    pub(crate) fn unsubscribe(&self) -> Result<()> {
        if !self.is_cooperative() {
            return Ok(());
        }
        // SAFETY: a valid client; it asks the client's own thread and does not wait for the network.
        check(unsafe { sys::rd_kafka_unsubscribe(self.rk.as_ptr()) }, "cannot unsubscribe")
    }

    /// Starts to leave the group; remaining events arrive on `events`.
    pub(crate) fn close(&self, events: &EventQueue) -> Result<()> {
        // SAFETY: a valid client and queue.
        let error = unsafe { sys::rd_kafka_consumer_close_queue(self.rk.as_ptr(), events.queue.queue.as_ptr()) };
        check_error(error, "cannot close the consumer")
    }

    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: a valid client.
        unsafe { sys::rd_kafka_consumer_closed(self.rk.as_ptr()) == 1 }
    }

    /// The fatal error the client is in, if it is in one.
    fn fatal(&self) -> Option<Fault> {
        let mut text = [0; 512];
        // SAFETY: a valid client and a buffer with its length.
        let code = unsafe { sys::rd_kafka_fatal_error(self.rk.as_ptr(), text.as_mut_ptr(), text.len()) };
        (code != RespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| fault(code, &buffer_text(&text)))
    }
}

impl Drop for NativeConsumer {
    /// Destroying waits for records that are still held and for librdkafka's threads, so it has a thread of its own.
    fn drop(&mut self) {
        struct Destroy(NonNull<sys::rd_kafka_t>);
        // SAFETY: librdkafka's API is thread-safe, and nobody else holds the client any more.
        unsafe impl Send for Destroy {}
        impl Destroy {
            fn run(self) {
                // SAFETY: the only place that destroys the client; queues and handles hold an `Arc` of it and are gone.
                // The flag keeps it from leaving the group, which `close` did or which is given up.
                unsafe { sys::rd_kafka_destroy_flags(self.0.as_ptr(), sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
            }
        }
        let destroy = Destroy(self.rk);
        if let Err(error) = std::thread::Builder::new().name("kafka-reaper".into()).spawn(move || destroy.run()) {
            // Out of threads: the client's memory stays, which is better than a drop that may hang.
            tracing::warn!(%error, "a closed consumer could not be freed");
        }
    }
}

/// A configuration until a client is made of it.
struct Conf(NonNull<sys::rd_kafka_conf_t>);

impl Conf {
    fn new() -> Self {
        // SAFETY: no precondition. librdkafka's allocations end the process rather than give null.
        let conf = unsafe { sys::rd_kafka_conf_new() };
        let conf =
            NonNull::new(conf).unwrap_or_else(|| std::alloc::handle_alloc_error(std::alloc::Layout::new::<Self>()));
        Self(conf)
    }

    fn set(&self, key: &str, value: &str) -> Result<()> {
        let (name, text) = (c_string(key, "property name")?, c_string(value, key)?);
        let mut error = [0; 512];
        // SAFETY: a valid configuration, strings that end with a zero, and a buffer with its length.
        let res = unsafe {
            sys::rd_kafka_conf_set(self.0.as_ptr(), name.as_ptr(), text.as_ptr(), error.as_mut_ptr(), error.len())
        };
        match res {
            sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
            _ => Err(Error::new(ErrorKind::Config, format!("consumer property `{key}`: {}", buffer_text(&error)))),
        }
    }

    fn into_consumer(self) -> Result<NativeConsumer> {
        let events = sys::RD_KAFKA_EVENT_REBALANCE | sys::RD_KAFKA_EVENT_OFFSET_COMMIT | sys::RD_KAFKA_EVENT_ERROR;
        let mut error = [0; 512];
        // SAFETY: a valid configuration; `log` is a function without state; the buffer comes with its length.
        let rk = unsafe {
            sys::rd_kafka_conf_set_events(self.0.as_ptr(), events);
            sys::rd_kafka_conf_set_log_cb(self.0.as_ptr(), Some(log));
            sys::rd_kafka_new(sys::rd_kafka_type_t::RD_KAFKA_CONSUMER, self.0.as_ptr(), error.as_mut_ptr(), error.len())
        };
        match NonNull::new(rk) {
            Some(rk) => {
                let _conf = ManuallyDrop::new(self); // It belongs to the client now.
                Ok(NativeConsumer { rk })
            }
            None => Err(Error::new(ErrorKind::Config, format!("cannot make a consumer: {}", buffer_text(&error)))),
        }
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: still ours: `into_consumer` keeps a successful one from being dropped.
        unsafe { sys::rd_kafka_conf_destroy(self.0.as_ptr()) }
    }
}

/// librdkafka's log lines as `tracing` events; called from its own threads, so a subscriber that panics is caught.
unsafe extern "C" fn log(_rk: *const sys::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    if facility.is_null() || text.is_null() {
        return;
    }
    // SAFETY: librdkafka passes two strings that live for the call.
    let (facility, text) =
        unsafe { (CStr::from_ptr(facility).to_string_lossy(), CStr::from_ptr(text).to_string_lossy()) };
    let (facility, text) = (facility.trim(), text.trim());
    let emit = std::panic::AssertUnwindSafe(|| match level {
        0..=3 => tracing::error!(target: "librdkafka", facility, "{text}"),
        4 => tracing::warn!(target: "librdkafka", facility, "{text}"),
        5 | 6 => tracing::info!(target: "librdkafka", facility, "{text}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{text}"),
    });
    // A panic must not unwind into C; there is nobody to tell about it.
    drop(std::panic::catch_unwind(emit));
}

// ---- queues ------------------------------------------------------------------------------------------------------

/// A reference to a queue of a client; destroyed before the client, which it keeps.
struct Queue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    /// What the callback of the queue points to; boxed, because its address must not move.
    signal: Option<Box<Arc<dyn Signal>>>,
    client: Arc<NativeConsumer>,
}

// SAFETY: librdkafka's queues are thread-safe.
unsafe impl Send for Queue {}

impl Queue {
    fn new(client: &Arc<NativeConsumer>, queue: *mut sys::rd_kafka_queue_t, what: &str) -> Result<Self> {
        let queue = NonNull::new(queue)
            .ok_or_else(|| Error::new(ErrorKind::Config, format!("the client has no {what}: is `group.id` set?")))?;
        Ok(Self { queue, signal: None, client: Arc::clone(client) })
    }

    /// Calls `signal` whenever something arrives in the empty queue.
    fn on_records(&mut self, signal: Arc<dyn Signal>) {
        unsafe extern "C" fn wake(_rk: *mut sys::rd_kafka_t, signal: *mut c_void) {
            // SAFETY: the pointer given below; it lives until the callback is taken off, which waits for the queue's lock
            // and so for a callback that runs.
            unsafe { &*signal.cast::<Arc<dyn Signal>>() }.signal();
        }
        let signal = Box::new(signal);
        let opaque = ptr::from_ref::<Arc<dyn Signal>>(&signal).cast_mut().cast();
        // SAFETY: a valid queue; the box is kept until the callback is replaced or taken off.
        unsafe { sys::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), Some(wake), opaque) };
        self.signal = Some(signal);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: a valid queue; after the first call no callback runs or will run, so the signal may be freed.
        unsafe {
            if self.signal.is_some() {
                sys::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            }
            sys::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

/// A partition's records.
pub(crate) struct PartitionQueue {
    queue: Queue,
    buffer: Vec<*mut sys::rd_kafka_message_t>,
}

// SAFETY: the buffer is empty between calls, so no pointer travels with it.
unsafe impl Send for PartitionQueue {}

impl PartitionQueue {
    /// Takes up to `max` messages without waiting; returns how many there were, errors included.
    pub(crate) fn take(&mut self, max: usize, mut each: impl FnMut(std::result::Result<NativeRecord, Fault>)) -> usize {
        self.buffer.reserve(max);
        // SAFETY: the buffer has room for `max` pointers; a timeout of 0 does not wait. This queue belongs to us alone, so
        // no rebalance event can be on it.
        let taken =
            unsafe { sys::rd_kafka_consume_batch_queue(self.queue.queue.as_ptr(), 0, self.buffer.as_mut_ptr(), max) };
        let taken = usize::try_from(taken).unwrap_or(0).min(max);
        // SAFETY: librdkafka wrote that many pointers.
        unsafe { self.buffer.set_len(taken) };
        for message in self.buffer.drain(..).filter_map(NonNull::new) {
            // Owned from here on: it is freed on every path.
            let record = NativeRecord { message };
            match record.message().err {
                RespErr::RD_KAFKA_RESP_ERR_NO_ERROR => each(Ok(record)),
                code => each(Err(fault(code, &payload_text(&record)))),
            }
        }
        taken
    }
}

/// Events of a client.
pub(crate) struct EventQueue {
    queue: Queue,
}

impl EventQueue {
    /// Calls `signal` whenever an event arrives in the empty queue.
    pub(crate) fn on_events(&mut self, signal: Arc<dyn Signal>) {
        self.queue.on_records(signal);
    }

    /// The next event, without waiting.
    ///
    /// One call of librdkafka serves one entry, and answers null for entries it handled itself and for an empty queue
    /// alike; as the wake-up comes on the edge only, the queue is polled until it is empty by its length.
    pub(crate) fn poll(&self) -> Option<ConsumerEvent> {
        loop {
            // SAFETY: a valid queue; the event is destroyed by `Event`.
            let event = unsafe { sys::rd_kafka_queue_poll(self.queue.queue.as_ptr(), 0) };
            match NonNull::new(event) {
                Some(event) => {
                    if let Some(event) = Event(event).read(&self.queue.client) {
                        return Some(event);
                    }
                }
                // SAFETY: a valid queue.
                None if unsafe { sys::rd_kafka_queue_length(self.queue.queue.as_ptr()) } == 0 => return None,
                None => {}
            }
        }
    }
}

/// An event until it is read.
struct Event(NonNull<sys::rd_kafka_event_t>);

impl Event {
    fn read(&self, client: &NativeConsumer) -> Option<ConsumerEvent> {
        // SAFETY: a valid event.
        match unsafe { sys::rd_kafka_event_type(self.0.as_ptr()) } {
            sys::RD_KAFKA_EVENT_REBALANCE => Some(self.rebalance(client)),
            sys::RD_KAFKA_EVENT_OFFSET_COMMIT => Some(self.committed()),
            sys::RD_KAFKA_EVENT_ERROR => Some(self.error(client)),
            sys::RD_KAFKA_EVENT_FETCH => Some(ConsumerEvent::Fatal(other(
                "a record arrived outside its partition's queue; the consumer starts again from the committed offsets",
            ))),
            _ => None,
        }
    }

    fn code(&self) -> RespErr {
        // SAFETY: a valid event.
        unsafe { sys::rd_kafka_event_error(self.0.as_ptr()) }
    }

    fn text(&self) -> String {
        // SAFETY: a valid event.
        c_text(unsafe { sys::rd_kafka_event_error_string(self.0.as_ptr()) })
    }

    fn rebalance(&self, client: &NativeConsumer) -> ConsumerEvent {
        let partitions = self.partitions(|element| element.partition());
        match self.code() {
            RespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => ConsumerEvent::Assign(partitions),
            RespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                ConsumerEvent::Revoke { partitions, lost: client.is_assignment_lost() }
            }
            // Neither: librdkafka wants the whole assignment given back.
            code => {
                tracing::warn!("rebalance failed, all partitions are given back: {}", fault(code, &self.text()));
                ConsumerEvent::Revoke { partitions, lost: true }
            }
        }
    }

    fn committed(&self) -> ConsumerEvent {
        let code = self.code();
        let result = match code {
            RespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err(fault(code, "")),
        };
        // SAFETY: a valid event; the token that was given with the commit, or null for a commit of librdkafka's own.
        let opaque = unsafe { sys::rd_kafka_event_opaque(self.0.as_ptr()) };
        let token = (!opaque.is_null()).then(|| opaque.addr() as u64);
        ConsumerEvent::Committed { token, result, partitions: self.partitions(|e| (e.stored(), e.fault())) }
    }

    fn error(&self, client: &NativeConsumer) -> ConsumerEvent {
        // SAFETY: a valid event.
        if unsafe { sys::rd_kafka_event_error_is_fatal(self.0.as_ptr()) } != 0 {
            return ConsumerEvent::Fatal(client.fatal().unwrap_or_else(|| fault(self.code(), &self.text())));
        }
        ConsumerEvent::Fault(fault(self.code(), &self.text()))
    }

    /// The partitions of the event, copied: the list belongs to it.
    fn partitions<T>(&self, read: impl Fn(&Element<'_>) -> T) -> Vec<T> {
        // SAFETY: a valid event of a kind that has such a list; null when there is none.
        let list = unsafe { sys::rd_kafka_event_topic_partition_list(self.0.as_ptr()) };
        // SAFETY: the list lives as long as the event, which outlives this borrow.
        NonNull::new(list).map_or_else(Vec::new, |list| unsafe { elements(list) }.map(|e| read(&e)).collect())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: owned by us; everything read from it was copied.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

// ---- lists of partitions -----------------------------------------------------------------------------------------

/// An owned list of partitions.
struct PartitionList(NonNull<sys::rd_kafka_topic_partition_list_t>);

/// One entry of a list.
struct Element<'l>(&'l mut sys::rd_kafka_topic_partition_t);

impl PartitionList {
    fn new() -> Self {
        // SAFETY: no precondition. librdkafka's allocations end the process rather than give null.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(8) };
        let list =
            NonNull::new(list).unwrap_or_else(|| std::alloc::handle_alloc_error(std::alloc::Layout::new::<Self>()));
        Self(list)
    }

    fn of(partitions: &[TopicPartition]) -> Result<Self> {
        let mut list = Self::new();
        for partition in partitions {
            list.add(&partition.topic, partition.partition)?;
        }
        Ok(list)
    }

    fn add(&mut self, topic: &str, partition: i32) -> Result<Element<'_>> {
        let topic = c_string(topic, "topic")?;
        // SAFETY: a valid list; the topic is copied; the entry lives until the list is changed, which the borrow forbids.
        let element = unsafe { sys::rd_kafka_topic_partition_list_add(self.as_ptr(), topic.as_ptr(), partition) };
        // SAFETY: librdkafka returns the entry it added.
        Ok(Element(unsafe { &mut *element }))
    }

    fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        // SAFETY: the list is ours and outlives the iterator's borrow.
        unsafe { elements(self.0) }
    }

    fn as_ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
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
unsafe fn elements<'l>(list: NonNull<sys::rd_kafka_topic_partition_list_t>) -> impl Iterator<Item = Element<'l>> {
    // SAFETY: the caller's promise.
    let (first, count) = unsafe { (list.as_ref().elems, list.as_ref().cnt) };
    // SAFETY: `elems` holds `cnt` entries.
    (0..usize::try_from(count).unwrap_or(0)).map(move |index| Element(unsafe { &mut *first.add(index) }))
}

impl Element<'_> {
    fn set(self, offset: i64, leader_epoch: Option<i32>) {
        self.0.offset = offset;
        if let Some(epoch) = leader_epoch {
            // SAFETY: a valid entry.
            unsafe { sys::rd_kafka_topic_partition_set_leader_epoch(self.0, epoch) };
        }
    }

    fn partition(&self) -> TopicPartition {
        TopicPartition::new(c_text(self.0.topic), self.0.partition)
    }

    fn stored(&self) -> StoredOffset {
        // SAFETY: a valid entry.
        let epoch = unsafe { sys::rd_kafka_topic_partition_get_leader_epoch(&*self.0) };
        StoredOffset { partition: self.partition(), offset: self.0.offset, leader_epoch: (epoch >= 0).then_some(epoch) }
    }

    fn fault(&self) -> Option<Fault> {
        (self.0.err != RespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| fault(self.0.err, ""))
    }
}

// ---- errors and texts --------------------------------------------------------------------------------------------

fn fault(code: RespErr, text: &str) -> Fault {
    let code = RDKafkaErrorCode::from(code);
    let kind = match code {
        RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve => {
            FaultKind::Unreachable
        }
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed | RDKafkaErrorCode::SSL => {
            FaultKind::Authentication
        }
        RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed => {
            FaultKind::Authorization
        }
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => FaultKind::UnknownTopic,
        RDKafkaErrorCode::NoOffset => FaultKind::NothingToCommit,
        // Another consumer has our `group.instance.id`: one that came back would fence that one, and so on for ever.
        RDKafkaErrorCode::FencedInstanceId
        | RDKafkaErrorCode::UnsupportedAssignor
        | RDKafkaErrorCode::InconsistentGroupProtocol => FaultKind::Config,
        _ => FaultKind::Other,
    };
    Fault { kind, text: if text.is_empty() { code.to_string() } else { format!("{code}: {text}") } }
}

fn other(text: impl Into<String>) -> Fault {
    Fault { kind: FaultKind::Other, text: text.into() }
}

fn check(code: RespErr, what: &str) -> Result<()> {
    match code {
        RespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(fault(code, "").to_error(what)),
    }
}

fn check_error(error: *mut sys::rd_kafka_error_t, what: &str) -> Result<()> {
    let Some(error) = NonNull::new(error) else { return Ok(()) };
    // SAFETY: an error object that was given to us; its text is copied before it is destroyed, once.
    let fault = unsafe {
        let fault =
            fault(sys::rd_kafka_error_code(error.as_ptr()), &c_text(sys::rd_kafka_error_string(error.as_ptr())));
        sys::rd_kafka_error_destroy(error.as_ptr());
        fault
    };
    Err(fault.to_error(what))
}

fn c_string(text: &str, what: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(ErrorKind::Config, format!("{what} must not hold a zero byte")))
}

/// A copy of a C string; null is empty.
fn c_text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: librdkafka's texts end with a zero, and callers pass live ones.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn buffer_text(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> = buffer.iter().map(|&c| c.cast_unsigned()).take_while(|&c| c != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The payload of an error entry is its text.
fn payload_text(record: &NativeRecord) -> String {
    String::from_utf8_lossy(record.payload().unwrap_or_default()).trim_end_matches('\0').to_owned()
}
