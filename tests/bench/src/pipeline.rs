//! Read, write, commit: librdkafka by itself, in transactions and without.
#![allow(unsafe_code, reason = "bench only: the bare calls are what is measured against")]

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString, c_int, c_void},
    ptr,
};

use anyhow::{Result, bail};
use rdkafka::bindings as rd;

use crate::{
    alike::{CONSUMER, PRODUCER, fresh_group},
    bare::{Handle, on_report},
    clients::create_topic,
    order::N_PARTITIONS,
    protocol::{Measured, RunArgs, Stopwatch},
};

/// The topic that a pipeline writes to.
pub(crate) fn target(args: &RunArgs) -> Result<String> {
    let target = format!("{}-out-{}", args.topic, std::process::id());
    create_topic(&args.bootstrap_server, &target, N_PARTITIONS)?;
    Ok(target)
}

/// How a round of a pipeline ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Flush, store the offsets.
    Flushed,
    /// Flush, send the offsets, commit.
    Transaction,
}

/// Up to `n_round` records at a time: consumed as a batch, produced, and the round ended.
pub(crate) fn bare(args: &RunArgs, n_round: usize, round: Round) -> Result<Measured> {
    let (group, servers, target) = (fresh_group(), args.bootstrap_server.as_str(), target(args)?);
    let mut properties = CONSUMER.to_vec();
    properties.extend([("bootstrap.servers", servers), ("group.id", group.as_str())]);
    properties.push(("enable.auto.offset.store", "false"));
    properties.push(("enable.auto.commit", if round == Round::Flushed { "true" } else { "false" }));
    let consumer = Handle::new(rd::rd_kafka_type_t::RD_KAFKA_CONSUMER, &properties, None)?;
    let mut properties = PRODUCER.to_vec();
    properties.push(("bootstrap.servers", servers));
    if round == Round::Transaction {
        properties.extend([("transactional.id", group.as_str()), ("retry.backoff.ms", "10")]);
    }
    let producer = Handle::new(rd::rd_kafka_type_t::RD_KAFKA_PRODUCER, &properties, Some(on_report))?;
    let (source, target) = (CString::new(args.topic.as_str())?, CString::new(target)?);
    // SAFETY: both clients are alive; the list is copied and ours to destroy.
    let (queue, topic) = unsafe {
        rd::rd_kafka_poll_set_consumer(consumer.0);
        let topics = rd::rd_kafka_topic_partition_list_new(1);
        rd::rd_kafka_topic_partition_list_add(topics, source.as_ptr(), -1);
        rd::rd_kafka_subscribe(consumer.0, topics);
        rd::rd_kafka_topic_partition_list_destroy(topics);
        let topic = rd::rd_kafka_topic_new(producer.0, target.as_ptr(), ptr::null_mut());
        (rd::rd_kafka_queue_get_consumer(consumer.0), topic)
    };
    let pipeline = Pipeline { consumer: &consumer, producer: &producer, queue, topic, source: &source };
    if round == Round::Transaction {
        // SAFETY: the client is alive.
        unsafe {
            check(rd::rd_kafka_init_transactions(producer.0, 30_000))?;
            check(rd::rd_kafka_begin_transaction(producer.0))?;
        }
    }
    let measured = pipeline.run(args.records, n_round, round);
    // SAFETY: handles are given back before their clients go.
    unsafe {
        rd::rd_kafka_topic_destroy(topic);
        rd::rd_kafka_queue_destroy(queue);
        rd::rd_kafka_consumer_close(consumer.0);
    }
    measured
}

struct Pipeline<'p> {
    consumer: &'p Handle,
    producer: &'p Handle,
    queue: *mut rd::rd_kafka_queue_t,
    topic: *mut rd::rd_kafka_topic_t,
    source: &'p CStr,
}

impl Pipeline<'_> {
    fn run(&self, n_records: u64, n_round: usize, round: Round) -> Result<Measured> {
        let mut batch: Vec<*mut rd::rd_kafka_message_t> = vec![ptr::null_mut(); n_round];
        let (mut watch, mut n_handled, mut positions) = (None, 0, BTreeMap::new());
        loop {
            // SAFETY: the array has room for as many messages as are asked for; each is ours to destroy.
            let n = unsafe { rd::rd_kafka_consume_batch_queue(self.queue, 100, batch.as_mut_ptr(), batch.len()) };
            let Ok(n) = usize::try_from(n) else { bail!("the batch call failed") };
            for message in &batch[..n] {
                // SAFETY: messages of the batch are valid until destroyed.
                n_handled += unsafe { self.copy(*message, &mut positions)? };
            }
            if positions.is_empty() {
                continue;
            }
            self.end(&positions, round)?;
            positions.clear();
            if watch.is_none() {
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
    unsafe fn copy(&self, message: *mut rd::rd_kafka_message_t, positions: &mut BTreeMap<i32, i64>) -> Result<u64> {
        // SAFETY: the caller's promise; key and payload belong to the message, and the call copies them.
        unsafe {
            let mut n_handled = 0;
            if (*message).err == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                let (payload, key) = ((*message).payload, (*message).key.cast_const());
                let res = rd::rd_kafka_produce(
                    self.topic,
                    -1,
                    rd::RD_KAFKA_MSG_F_COPY,
                    payload,
                    (*message).len,
                    key,
                    (*message).key_len,
                    ptr::null_mut::<c_void>(),
                );
                if res != 0 {
                    bail!("not produced: {:?}", rd::rd_kafka_last_error());
                }
                positions.insert((*message).partition, (*message).offset + 1);
                n_handled = 1;
            }
            rd::rd_kafka_message_destroy(message);
            Ok(n_handled)
        }
    }

    fn end(&self, positions: &BTreeMap<i32, i64>, round: Round) -> Result<()> {
        // SAFETY: both clients are alive; list and metadata are ours until they are destroyed.
        unsafe {
            rd::rd_kafka_flush(self.producer.0, 60_000);
            let list = rd::rd_kafka_topic_partition_list_new(c_int::try_from(positions.len())?);
            for (partition, offset) in positions {
                (*rd::rd_kafka_topic_partition_list_add(list, self.source.as_ptr(), *partition)).offset = *offset;
            }
            if round == Round::Flushed {
                rd::rd_kafka_offsets_store(self.consumer.0, list);
            } else {
                let group = rd::rd_kafka_consumer_group_metadata(self.consumer.0);
                let sent = rd::rd_kafka_send_offsets_to_transaction(self.producer.0, list, group, 60_000);
                rd::rd_kafka_consumer_group_metadata_destroy(group);
                check(sent)?;
                check(rd::rd_kafka_commit_transaction(self.producer.0, 60_000))?;
                check(rd::rd_kafka_begin_transaction(self.producer.0))?;
            }
            rd::rd_kafka_topic_partition_list_destroy(list);
        }
        Ok(())
    }
}

/// # Safety
/// `error` is null or was given with its ownership.
unsafe fn check(error: *mut rd::rd_kafka_error_t) -> Result<()> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise; the text is copied first.
    unsafe {
        let text = CStr::from_ptr(rd::rd_kafka_error_string(error)).to_string_lossy().into_owned();
        rd::rd_kafka_error_destroy(error);
        bail!("{text}")
    }
}
