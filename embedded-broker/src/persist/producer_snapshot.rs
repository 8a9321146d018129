//! A `.snapshot`: what a partition remembered of its producers when the offset in the file's name was the next one.
//!
//! Kafka's format: version 1 (2 bytes), CRC-32C of what follows it (4), the number of entries (4), then for each producer
//! id (8), epoch (2), last sequence (4), last offset (8), offset delta of the last batch (4), its timestamp (8), the epoch
//! of the transaction coordinator (4) and the first offset of the open transaction (8, -1 if there is none).

use bytes::{Buf, BufMut};

use crate::log::ProducerEntry;

const VERSION: i16 = 1;
const HEAD_LEN: usize = 6;
const ENTRY_LEN: usize = 46;

/// The whole file.
pub(crate) fn encode(entries: &[ProducerEntry]) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 + entries.len() * ENTRY_LEN);
    body.put_u32(u32::try_from(entries.len()).unwrap_or(u32::MAX));
    for entry in entries {
        body.put_i64(entry.producer_id);
        body.put_i16(entry.producer_epoch);
        body.put_i32(entry.last_sequence);
        body.put_i64(entry.last_offset);
        body.put_i32(entry.offset_delta);
        body.put_i64(entry.timestamp);
        body.put_i32(entry.coordinator_epoch);
        body.put_i64(entry.current_txn_first_offset.unwrap_or(-1));
    }
    let mut file = Vec::with_capacity(HEAD_LEN + body.len());
    file.put_i16(VERSION);
    file.put_u32(crc32c::crc32c(&body));
    file.extend(body);
    file
}

/// Reads a whole file of this offset; `None` if it is not one, or not whole, or tells of records behind the offset:
/// committed readers would wait for the first of a transaction that never comes, and a producer's last record would not
/// be found again.
pub(crate) fn decode(mut file: &[u8], offset: i64) -> Option<Vec<ProducerEntry>> {
    let (version, crc) = (file.try_get_i16().ok()?, file.try_get_u32().ok()?);
    if version != VERSION || crc32c::crc32c(file) != crc {
        return None;
    }
    let count = usize::try_from(file.try_get_u32().ok()?).ok()?;
    if file.len() != count.checked_mul(ENTRY_LEN)? {
        return None;
    }
    let entries: Vec<_> = (0..count).map(|_| entry(&mut file)).collect();
    let is_before =
        |entry: &ProducerEntry| entry.last_offset.max(entry.current_txn_first_offset.unwrap_or(-1)) < offset;
    entries.iter().all(is_before).then_some(entries)
}

/// The length was checked.
fn entry(file: &mut &[u8]) -> ProducerEntry {
    ProducerEntry {
        producer_id: file.get_i64(),
        producer_epoch: file.get_i16(),
        last_sequence: file.get_i32(),
        last_offset: file.get_i64(),
        offset_delta: file.get_i32(),
        timestamp: file.get_i64(),
        coordinator_epoch: file.get_i32(),
        current_txn_first_offset: Some(file.get_i64()).filter(|offset| *offset >= 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<ProducerEntry> {
        let idle = ProducerEntry {
            producer_id: 7,
            producer_epoch: 3,
            last_sequence: 41,
            last_offset: 1_000,
            offset_delta: 4,
            timestamp: 1_700_000_000_000,
            coordinator_epoch: -1,
            current_txn_first_offset: None,
        };
        vec![idle, ProducerEntry { producer_id: 8, current_txn_first_offset: Some(900), ..idle }]
    }

    #[test]
    fn a_snapshot_comes_back_as_it_was_written() {
        assert_eq!(decode(&encode(&entries()), 1_001), Some(entries()));
        assert_eq!(decode(&encode(&[]), 0), Some(vec![]));
    }

    #[test]
    fn a_snapshot_that_tells_of_later_is_not_believed() {
        assert_eq!(decode(&encode(&entries()), 1_000), None, "of a record");
        let mut entries = entries();
        entries.iter_mut().for_each(|entry| entry.last_offset = 0);
        assert_eq!(decode(&encode(&entries), 901), Some(entries.clone()));
        assert_eq!(decode(&encode(&entries), 900), None, "of a transaction");
    }

    #[test]
    fn a_snapshot_that_is_cut_or_changed_anywhere_is_not_believed() {
        let file = encode(&entries());
        for cut in 0..file.len() {
            assert_eq!(decode(&file[..cut], 1_001), None, "cut at {cut}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 4;
            assert_eq!(decode(&changed, 1_001), None, "changed at {at}");
        }
    }
}
