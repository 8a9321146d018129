//! The producer's part of the FFI: produce calls with cached topic handles, delivery reports as events, and a flush that
//! does not cost 100 ms.

mod handles;
mod outbound;
mod report;
mod ticket;

pub(crate) use outbound::{MessageArray, NotTaken, Outbound};
pub(crate) use report::{Report, ReportSink};
pub(crate) use ticket::{BatchTicket, MAX_BATCH, Ticket};

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_int, c_void},
    hash::BuildHasherDefault,
    ptr,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use rdkafka::{
    bindings as rdsys,
    client::{Client, ClientContext},
    config::ClientConfig,
    error::{IsError, KafkaError, RDKafkaErrorCode},
};

use super::{first_brokers::keep_brokers, state_changes::tell_state_changes, text::c_text};
use crate::client::brokers::Connections;
use handles::{Fnv, MainQueue, NativeTopic};
use outbound::{NativeHeaders, Taken, UNASSIGNED, raw};
use report::Event;

/// A librdkafka producer, its event queue and the handles of the topics it wrote to.
pub(crate) struct NativeProducer<C: ClientContext> {
    // Fields are dropped in this order: librdkafka wants its handles back before the client goes.
    topics: RwLock<HashMap<Box<str>, NativeTopic, BuildHasherDefault<Fnv>>>,
    queue: MainQueue,
    client: Client<C>,
    /// Told by the client until it is destroyed.
    connections: Arc<Connections>,
}

impl<C: ClientContext> NativeProducer<C> {
    /// Creates the producer with delivery reports as events: only then does `rd_kafka_flush` leave the queue to the poller.
    /// It tells what becomes of its connections.
    pub(crate) fn create(config: &ClientConfig, context: C, connections: Arc<Connections>) -> Result<Self, KafkaError> {
        let native = config.create_native_config()?;
        let events = rdsys::RD_KAFKA_EVENT_DR | rdsys::RD_KAFKA_EVENT_STATS | rdsys::RD_KAFKA_EVENT_ERROR;
        // SAFETY: the configuration is ours until the client takes it over below; the connections are dropped after that.
        unsafe {
            tell_state_changes(native.ptr(), &connections);
            rdsys::rd_kafka_conf_set_events(native.ptr(), events);
        }
        let client = Client::new(config, native, rdsys::rd_kafka_type_t::RD_KAFKA_PRODUCER, context)?;
        // SAFETY: the client is alive; the queue handle counts as a reference and is given back before the client goes.
        let queue = MainQueue(unsafe { rdsys::rd_kafka_queue_get_main(client.native_ptr()) });
        Ok(Self { topics: RwLock::default(), queue, client, connections })
    }

    pub(crate) fn client(&self) -> &Client<C> {
        &self.client
    }

    /// See [`keep_brokers`].
    pub(crate) fn keep_brokers(&self, now: Instant) {
        // SAFETY: the client is alive.
        unsafe { keep_brokers(self.client.native_ptr(), &self.connections, now) };
    }

    /// Hands a record over; never blocks.
    pub(crate) fn produce(&self, record: &Outbound<'_>, ticket: Ticket) -> Result<(), NotTaken> {
        let topic = match self.topic(record.topic) {
            Ok(topic) => topic,
            Err(code) => return Err(NotTaken { code, ticket }),
        };
        let opaque = ticket.into_opaque();
        let res = match (record.timestamp, record.headers) {
            (None, None) => Self::produce_plain(topic, record, opaque),
            _ => self.produce_rich(topic, record, opaque),
        };
        // SAFETY: librdkafka reports only on records it took, so the ticket of a refused one is still ours.
        res.map_err(|code| NotTaken { code, ticket: unsafe { Ticket::from_opaque(opaque) } })
    }

    fn produce_plain(topic: *mut rdsys::rd_kafka_topic_t, record: &Outbound<'_>, opaque: *mut c_void) -> Taken {
        let (payload, payload_len) = raw(record.payload);
        let (key, key_len) = raw(record.key);
        let partition = record.partition.unwrap_or(UNASSIGNED);
        // SAFETY: the handle lives as long as self; the slices outlive the call, which copies them (MSG_F_COPY).
        let res = unsafe {
            rdsys::rd_kafka_produce(
                topic,
                partition,
                rdsys::RD_KAFKA_MSG_F_COPY,
                payload,
                payload_len,
                key,
                key_len,
                opaque,
            )
        };
        match res {
            0 => Ok(()),
            // SAFETY: reads a thread-local that the failed call above has set.
            _ => Err(unsafe { rdsys::rd_kafka_last_error() }.into()),
        }
    }

    /// With headers or a timestamp, which the plain call does not take.
    fn produce_rich(&self, topic: *mut rdsys::rd_kafka_topic_t, record: &Outbound<'_>, opaque: *mut c_void) -> Taken {
        let (payload, payload_len) = raw(record.payload);
        let (key, key_len) = raw(record.key);
        let headers = record.headers.map(NativeHeaders::of);
        // SAFETY: tags and argument types are paired as rd_kafka_vtype_t says; slices are copied, and the headers are
        // taken over only when the call succeeds.
        let err = unsafe {
            rdsys::rd_kafka_producev(
                self.client.native_ptr(),
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_RKT,
                topic,
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION,
                record.partition.unwrap_or(UNASSIGNED),
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_MSGFLAGS,
                rdsys::RD_KAFKA_MSG_F_COPY,
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_VALUE,
                payload,
                payload_len,
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_KEY,
                key,
                key_len,
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_OPAQUE,
                opaque,
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TIMESTAMP,
                record.timestamp.unwrap_or(0),
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS,
                headers.as_ref().map_or(ptr::null_mut(), |headers| headers.0),
                rdsys::rd_kafka_vtype_t::RD_KAFKA_VTYPE_END,
            )
        };
        if err.is_error() {
            return Err(err.into());
        }
        if let Some(headers) = headers {
            headers.taken_over();
        }
        Ok(())
    }

    /// Hands many records (key, payload) of one topic over in one call, the first of them with the ticket `first`;
    /// `outcome` is told of each in order, until the queue is full. Returns how many were taken or refused for good; the
    /// rest may be tried again.
    pub(crate) fn produce_batch<'b>(
        &self,
        topic: &str,
        records: impl Iterator<Item = (Option<&'b [u8]>, Option<&'b [u8]>)>,
        first: BatchTicket,
        scratch: &mut MessageArray,
        mut outcome: impl FnMut(usize, Option<RDKafkaErrorCode>),
    ) -> Result<usize, RDKafkaErrorCode> {
        let topic = self.topic(topic)?;
        let messages = scratch.fill(records, first);
        let n_messages = c_int::try_from(messages.len()).map_err(|_| RDKafkaErrorCode::InvalidArgument)?;
        // SAFETY: the handle lives as long as self; the array was filled from slices that outlive this function, and the
        // call copies them.
        unsafe {
            rdsys::rd_kafka_produce_batch(
                topic,
                UNASSIGNED,
                rdsys::RD_KAFKA_MSG_F_COPY,
                messages.as_mut_ptr(),
                n_messages,
            )
        };
        for (i, message) in messages.iter().enumerate() {
            match RDKafkaErrorCode::from(message.err) {
                RDKafkaErrorCode::NoError => outcome(i, None),
                RDKafkaErrorCode::QueueFull => return Ok(i),
                code => outcome(i, Some(code)),
            }
        }
        Ok(messages.len())
    }

    /// Serves one event of the queue, waiting for it up to `timeout`; returns how many delivery reports it held. The
    /// records are freed, and their room in the queue with them, when this returns.
    pub(crate) fn serve(&self, timeout: Duration, sink: &mut impl ReportSink) -> Option<usize> {
        let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is alive; the event is ours and destroyed by its wrapper.
        let event = Event(unsafe { rdsys::rd_kafka_queue_poll(self.queue.0, timeout_ms) });
        if event.0.is_null() {
            return None;
        }
        // SAFETY (of every call below): the event is alive, and what is read from it is not kept.
        match unsafe { rdsys::rd_kafka_event_type(event.0) } {
            rdsys::RD_KAFKA_EVENT_DR => return Some(event.for_each_report(sink)),
            rdsys::RD_KAFKA_EVENT_ERROR => {
                let code = unsafe { rdsys::rd_kafka_event_error(event.0) };
                let reason = c_text(unsafe { rdsys::rd_kafka_event_error_string(event.0) });
                self.client.context().error(KafkaError::Global(code.into()), reason.trim());
            }
            rdsys::RD_KAFKA_EVENT_LOG => event.log_to(self.client.context().as_ref()),
            rdsys::RD_KAFKA_EVENT_STATS => {
                let json = unsafe { CStr::from_ptr(rdsys::rd_kafka_event_stats(event.0)) };
                self.client.context().stats_raw(json.to_bytes());
            }
            _ => {}
        }
        Some(0)
    }

    /// Ends a [`NativeProducer::serve`] that waits.
    pub(crate) fn wake(&self) {
        // SAFETY: the queue is alive; this may be called from any thread.
        unsafe { rdsys::rd_kafka_queue_yield(self.queue.0) };
    }

    /// Waits until every record is reported on, without linger; needs a poller on another thread. Blocks.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), RDKafkaErrorCode> {
        let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the client is alive; with delivery reports as events this only waits for their count to be zero.
        let err = unsafe { rdsys::rd_kafka_flush(self.client.native_ptr(), timeout_ms) };
        if err.is_error() { Err(err.into()) } else { Ok(()) }
    }

    /// Gives up every record, sent or not; their reports say so.
    pub(crate) fn purge(&self) {
        let flags = rdsys::RD_KAFKA_PURGE_F_QUEUE | rdsys::RD_KAFKA_PURGE_F_INFLIGHT;
        // SAFETY: the client is alive. The call fails only for a consumer or for unknown flags.
        let _ = unsafe { rdsys::rd_kafka_purge(self.client.native_ptr(), flags) };
    }

    /// Records and events not served yet.
    pub(crate) fn n_outstanding(&self) -> usize {
        // SAFETY: the client is alive.
        usize::try_from(unsafe { rdsys::rd_kafka_outq_len(self.client.native_ptr()) }).unwrap_or(0)
    }

    /// The handle of a topic, made on first use and kept: a lookup by name in librdkafka walks a list.
    fn topic(&self, name: &str) -> Result<*mut rdsys::rd_kafka_topic_t, RDKafkaErrorCode> {
        if let Some(topic) = self.topics.read().get(name) {
            return Ok(topic.0);
        }
        let c_name = CString::new(name).map_err(|_| RDKafkaErrorCode::InvalidTopic)?;
        let mut topics = self.topics.write();
        if let Some(topic) = topics.get(name) {
            return Ok(topic.0);
        }
        // SAFETY: the client is alive; a null configuration stands for the client's defaults.
        let topic = unsafe { rdsys::rd_kafka_topic_new(self.client.native_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        if topic.is_null() {
            return Err(RDKafkaErrorCode::InvalidTopic);
        }
        topics.insert(name.into(), NativeTopic(topic));
        Ok(topic)
    }
}
