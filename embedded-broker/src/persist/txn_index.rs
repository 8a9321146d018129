//! A segment's `.txnindex`: the transactions that markers in the segment have aborted; there is none where none was.
//!
//! Kafka's format: version 0 (2 bytes), producer id (8), offset of the transaction's first record (8), of its marker (8),
//! and the last stable offset once it had ended (8).

use bytes::BufMut;

use crate::log::AbortedTransaction;

const ENTRY_LEN: usize = 34;

/// The entries of some transactions.
pub(crate) fn encode<'a>(aborted: impl IntoIterator<Item = &'a AbortedTransaction>) -> Vec<u8> {
    let mut entries = Vec::new();
    for one in aborted {
        entries.reserve(ENTRY_LEN);
        entries.put_i16(0);
        entries.put_i64(one.producer_id);
        entries.put_i64(one.first_offset);
        entries.put_i64(one.last_offset);
        entries.put_i64(one.stable_after);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lie_one_after_the_other() {
        let one = AbortedTransaction { producer_id: 7, first_offset: 1, last_offset: 3, stable_after: 4 };
        let entries = encode(&[one, AbortedTransaction { producer_id: 8, ..one }]);
        assert_eq!(entries.len(), 2 * ENTRY_LEN);
        assert_eq!(entries[..10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(entries[26..34], [0, 0, 0, 0, 0, 0, 0, 4]);
        assert_eq!(entries[43], 8);
    }
}
