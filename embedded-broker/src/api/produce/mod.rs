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

use bytes::{BufMut, BytesMut};

use super::leaders::Named;
use super::{Refusal, Reply, RequestContext};
use crate::cluster::Cluster;
use crate::error::ErrorCode;
use crate::fault::target::{Part, Struck};
use crate::log::Rejected;
use crate::partition::Written;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

mod acks;
mod append;
mod request;
mod respond;

use acks::Pending;
use append::{append, find};
use request::{PartitionData, ProduceRequest, TopicData};
use respond::{Outcome, may_not_write, respond, respond_naming};

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
    let named = name_leaders(&request, &topics, cx.version, &mut outcomes);
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

/// The batches that are appended and not acknowledged.
fn pending(request: &ProduceRequest<'_>, topics: &Topics, version: i16, outcomes: &[Outcome]) -> Vec<Pending> {
    request
        .each()
        .zip(outcomes)
        .enumerate()
        .filter_map(|(place, ((topic, data), outcome))| {
            let append = outcome.written.as_ref().ok()?.pending?;
            let (_, partition) = find(topics, topic, data.index, version).ok()?;
            Some(Pending { place, partition: partition.clone(), append })
        })
        .collect()
}

/// Says of each batch that came to the wrong node who leads instead.
fn name_leaders(request: &ProduceRequest<'_>, topics: &Topics, version: i16, outcomes: &mut [Outcome]) -> Named {
    let mut named = Named::default();
    let wrong = |outcome: &Outcome| outcome.code() == Some(ErrorCode::NotLeaderOrFollower);
    for ((topic, data), outcome) in request.each().zip(outcomes).filter(|(_, outcome)| wrong(outcome)) {
        let found = find(topics, topic, data.index, version).ok();
        outcome.leader = found.map(|(_, partition)| named.note(partition));
    }
    named
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
