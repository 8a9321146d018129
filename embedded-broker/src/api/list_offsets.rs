//! ListOffsets, versions 1 to 10: the first and last offset, and the first record of a time.
//!
//! As Kafka: -1 latest, -2 earliest, -3 (from version 7) the first record with the highest timestamp, -4 (from version 8)
//! the earliest local offset, -5 (from version 9) the end of the tiered part, which is -1 without tiering; a time finds the
//! exact record, inside compressed batches too, and nothing is answered with offset -1 and no error.
//! Different: -3 never names a record that was deleted, which Kafka may do as long as its segment is there.
//! Readers of committed records find nothing from the last stable offset on, which is their latest offset.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::log::{BatchHeader, PartitionLog, RecordAt, for_each_record};
use crate::partition::{Isolation, Partition};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

/// The replica id of whoever is none.
const CONSUMER: i32 = -1;
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
    // As Kafka: only consumers are kept from what is not decided.
    let is_consumer = request.replica_id.0 == CONSUMER;
    let isolation = Isolation::from_wire(if is_consumer { request.isolation_level } else { 0 });
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
                Some(1) => find(&topics, &name, asked, isolation, cx.version),
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

fn find(
    topics: &Topics,
    name: &str,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
    version: i16,
) -> Result<Found, ErrorCode> {
    if asked.timestamp < lowest_time(version) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let topic = topics.by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let partition = topic.partition(asked.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let known_epoch = asked.current_leader_epoch;
    let at = |offset: i64, leader_epoch: i32| Found { offset, timestamp: -1, leader_epoch };
    match asked.timestamp {
        LATEST => partition.look(known_epoch, |log| at(end_of(log, isolation), log.epochs().latest())),
        EARLIEST => {
            partition.look(known_epoch, |log| at(log.start_offset(), log.epochs().of_offset(log.start_offset())))
        }
        EARLIEST_LOCAL => {
            partition.look(known_epoch, |log| at(log.start_offset(), log.epochs().of_offset(log.start_offset())))
        }
        MAX_TIMESTAMP => highest(partition, isolation, known_epoch),
        LATEST_TIERED => partition.look(known_epoch, |_| NOTHING),
        time => by_time(partition, time, isolation, known_epoch),
    }
}

fn end_of(log: &PartitionLog, isolation: Isolation) -> i64 {
    match isolation {
        Isolation::ReadUncommitted => log.end_offset(),
        Isolation::ReadCommitted => log.last_stable_offset(),
    }
}

/// The first record with the highest timestamp of those that can be read.
fn highest(partition: &Partition, isolation: Isolation, known_epoch: i32) -> Result<Found, ErrorCode> {
    let (mut highest, cut) = partition.look(known_epoch, PartitionLog::max_timestamp)?;
    if let Some(cut) = cut {
        let start = partition.offsets().log_start;
        walk(&cut, |at| {
            highest = highest.max((at.offset >= start).then_some(at.timestamp));
            true
        })?;
    }
    highest.map_or(Ok(NOTHING), |time| by_time(partition, time, isolation, known_epoch))
}

/// The first record of `time` or later. A batch's header says whether to look inside; the records are unpacked and
/// walked without the partition's lock.
fn by_time(partition: &Partition, time: i64, isolation: Isolation, known_epoch: i32) -> Result<Found, ErrorCode> {
    let end = partition.look(known_epoch, |log| end_of(log, isolation))?;
    let mut from = partition.offsets().log_start;
    loop {
        let Some(batch) = partition.look(known_epoch, |log| log.batch_of_time(time, from))? else {
            return Ok(NOTHING);
        };
        if let Some(found) = first_in(&batch, time, from)? {
            return Ok(if found.offset < end { found } else { NOTHING });
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
