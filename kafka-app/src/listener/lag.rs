//! [`PartitionLag`]: how far a listener is behind.

/// Where a listener's group stands in one partition, as the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionLag {
    /// Topic name.
    pub topic: String,
    /// Partition, from 0.
    pub partition: i32,
    /// The next offset the group will read; `None` if it never committed one.
    pub committed: Option<i64>,
    /// The offset the next record will get.
    pub end_offset: i64,
}

impl PartitionLag {
    /// Records behind the committed offset; all of them, counted from offset 0, if nothing was committed. Negative if the
    /// topic was made again since the commit.
    #[must_use]
    pub fn lag(&self) -> i64 {
        self.end_offset - self.committed.unwrap_or(0)
    }
}
