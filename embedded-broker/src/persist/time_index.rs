//! A segment's `.timeindex`: how high timestamps had become, and at which offset, each time the `.index` got an entry.
//!
//! Kafka's format: 8 bytes of the highest timestamp so far, 4 bytes of the offset of its batch relative to the segment's
//! first, sorted by both.

const ENTRY_LEN: usize = 12;

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimestampOffset {
    pub(crate) timestamp: i64,
    /// The last offset of the batch that has it.
    pub(crate) offset: i64,
}

impl TimestampOffset {
    /// The entry's bytes; `None` if the offset does not fit a segment that begins at `base_offset`.
    pub(crate) fn encode(self, base_offset: i64) -> Option<[u8; ENTRY_LEN]> {
        let relative = i32::try_from(self.offset.checked_sub(base_offset)?).ok()?;
        let mut entry = [0; ENTRY_LEN];
        entry[..8].copy_from_slice(&self.timestamp.to_be_bytes());
        entry[8..].copy_from_slice(&relative.to_be_bytes());
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_relative_to_its_segment() {
        let entry = TimestampOffset { timestamp: 1_700, offset: 110 }.encode(100);
        assert_eq!(entry, Some([0, 0, 0, 0, 0, 0, 0x06, 0xa4, 0, 0, 0, 10]));
        assert_eq!(TimestampOffset { timestamp: 1, offset: i64::MAX }.encode(0), None);
    }
}
