//! [`tell_state_changes`]: what becomes of a client's connections.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    sync::Arc,
    time::Instant,
};

use rdkafka::bindings::{self as sys, rd_kafka_resp_err_t as RespErr};

use super::text::c_text;
use crate::client::brokers::Connections;

const NAME: &CStr = c"kafka-app";

/// Tells every change of a connection of the client that will be made of this configuration, also those on its way out.
///
/// # Safety
/// The configuration is valid, and `connections` is kept until the client is destroyed.
pub(super) unsafe fn tell_state_changes(conf: *mut sys::rd_kafka_conf_t, connections: &Arc<Connections>) {
    let opaque = Arc::as_ptr(connections).cast_mut().cast();
    // SAFETY: a valid configuration; what the pointer points to outlives the client. It is refused only for a name that is
    // there already, which then tells the same.
    let _ = unsafe { sys::rd_kafka_conf_interceptor_add_on_new(conf, NAME.as_ptr(), Some(on_new), opaque) };
}

unsafe extern "C" fn on_new(
    rk: *mut sys::rd_kafka_t,
    _conf: *const sys::rd_kafka_conf_t,
    opaque: *mut c_void,
    _error: *mut c_char,
    _size: usize,
) -> RespErr {
    // SAFETY: called with the client that is being made, which is where this may be called.
    unsafe { sys::rd_kafka_interceptor_add_on_broker_state_change(rk, NAME.as_ptr(), Some(on_change), opaque) }
}

/// Called from the threads of librdkafka that own the connections, with a lock of theirs held: it takes another for a moment,
/// and calls nothing of theirs.
unsafe extern "C" fn on_change(
    _rk: *mut sys::rd_kafka_t,
    id: i32,
    _protocol: *const c_char,
    name: *const c_char,
    port: c_int,
    state: *const c_char,
    opaque: *mut c_void,
) -> RespErr {
    // SAFETY: what `tell_state_changes` was given, which outlives the client.
    let connections = unsafe { &*opaque.cast::<Connections>() };
    connections.note(&c_text(name), port, id, &c_text(state), Instant::now());
    RespErr::RD_KAFKA_RESP_ERR_NO_ERROR
}
