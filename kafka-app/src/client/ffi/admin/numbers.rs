//! Numbers of the broker's that the bindings make enums of. A newer broker has some that those enums lack, and such a value
//! of an enum must not exist: so the functions that return them are declared here once more, with plain numbers.

use std::ffi::{c_char, c_int};

use rdkafka::bindings::{self as sys};

use crate::{admin::BrokerError, client::ffi::text::c_text};

unsafe extern "C" {
    fn rd_kafka_error_code(error: *const sys::rd_kafka_error_t) -> c_int;
    fn rd_kafka_event_error(event: *mut sys::rd_kafka_event_t) -> c_int;
    fn rd_kafka_topic_result_error(result: *const sys::rd_kafka_topic_result_t) -> c_int;
    fn rd_kafka_ConfigResource_error(resource: *const sys::rd_kafka_ConfigResource_t) -> c_int;
    fn rd_kafka_err2str(code: c_int) -> *const c_char;
    fn rd_kafka_err2name(code: c_int) -> *const c_char;
    fn rd_kafka_ConfigEntry_source(entry: *const sys::rd_kafka_ConfigEntry_t) -> c_int;
    fn rd_kafka_AclBinding_restype(acl: *const sys::rd_kafka_AclBinding_t) -> c_int;
    fn rd_kafka_AclBinding_resource_pattern_type(acl: *const sys::rd_kafka_AclBinding_t) -> c_int;
    fn rd_kafka_AclBinding_operation(acl: *const sys::rd_kafka_AclBinding_t) -> c_int;
    fn rd_kafka_AclBinding_permission_type(acl: *const sys::rd_kafka_AclBinding_t) -> c_int;
    fn rd_kafka_ScramCredentialInfo_mechanism(info: *const sys::rd_kafka_ScramCredentialInfo_t) -> c_int;
}

/// # Safety
/// The entry is alive.
pub(super) unsafe fn config_source(entry: *const sys::rd_kafka_ConfigEntry_t) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { rd_kafka_ConfigEntry_source(entry) }
}

/// # Safety
/// The binding is alive.
pub(super) unsafe fn acl_resource(acl: *const sys::rd_kafka_AclBinding_t) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { rd_kafka_AclBinding_restype(acl) }
}

/// # Safety
/// The binding is alive.
pub(super) unsafe fn acl_pattern(acl: *const sys::rd_kafka_AclBinding_t) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { rd_kafka_AclBinding_resource_pattern_type(acl) }
}

/// # Safety
/// The binding is alive.
pub(super) unsafe fn acl_operation(acl: *const sys::rd_kafka_AclBinding_t) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { rd_kafka_AclBinding_operation(acl) }
}

/// # Safety
/// The binding is alive.
pub(super) unsafe fn acl_permission(acl: *const sys::rd_kafka_AclBinding_t) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { rd_kafka_AclBinding_permission_type(acl) }
}

/// # Safety
/// The credential is alive.
pub(super) unsafe fn scram_mechanism(info: *const sys::rd_kafka_ScramCredentialInfo_t) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { rd_kafka_ScramCredentialInfo_mechanism(info) }
}

/// librdkafka's own words for a code, which it uses where the broker sent none.
fn words(code: c_int) -> String {
    // SAFETY: any number is allowed; the text is static, or the thread's own until its next call.
    unsafe { c_text(rd_kafka_err2str(code)) }
}

/// librdkafka's own codes of what it knows is not there, and Kafka's for the same.
const UNKNOWN_LOCALLY: [c_int; 2] = [-188, -190];
const UNKNOWN_TOPIC_OR_PARTITION: c_int = 3;

fn broker_error(code: c_int, text: String) -> Option<BrokerError> {
    if code == 0 {
        return None;
    }
    let code = if UNKNOWN_LOCALLY.contains(&code) { UNKNOWN_TOPIC_OR_PARTITION } else { code };
    let text = if text.is_empty() { words(code) } else { text };
    let code = i16::try_from(code).unwrap_or(-1);
    // SAFETY: as in `words`.
    let local_name = (code < -1).then(|| unsafe { c_text(rd_kafka_err2name(c_int::from(code))) });
    Some(BrokerError::new(code, local_name.as_deref(), text))
}

/// An error of this code, in librdkafka's words.
pub(super) fn error_of_code(code: i16) -> BrokerError {
    let name = c_int::from(code);
    broker_error(name, String::new()).unwrap_or_else(|| BrokerError::new(code, None, words(name)))
}

/// # Safety
/// The error is null or alive.
pub(super) unsafe fn error_of(error: *const sys::rd_kafka_error_t) -> Option<BrokerError> {
    if error.is_null() {
        return None;
    }
    // SAFETY: the caller's promise. Some of these errors stand for success, with a text that means nothing.
    unsafe { broker_error(rd_kafka_error_code(error), c_text(sys::rd_kafka_error_string(error))) }
}

/// # Safety
/// The event is alive.
pub(super) unsafe fn error_of_event(event: *mut sys::rd_kafka_event_t) -> Option<BrokerError> {
    // SAFETY: the caller's promise.
    unsafe { broker_error(rd_kafka_event_error(event), c_text(sys::rd_kafka_event_error_string(event))) }
}

/// # Safety
/// The result is alive.
pub(super) unsafe fn error_of_topic(result: *const sys::rd_kafka_topic_result_t) -> Option<BrokerError> {
    // SAFETY: the caller's promise.
    unsafe {
        broker_error(rd_kafka_topic_result_error(result), c_text(sys::rd_kafka_topic_result_error_string(result)))
    }
}

/// # Safety
/// The resource is alive.
pub(super) unsafe fn error_of_resource(resource: *const sys::rd_kafka_ConfigResource_t) -> Option<BrokerError> {
    // SAFETY: the caller's promise.
    unsafe {
        broker_error(
            rd_kafka_ConfigResource_error(resource),
            c_text(sys::rd_kafka_ConfigResource_error_string(resource)),
        )
    }
}

/// # Safety
/// The entry is alive.
pub(super) unsafe fn error_of_partition(entry: *const sys::rd_kafka_topic_partition_t) -> Option<BrokerError> {
    // SAFETY: the caller's promise; the field has the size and place of the number.
    let code = unsafe { (&raw const (*entry).err).cast::<c_int>().read() };
    broker_error(code, String::new())
}
