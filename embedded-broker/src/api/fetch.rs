//! Fetch, versions 4 to 18; the answer is written by hand, with the log's bytes as they lie.
//!
//! As Kafka: partitions are answered in the order they were asked for; the first batch that there is comes however large
//! it is; an offset inside a batch returns the whole batch; the answer waits for `min_bytes` of all partitions together,
//! or `max_wait_ms`, or an error; from version 13 topics go by id; leader epochs are checked.
//! Different: only whole batches are returned (Kafka may cut the last one off in the middle), and sessions are never
//! opened (session id 0), which every client has to expect of a broker that is short of room for them.
//! Left out: followers, preferred read replicas, aborted transactions (there are none).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};

use super::{Refusal, Reply, RequestContext};
use crate::clock::Woken;
use crate::data_wait::{DataWait, Watch};
use crate::error::ErrorCode;
use crate::partition::{Offsets, Partition, ReadFrom};
use crate::protocol;
use crate::topic::Topic;
use crate::wire::Writer;

/// Pieces shorter than this are cheaper to copy than to send as they lie.
const COPIED: usize = 4 << 10;

/// What is answered for one partition.
struct Answer {
    index: i32,
    code: ErrorCode,
    offsets: Offsets,
    records: Vec<Bytes>,
    /// To wait on, if there is not enough yet.
    partition: Option<Arc<Partition>>,
}

/// All answers to one request, as far as they are known.
#[derive(Default)]
struct Round {
    /// Of all topics, in order.
    answers: Vec<Answer>,
    len: usize,
    has_error: bool,
}

pub(crate) fn handle(cx: &RequestContext<'_>, body: &[u8], reply: &mut Reply) -> Result<(), Refusal> {
    let mut request: FetchRequest = protocol::decode(&Bytes::copy_from_slice(body), cx.version)?;
    let session_error = match (request.session_id, request.session_epoch) {
        // Closing or replacing a session, which we never opened, is a request without one.
        (_, -1 | 0) => None,
        (_, _) => Some(ErrorCode::FetchSessionIdNotFound),
    };
    if let Some(code) = session_error {
        write(reply, cx.version, code, &request, Vec::new());
        return Ok(());
    }
    request.topics.iter_mut().for_each(|topic| keep_last(&mut topic.partitions));
    let round = read_until_enough(cx, &request)?;
    write(reply, cx.version, ErrorCode::None, &request, round.answers);
    Ok(())
}

/// As Kafka: of a partition that is asked for twice the last wish counts, in the place of the first.
fn keep_last(partitions: &mut Vec<FetchPartition>) {
    if partitions.is_sorted_by(|one, next| one.partition < next.partition) {
        return;
    }
    let mut places = HashMap::with_capacity(partitions.len());
    for asked in std::mem::take(partitions) {
        match places.entry(asked.partition) {
            Entry::Occupied(place) => partitions[*place.get()] = asked,
            Entry::Vacant(place) => {
                place.insert(partitions.len());
                partitions.push(asked);
            }
        }
    }
}

/// Reads; and as long as there is too little, sleeps until an append or the deadline and reads again.
fn read_until_enough(cx: &RequestContext<'_>, request: &FetchRequest) -> Result<Round, Refusal> {
    // As Kafka: nobody waits for more than may be sent.
    let min_bytes = usize::try_from(request.min_bytes.min(request.max_bytes)).unwrap_or(0);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let clock = &cx.cluster.clock;
    let mut round = read_all(cx, request);
    if round.is_enough(min_bytes) || max_wait.is_zero() {
        return Ok(round);
    }
    let deadline = clock.now() + max_wait;
    loop {
        let wait = DataWait::new(Arc::clone(cx.waiter), min_bytes - round.len);
        let seen = round
            .answers
            .iter()
            .filter_map(|answer| Some((Arc::clone(answer.partition.as_ref()?), answer.offsets.high_watermark)));
        let watch = Watch::start(wait, seen);
        let woken = cx.waiter.wait(clock, Some(deadline));
        drop(watch);
        if cx.cluster.is_stopping() {
            return Err(Refusal::new("the broker stops"));
        }
        round = read_all(cx, request);
        if woken == Woken::Deadline || round.is_enough(min_bytes) {
            return Ok(round);
        }
    }
}

impl Round {
    fn is_enough(&self, min_bytes: usize) -> bool {
        self.len >= min_bytes || self.has_error || self.answers.iter().all(|answer| answer.partition.is_none())
    }
}

fn read_all(cx: &RequestContext<'_>, request: &FetchRequest) -> Round {
    let topics = cx.cluster.topics();
    let max_bytes = usize::try_from(request.max_bytes).unwrap_or(0).min(cx.cluster.settings.fetch_max_bytes);
    let mut round = Round::default();
    for asked in &request.topics {
        let by_id = cx.version >= 13;
        let topic = if by_id { topics.by_id(asked.topic_id) } else { topics.by_name(&asked.topic) };
        let unknown = if by_id { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        for asked in &asked.partitions {
            let answer = read_one(topic, asked, unknown, max_bytes.saturating_sub(round.len), round.len == 0);
            round.len += answer.records.iter().map(Bytes::len).sum::<usize>();
            // As Kafka: partitions that are not there do not keep the others from waiting.
            round.has_error |= answer.code != ErrorCode::None && !answer.is_unknown();
            round.answers.push(answer);
        }
    }
    round
}

fn read_one(
    topic: Option<&Arc<Topic>>,
    asked: &FetchPartition,
    unknown: ErrorCode,
    room: usize,
    is_first: bool,
) -> Answer {
    let index = asked.partition;
    let Some(topic) = topic else { return Answer::error(index, unknown) };
    let Some(partition) = topic.partition(index) else {
        return Answer::error(index, ErrorCode::UnknownTopicOrPartition);
    };
    let from = ReadFrom {
        offset: asked.fetch_offset,
        // As Kafka: Fetch takes any negative epoch for none.
        leader_epoch: asked.current_leader_epoch.max(-1),
        max_bytes: usize::try_from(asked.partition_max_bytes).unwrap_or(0).min(room),
        at_least_one: is_first,
    };
    // Whoever has fetched records of an epoch that is yet to come has a log that is not this one.
    let last = asked.last_fetched_epoch;
    if last >= 0 && partition.look(-1, |log| log.epochs().end_of(last, log.end_offset()).0 < 0) == Ok(true) {
        return Answer::error(index, ErrorCode::OffsetOutOfRange);
    }
    let mut records = Vec::new();
    match partition.read(from, &mut records) {
        Ok(offsets) => {
            let partition = Some(Arc::clone(partition));
            Answer { index, code: ErrorCode::None, offsets, records, partition }
        }
        Err(code) => Answer::error(index, code),
    }
}

impl Answer {
    fn error(index: i32, code: ErrorCode) -> Self {
        let offsets = Offsets { log_start: -1, high_watermark: -1 };
        Self { index, code, offsets, records: Vec::new(), partition: None }
    }

    /// The partition is not there at all.
    fn is_unknown(&self) -> bool {
        matches!(self.code, ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId)
    }
}

fn write(reply: &mut Reply, version: i16, code: ErrorCode, request: &FetchRequest, answers: Vec<Answer>) {
    let flexible = version >= 12;
    reply.head.put_i32(0);
    if version >= 7 {
        reply.head.put_i16(code.code());
        reply.head.put_i32(0);
    }
    let topics: &[FetchTopic] = if code == ErrorCode::None { &request.topics } else { &[] };
    Writer { out: &mut reply.head, flexible }.len(topics.len());
    let mut answers = answers.into_iter();
    for topic in topics {
        let mut out = Writer { out: &mut reply.head, flexible };
        if version >= 13 {
            out.out.put_u128(topic.topic_id.as_u128());
        } else {
            out.nullable_string(Some(&topic.topic));
        }
        out.len(topic.partitions.len());
        for answer in answers.by_ref().take(topic.partitions.len()) {
            write_partition(reply, version, answer, request.isolation_level == 1);
        }
        Writer { out: &mut reply.head, flexible }.no_tags();
    }
    Writer { out: &mut reply.head, flexible }.no_tags();
}

fn write_partition(reply: &mut Reply, version: i16, answer: Answer, read_committed: bool) {
    let flexible = version >= 12;
    let mut out = Writer { out: &mut reply.head, flexible };
    out.out.put_i32(answer.index);
    out.out.put_i16(answer.code.code());
    out.out.put_i64(answer.offsets.high_watermark);
    // The last stable offset: nothing is ever unstable without transactions.
    out.out.put_i64(answer.offsets.high_watermark);
    if version >= 5 {
        out.out.put_i64(answer.offsets.log_start);
    }
    if answer.is_unknown() || (read_committed && answer.code == ErrorCode::None) {
        out.len(0);
    } else {
        out.null_array();
    }
    if version >= 11 {
        out.out.put_i32(-1);
    }
    // Never null, or librdkafka and others take the answer for broken.
    out.len(answer.records.iter().map(Bytes::len).sum());
    for piece in answer.records {
        if piece.len() < COPIED {
            reply.head.put_slice(&piece);
        } else {
            reply.share(piece);
        }
    }
    Writer { out: &mut reply.head, flexible }.no_tags();
}
