//! [`Conf`]: properties on their way into a consumer.

use std::{
    ffi::{CStr, c_char, c_int},
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::Arc,
};

use rdkafka::bindings as sys;

use super::{
    consumer::NativeConsumer,
    state_changes::tell_state_changes,
    text::{buffer_text, c_string},
};
use crate::{
    client::brokers::Connections,
    error::{Error, ErrorKind, Result},
};

/// A configuration until a client is made of it.
pub(super) struct Conf(NonNull<sys::rd_kafka_conf_t>);

impl Conf {
    pub(super) fn new() -> Self {
        // SAFETY: no precondition. librdkafka's allocations end the process rather than give null.
        let conf = unsafe { sys::rd_kafka_conf_new() };
        let conf =
            NonNull::new(conf).unwrap_or_else(|| std::alloc::handle_alloc_error(std::alloc::Layout::new::<Self>()));
        Self(conf)
    }

    pub(super) fn set(&self, key: &str, value: &str) -> Result<()> {
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

    /// A consumer that tells `connections` what becomes of them.
    pub(super) fn into_consumer(self, connections: Arc<Connections>) -> Result<NativeConsumer> {
        let events = sys::RD_KAFKA_EVENT_REBALANCE | sys::RD_KAFKA_EVENT_OFFSET_COMMIT | sys::RD_KAFKA_EVENT_ERROR;
        let mut error = [0; 512];
        // SAFETY: a valid configuration; `log` is a function without state; the client keeps the connections;
        // the buffer comes with its length.
        let rk = unsafe {
            tell_state_changes(self.0.as_ptr(), &connections);
            sys::rd_kafka_conf_set_events(self.0.as_ptr(), events);
            sys::rd_kafka_conf_set_log_cb(self.0.as_ptr(), Some(log));
            sys::rd_kafka_new(sys::rd_kafka_type_t::RD_KAFKA_CONSUMER, self.0.as_ptr(), error.as_mut_ptr(), error.len())
        };
        match NonNull::new(rk) {
            Some(rk) => {
                let _conf = ManuallyDrop::new(self); // It belongs to the client now.
                Ok(NativeConsumer::owning(rk, connections))
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
unsafe extern "C" fn log(rk: *const sys::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    if facility.is_null() || text.is_null() {
        return;
    }
    // SAFETY: librdkafka passes two strings that live for the call.
    let (facility, text) =
        unsafe { (CStr::from_ptr(facility).to_string_lossy(), CStr::from_ptr(text).to_string_lossy()) };
    let (facility, text) = (facility.trim(), text.trim());
    // SAFETY: a client that logs is alive, and so is its name as long as it is.
    let client = unsafe { (!rk.is_null()).then(|| CStr::from_ptr(sys::rd_kafka_name(rk)).to_string_lossy()) };
    let client = client.as_deref();
    let emit = std::panic::AssertUnwindSafe(|| match level {
        0..=3 => tracing::error!(target: "librdkafka", client, facility, "{text}"),
        4 => tracing::warn!(target: "librdkafka", client, facility, "{text}"),
        5 | 6 => tracing::info!(target: "librdkafka", client, facility, "{text}"),
        _ => tracing::debug!(target: "librdkafka", client, facility, "{text}"),
    });
    // A panic must not unwind into C; there is nobody to tell about it.
    drop(std::panic::catch_unwind(emit));
}
