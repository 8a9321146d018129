//! Records on their way into librdkafka: [`Outbound`] and the arguments of the produce calls.

use std::{ffi::c_void, ptr};

use bytes::Bytes;
use rdkafka::{bindings as rdsys, error::RDKafkaErrorCode};

use super::ticket::{BatchTicket, Ticket};
use crate::record::{Headers, ProducerRecord};

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

impl<'a> Outbound<'a> {
    /// A key and a payload, for the partition that the key says.
    pub(crate) fn keyed(topic: &'a str, (key, payload): &'a (Option<Bytes>, Option<Bytes>)) -> Self {
        Self {
            topic,
            partition: None,
            timestamp: None,
            key: key.as_deref(),
            payload: payload.as_deref(),
            headers: None,
        }
    }

    pub(crate) fn of(topic: &'a str, record: &'a ProducerRecord) -> Self {
        Self {
            topic,
            partition: record.partition,
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            payload: record.payload.as_deref(),
            headers: (!record.headers.is_empty()).then_some(&record.headers),
        }
    }
}

/// Why a record was not taken, with its ticket.
pub(crate) struct NotTaken {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) ticket: Ticket,
}

/// The partitioner chooses (`RD_KAFKA_PARTITION_UA`, a macro the bindings leave out).
pub(super) const UNASSIGNED: i32 = -1;

pub(super) type Taken = Result<(), RDKafkaErrorCode>;

/// Pointer and length as the produce calls take them; null is a null key or a tombstone.
pub(super) fn raw(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
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

    pub(super) fn fill<'b>(
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

/// Headers on their way into a record; freed unless a produce call took them over.
pub(super) struct NativeHeaders(pub(super) *mut rdsys::rd_kafka_headers_t);

impl NativeHeaders {
    pub(super) fn of(headers: &Headers) -> Self {
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

    pub(super) fn taken_over(self) {
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
