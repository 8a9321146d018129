//! [`NativeRecord`]: a record that was read, in librdkafka's own memory.

use std::{
    ffi::{CStr, c_void},
    ptr::{self, NonNull},
};

use parking_lot::Mutex;
use rdkafka::bindings::{self as sys, rd_kafka_resp_err_t as RespErr};

use super::fault::fault;
use crate::{client::port::Fault, record::Timestamp};

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
    /// Takes over a message that librdkafka gave with its ownership.
    pub(super) fn owning(message: NonNull<sys::rd_kafka_message_t>) -> Self {
        Self { message }
    }

    /// Of an entry that says there is no more for now: the offset that is looked for next.
    pub(super) fn end(&self) -> Option<i64> {
        let message = self.message();
        (message.err == RespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF).then_some(message.offset)
    }

    /// The error the message stands for, if it is not a record.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self.message().err {
            RespErr::RD_KAFKA_RESP_ERR_NO_ERROR => None,
            // The payload of an error entry is its text.
            code => {
                Some(fault(code, String::from_utf8_lossy(self.payload().unwrap_or_default()).trim_end_matches('\0')))
            }
        }
    }

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
pub(super) unsafe fn bytes<'r>(data: *const c_void, len: usize) -> Option<&'r [u8]> {
    // SAFETY: the caller's promise.
    (!data.is_null()).then(|| unsafe { std::slice::from_raw_parts(data.cast(), len) })
}
