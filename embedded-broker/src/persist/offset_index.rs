//! A segment's `.index`: for every 4 KiB or so of the log, the last offset of a batch and where that batch begins.
//!
//! Kafka's format: 4 bytes of the offset relative to the segment's first, 4 bytes of the position, sorted.

const ENTRY_LEN: usize = 8;

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetPosition {
    /// The last offset of the batch.
    pub(crate) offset: i64,
    /// Where the batch begins in the `.log` file, in bytes.
    pub(crate) position: u64,
}

impl OffsetPosition {
    /// The entry's bytes; `None` if offset or position do not fit a segment that begins at `base_offset`.
    pub(crate) fn encode(self, base_offset: i64) -> Option<[u8; ENTRY_LEN]> {
        let relative = i32::try_from(self.offset.checked_sub(base_offset)?).ok()?;
        let position = i32::try_from(self.position).ok()?;
        let mut entry = [0; ENTRY_LEN];
        entry[..4].copy_from_slice(&relative.to_be_bytes());
        entry[4..].copy_from_slice(&position.to_be_bytes());
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_relative_to_its_segment() {
        let entry = OffsetPosition { offset: 110, position: 4_200 }.encode(100);
        assert_eq!(entry, Some([0, 0, 0, 10, 0, 0, 0x10, 0x68]));
    }

    #[test]
    fn what_does_not_fit_an_entry_is_not_written() {
        assert_eq!(OffsetPosition { offset: i64::MAX, position: 0 }.encode(0), None);
        assert_eq!(OffsetPosition { offset: 1, position: 1 << 31 }.encode(0), None);
    }
}
