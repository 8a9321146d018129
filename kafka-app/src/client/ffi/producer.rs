//! The producer's part of the FFI: produce calls with cached topic handles, delivery reports as events, and a flush that
//! does not cost 100 ms.

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_char, c_int, c_void},
    hash::{BuildHasherDefault, Hasher},
    ptr, slice,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use parking_lot::RwLock;
use rdkafka::{
    bindings as rdsys,
    client::{Client, ClientContext},
    config::{ClientConfig, RDKafkaLogLevel},
    error::{IsError, KafkaError, RDKafkaErrorCode},
};

use crate::{
    client::Completion,
    record::{Headers, ProducerRecord, SendResult},
};

/// A librdkafka producer, its event queue and the handles of the topics it wrote to.
pub(crate) struct NativeProducer<C: ClientContext> {
    // Fields are dropped in this order: librdkafka wants its handles back before the client goes.
    topics: RwLock<HashMap<Box<str>, NativeTopic, BuildHasherDefault<Fnv>>>,
    queue: MainQueue,
    client: Client<C>,
}

/// What librdkafka carries along with a record and gives back with its delivery report.
pub(crate) enum Ticket {
    /// Nobody waits: only a failure is reported.
    Forget,
    /// One awaited send.
    One(Arc<Completion>),
    /// A record of a batch.
    Batch(BatchTicket),
}

/// Which record of which batch: plain numbers, so that nothing dangles whatever becomes of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchTicket {
    /// The batch's place in the producer's table.
    pub(crate) key: usize,
    /// The record's place in the batch, below [`MAX_BATCH`].
    pub(crate) index: usize,
}

/// Most records of a batch: its index takes ten bits of the ticket.
pub(crate) const MAX_BATCH: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 10;
/// Completions are aligned to more than two bytes, so an odd pointer is never one of them.
const BATCH_TAG: usize = 1;

impl Ticket {
    fn into_opaque(self) -> *mut c_void {
        match self {
            Self::Forget => ptr::null_mut(),
            Self::One(completion) => Arc::into_raw(completion).cast_mut().cast(),
            Self::Batch(ticket) => ticket.to_opaque(),
        }
    }

    /// # Safety
    /// `opaque` comes from [`Ticket::into_opaque`] and is taken back once only.
    unsafe fn from_opaque(opaque: *mut c_void) -> Self {
        if opaque.is_null() {
            return Self::Forget;
        }
        let bits = opaque.addr();
        if bits & BATCH_TAG != 0 {
            let bits = bits >> 1;
            return Self::Batch(BatchTicket { key: bits >> INDEX_BITS, index: bits & (MAX_BATCH - 1) });
        }
        // SAFETY: a non-null even opaque is a completion that into_opaque leaked; the caller takes it back once.
        Self::One(unsafe { Arc::from_raw(opaque.cast_const().cast()) })
    }
}

impl BatchTicket {
    fn to_opaque(self) -> *mut c_void {
        ptr::without_provenance_mut((((self.key << INDEX_BITS) | self.index) << 1) | BATCH_TAG)
    }
}

/// A record as the produce calls take it: borrowed, since librdkafka copies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outbound<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) payload: Option<&'a [u8]>,
    pub(crate) headers: Option<&'a Headers>,
}

/// Why a record was not taken, with its ticket.
pub(crate) struct NotTaken {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) ticket: Ticket,
}

/// The delivery report of one record, valid while the event lives.
pub(crate) struct Report<'e>(&'e rdsys::rd_kafka_message_t);

/// Where delivery reports go.
pub(crate) trait ReportSink {
    fn report(&mut self, ticket: Ticket, report: &Report<'_>);
}

impl<C: ClientContext> NativeProducer<C> {
    /// Creates the producer with delivery reports as events: only then does `rd_kafka_flush` leave the queue to the poller.
    pub(crate) fn create(config: &ClientConfig, context: C) -> Result<Self, KafkaError> {
        let native = config.create_native_config()?;
        let events = rdsys::RD_KAFKA_EVENT_DR | rdsys::RD_KAFKA_EVENT_STATS | rdsys::RD_KAFKA_EVENT_ERROR;
        // SAFETY: the configuration is ours until the client takes it over below.
        unsafe { rdsys::rd_kafka_conf_set_events(native.ptr(), events) };
        let client = Client::new(config, native, rdsys::rd_kafka_type_t::RD_KAFKA_PRODUCER, context)?;
        // SAFETY: the client is alive; the queue handle counts as a reference and is given back before the client goes.
        let queue = MainQueue(unsafe { rdsys::rd_kafka_queue_get_main(client.native_ptr()) });
        Ok(Self { topics: RwLock::default(), queue, client })
    }

    pub(crate) fn client(&self) -> &Client<C> {
        &self.client
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
                let reason = unsafe { text(rdsys::rd_kafka_event_error_string(event.0)) };
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

/// The partitioner chooses (`RD_KAFKA_PARTITION_UA`, a macro the bindings leave out).
const UNASSIGNED: i32 = -1;

type Taken = Result<(), RDKafkaErrorCode>;

/// Pointer and length as the produce calls take them; null is a null key or a tombstone.
fn raw(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}

/// # Safety
/// `text` is null or a C string that lives during the call.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Memory for the arguments of batch calls, used again and again.
pub(crate) struct MessageArray(Vec<rdsys::rd_kafka_message_t>);

// SAFETY: its pointers are written and read within one batch call; what stays behind is never read again.
unsafe impl Send for MessageArray {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for MessageArray {}

impl MessageArray {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    fn fill<'b>(
        &mut self,
        records: impl Iterator<Item = (Option<&'b [u8]>, Option<&'b [u8]>)>,
        first: BatchTicket,
    ) -> &mut [rdsys::rd_kafka_message_t] {
        self.0.clear();
        self.0.extend(records.enumerate().map(|(i, (key, payload))| {
            let (payload, len) = raw(payload);
            let (key, key_len) = raw(key);
            rdsys::rd_kafka_message_t {
                err: rdsys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
                rkt: ptr::null_mut(),
                partition: UNASSIGNED,
                payload,
                len,
                key,
                key_len,
                offset: 0,
                _private: BatchTicket { index: first.index + i, ..first }.to_opaque(),
            }
        }));
        &mut self.0
    }
}

/// FNV-1a: topic names are short and the application's own, so nothing is won by a hash that resists attacks.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

struct MainQueue(*mut rdsys::rd_kafka_queue_t);

// SAFETY: librdkafka's queues are locked inside.
unsafe impl Send for MainQueue {}
// SAFETY: as above.
unsafe impl Sync for MainQueue {}

impl Drop for MainQueue {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and given back once.
        unsafe { rdsys::rd_kafka_queue_destroy(self.0) };
    }
}

struct NativeTopic(*mut rdsys::rd_kafka_topic_t);

// SAFETY: topic handles are counted references to objects that are locked inside.
unsafe impl Send for NativeTopic {}
// SAFETY: as above.
unsafe impl Sync for NativeTopic {}

impl Drop for NativeTopic {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and given back once, before the client goes (field order of NativeProducer).
        unsafe { rdsys::rd_kafka_topic_destroy(self.0) };
    }
}

/// Headers on their way into a record; freed unless a produce call took them over.
struct NativeHeaders(*mut rdsys::rd_kafka_headers_t);

impl NativeHeaders {
    fn of(headers: &Headers) -> Self {
        // SAFETY: makes a list of ours.
        let native = Self(unsafe { rdsys::rd_kafka_headers_new(headers.len()) });
        for (name, value) in headers.iter() {
            let (value, value_len) = raw(value);
            // SAFETY: name and value are copied by the call; lengths of slices fit isize.
            unsafe {
                rdsys::rd_kafka_header_add(
                    native.0,
                    name.as_ptr().cast(),
                    name.len().cast_signed(),
                    value.cast_const(),
                    value_len.cast_signed(),
                );
            }
        }
        native
    }

    fn taken_over(self) {
        // The record frees it now.
        let _ = std::mem::ManuallyDrop::new(self);
    }
}

impl Drop for NativeHeaders {
    fn drop(&mut self) {
        // SAFETY: the list is ours as long as no record took it over.
        unsafe { rdsys::rd_kafka_headers_destroy(self.0) };
    }
}

struct Event(*mut rdsys::rd_kafka_event_t);

impl Event {
    fn for_each_report(&self, sink: &mut impl ReportSink) -> usize {
        let mut n_reports = 0;
        loop {
            // SAFETY: the event is alive and holds its messages until it is destroyed.
            let message = unsafe { rdsys::rd_kafka_event_message_next(self.0) };
            // SAFETY: as above; null ends the list.
            let Some(message) = (unsafe { message.as_ref() }) else { return n_reports };
            // SAFETY: every record of this producer was produced with an opaque of a ticket, and is reported on once.
            let ticket = unsafe { Ticket::from_opaque(message._private) };
            sink.report(ticket, &Report(message));
            n_reports += 1;
        }
    }

    fn log_to(&self, context: &impl ClientContext) {
        let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the event is alive; what it lends is copied at once.
        unsafe {
            if rdsys::rd_kafka_event_log(self.0, &raw mut facility, &raw mut line, &raw mut level) == 0 {
                context.log(log_level(level), text(facility).trim(), text(line).trim());
            }
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event is ours; destroying null is allowed.
        unsafe { rdsys::rd_kafka_event_destroy(self.0) };
    }
}

/// Syslog levels to the crate's.
fn log_level(level: c_int) -> RDKafkaLogLevel {
    match level {
        0 => RDKafkaLogLevel::Emerg,
        1 => RDKafkaLogLevel::Alert,
        2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}

impl Report<'_> {
    /// Where the record was appended, or the error that kept it from there.
    pub(crate) fn result(&self) -> Result<SendResult, RDKafkaErrorCode> {
        match self.0.err {
            rdsys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
                Ok(SendResult { partition: self.0.partition, offset: self.0.offset })
            }
            err => Err(err.into()),
        }
    }

    /// Whether the broker may have appended the record although it failed.
    pub(crate) fn is_possibly_appended(&self) -> bool {
        // SAFETY: the message is alive.
        let status = unsafe { rdsys::rd_kafka_message_status(self.0) };
        status != rdsys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED
    }

    /// A copy of the record, for giving it back, but for its partition and time: see [`Completion::restore`].
    pub(crate) fn to_record(&self) -> ProducerRecord {
        // SAFETY: pointers and lengths belong to the message, which is alive; the topic handle likewise.
        unsafe {
            let topic = text(rdsys::rd_kafka_topic_name(self.0.rkt));
            ProducerRecord {
                topic: Some(topic.into()),
                partition: None,
                timestamp: None,
                key: bytes_of(self.0.key, self.0.key_len),
                payload: bytes_of(self.0.payload, self.0.len),
                headers: self.headers(),
            }
        }
    }

    fn headers(&self) -> Headers {
        let mut headers = Headers::new();
        let mut native = ptr::null_mut();
        // SAFETY: the message is alive and lends its headers; each name and value is copied before the next call.
        unsafe {
            if rdsys::rd_kafka_message_headers(self.0, &raw mut native).is_error() {
                return headers;
            }
            let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
            for i in 0.. {
                let err = rdsys::rd_kafka_header_get_all(native, i, &raw mut name, &raw mut value, &raw mut len);
                if err.is_error() {
                    break;
                }
                headers.push(text(name), bytes_of(value, len));
            }
        }
        headers
    }
}

/// # Safety
/// `bytes` is null or points to `len` bytes that live during the call.
unsafe fn bytes_of(bytes: *const c_void, len: usize) -> Option<Bytes> {
    // SAFETY: the caller's promise.
    (!bytes.is_null()).then(|| Bytes::copy_from_slice(unsafe { slice::from_raw_parts(bytes.cast(), len) }))
}
