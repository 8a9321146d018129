//! The admin's part of the FFI: changing single configs of topics, which rust-rdkafka can only do for the whole set.

use std::{
    ffi::{CStr, CString, c_int},
    ptr,
    time::Duration,
};

use rdkafka::{
    bindings as rdsys,
    client::{Client, ClientContext},
    error::{IsError, KafkaError, RDKafkaErrorCode},
};

/// A topic with the configs to set on it.
pub(crate) type ConfigChange<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// Sets configs of topics and leaves their others as they are. Blocks. An error for each topic that refused, in the
/// broker's words.
pub(crate) fn incremental_alter_configs<C: ClientContext>(
    client: &Client<C>,
    changes: &[ConfigChange<'_>],
    timeout: Duration,
) -> Result<Vec<(String, String)>, KafkaError> {
    let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
    let queue = ReplyQueue::new(client);
    let options = Options::new(client, timeout_ms);
    let resources = changes.iter().map(Resource::new).collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<_> = resources.iter().map(|resource| resource.0).collect();
    // SAFETY: the client, the options and the resources are alive; the call copies the latter two.
    unsafe {
        rdsys::rd_kafka_IncrementalAlterConfigs(
            client.native_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            options.0,
            queue.0,
        );
    }
    // SAFETY: the queue is alive; the answer comes within the request's timeout, and librdkafka keeps some time more.
    let event = Reply(unsafe { rdsys::rd_kafka_queue_poll(queue.0, timeout_ms.saturating_add(1_000)) });
    event.refusals()
}

struct ReplyQueue(*mut rdsys::rd_kafka_queue_t);

impl ReplyQueue {
    fn new<C: ClientContext>(client: &Client<C>) -> Self {
        // SAFETY: the client is alive.
        Self(unsafe { rdsys::rd_kafka_queue_new(client.native_ptr()) })
    }
}

impl Drop for ReplyQueue {
    fn drop(&mut self) {
        // SAFETY: the queue is ours and given back once.
        unsafe { rdsys::rd_kafka_queue_destroy(self.0) };
    }
}

struct Options(*mut rdsys::rd_kafka_AdminOptions_t);

impl Options {
    fn new<C: ClientContext>(client: &Client<C>, timeout_ms: c_int) -> Self {
        let op = rdsys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
        // SAFETY: the client is alive; a null buffer of no size is allowed for the error text. Timeouts out of
        // librdkafka's range leave its default.
        unsafe {
            let options = rdsys::rd_kafka_AdminOptions_new(client.native_ptr(), op);
            rdsys::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, ptr::null_mut(), 0);
            Self(options)
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the options are ours; the request copied them.
        unsafe { rdsys::rd_kafka_AdminOptions_destroy(self.0) };
    }
}

struct Resource(*mut rdsys::rd_kafka_ConfigResource_t);

impl Resource {
    fn new((topic, configs): &ConfigChange<'_>) -> Result<Self, KafkaError> {
        let topic = CString::new(*topic)?;
        let kind = rdsys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
        // SAFETY: the name is copied by the call.
        let resource = Self(unsafe { rdsys::rd_kafka_ConfigResource_new(kind, topic.as_ptr()) });
        let set = rdsys::rd_kafka_AlterConfigOpType_t::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET;
        for (key, value) in configs {
            let (key, value) = (CString::new(*key)?, CString::new(*value)?);
            // SAFETY: the resource is ours; key and value are copied; the error object is ours to destroy.
            unsafe {
                let error = rdsys::rd_kafka_ConfigResource_add_incremental_config(
                    resource.0,
                    key.as_ptr(),
                    set,
                    value.as_ptr(),
                );
                if !error.is_null() {
                    let code = rdsys::rd_kafka_error_code(error);
                    rdsys::rd_kafka_error_destroy(error);
                    return Err(KafkaError::AdminOp(code.into()));
                }
            }
        }
        Ok(resource)
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        // SAFETY: the resource is ours; the request copied it.
        unsafe { rdsys::rd_kafka_ConfigResource_destroy(self.0) };
    }
}

struct Reply(*mut rdsys::rd_kafka_event_t);

impl Reply {
    fn refusals(&self) -> Result<Vec<(String, String)>, KafkaError> {
        if self.0.is_null() {
            return Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
        }
        let mut refusals = Vec::new();
        // SAFETY: the event is alive; its result, names and texts belong to it and are copied before it goes.
        unsafe {
            let err = rdsys::rd_kafka_event_error(self.0);
            if err.is_error() {
                return Err(KafkaError::AdminOp(err.into()));
            }
            let result = rdsys::rd_kafka_event_IncrementalAlterConfigs_result(self.0);
            if result.is_null() {
                return Err(KafkaError::AdminOp(RDKafkaErrorCode::BadMessage));
            }
            let mut n_resources = 0;
            let resources = rdsys::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut n_resources);
            for i in 0..n_resources {
                let resource = *resources.add(i);
                let err = rdsys::rd_kafka_ConfigResource_error(resource);
                if err.is_error() {
                    let topic = text(rdsys::rd_kafka_ConfigResource_name(resource));
                    let reason = text(rdsys::rd_kafka_ConfigResource_error_string(resource));
                    let reason = if reason.is_empty() { RDKafkaErrorCode::from(err).to_string() } else { reason };
                    refusals.push((topic, reason));
                }
            }
        }
        Ok(refusals)
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // SAFETY: the event is ours; destroying null is allowed.
        unsafe { rdsys::rd_kafka_event_destroy(self.0) };
    }
}

/// # Safety
/// `text` is null or a C string that lives during the call.
unsafe fn text(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
