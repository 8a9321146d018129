//! librdkafka by itself, the least a Kafka client of it can cost: what kafka-app is measured against.
#![allow(unsafe_code, reason = "bench only: the bare calls are what is measured against")]

use std::{
    ffi::{CStr, CString, c_char, c_void},
    hint::black_box,
    ptr, slice,
};

use anyhow::{Result, bail};
use rdkafka::bindings as rd;

use crate::{
    alike::{CONSUMER, MANY_IN_FLIGHT, PRODUCER, fresh_group},
    order::{Order, PAYLOAD, json, key},
    protocol::{Measured, RunArgs, Stopwatch},
};

pub(crate) struct Handle(pub(crate) *mut rd::rd_kafka_t);

impl Handle {
    pub(crate) fn new(kind: rd::rd_kafka_type_t, properties: &[(&str, &str)], on_report: OnReport) -> Result<Self> {
        let mut text = [0 as c_char; 512];
        // SAFETY: strings outlive the calls, which copy them; the client takes the configuration over when it is made.
        unsafe {
            let conf = rd::rd_kafka_conf_new();
            for (key, value) in properties {
                let (c_key, c_value) = (CString::new(*key)?, CString::new(*value)?);
                let res = rd::rd_kafka_conf_set(conf, c_key.as_ptr(), c_value.as_ptr(), text.as_mut_ptr(), text.len());
                if res != rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
                    bail!("{key}: {}", CStr::from_ptr(text.as_ptr()).to_string_lossy());
                }
            }
            if on_report.is_some() {
                rd::rd_kafka_conf_set_dr_msg_cb(conf, on_report);
            }
            let handle = rd::rd_kafka_new(kind, conf, text.as_mut_ptr(), text.len());
            if handle.is_null() {
                bail!("{}", CStr::from_ptr(text.as_ptr()).to_string_lossy());
            }
            Ok(Self(handle))
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is ours.
        unsafe { rd::rd_kafka_destroy(self.0) };
    }
}

pub(crate) type OnReport =
    Option<unsafe extern "C" fn(*mut rd::rd_kafka_t, *const rd::rd_kafka_message_t, *mut c_void)>;

/// `rd_kafka_consume_batch_queue` in a loop.
pub(crate) fn consume(args: &RunArgs, is_json: bool) -> Result<Measured> {
    let group = fresh_group();
    let mut properties = CONSUMER.to_vec();
    properties.extend([("bootstrap.servers", args.bootstrap_server.as_str()), ("group.id", group.as_str())]);
    let client = Handle::new(rd::rd_kafka_type_t::RD_KAFKA_CONSUMER, &properties, None)?;
    let topic = CString::new(args.topic.as_str())?;
    // SAFETY: the client is alive; the list is copied and ours to destroy.
    let queue = unsafe {
        rd::rd_kafka_poll_set_consumer(client.0);
        let topics = rd::rd_kafka_topic_partition_list_new(1);
        rd::rd_kafka_topic_partition_list_add(topics, topic.as_ptr(), -1);
        rd::rd_kafka_subscribe(client.0, topics);
        rd::rd_kafka_topic_partition_list_destroy(topics);
        rd::rd_kafka_queue_get_consumer(client.0)
    };
    let measured = drain(queue, args.records, is_json);
    // SAFETY: the queue is given back before the client closes; after it nothing is consumed.
    unsafe {
        rd::rd_kafka_queue_destroy(queue);
        rd::rd_kafka_consumer_close(client.0);
    }
    measured
}

fn drain(queue: *mut rd::rd_kafka_queue_t, n_records: u64, is_json: bool) -> Result<Measured> {
    let mut batch: Vec<*mut rd::rd_kafka_message_t> = vec![ptr::null_mut(); 1000];
    let (mut watch, mut n_handled) = (None, 0);
    loop {
        // SAFETY: the array has room for as many messages as are asked for; each is ours to destroy.
        let n = unsafe { rd::rd_kafka_consume_batch_queue(queue, 100, batch.as_mut_ptr(), batch.len()) };
        let Ok(n) = usize::try_from(n) else { bail!("the batch call failed") };
        for message in &batch[..n] {
            // SAFETY: messages of the batch are valid until destroyed.
            n_handled += unsafe { handle(*message, is_json)? };
        }
        if watch.is_none() && n_handled > 0 {
            watch = Some(Stopwatch::start());
        }
        if n_handled >= n_records
            && let Some(watch) = &watch
        {
            return Ok(watch.stop(n_handled));
        }
    }
}

/// # Safety
/// `message` is valid and not used again.
unsafe fn handle(message: *mut rd::rd_kafka_message_t, is_json: bool) -> Result<u64> {
    // SAFETY: the caller's promise; the payload belongs to the message.
    unsafe {
        let n_handled = match (*message).err {
            rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
                let payload = slice::from_raw_parts((*message).payload.cast::<u8>(), (*message).len);
                if is_json {
                    black_box(serde_json::from_slice::<Order>(payload)?);
                } else {
                    black_box(payload);
                }
                1
            }
            _ => 0,
        };
        rd::rd_kafka_message_destroy(message);
        Ok(n_handled)
    }
}

/// Counts reports; the opaque of every record is null.
pub(crate) unsafe extern "C" fn on_report(
    _: *mut rd::rd_kafka_t,
    message: *const rd::rd_kafka_message_t,
    _: *mut c_void,
) {
    // SAFETY: librdkafka lends a valid message.
    let err = unsafe { (*message).err };
    assert!(err == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR, "a record was not delivered: {err:?}");
}

/// Records of one call: more would not stay in the processor's cache.
const CHUNK: usize = 500;

/// `rd_kafka_produce_batch` in a loop.
pub(crate) fn produce(args: &RunArgs, is_json: bool) -> Result<Measured> {
    let mut properties = PRODUCER.to_vec();
    properties.push(("bootstrap.servers", args.bootstrap_server.as_str()));
    let client = Handle::new(rd::rd_kafka_type_t::RD_KAFKA_PRODUCER, &properties, Some(on_report))?;
    let name = CString::new(args.topic.as_str())?;
    // SAFETY: the client is alive; no configuration stands for its defaults.
    let topic = unsafe { rd::rd_kafka_topic_new(client.0, name.as_ptr(), ptr::null_mut()) };
    if !is_json {
        send(topic, 0..1, is_json)?;
        flush(&client);
    }
    let watch = Stopwatch::start();
    let (chunk, window) = (u64::try_from(CHUNK)?, i32::try_from(MANY_IN_FLIGHT)?);
    for start in (0..args.records).step_by(CHUNK) {
        send(topic, start..(start + chunk).min(args.records), is_json)?;
        // SAFETY: the client is alive.
        unsafe {
            rd::rd_kafka_poll(client.0, 0);
            while rd::rd_kafka_outq_len(client.0) > window {
                rd::rd_kafka_poll(client.0, 100);
            }
        }
    }
    flush(&client);
    let measured = watch.stop(args.records);
    // SAFETY: the handle is ours, and goes before the client.
    unsafe { rd::rd_kafka_topic_destroy(topic) };
    Ok(measured)
}

fn send(topic: *mut rd::rd_kafka_topic_t, records: std::ops::Range<u64>, is_json: bool) -> Result<()> {
    let keys: Vec<[u8; 8]> = records.clone().map(key).collect();
    let payloads: Vec<String> = if is_json { records.map(json).collect() } else { Vec::new() };
    let message = |i: usize, key: &[u8; 8]| {
        let payload = payloads.get(i).map_or(&PAYLOAD[..], |json| json.as_bytes());
        rd::rd_kafka_message_t {
            err: rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
            rkt: ptr::null_mut(),
            partition: -1,
            payload: payload.as_ptr().cast_mut().cast(),
            len: payload.len(),
            key: key.as_ptr().cast_mut().cast(),
            key_len: key.len(),
            offset: 0,
            _private: ptr::null_mut(),
        }
    };
    let mut messages: Vec<_> = keys.iter().enumerate().map(|(i, key)| message(i, key)).collect();
    let n_messages = i32::try_from(messages.len())?;
    // SAFETY: keys and payloads outlive the call, which copies them.
    let n_taken =
        unsafe { rd::rd_kafka_produce_batch(topic, -1, rd::RD_KAFKA_MSG_F_COPY, messages.as_mut_ptr(), n_messages) };
    if n_taken != n_messages {
        bail!("{n_taken} of {n_messages} records were taken");
    }
    Ok(())
}

fn flush(client: &Handle) {
    // SAFETY: the client is alive; without events the call serves the reports itself.
    unsafe { rd::rd_kafka_flush(client.0, 60_000) };
}
