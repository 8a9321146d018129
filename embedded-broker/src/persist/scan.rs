//! How much of a `.log` file is whole batches: what recovery keeps, and where batches begin.

use crate::log::batch::{self, BatchHeader, HEADER_LEN, HIGHEST_OFFSET};

/// Where a batch lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchAt {
    pub(crate) position: u64,
    pub(crate) header: BatchHeader,
}

/// Why a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// With the last batch.
    Clean,
    /// Inside a batch, or with bytes that are none: they are left over from a write that was cut off.
    Torn,
}

/// Calls `each` with every batch in `bytes` and its own bytes; `bytes` begin at `position` of the file, as long as
/// batches follow each other with rising offsets from `next_offset` on and, if `check` says so, have the checksum they
/// claim.
///
/// Returns how many bytes that were, and whether there are more.
pub(crate) fn batches(
    bytes: &[u8],
    position: u64,
    mut next_offset: i64,
    check: bool,
    mut each: impl FnMut(BatchAt, &[u8]),
) -> (usize, Tail) {
    let mut at = 0;
    while at < bytes.len() {
        let Some(header) = whole_batch(&bytes[at..], next_offset, check) else { return (at, Tail::Torn) };
        let end = at + header.total_len();
        each(BatchAt { position: position + at as u64, header }, &bytes[at..end]);
        next_offset = header.last_offset() + 1;
        at = end;
    }
    (at, Tail::Clean)
}

fn whole_batch(bytes: &[u8], next_offset: i64, check: bool) -> Option<BatchHeader> {
    let header = BatchHeader::read(bytes)?;
    let len = header.total_len();
    let is_sound = header.magic == 2
        && (HEADER_LEN..=bytes.len()).contains(&len)
        && header.base_offset >= next_offset
        && header.last_offset_delta >= 0
        && header.base_offset <= HIGHEST_OFFSET;
    (is_sound && (!check || batch::checksum(&bytes[..len]) == header.crc)).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::tests::TestBatch;

    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        for (offset, values) in [(10, vec!["a", "b"]), (12, vec!["c"]), (20, vec!["d"])] {
            let mut batch = TestBatch::of(&values).bytes();
            batch::place(&mut batch, offset, 0);
            file.extend(batch);
        }
        file
    }

    fn scan(bytes: &[u8], next_offset: i64, check: bool) -> (Vec<i64>, usize, Tail) {
        let mut offsets = Vec::new();
        let (len, tail) = batches(bytes, 0, next_offset, check, |batch, _| offsets.push(batch.header.base_offset));
        (offsets, len, tail)
    }

    #[test]
    fn whole_batches_are_found_with_the_gaps_that_compaction_left() {
        let file = file();
        assert_eq!(scan(&file, 10, true), (vec![10, 12, 20], file.len(), Tail::Clean));
        assert_eq!(scan(&[], 0, true), (vec![], 0, Tail::Clean));
    }

    #[test]
    fn a_file_that_was_cut_anywhere_keeps_its_whole_batches() {
        let file = file();
        let ends: Vec<usize> = {
            let mut ends = vec![0];
            batches(&file, 0, 0, false, |batch, _| ends.push(ends[ends.len() - 1] + batch.header.total_len()));
            ends
        };
        for cut in 0..=file.len() {
            let (_, kept, tail) = scan(&file[..cut], 0, true);
            assert_eq!(kept, *ends.iter().rfind(|end| **end <= cut).unwrap(), "cut at {cut}");
            assert_eq!(tail == Tail::Clean, ends.contains(&cut));
        }
    }

    #[test]
    fn a_flipped_bit_ends_the_log_where_checksums_are_looked_at() {
        let mut file = file();
        let second = BatchHeader::read(&file).unwrap().total_len();
        file[second + HEADER_LEN + 1] ^= 1;
        assert_eq!(scan(&file, 10, true), (vec![10], second, Tail::Torn));
        assert_eq!(scan(&file, 10, false).2, Tail::Clean);
    }

    #[test]
    fn offsets_that_no_log_can_go_on_from_end_the_log() {
        let mut file = file();
        let second = BatchHeader::read(&file).unwrap().total_len();
        for offset in [i64::MAX, HIGHEST_OFFSET + 1] {
            file[second..second + 8].copy_from_slice(&offset.to_be_bytes());
            assert_eq!(scan(&file, 10, true), (vec![10], second, Tail::Torn));
        }
    }

    #[test]
    fn offsets_that_fall_back_end_the_log() {
        let file = file();
        assert_eq!(scan(&[file.clone(), file.clone()].concat(), 10, true), (vec![10, 12, 20], file.len(), Tail::Torn));
        assert_eq!(scan(&file, 11, true), (vec![], 0, Tail::Torn));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_scan_panic(bytes: Vec<u8>, at in 0..200_usize, patch: [u8; 4]) {
            scan(&bytes, 0, false);
            let mut file = file();
            let end = (at + 4).min(file.len());
            file[at.min(end)..end].copy_from_slice(&patch[..end - at.min(end)]);
            scan(&file, 0, false);
        }
    }
}
