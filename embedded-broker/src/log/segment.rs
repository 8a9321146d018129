//! A stretch of the log that retention will drop as a whole: groups in order, found by offset or time.

use super::tail::Group;

/// One segment, as Kafka has them, without a file.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) groups: Vec<Group>,
    /// All bytes, those of the tail included.
    pub(crate) len: usize,
}

impl Segment {
    pub(crate) fn new(base_offset: i64) -> Self {
        Self { base_offset, groups: Vec::new(), len: 0 }
    }

    /// The groups from the one that holds `offset` on.
    pub(crate) fn since(&self, offset: i64) -> &[Group] {
        let first = self.groups.partition_point(|group| group.last_offset < offset);
        self.groups.get(first..).unwrap_or_default()
    }

    /// Drops the groups that lie before `offset` as a whole.
    pub(crate) fn drop_before(&mut self, offset: i64) {
        let kept = self.groups.partition_point(|group| group.last_offset < offset);
        for gone in self.groups.drain(..kept) {
            self.len -= gone.bytes.len();
        }
    }
}
