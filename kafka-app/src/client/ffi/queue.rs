//! Queues of a consumer: a partition's records, and events.

use std::{
    ffi::c_void,
    ptr::{self, NonNull},
    sync::Arc,
};

use rdkafka::bindings as sys;

use super::{consumer::NativeConsumer, event::Event, record::NativeRecord};
use crate::{
    client::port::{ConsumerEvent, Fault, Signal},
    error::{Error, ErrorKind, Result},
};

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

/// What is in a partition's queue.
pub(crate) enum Entry {
    Record(NativeRecord),
    /// There was no more; the offset that is looked for next. With `enable.partition.eof` only.
    End(i64),
    Fault(Fault),
}

/// A partition's records.
pub(crate) struct PartitionQueue {
    queue: Queue,
    buffer: Vec<*mut sys::rd_kafka_message_t>,
}

// SAFETY: the buffer is empty between calls, so no pointer travels with it.
unsafe impl Send for PartitionQueue {}

impl PartitionQueue {
    /// Takes over a reference to a partition's queue, which then forwards nothing to the consumer's any more.
    pub(super) fn new(
        client: &Arc<NativeConsumer>,
        queue: *mut sys::rd_kafka_queue_t,
        signal: Arc<dyn Signal>,
    ) -> Result<Self> {
        let mut queue = Queue::new(client, queue, "the partition's queue")?;
        // SAFETY: a valid queue; null ends the forwarding to the consumer's queue.
        unsafe { sys::rd_kafka_queue_forward(queue.queue.as_ptr(), ptr::null_mut()) };
        queue.on_records(signal);
        Ok(Self { queue, buffer: Vec::new() })
    }

    /// Takes up to `max` entries without waiting; returns how many there were.
    pub(crate) fn take(&mut self, max: usize, mut each: impl FnMut(Entry)) -> usize {
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
            let record = NativeRecord::owning(message);
            each(match (record.end(), record.fault()) {
                (Some(offset), _) => Entry::End(offset),
                (None, Some(fault)) => Entry::Fault(fault),
                (None, None) => Entry::Record(record),
            });
        }
        taken
    }
}

/// Events of a client.
pub(crate) struct EventQueue {
    queue: Queue,
}

impl EventQueue {
    /// Takes over a reference to a queue of `client`.
    pub(super) fn new(client: &Arc<NativeConsumer>, queue: *mut sys::rd_kafka_queue_t, what: &str) -> Result<Self> {
        Ok(Self { queue: Queue::new(client, queue, what)? })
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.queue.queue.as_ptr()
    }

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
            let event = unsafe { sys::rd_kafka_queue_poll(self.as_ptr(), 0) };
            match NonNull::new(event) {
                Some(event) => {
                    if let Some(event) = Event::owning(event).read(&self.queue.client) {
                        return Some(event);
                    }
                }
                // SAFETY: a valid queue.
                None if unsafe { sys::rd_kafka_queue_length(self.as_ptr()) } == 0 => return None,
                None => {}
            }
        }
    }
}
