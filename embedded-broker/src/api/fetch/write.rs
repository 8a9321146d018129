//! Writes the answer to a Fetch request, with the log's bytes as they lie.

use bytes::{BufMut, Bytes};

use super::{Answer, LEADERS_FROM};
use crate::api::leaders::{self, Named};
use crate::api::{Reply, RequestContext};
use crate::error::ErrorCode;
use crate::fetch_session::{Asked, TopicKey};
use crate::log::AbortedTransaction;
use crate::wire::Writer;

/// Pieces shorter than this are cheaper to copy than to send as they lie.
const COPIED: usize = 4 << 10;

/// Answers of the same topic that follow each other are written as one topic, as Kafka does it.
pub(super) fn write(
    reply: &mut Reply,
    cx: &RequestContext<'_>,
    (code, session_id): (ErrorCode, i32),
    asked: &[Asked],
    (answers, named): (Vec<Answer>, &Named),
) {
    let version = cx.version;
    let flexible = version >= 12;
    reply.head.put_i32(0);
    if version >= 7 {
        reply.head.put_i16(code.code());
        reply.head.put_i32(session_id);
    }
    let topic_of = |answer: &Answer| &asked[answer.place].key.topic;
    let runs: Vec<usize> = answers.chunk_by(|one, next| topic_of(one) == topic_of(next)).map(<[_]>::len).collect();
    Writer { out: &mut reply.head, flexible }.len(runs.len());
    let mut answers = answers.into_iter().peekable();
    for len in runs {
        if let Some(first) = answers.peek() {
            write_topic(Writer { out: &mut reply.head, flexible }, topic_of(first));
        }
        Writer { out: &mut reply.head, flexible }.len(len);
        for answer in answers.by_ref().take(len) {
            let index = asked[answer.place].key.partition;
            write_partition(reply, version, index, answer);
        }
        Writer { out: &mut reply.head, flexible }.no_tags();
    }
    let mut out = Writer { out: &mut reply.head, flexible };
    if version >= LEADERS_FROM {
        named.write(cx, &mut out);
    } else {
        out.no_tags();
    }
}

fn write_topic(mut out: Writer<'_>, topic: &TopicKey) {
    match topic {
        TopicKey::Id(id) => out.out.put_u128(id.as_u128()),
        TopicKey::Name(name) => out.nullable_string(Some(name)),
    }
}

fn write_partition(reply: &mut Reply, version: i16, index: i32, answer: Answer) {
    let flexible = version >= 12;
    let mut out = Writer { out: &mut reply.head, flexible };
    out.out.put_i32(index);
    out.out.put_i16(answer.code.code());
    out.out.put_i64(answer.offsets.high_watermark);
    out.out.put_i64(answer.offsets.last_stable);
    if version >= 5 {
        out.out.put_i64(answer.offsets.log_start);
    }
    match &answer.aborted {
        Some(aborted) => write_aborted(&mut out, aborted),
        None if answer.is_unknown() => out.len(0),
        None => out.null_array(),
    }
    if version >= 11 {
        out.out.put_i32(answer.preferred.unwrap_or(-1));
    }
    // Never null, or librdkafka and others take the answer for broken.
    out.len(answer.len());
    for piece in answer.records {
        write_piece(reply, piece);
    }
    let mut out = Writer { out: &mut reply.head, flexible };
    match (answer.diverging.filter(|_| flexible), answer.leader) {
        (Some(end), _) => write_diverging(&mut out, end),
        (None, Some(leader)) => leaders::write_leader(&mut out, 1, leader),
        (None, None) => out.no_tags(),
    }
}

fn write_aborted(out: &mut Writer<'_>, transactions: &[AbortedTransaction]) {
    out.len(transactions.len());
    for aborted in transactions {
        out.out.put_i64(aborted.producer_id);
        out.out.put_i64(aborted.first_offset);
        out.no_tags();
    }
}

fn write_piece(reply: &mut Reply, piece: Bytes) {
    if piece.len() < COPIED {
        reply.head.put_slice(&piece);
    } else {
        reply.share(piece);
    }
}

/// The only tagged field there is: its number, its length, and itself.
fn write_diverging(out: &mut Writer<'_>, (epoch, end_offset): (i32, i64)) {
    out.out.put_slice(&[1, 0, 13]);
    out.out.put_i32(epoch);
    out.out.put_i64(end_offset);
    out.no_tags();
}
