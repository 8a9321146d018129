//! Compaction: of each key only the latest record is kept, as Kafka's log cleaner does it.
//!
//! It works on closed segments in three steps, so that the log's lock is held for the first and the last alone, which copy
//! no records: [`PartitionLog::cleanable`] decides whether there is enough to do and takes a picture; [`clean`] writes the
//! picture's segments anew; [`PartitionLog::replace`] puts them in, unless the log has changed meanwhile.
//!
//! As Kafka: batches keep their offsets, gaps and all; a batch that loses all records stays while it holds its producer's
//! last sequence, or the last offset that was compacted; tombstones and the markers of transactions without records stay
//! for `delete.retention.ms` from the compaction that found them, which notes that in the batch's header; records of
//! aborted transactions go.
//! Different: which key is where is kept whole in memory (Kafka keeps sums of the keys, and compacts a part of the log if
//! its buffer is full).

mod batch_filter;
mod cleanable;
mod latest;
mod transactions;

use std::io;

use super::LogConfig;
use super::batch::{self, BatchHeader};
use super::change::LogChange;
use super::compression::Unpacker;
use super::partition_log::PartitionLog;
use super::segment::Segment;
use super::tail::Tail;
use batch_filter::{BatchFilter, Kept};
use latest::LatestOffsets;

use cleanable::Cleanable;

/// Closed segments, written anew.
#[derive(Debug)]
pub(crate) struct Cleaned {
    /// Which state of the log they stand for.
    version: u64,
    segments: Vec<Segment>,
    /// How many segments they replace.
    replaces: usize,
    /// Everything before was compacted.
    until: i64,
    /// The offsets of abort markers that are gone: nobody is to be told of their transactions any more.
    markers_gone: Vec<i64>,
}

impl PartitionLog {
    /// Puts compacted segments in; `false` if the log is not what they were made of any more.
    pub(crate) fn replace(&mut self, cleaned: Cleaned) -> bool {
        if cleaned.version != self.version || cleaned.replaces >= self.segments.len() {
            return false;
        }
        let old: Vec<i64> = self.segments.drain(..cleaned.replaces).map(|segment| segment.base_offset).collect();
        self.note_replaced(&old, &cleaned.segments);
        cleaned.segments.into_iter().rev().for_each(|segment| self.segments.push_front(segment));
        self.compacted_until = cleaned.until;
        self.version += 1;
        self.aborted.forget(&cleaned.markers_gone);
        true
    }

    /// Tells whoever keeps a copy; the old segments are out already, the new ones not yet in.
    fn note_replaced(&mut self, old: &[i64], new: &[Segment]) {
        let behind = self.segments.front().map_or(self.end_offset, |segment| segment.base_offset);
        let begin = |n: usize| new.get(n).map_or(behind, |segment| segment.base_offset);
        for &base_offset in old.iter().filter(|base| **base < begin(0)) {
            self.changes.note(LogChange::Dropped { base_offset });
        }
        for (segment, next) in new.iter().zip(1..) {
            let change = LogChange::Rewritten { base_offset: segment.base_offset, end: begin(next) };
            self.changes.note(change);
        }
    }
}

/// Writes the segments of a picture anew.
///
/// # Errors
///
/// If a batch cannot be unpacked or packed: the log stays as it is.
pub(crate) fn clean(cleanable: &Cleanable, config: &LogConfig, now_ms: i64) -> io::Result<Cleaned> {
    let mut unpacker = Unpacker::default();
    let latest = LatestOffsets::of(cleanable, &mut unpacker)?;
    let mut filter = BatchFilter::new(cleanable, &latest, config.delete_retention_ms, now_ms);
    let mut segments = Vec::new();
    for group in by_size(&cleanable.segments, config.segment_bytes) {
        segments.extend(clean_group(group, &mut filter, &mut unpacker, config)?);
    }
    Ok(Cleaned {
        version: cleanable.version,
        segments,
        replaces: cleanable.segments.len(),
        until: cleanable.until,
        markers_gone: filter.into_markers_gone(),
    })
}

/// Small segments come together in one, as long as that is not longer than one may be.
fn by_size(segments: &[Segment], max: usize) -> impl Iterator<Item = &[Segment]> {
    let mut len = 0;
    segments.chunk_by(move |one, next| {
        len += one.len;
        let fits = len + next.len <= max;
        if !fits {
            len = 0;
        }
        fits
    })
}

/// One segment made of some; `None` if nothing is left.
fn clean_group(
    group: &[Segment],
    filter: &mut BatchFilter<'_>,
    unpacker: &mut Unpacker,
    config: &LogConfig,
) -> io::Result<Option<Segment>> {
    let Some(mut cleaned) = Segment::in_place_of(group) else { return Ok(None) };
    let last_append_ms = cleaned.last_append_ms();
    let mut tail = Tail::new();
    let mut add = |header: &BatchHeader, bytes: &[u8]| {
        cleaned.appended(header, bytes.len(), last_append_ms, config);
        tail.append(bytes, header, (header.base_offset, header.leader_epoch), &mut cleaned.groups);
    };
    for bytes in group.iter().flat_map(|segment| &segment.groups).map(|group| &group.bytes) {
        for (at, header) in batch::headers(bytes) {
            let whole = bytes.get(at..at + header.total_len()).unwrap_or_default();
            match filter.filter(&header, whole, unpacker)? {
                Kept::Nothing => {}
                Kept::Whole => add(&header, whole),
                Kept::Rewritten(header, bytes) => add(&header, &bytes),
            }
        }
    }
    cleaned.groups.extend(tail.freeze());
    Ok((cleaned.len > 0).then_some(cleaned))
}
