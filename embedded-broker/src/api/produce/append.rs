//! One batch on its way into its partition.

use std::cell::RefCell;
use std::sync::Arc;

use uuid::Uuid;

use super::request::{PartitionData, ProduceRequest, TopicData};
use crate::api::RequestContext;
use crate::error::ErrorCode;
use crate::internal_topics::is_internal;
use crate::log::{self, OneBatch, Place, Rejected, Unpacker};
use crate::partition::{Claim, Partition, Sender, Unappended, Written};
use crate::topic::{Topic, Topics};
use crate::transactions::Admission;

/// The client id of those who may write to internal topics.
const ADMIN_TOOLS: &str = "__admin_client";

thread_local! {
    /// A connection has a thread of its own, so this is what it unpacks its batches with, one after the other.
    static UNPACKER: RefCell<Unpacker> = RefCell::default();
}

/// Appends one batch, if everything about it and its place is as it must be.
pub(super) fn append(
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
pub(super) fn find<'t>(
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
