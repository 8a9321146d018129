//! [`keep_brokers`]: a client's start, once more.

use std::{ptr, time::Instant};

use rdkafka::bindings as sys;

use crate::client::brokers::Connections;

/// To be called every now and then: a client that knows no broker any more starts again.
///
/// # Safety
/// The client is alive.
pub(super) unsafe fn keep_brokers(rk: *mut sys::rd_kafka_t, connections: &Connections, now: Instant) {
    if connections.first_brokers_are_due(now) {
        tracing::info!(
            target: "kafka_app::client",
            "no broker is connected or tried any more: the client starts again from its bootstrap servers"
        );
        // SAFETY: the client is alive.
        unsafe { add_first_brokers(rk) };
    }
}

/// Gives a client the brokers of its `bootstrap.servers` again; those it knows stay as they are.
///
/// # Safety
/// The client is alive.
unsafe fn add_first_brokers(rk: *mut sys::rd_kafka_t) {
    let name = c"bootstrap.servers".as_ptr();
    let mut len = 0;
    // SAFETY: the client is alive, and its configuration with it; without a buffer the length is told, its end included.
    unsafe { sys::rd_kafka_conf_get(sys::rd_kafka_conf(rk), name, ptr::null_mut(), &raw mut len) };
    let mut servers = vec![0_u8; len.max(1)];
    // SAFETY: as above, with a buffer of that length. It begins as an empty text, and ends with a zero.
    unsafe {
        sys::rd_kafka_conf_get(sys::rd_kafka_conf(rk), name, servers.as_mut_ptr().cast(), &raw mut len);
        sys::rd_kafka_brokers_add(rk, servers.as_ptr().cast());
    }
}
