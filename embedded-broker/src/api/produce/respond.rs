//! The answer to a Produce request, batch by batch.

use bytes::BufMut;

use super::request::{PartitionData, ProduceRequest, TopicData};
use crate::api::leaders::{self, Leader, Named};
use crate::api::{Reply, RequestContext};
use crate::error::ErrorCode;
use crate::log::Rejected;
use crate::partition::Written;
use crate::wire::Writer;

/// From this version on a wrong node says who leads.
const LEADERS_FROM: i16 = 10;

/// What became of one batch.
pub(super) struct Outcome {
    pub(super) written: Result<Written, Rejected>,
    /// It is there, but not as its sender wants it.
    pub(super) late: Option<ErrorCode>,
    /// Who leads, if that is another node.
    pub(super) leader: Option<Leader>,
}

impl Outcome {
    /// The error that is told, if there is one.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        self.late.or(self.written.as_ref().err().map(|rejected| rejected.code))
    }

    pub(super) fn late_error(&mut self, code: ErrorCode) {
        self.late = Some(code);
    }
}

impl From<Result<Written, Rejected>> for Outcome {
    fn from(written: Result<Written, Rejected>) -> Self {
        Self { written, late: None, leader: None }
    }
}

/// Writes the response, with what becomes of each batch; the first error among them.
pub(super) fn respond(
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
pub(super) fn respond_naming(
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

pub(super) fn may_not_write(code: ErrorCode) -> Result<Written, Rejected> {
    Err(Rejected::new(code, "the client may not write"))
}
