//! ListOffsets, versions 1 to 10: the first and last offset, and the first record of a time.
//!
//! As Kafka: -1 latest, -2 earliest, -3 (from version 7) the first record with the highest timestamp, -4 (from version 8)
//! the earliest local offset, -5 (from version 9) the end of the tiered part, which is -1 without tiering; a time finds the
//! exact record, inside compressed batches too, and nothing is answered with offset -1 and no error.
//! Different: -3 never names a record that was deleted, which Kafka may do as long as its segment is there.
//! Readers of committed records find nothing from the last stable offset on, which is their latest offset. A new leader whose
//! followers have not caught up yet does not know the latest offset: OFFSET_NOT_AVAILABLE.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::log::{BatchHeader, PartitionLog, RecordAt, for_each_record};
use crate::partition::{Isolation, Offsets, Partition, Reader};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

/// The replica id of whoever is none.
const CONSUMER: i32 = -1;
/// The replica id of whoever looks for mistakes: any replica may answer.
const DEBUGGER: i32 = -2;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;

/// An offset and what is known of the record there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    offset: i64,
    timestamp: i64,
    leader_epoch: i32,
}

const NOTHING: Found = Found { offset: -1, timestamp: -1, leader_epoch: -1 };

pub(crate) fn handle(cx: &RequestContext<'_>, request: ListOffsetsRequest) -> Result<ListOffsetsResponse, Refusal> {
    let topics = cx.cluster.topics();
    // As Kafka: only consumers are kept from what is not decided, or may be lost again.
    let sees = match request.replica_id.0 {
        CONSUMER => Some(Isolation::from_wire(request.isolation_level)),
        _ => None,
    };
    let of_leader = request.replica_id.0 != DEBUGGER;
    let mut times: HashMap<(TopicName, i32), usize> = HashMap::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            *times.entry((topic.name.clone(), partition.partition_index)).or_default() += 1;
        }
    }
    let answers = request.topics.into_iter().map(|topic| {
        let name = topic.name;
        let allowed = cx.require(Operation::Describe, Resource::Topic(&name));
        let partitions = topic.partitions.iter().filter_map(|asked| {
            if let Err(denied) = allowed {
                return Some(answer(asked.partition_index, Err(denied), cx.version));
            }
            // A partition that is asked for twice is refused once.
            let found = match times.get_mut(&(name.clone(), asked.partition_index)) {
                Some(0) => return None,
                Some(1) => {
                    let leader_epoch = asked.current_leader_epoch;
                    let reader = Reader { node: Some(cx.node_id), leader_epoch, of_leader };
                    find(&topics, &name, asked, Asker { reader, sees, version: cx.version })
                }
                Some(n) => {
                    *n = 0;
                    Err(ErrorCode::InvalidRequest)
                }
                None => Err(ErrorCode::UnknownServerError),
            };
            Some(answer(asked.partition_index, found, cx.version))
        });
        let partitions = partitions.collect();
        ListOffsetsTopicResponse::default().with_name(name).with_partitions(partitions)
    });
    Ok(ListOffsetsResponse::default().with_topics(answers.collect()))
}

fn answer(index: i32, found: Result<Found, ErrorCode>, version: i16) -> ListOffsetsPartitionResponse {
    let answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
    match found {
        Err(code) => answer.with_error_code(code.code()),
        Ok(found) => {
            let answer = answer.with_offset(found.offset).with_timestamp(found.timestamp);
            if version >= 4 { answer.with_leader_epoch(found.leader_epoch) } else { answer }
        }
    }
}

/// The lowest of the special times that a version has.
fn lowest_time(version: i16) -> i64 {
    match version {
        ..=6 => EARLIEST,
        7 => MAX_TIMESTAMP,
        8 => EARLIEST_LOCAL,
        9.. => LATEST_TIERED,
    }
}

/// Who asks, and what it may see.
#[derive(Clone, Copy)]
struct Asker {
    reader: Reader,
    /// Absent for those who see all there is.
    sees: Option<Isolation>,
    version: i16,
}

impl Asker {
    /// Where what it sees comes to its end.
    fn end(&self, offsets: Offsets) -> i64 {
        self.sees.map_or(offsets.log_end, |isolation| offsets.end(isolation))
    }

    /// Whether the end is known.
    ///
    /// # Errors
    ///
    /// As Kafka: not while the followers of a new leader do not have all of the epochs before.
    fn check_end(&self, offsets: Offsets) -> Result<(), ErrorCode> {
        match self.sees.is_some() && offsets.epoch_start > offsets.high_watermark {
            false => Ok(()),
            true if self.version >= 5 => Err(ErrorCode::OffsetNotAvailable),
            true => Err(ErrorCode::LeaderNotAvailable),
        }
    }
}

fn find(topics: &Topics, name: &str, asked: &ListOffsetsPartition, asker: Asker) -> Result<Found, ErrorCode> {
    if asked.timestamp < lowest_time(asker.version) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let topic = topics.by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let partition = topic.partition(asked.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let at = |offset: i64, leader_epoch: i32| Found { offset, timestamp: -1, leader_epoch };
    match asked.timestamp {
        LATEST => {
            let (offsets, epoch) = partition.look(asker.reader, |log, offsets| (offsets, log.epochs().latest()))?;
            asker.check_end(offsets)?;
            Ok(at(asker.end(offsets), epoch))
        }
        EARLIEST | EARLIEST_LOCAL => {
            partition.look(asker.reader, |log, _| at(log.start_offset(), log.epochs().of_offset(log.start_offset())))
        }
        MAX_TIMESTAMP => highest(partition, asker),
        LATEST_TIERED => partition.look(asker.reader, |_, _| NOTHING),
        time => by_time(partition, time, asker),
    }
}

/// The first record with the highest timestamp of those that can be read.
fn highest(partition: &Partition, asker: Asker) -> Result<Found, ErrorCode> {
    let (mut highest, cut) = partition.look(asker.reader, |log, _| PartitionLog::max_timestamp(log))?;
    if let Some(cut) = cut {
        let start = partition.offsets().log_start;
        walk(&cut, |at| {
            highest = highest.max((at.offset >= start).then_some(at.timestamp));
            true
        })?;
    }
    highest.map_or(Ok(NOTHING), |time| by_time(partition, time, asker))
}

/// The first record of `time` or later. A batch's header says whether to look inside; the records are unpacked and
/// walked without the partition's lock.
fn by_time(partition: &Partition, time: i64, asker: Asker) -> Result<Found, ErrorCode> {
    let offsets = partition.look(asker.reader, |_, offsets| offsets)?;
    let nothing = || asker.check_end(offsets).map(|()| NOTHING);
    let mut from = offsets.log_start;
    loop {
        let Some(batch) = partition.look(asker.reader, |log, _| log.batch_of_time(time, from))? else {
            return nothing();
        };
        if let Some(found) = first_in(&batch, time, from)? {
            return if found.offset < asker.end(offsets) { Ok(found) } else { nothing() };
        }
        // The header promised a time that none of the records from here on has: what had it was deleted.
        from = BatchHeader::read(&batch).ok_or(ErrorCode::UnknownServerError)?.last_offset() + 1;
    }
}

fn first_in(batch: &Bytes, time: i64, from: i64) -> Result<Option<Found>, ErrorCode> {
    // As Kafka: the end of a transaction has a time and is found by it, though no consumer ever sees it.
    if let Some(marker) = BatchHeader::read(batch).filter(BatchHeader::is_control) {
        let is_found = marker.records_count > 0 && marker.max_timestamp >= time && marker.base_offset >= from;
        let (offset, timestamp, leader_epoch) = (marker.base_offset, marker.max_timestamp, marker.leader_epoch);
        return Ok(is_found.then_some(Found { offset, timestamp, leader_epoch }));
    }
    let mut found = None;
    walk(batch, |at| {
        if at.timestamp >= time && at.offset >= from {
            found = Some(Found { offset: at.offset, timestamp: at.timestamp, leader_epoch: at.leader_epoch });
        }
        found.is_none()
    })?;
    Ok(found)
}

fn walk(batch: &Bytes, each: impl FnMut(RecordAt<'_>) -> bool) -> Result<(), ErrorCode> {
    for_each_record(batch, each).map_err(|error| {
        tracing::warn!(%error, "a batch cannot be searched for a time");
        ErrorCode::CorruptMessage
    })
}
