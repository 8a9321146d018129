//! [`add_first_brokers`]: a client's start, once more.

use std::ptr;

use rdkafka::bindings as sys;

/// Gives a client the brokers of its `bootstrap.servers` again; those it knows stay as they are.
///
/// # Safety
/// The client is alive.
pub(super) unsafe fn add_first_brokers(rk: *mut sys::rd_kafka_t) {
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
