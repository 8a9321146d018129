//! The one file with `unsafe`: calls of librdkafka that rust-rdkafka lacks, as RAII types with their reasons.
#![expect(clippy::unused_self, reason = "placeholder until the runtime helper lands")]

use crate::record::Timestamp;

/// A message owned by us and by nobody else, still in librdkafka's buffer.
pub(crate) struct NativeRecord {
    never: std::convert::Infallible,
}

impl NativeRecord {
    pub(crate) fn offset(&self) -> i64 {
        match self.never {}
    }
    pub(crate) fn timestamp(&self) -> Timestamp {
        match self.never {}
    }
    pub(crate) fn key(&self) -> Option<&[u8]> {
        match self.never {}
    }
    pub(crate) fn payload(&self) -> Option<&[u8]> {
        match self.never {}
    }
    pub(crate) fn leader_epoch(&self) -> Option<i32> {
        match self.never {}
    }
    pub(crate) fn for_each_header<'r>(&'r self, _visit: &mut dyn FnMut(&'r str, Option<&'r [u8]>)) {
        match self.never {}
    }
}
