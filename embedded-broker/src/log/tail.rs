//! The end of a log, where batches are copied to: the one place that holds bytes which may still be followed by more.
//!
//! Batches are copied one after the other into chunks. Once some 64 KiB have come together they are frozen as a
//! [`Group`]: shared bytes that can be sent while others append, and one entry of the index for all of its batches. What
//! is not frozen yet is copied out by whoever reads it, which is cheap because it is little. A large batch is a group by
//! itself, in memory of its own.

use bytes::{Bytes, BytesMut};

use super::batch::{self, BatchHeader};
use super::large::{self, LARGE};

/// A group is frozen once it is this long.
const GROUP_LEN: usize = 64 << 10;
/// The first chunk of a partition: most partitions of a test never need another.
const FIRST_CHUNK: usize = 4 << 10;
/// Chunks double up to this.
const LARGEST_CHUNK: usize = 4 << 20;

/// Consecutive batches whose bytes will never change.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) bytes: Bytes,
}

impl Group {
    /// The batches that end before `offset`, if there are any.
    pub(crate) fn before(&self, offset: i64) -> Option<Self> {
        let kept = batch::headers(&self.bytes).take_while(|(_, header)| header.last_offset() < offset);
        let last = kept.last().map(|(at, header)| (header.last_offset(), at + header.total_len()));
        let (last_offset, len) = last?;
        let bytes = self.bytes.slice(..len);
        let max_timestamp = batch::headers(&bytes).map(|(_, header)| header.max_timestamp).max().unwrap_or(-1);
        Some(Self { last_offset, max_timestamp, bytes })
    }
}

/// Where batches are appended.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Its filled part is what is not frozen; its spare capacity is the rest of the chunk.
    chunk: BytesMut,
    next_chunk: usize,
    last_offset: i64,
    max_timestamp: i64,
}

impl Tail {
    pub(crate) fn new() -> Self {
        let chunk = BytesMut::new();
        Self { chunk, next_chunk: FIRST_CHUNK, last_offset: -1, max_timestamp: -1 }
    }

    /// Copies a batch in and gives it its place. What was full goes to `frozen`.
    pub(crate) fn append(&mut self, bytes: &[u8], header: &BatchHeader, place: (i64, i32), frozen: &mut Vec<Group>) {
        let (base_offset, leader_epoch) = place;
        let last_offset = base_offset + i64::from(header.last_offset_delta);
        if bytes.len() >= LARGE {
            let bytes = large::copy(bytes, |batch| batch::place(batch, base_offset, leader_epoch));
            frozen.extend(self.freeze());
            frozen.push(Group { last_offset, max_timestamp: header.max_timestamp, bytes });
            return;
        }
        if self.chunk.capacity() - self.chunk.len() < bytes.len() {
            // A group lies in one chunk.
            frozen.extend(self.freeze());
            self.chunk = BytesMut::with_capacity(self.next_chunk.max(bytes.len()));
            self.next_chunk = (self.next_chunk * 2).min(LARGEST_CHUNK);
        }
        if self.chunk.is_empty() {
            self.max_timestamp = -1;
        }
        let start = self.chunk.len();
        self.chunk.extend_from_slice(bytes);
        batch::place(&mut self.chunk[start..], base_offset, leader_epoch);
        self.last_offset = last_offset;
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
        if self.chunk.len() >= GROUP_LEN {
            frozen.extend(self.freeze());
        }
    }

    /// Ends the group that is being filled, if there is one.
    pub(crate) fn freeze(&mut self) -> Option<Group> {
        if self.chunk.is_empty() {
            return None;
        }
        let bytes = self.chunk.split().freeze();
        Some(Group { last_offset: self.last_offset, max_timestamp: self.max_timestamp, bytes })
    }

    /// What is not frozen, as a view.
    pub(crate) fn open(&self) -> Option<OpenGroup<'_>> {
        (!self.chunk.is_empty()).then(|| OpenGroup {
            last_offset: self.last_offset,
            max_timestamp: self.max_timestamp,
            bytes: &self.chunk,
        })
    }

    /// Forgets what is not frozen: all of it was deleted.
    pub(crate) fn clear(&mut self) {
        drop(self.freeze());
    }
}

/// The group that is being filled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenGroup<'a> {
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) bytes: &'a [u8],
}
