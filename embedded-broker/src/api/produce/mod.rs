//! Produce, versions 3 to 13, read and answered by hand: record batches are never decoded, and copied once.
//!
//! As Kafka: exactly one batch of magic 2 for a partition; checksum, sizes, timestamps and every record are checked, those
//! of compressed batches too; `compression.type` packs batches anew; single records at fault are told with their text;
//! `acks=0` is not answered, and an error closes its connection; from version 13 topics go by id.
//! `acks=all` waits for all replicas in sync, up to the request's timeout; another node than the leader refuses and says who
//! leads, from version 10 on with its address.
//! Different: a batch that unpacks to more than 100 MiB is refused.
//! What Kafka lets pass though no consumer can use it (bytes behind the batch, offset deltas out of order) is refused.
//!
//! Transactions: the first batch in a partition must belong to a transaction its coordinator knows to be open; from
//! version 12 on it joins it by being written (KIP-890). All others find it open in the partition, and ask nobody.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use super::leaders::{self, Leader, Named};
use super::{Refusal, Reply, RequestContext};
use crate::cluster::Cluster;
use crate::error::ErrorCode;
use crate::fault::target::{Part, Struck};
use crate::internal_topics::is_internal;
use crate::log::{self, BatchHeader, OneBatch, Place, Rejected, Unpacker};
use crate::partition::{Claim, Partition, Sender, Unappended, Written};
use crate::protocol::Malformed;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topic, Topics};
use crate::transactions::Admission;
use crate::wire::{Reader, Writer};

mod acks;

use acks::Pending;

/// The client id of those who may write to internal topics.
const ADMIN_TOOLS: &str = "__admin_client";
/// From this version on a wrong node says who leads.
const LEADERS_FROM: i16 = 10;

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
    timeout: Duration,
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
        let timeout = Duration::from_millis(u64::try_from(body.i32()?).unwrap_or(0));
        let n_topics = body.array_len()?;
        let mut request = Self { transactional_id, acks, timeout, topics: Vec::new(), partitions: Vec::new() };
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

/// What became of one batch.
struct Outcome {
    written: Result<Written, Rejected>,
    /// It is there, but not as its sender wants it.
    late: Option<ErrorCode>,
    /// Who leads, if that is another node.
    leader: Option<Leader>,
}

impl Outcome {
    fn late_error(&mut self, code: ErrorCode) {
        self.late = Some(code);
    }
}

impl From<Result<Written, Rejected>> for Outcome {
    fn from(written: Result<Written, Rejected>) -> Self {
        Self { written, late: None, leader: None }
    }
}

pub(crate) fn handle(cx: &RequestContext<'_>, body: &[u8], reply: &mut Reply) -> Result<(), Refusal> {
    let request = ProduceRequest::read(body, cx.version)?;
    let topics = cx.cluster.topics();
    let now_ms = cx.cluster.clock.wall_ms();
    let one_producer = request.has_one_producer();
    let transaction = request.check_transaction(cx);
    let deny = |topic: &TopicData<'_>| transaction.is_ok().then(|| denied(cx, &topics, topic)).flatten();
    let append = |topic: &TopicData<'_>, data: &PartitionData<'_>| {
        transaction.clone()?;
        let append = || one_producer.clone().and_then(|()| append(cx, &topics, topic, data, &request, now_ms));
        match cx.struck {
            None => append(),
            Some(struck) => append_struck(struck, &topics, &request.part(topic, data), append),
        }
    };
    if !cx.cluster.may_wait_for_replicas() {
        let first_error = respond(cx.version, &request, reply, deny, |topic, data| append(topic, data).into());
        return finish(request.acks, first_error, reply);
    }
    let mut outcomes = append_all(&request, &deny, &append);
    acks::wait(cx, pending(&request, &topics, cx.version, &outcomes), request.timeout, &mut outcomes)?;
    let mut named = Named::default();
    let mut partitions = request.partitions.iter();
    let of_topics = request.topics.iter().flat_map(|topic| {
        let own = partitions.by_ref().take(topic.partitions);
        own.map(|data| find(&topics, topic, data.index, cx.version).ok()).collect::<Vec<_>>()
    });
    for (outcome, partition) in outcomes.iter_mut().zip(of_topics) {
        let code = outcome.late.or(outcome.written.as_ref().err().map(|rejected| rejected.code));
        outcome.leader =
            partition.filter(|_| code == Some(ErrorCode::NotLeaderOrFollower)).map(|one| named.note(one.1));
    }
    let mut outcomes = outcomes.into_iter();
    let none_left = || Rejected::new(ErrorCode::UnknownServerError, "a batch without an outcome");
    let next = |_: &TopicData<'_>, _: &PartitionData<'_>| outcomes.next().unwrap_or_else(|| Err(none_left()).into());
    let first_error = respond_naming(cx, &request, reply, next, &named);
    finish(request.acks, first_error, reply)
}

/// Appends every batch, before any of them is waited for.
fn append_all(
    request: &ProduceRequest<'_>,
    deny: &impl Fn(&TopicData<'_>) -> Option<ErrorCode>,
    append: &impl Fn(&TopicData<'_>, &PartitionData<'_>) -> Result<Written, Rejected>,
) -> Vec<Outcome> {
    let mut partitions = request.partitions.iter();
    let mut outcomes = Vec::with_capacity(request.partitions.len());
    for topic in &request.topics {
        let denied = deny(topic);
        let own = partitions.by_ref().take(topic.partitions);
        outcomes.extend(own.map(|data| denied.map_or_else(|| append(topic, data), may_not_write).into()));
    }
    outcomes
}

fn may_not_write(code: ErrorCode) -> Result<Written, Rejected> {
    Err(Rejected::new(code, "the client may not write"))
}

/// The batches that are appended and not acknowledged.
fn pending(request: &ProduceRequest<'_>, topics: &Topics, version: i16, outcomes: &[Outcome]) -> Vec<Pending> {
    let of_partitions = request.topics.iter().flat_map(|topic| std::iter::repeat_n(topic, topic.partitions));
    let asked = of_partitions.zip(&request.partitions).zip(outcomes).enumerate();
    asked
        .filter_map(|(place, ((topic, data), outcome))| {
            let append = outcome.written.as_ref().ok()?.pending?;
            let (_, partition) = find(topics, topic, data.index, version).ok()?;
            Some(Pending { place, partition: partition.clone(), append })
        })
        .collect()
}

/// What becomes of a batch in a request that a fault has met.
fn append_struck(
    struck: &Struck,
    topics: &Topics,
    part: &Part,
    append: impl FnOnce() -> Result<Written, Rejected>,
) -> Result<Written, Rejected> {
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
    let failed = |_: &TopicData<'_>, _: &PartitionData<'_>| Err(Rejected::new(code, "")).into();
    let first_error = respond(version, &request, &mut reply, |_| None, failed);
    out.put_slice(&reply.head);
    finish(request.acks, first_error, &mut reply)
}

/// Writes the response, with what becomes of each batch; the first error among them.
fn respond(
    version: i16,
    request: &ProduceRequest<'_>,
    reply: &mut Reply,
    deny: impl Fn(&TopicData<'_>) -> Option<ErrorCode>,
    append: impl FnMut(&TopicData<'_>, &PartitionData<'_>) -> Outcome,
) -> Option<Rejected> {
    let first_error = write_topics(version, request, reply, deny, append);
    Writer { out: &mut reply.head, flexible: version >= 9 }.no_tags();
    first_error
}

/// As [`respond`], with outcomes that are known, and the addresses of leaders.
fn respond_naming(
    cx: &RequestContext<'_>,
    request: &ProduceRequest<'_>,
    reply: &mut Reply,
    next: impl FnMut(&TopicData<'_>, &PartitionData<'_>) -> Outcome,
    named: &Named,
) -> Option<Rejected> {
    let first_error = write_topics(cx.version, request, reply, |_| None, next);
    let mut out = Writer { out: &mut reply.head, flexible: cx.version >= 9 };
    if cx.version >= LEADERS_FROM {
        named.write(cx, &mut out);
    } else {
        out.no_tags();
    }
    first_error
}

fn write_topics(
    version: i16,
    request: &ProduceRequest<'_>,
    reply: &mut Reply,
    deny: impl Fn(&TopicData<'_>) -> Option<ErrorCode>,
    mut append: impl FnMut(&TopicData<'_>, &PartitionData<'_>) -> Outcome,
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
            let outcome = match denied {
                None => append(topic, data),
                Some(code) => may_not_write(code).into(),
            };
            write_partition(&mut out, data.index, &outcome, version);
            if let Err(rejected) = outcome.written {
                let Rejected { code, message, .. } = &rejected;
                tracing::debug!(topic.name, partition = data.index, ?code, message, "a batch is refused");
                first_error.get_or_insert(rejected);
            }
        }
        out.no_tags();
    }
    reply.throttle_at = Some(out.out.len());
    out.out.put_i32(0);
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
) -> Result<Written, Rejected> {
    let refuse = |code, message: String| Err(Rejected::new(code, message));
    let (found, partition) = find(topics, topic, data.index, cx.version)?;
    // As Kafka: a place that is not there, or what is no batch at all, is told first.
    let batch = OneBatch::read(data.records, cx.version)?;
    if !(-1..=1).contains(&request.acks) {
        return refuse(ErrorCode::InvalidRequiredAcks, format!("acks must be -1, 0 or 1, not {}", request.acks));
    }
    // As Kafka: tools for administrators may.
    if is_internal(&found.name) && cx.client_id != Some(ADMIN_TOOLS) {
        return refuse(ErrorCode::InvalidTopicException, format!("Cannot append to internal topic {}", found.name));
    }
    let place = Place { topic: &found.name, partition: data.index };
    append_batch(cx, request, (place, partition), batch, now_ms)
}

/// The partition that a batch is for.
fn find<'t>(
    topics: &'t Topics,
    topic: &TopicData<'_>,
    index: i32,
    version: i16,
) -> Result<(&'t Topic, &'t Arc<Partition>), Rejected> {
    let refuse = |code, message: String| Err(Rejected::new(code, message));
    let found = if version >= 13 { topics.by_id(topic.id) } else { topics.by_name(topic.name) };
    let Some(found) = found else {
        let code = if version >= 13 { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        return refuse(code, format!("there is no topic {}{}", topic.name, id_text(topic.id)));
    };
    let Some(partition) = found.partition(index) else {
        let message = format!("topic {} has no partition {index}", found.name);
        return refuse(ErrorCode::UnknownTopicOrPartition, message);
    };
    Ok((found, partition))
}

fn append_batch(
    cx: &RequestContext<'_>,
    request: &ProduceRequest<'_>,
    (place, partition): (Place<'_>, &Partition),
    batch: OneBatch<'_>,
    now_ms: i64,
) -> Result<Written, Rejected> {
    let sender = Sender { node: Some(cx.node_id), wants_all: request.acks == -1 };
    let config = partition.config_for(sender)?;
    let admission = Admission::of_produce(cx.version);
    let (cluster, transactions) = (cx.cluster, &cx.cluster.transactions);
    let header = batch.header();
    // The request was looked at for this: a batch of a transaction comes with the id.
    let transactional_id = request.transactional_id.filter(|_| header.is_transactional());
    let valid = UNPACKER.with_borrow_mut(|unpacker| {
        let valid = log::validate(batch, place, &config, now_ms, unpacker);
        unpacker.rest();
        valid
    });
    match valid {
        Ok(batch) => match transactional_id {
            Some(id) => transactions.append(cluster, cx.waiter, admission, id, (place, partition), sender, &batch),
            None => {
                let written = partition.append_in(&batch, Claim::NONE, sender);
                written.map_err(Unappended::into_rejected)
            }
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

fn write_partition(out: &mut Writer<'_>, index: i32, outcome: &Outcome, version: i16) {
    let (code, base_offset, time, start, message) = match &outcome.written {
        Ok(Written { appended, log_start, .. }) => {
            let code = outcome.late.map_or(0, ErrorCode::code);
            (code, appended.base_offset, appended.log_append_time, *log_start, None)
        }
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
        let at_fault = outcome.written.as_ref().err().map_or(&[][..], |rejected| &rejected.records);
        out.len(at_fault.len());
        for record in at_fault {
            out.out.put_i32(record.index);
            out.nullable_string(Some(&record.message));
            out.no_tags();
        }
        out.nullable_string(message);
    }
    match outcome.leader.filter(|_| version >= LEADERS_FROM) {
        Some(leader) => leaders::write_leader(out, 0, leader),
        None => out.no_tags(),
    }
}
