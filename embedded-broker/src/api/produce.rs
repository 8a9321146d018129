//! Produce, versions 3 to 13, read and answered by hand: record batches are never decoded, and copied once.
//!
//! As Kafka: exactly one batch of magic 2 for a partition; checksum, sizes, timestamps and every record are checked, those
//! of compressed batches too; `compression.type` packs batches anew; single records at fault are told with their text;
//! `acks=0` is not answered, and an error closes its connection; from version 13 topics go by id.
//! Different: with one replica `acks=all` and `acks=1` are the same; a batch that unpacks to more than 100 MiB is refused.
//! What Kafka lets pass though no consumer can use it (bytes behind the batch, offset deltas out of order) is refused.
//!
//! Transactions: the first batch in a partition must belong to a transaction its coordinator knows to be open; from
//! version 12 on it joins it by being written (KIP-890). All others find it open in the partition, and ask nobody.

use std::cell::RefCell;

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use super::{Refusal, Reply, RequestContext};
use crate::cluster::Cluster;
use crate::error::ErrorCode;
use crate::fault::target::{Part, Struck};
use crate::internal_topics::is_internal;
use crate::log::{self, Appended, BatchHeader, OneBatch, Place, Rejected, Unpacker};
use crate::partition::Partition;
use crate::protocol::Malformed;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;
use crate::transactions::Admission;
use crate::wire::{Reader, Writer};

/// The client id of those who may write to internal topics.
const ADMIN_TOOLS: &str = "__admin_client";

thread_local! {
    /// A connection has a thread of its own, so this is what it unpacks its batches with, one after the other.
    static UNPACKER: RefCell<Unpacker> = RefCell::default();
}

/// One partition's batch, still in the connection's buffer.
struct PartitionData<'a> {
    index: i32,
    records: &'a [u8],
}

/// One topic of the request: its name (to version 12) or id, and how many of the partitions are its own.
struct TopicData<'a> {
    name: &'a str,
    id: Uuid,
    partitions: usize,
}

struct ProduceRequest<'a> {
    transactional_id: Option<&'a str>,
    acks: i16,
    topics: Vec<TopicData<'a>>,
    /// Of all topics, in order.
    partitions: Vec<PartitionData<'a>>,
}

impl<'a> ProduceRequest<'a> {
    /// Reads the whole request before any of it is appended.
    fn read(body: &'a [u8], version: i16) -> Result<Self, Malformed> {
        let mut body = Reader::new(body, version >= 9);
        let transactional_id = body.nullable_string()?;
        let acks = body.i16()?;
        let _timeout = body.i32()?;
        let n_topics = body.array_len()?;
        let mut request = Self { transactional_id, acks, topics: Vec::new(), partitions: Vec::new() };
        for _ in 0..n_topics {
            let by_id = version >= 13;
            let id = if by_id { body.uuid()? } else { Uuid::nil() };
            let name = if by_id { "" } else { body.string()? };
            let partitions = body.array_len()?;
            for _ in 0..partitions {
                let index = body.i32()?;
                let records = body.nullable_bytes()?.unwrap_or_default();
                body.skip_tags()?;
                request.partitions.push(PartitionData { index, records });
            }
            body.skip_tags()?;
            request.topics.push(TopicData { name, id, partitions });
        }
        body.skip_tags()?;
        Ok(request)
    }
}

impl ProduceRequest<'_> {
    fn part(&self, topic: &TopicData<'_>, data: &PartitionData<'_>) -> Part {
        Part {
            topic: topic.name.to_owned(),
            topic_id: topic.id,
            partition: Some(data.index),
            group: None,
            transactional_id: self.transactional_id.map(str::to_owned),
        }
    }

    /// # Errors
    ///
    /// What is wrong with the request as a whole. As Kafka, which looks for a batch of a transaction first of all: where it
    /// cannot tell, nothing is taken; and where it finds one, the client must be allowed to write by the transactional id.
    fn check_transaction(&self, cx: &RequestContext<'_>) -> Result<(), Rejected> {
        for data in &self.partitions {
            if OneBatch::is_transactional(data.records)? {
                return self.check_transactional_id(cx);
            }
        }
        Ok(())
    }

    fn check_transactional_id(&self, cx: &RequestContext<'_>) -> Result<(), Rejected> {
        let Some(id) = self.transactional_id else {
            let message = "a transactional batch needs a request with a transactional id";
            return Err(Rejected::new(ErrorCode::TransactionalIdAuthorizationFailed, message));
        };
        let allowed = cx.require(Operation::Write, Resource::TransactionalId(id));
        allowed.map_err(|code| Rejected::new(code, "the client may not write by the transactional id"))
    }

    /// # Errors
    ///
    /// As Kafka: one transaction belongs to one producer, so a request cannot carry batches of two.
    fn has_one_producer(&self) -> Result<(), Rejected> {
        if self.transactional_id.is_none() {
            return Ok(());
        }
        let headers = self.partitions.iter().filter_map(|data| BatchHeader::read(data.records));
        let mut producers = headers
            .filter(|header| header.is_transactional() && header.has_producer_id())
            .map(|header| (header.producer_id, header.producer_epoch));
        let Some(first) = producers.next() else { return Ok(()) };
        if producers.all(|other| other == first) {
            return Ok(());
        }
        let message = "Transactional records contained more than one producer ID";
        Err(Rejected::new(ErrorCode::InvalidProducerIdMapping, message))
    }
}

pub(crate) fn handle(cx: &RequestContext<'_>, body: &[u8], reply: &mut Reply) -> Result<(), Refusal> {
    let request = ProduceRequest::read(body, cx.version)?;
    let topics = cx.cluster.topics();
    let now_ms = cx.cluster.clock.wall_ms();
    let one_producer = request.has_one_producer();
    let transaction = request.check_transaction(cx);
    let deny = |topic: &TopicData<'_>| transaction.is_ok().then(|| denied(cx, &topics, topic)).flatten();
    let first_error = respond(cx.version, &request, reply, deny, |topic, data| {
        transaction.clone()?;
        let append = || one_producer.clone().and_then(|()| append(cx, &topics, topic, data, &request, now_ms));
        match cx.struck {
            None => append(),
            Some(struck) => append_struck(struck, &topics, &request.part(topic, data), append),
        }
    });
    finish(request.acks, first_error, reply)
}

/// What becomes of a batch in a request that a fault has met.
fn append_struck(
    struck: &Struck,
    topics: &Topics,
    part: &Part,
    append: impl FnOnce() -> Result<(Appended, i64), Rejected>,
) -> Result<(Appended, i64), Rejected> {
    if !struck.target.hits(part, &|id| topics.name_of(id)) {
        return append();
    }
    if struck.applied {
        append()?;
    }
    Err(Rejected::new(struck.code, "a fault that was set"))
}

/// The batches that a request brings.
pub(super) fn parts(_cluster: &Cluster, version: i16, body: &[u8]) -> Result<Vec<Part>, Refusal> {
    let request = ProduceRequest::read(body, version)?;
    let mut partitions = request.partitions.iter();
    let of_topic = |topic: &TopicData<'_>| {
        let own = partitions.by_ref().take(topic.partitions);
        own.map(|data| request.part(topic, data)).collect::<Vec<_>>()
    };
    Ok(request.topics.iter().flat_map(of_topic).collect())
}

/// The response that says of every batch that it failed.
pub(super) fn fail(version: i16, body: &[u8], code: ErrorCode, out: &mut BytesMut) -> Result<(), Refusal> {
    let request = ProduceRequest::read(body, version)?;
    let mut reply = Reply::default();
    let first_error = respond(version, &request, &mut reply, |_| None, |_, _| Err(Rejected::new(code, "")));
    out.put_slice(&reply.head);
    finish(request.acks, first_error, &mut reply)
}

/// Writes the response, with what becomes of each batch; the first error among them.
fn respond(
    version: i16,
    request: &ProduceRequest<'_>,
    reply: &mut Reply,
    deny: impl Fn(&TopicData<'_>) -> Option<ErrorCode>,
    mut append: impl FnMut(&TopicData<'_>, &PartitionData<'_>) -> Result<(Appended, i64), Rejected>,
) -> Option<Rejected> {
    let mut out = Writer { out: &mut reply.head, flexible: version >= 9 };
    let mut partitions = request.partitions.iter();
    let mut first_error = None;
    out.len(request.topics.len());
    for topic in &request.topics {
        if version >= 13 {
            out.out.put_u128(topic.id.as_u128());
        } else {
            out.nullable_string(Some(topic.name));
        }
        out.len(topic.partitions);
        let denied = deny(topic);
        for data in partitions.by_ref().take(topic.partitions) {
            let appended = match denied {
                None => append(topic, data),
                Some(code) => Err(Rejected::new(code, "the client may not write")),
            };
            write_partition(&mut out, data.index, &appended, version);
            if let Err(rejected) = appended {
                let Rejected { code, message, .. } = &rejected;
                tracing::debug!(topic.name, partition = data.index, ?code, message, "a batch is refused");
                first_error.get_or_insert(rejected);
            }
        }
        out.no_tags();
    }
    reply.throttle_at = Some(out.out.len());
    out.out.put_i32(0);
    out.no_tags();
    first_error
}

/// Whether the client may not write to a topic. As Kafka: of what is named, it does not learn whether it is there.
fn denied(cx: &RequestContext<'_>, topics: &Topics, topic: &TopicData<'_>) -> Option<ErrorCode> {
    let name = if cx.version >= 13 { &*topics.by_id(topic.id)?.name } else { topic.name };
    cx.require(Operation::Write, Resource::Topic(name)).err()
}

/// With `acks=0` nobody reads an answer: the only way to tell of an error is to close the connection.
fn finish(acks: i16, error: Option<Rejected>, reply: &mut Reply) -> Result<(), Refusal> {
    if acks != 0 {
        return Ok(());
    }
    reply.suppressed = true;
    match error {
        Some(Rejected { code, message, .. }) => {
            Err(Refusal::without_blame(format!("a produce with acks=0 failed: {code:?}: {message}")))
        }
        None => Ok(()),
    }
}

fn append(
    cx: &RequestContext<'_>,
    topics: &Topics,
    topic: &TopicData<'_>,
    data: &PartitionData<'_>,
    request: &ProduceRequest<'_>,
    now_ms: i64,
) -> Result<(Appended, i64), Rejected> {
    let version = cx.version;
    let refuse = |code, message: String| Err(Rejected::new(code, message));
    let found = if version >= 13 { topics.by_id(topic.id) } else { topics.by_name(topic.name) };
    let Some(found) = found else {
        let code = if version >= 13 { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        return refuse(code, format!("there is no topic {}{}", topic.name, id_text(topic.id)));
    };
    let Some(partition) = found.partition(data.index) else {
        let message = format!("topic {} has no partition {}", found.name, data.index);
        return refuse(ErrorCode::UnknownTopicOrPartition, message);
    };
    // As Kafka: a place that is not there, or what is no batch at all, is told first.
    let batch = OneBatch::read(data.records, version)?;
    if !(-1..=1).contains(&request.acks) {
        return refuse(ErrorCode::InvalidRequiredAcks, format!("acks must be -1, 0 or 1, not {}", request.acks));
    }
    // As Kafka: tools for administrators may.
    if is_internal(&found.name) && cx.client_id != Some(ADMIN_TOOLS) {
        return refuse(ErrorCode::InvalidTopicException, format!("Cannot append to internal topic {}", found.name));
    }
    let place = Place { topic: &found.name, partition: data.index };
    append_batch(cx, request.transactional_id, (place, partition), batch, now_ms)
}

fn append_batch(
    cx: &RequestContext<'_>,
    transactional_id: Option<&str>,
    (place, partition): (Place<'_>, &Partition),
    batch: OneBatch<'_>,
    now_ms: i64,
) -> Result<(Appended, i64), Rejected> {
    let config = partition.config();
    let admission = Admission::of_produce(cx.version);
    let (cluster, transactions) = (cx.cluster, &cx.cluster.transactions);
    let header = batch.header();
    // The request was looked at for this: a batch of a transaction comes with the id.
    let transactional_id = transactional_id.filter(|_| header.is_transactional());
    let valid = UNPACKER.with_borrow_mut(|unpacker| {
        let valid = log::validate(batch, place, &config, now_ms, unpacker);
        unpacker.rest();
        valid
    });
    match valid {
        Ok(batch) => match transactional_id {
            Some(id) => transactions.append(cluster, cx.waiter, admission, id, (place, partition), &batch),
            None => partition.append(&batch),
        },
        Err(rejected) => {
            if let Some(id) = transactional_id {
                transactions.admit_refused(cluster, cx.waiter, admission, id, (place, partition), &header)?;
            }
            Err(rejected.by_log(partition.offsets().log_start))
        }
    }
}

fn id_text(id: Uuid) -> String {
    if id == Uuid::nil() { String::new() } else { format!("with id {id}") }
}

fn write_partition(out: &mut Writer<'_>, index: i32, appended: &Result<(Appended, i64), Rejected>, version: i16) {
    let (code, base_offset, time, start, message) = match appended {
        Ok((appended, start)) => (0, appended.base_offset, appended.log_append_time, *start, None),
        Err(rejected) => {
            (rejected.code.code(), -1, -1, rejected.log_start, rejected.tells.then_some(rejected.message.as_str()))
        }
    };
    out.out.put_i32(index);
    out.out.put_i16(code);
    out.out.put_i64(base_offset);
    out.out.put_i64(time);
    if version >= 5 {
        out.out.put_i64(start);
    }
    if version >= 8 {
        let at_fault = appended.as_ref().err().map_or(&[][..], |rejected| &rejected.records);
        out.len(at_fault.len());
        for record in at_fault {
            out.out.put_i32(record.index);
            out.nullable_string(Some(&record.message));
            out.no_tags();
        }
        out.nullable_string(message);
    }
    out.no_tags();
}
