//! [`Report`]: what became of a record, out of the events of a producer's queue.

use std::{ffi::c_int, ptr};

use bytes::Bytes;
use rdkafka::{
    bindings as rdsys,
    client::ClientContext,
    config::RDKafkaLogLevel,
    error::{IsError, RDKafkaErrorCode},
};

use super::ticket::Ticket;
use crate::{
    client::ffi::{record::bytes, text::c_text},
    record::{Headers, ProducerRecord, SendResult},
};

/// The delivery report of one record, valid while the event lives.
pub(crate) struct Report<'e>(&'e rdsys::rd_kafka_message_t);

/// Where delivery reports go.
pub(crate) trait ReportSink {
    /// So many reports follow.
    fn begin(&mut self, n_reports: usize);

    fn report(&mut self, ticket: Ticket, report: &Report<'_>);
}

/// An event until it is served.
pub(super) struct Event(pub(super) *mut rdsys::rd_kafka_event_t);

impl Event {
    pub(super) fn for_each_report(&self, sink: &mut impl ReportSink) -> usize {
        // SAFETY: the event is alive.
        let n_reports = unsafe { rdsys::rd_kafka_event_message_count(self.0) };
        sink.begin(n_reports);
        loop {
            // SAFETY: the event is alive and holds its messages until it is destroyed.
            let message = unsafe { rdsys::rd_kafka_event_message_next(self.0) };
            // SAFETY: as above; null ends the list.
            let Some(message) = (unsafe { message.as_ref() }) else { return n_reports };
            // SAFETY: every record of this producer was produced with an opaque of a ticket, and is reported on once.
            let ticket = unsafe { Ticket::from_opaque(message._private) };
            sink.report(ticket, &Report(message));
        }
    }

    pub(super) fn log_to(&self, context: &impl ClientContext) {
        let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the event is alive; what it lends is copied at once.
        unsafe {
            if rdsys::rd_kafka_event_log(self.0, &raw mut facility, &raw mut line, &raw mut level) == 0 {
                context.log(log_level(level), c_text(facility).trim(), c_text(line).trim());
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

    /// The record's topic.
    pub(crate) fn topic(&self) -> String {
        // SAFETY: the message is alive, and so is its topic handle, whose name does not change.
        unsafe { c_text(rdsys::rd_kafka_topic_name(self.0.rkt)) }
    }

    /// Whether the broker may have appended the record although it failed.
    pub(crate) fn is_possibly_appended(&self) -> bool {
        // SAFETY: the message is alive.
        let status = unsafe { rdsys::rd_kafka_message_status(self.0) };
        status != rdsys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED
    }

    /// A copy of the record, for giving it back, but for its partition and time: see [`Completion::restore`].
    pub(crate) fn to_record(&self) -> ProducerRecord {
        // SAFETY: pointers and lengths belong to the message, which is alive.
        unsafe {
            ProducerRecord {
                topic: Some(self.topic().into()),
                partition: None,
                timestamp: None,
                key: bytes(self.0.key, self.0.key_len).map(Bytes::copy_from_slice),
                payload: bytes(self.0.payload, self.0.len).map(Bytes::copy_from_slice),
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
                headers.push(c_text(name), bytes(value, len).map(Bytes::copy_from_slice));
            }
        }
        headers
    }
}
