//! The header of a record batch (magic 2), read by hand from its 61 bytes.
//!
//! ```text
//!  0 base offset (8)         16 magic (1)              27 base timestamp (8)   51 producer epoch (2)
//!  8 length after it (4)     17 CRC-32C (4)            35 max timestamp (8)    53 base sequence (4)
//! 12 leader epoch (4)        21 attributes (2)         43 producer id (8)      57 record count (4)
//!                            23 last offset delta (4)                          61 records
//! ```
//!
//! The checksum covers everything from the attributes on, so base offset and leader epoch can be set without it.

use super::compression::Compression;

/// Bytes in front of the records.
pub(crate) const HEADER_LEN: usize = 61;
/// Bytes in front of what the length counts.
const LENGTH_END: usize = 12;
/// The front of a header, which the broker sets: base offset, length and leader epoch.
pub(crate) const PLACE_LEN: usize = 16;
/// Where the checksummed part begins.
const CRC_START: usize = 21;

/// No log gets here: a file that says so is not believed. Below it, sums of offsets are what they should be.
pub(crate) const HIGHEST_OFFSET: i64 = i64::MAX / 2;

const COMPRESSION_MASK: i16 = 0b111;
const LOG_APPEND_TIME_BIT: i16 = 1 << 3;
pub(crate) const TRANSACTIONAL_BIT: i16 = 1 << 4;
const CONTROL_BIT: i16 = 1 << 5;
const DELETE_HORIZON_BIT: i16 = 1 << 6;
/// The attributes that mean something; the broker writes no others.
const KNOWN_ATTRIBUTES: i16 = 0x7f;
/// The attributes of the batch that ends a transaction.
pub(crate) const END_MARKER: i16 = TRANSACTIONAL_BIT | CONTROL_BIT;

/// The header's fields under Kafka's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    pub(crate) length: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) magic: i8,
    pub(crate) crc: u32,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) records_count: i32,
}

impl BatchHeader {
    /// The header at the front of `bytes`; `None` if they are too few.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        Some(Self {
            base_offset: i64::from_be_bytes(at(header, 0)),
            length: i32::from_be_bytes(at(header, 8)),
            leader_epoch: i32::from_be_bytes(at(header, 12)),
            magic: i8::from_be_bytes(at(header, 16)),
            crc: u32::from_be_bytes(at(header, 17)),
            attributes: i16::from_be_bytes(at(header, 21)),
            last_offset_delta: i32::from_be_bytes(at(header, 23)),
            base_timestamp: i64::from_be_bytes(at(header, 27)),
            max_timestamp: i64::from_be_bytes(at(header, 35)),
            producer_id: i64::from_be_bytes(at(header, 43)),
            producer_epoch: i16::from_be_bytes(at(header, 51)),
            base_sequence: i32::from_be_bytes(at(header, 53)),
            records_count: i32::from_be_bytes(at(header, 57)),
        })
    }

    /// The whole batch, header included; 0 if the length is not valid.
    pub(crate) fn total_len(&self) -> usize {
        usize::try_from(self.length).map_or(0, |length| length.saturating_add(LENGTH_END))
    }

    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// How the records are compressed; `None` for a code Kafka does not have.
    pub(crate) fn compression(&self) -> Option<Compression> {
        Compression::of_code(self.attributes & COMPRESSION_MASK)
    }

    pub(crate) fn has_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME_BIT != 0
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }

    /// When its tombstones may go, once a compaction has said so; the base timestamp holds it.
    pub(crate) fn delete_horizon(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON_BIT != 0).then_some(self.base_timestamp)
    }

    /// The time of a record with this delta: its own, unless its batch says that all have the same.
    pub(crate) fn timestamp_of(&self, timestamp_delta: i64) -> i64 {
        match self.has_log_append_time() {
            true => self.max_timestamp,
            false => self.base_timestamp.wrapping_add(timestamp_delta),
        }
    }

    /// The header of a batch of the same producer, place and time whose records are written anew: what follows from the
    /// records is still to be set.
    pub(crate) fn rewritten(&self, compression: Compression, delete_horizon: Option<i64>) -> Self {
        let kept = self.attributes & KNOWN_ATTRIBUTES & !(COMPRESSION_MASK | DELETE_HORIZON_BIT);
        let horizon = if delete_horizon.is_some() { DELETE_HORIZON_BIT } else { 0 };
        let base_timestamp = delete_horizon.unwrap_or(self.base_timestamp);
        Self { attributes: kept | compression.code() | horizon, base_timestamp, ..*self }
    }

    /// Sets whose time the records carry, and the highest of them, which with `LogAppendTime` is that of all records.
    pub(crate) fn set_timestamps(&mut self, highest: i64, log_append_time: Option<i64>) {
        let kept = self.attributes & KNOWN_ATTRIBUTES & !LOG_APPEND_TIME_BIT;
        self.attributes = kept | if log_append_time.is_some() { LOG_APPEND_TIME_BIT } else { 0 };
        self.max_timestamp = log_append_time.unwrap_or(highest);
    }

    /// Writes the header in front of the records that follow it in `batch`; length and checksum are made to fit.
    pub(crate) fn write(&mut self, batch: &mut [u8]) {
        self.length = i32::try_from(batch.len() - LENGTH_END).unwrap_or(i32::MAX);
        batch[..8].copy_from_slice(&self.base_offset.to_be_bytes());
        batch[8..12].copy_from_slice(&self.length.to_be_bytes());
        batch[12..16].copy_from_slice(&self.leader_epoch.to_be_bytes());
        batch[16..17].copy_from_slice(&self.magic.to_be_bytes());
        batch[21..23].copy_from_slice(&self.attributes.to_be_bytes());
        batch[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        batch[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        batch[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        batch[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        batch[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        batch[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        batch[57..61].copy_from_slice(&self.records_count.to_be_bytes());
        self.crc = checksum(batch);
        batch[17..21].copy_from_slice(&self.crc.to_be_bytes());
    }

    pub(crate) fn has_producer_id(&self) -> bool {
        self.producer_id >= 0
    }

    /// The sequence number of the last record; it wraps to 0 after `i32::MAX`.
    pub(crate) fn last_sequence(&self) -> i32 {
        sequence_after(self.base_sequence, self.last_offset_delta)
    }
}

/// The sequence number `n` records after `sequence`.
pub(crate) fn sequence_after(sequence: i32, n: i32) -> i32 {
    match sequence.checked_add(n) {
        Some(next) => next,
        None => n - (i32::MAX - sequence) - 1,
    }
}

fn at<const N: usize>(header: &[u8; HEADER_LEN], start: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&header[start..start + N]);
    field
}

/// The checksum of a batch's bytes, whatever its header says.
pub(crate) fn checksum(batch: &[u8]) -> u32 {
    crc32c::crc32c(&batch[CRC_START..])
}

/// Sets what the broker decides: where the batch lies and who led when it was appended.
pub(crate) fn place(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
    let placed = placed(batch, base_offset, leader_epoch);
    batch[..PLACE_LEN].copy_from_slice(&placed);
}

/// The front of a batch with what the broker decides; the length between is the batch's own.
pub(crate) fn placed(batch: &[u8], base_offset: i64, leader_epoch: i32) -> [u8; PLACE_LEN] {
    let mut front = [0; PLACE_LEN];
    front[..8].copy_from_slice(&base_offset.to_be_bytes());
    front[8..12].copy_from_slice(&batch[8..12]);
    front[12..].copy_from_slice(&leader_epoch.to_be_bytes());
    front
}

/// Walks over the headers of batches that lie one after the other in the log.
pub(crate) fn headers(bytes: &[u8]) -> impl Iterator<Item = (usize, BatchHeader)> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let header = BatchHeader::read(bytes.get(position..)?)?;
        let at = position;
        position += header.total_len().max(HEADER_LEN);
        Some((at, header))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Time, key and value.
    pub(crate) type TestRecord = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

    /// A batch of uncompressed records, made from the format's description and not with the codec, so that the two can
    /// be held against each other.
    #[derive(Clone)]
    pub(crate) struct TestBatch {
        pub(crate) records: Vec<TestRecord>,
        pub(crate) producer: (i64, i16, i32),
        pub(crate) attributes: i16,
    }

    impl TestBatch {
        pub(crate) fn of(values: &[&str]) -> Self {
            let records = values.iter().map(|value| (1_000, None, Some(value.as_bytes().to_vec()))).collect();
            Self { records, producer: (-1, -1, -1), attributes: 0 }
        }

        pub(crate) fn at(mut self, timestamps: &[i64]) -> Self {
            for (record, timestamp) in self.records.iter_mut().zip(timestamps) {
                record.0 = *timestamp;
            }
            self
        }

        pub(crate) fn from(mut self, producer_id: i64, epoch: i16, sequence: i32) -> Self {
            self.producer = (producer_id, epoch, sequence);
            self
        }

        pub(crate) fn packed(&self, compression: Compression) -> Vec<u8> {
            packed(&self.bytes(), compression)
        }

        pub(crate) fn bytes(&self) -> Vec<u8> {
            let base_timestamp = self.records.first().map_or(0, |record| record.0);
            let max_timestamp = self.records.iter().map(|record| record.0).max().unwrap_or(0);
            let mut body = Vec::new();
            for (index, (timestamp, key, value)) in self.records.iter().enumerate() {
                let mut record = vec![0];
                zigzag(&mut record, timestamp - base_timestamp);
                zigzag(&mut record, i64::try_from(index).unwrap());
                for field in [key, value] {
                    let len = field.as_ref().map_or(-1, |field| i64::try_from(field.len()).unwrap());
                    zigzag(&mut record, len);
                    record.extend(field.iter().flatten());
                }
                zigzag(&mut record, 0);
                zigzag(&mut body, i64::try_from(record.len()).unwrap());
                body.extend(record);
            }
            let count = i32::try_from(self.records.len()).unwrap();
            let mut batch = Vec::new();
            batch.extend(0_i64.to_be_bytes());
            batch.extend(i32::try_from(HEADER_LEN - LENGTH_END + body.len()).unwrap().to_be_bytes());
            batch.extend((-1_i32).to_be_bytes());
            batch.push(2);
            batch.extend([0; 4]);
            batch.extend(self.attributes.to_be_bytes());
            batch.extend((count - 1).to_be_bytes());
            batch.extend(base_timestamp.to_be_bytes());
            batch.extend(max_timestamp.to_be_bytes());
            batch.extend(self.producer.0.to_be_bytes());
            batch.extend(self.producer.1.to_be_bytes());
            batch.extend(self.producer.2.to_be_bytes());
            batch.extend(count.to_be_bytes());
            batch.extend(body);
            let crc = checksum(&batch);
            batch[17..21].copy_from_slice(&crc.to_be_bytes());
            batch
        }
    }

    /// The same batch with its records packed, as a producer with `compression.type` sends it.
    pub(crate) fn packed(batch: &[u8], compression: Compression) -> Vec<u8> {
        let mut header = BatchHeader::read(batch).unwrap().rewritten(compression, None);
        let mut bytes = vec![0; HEADER_LEN];
        crate::log::compression::pack(compression, -1, &batch[HEADER_LEN..], &mut bytes).unwrap();
        header.write(&mut bytes);
        bytes
    }

    fn zigzag(out: &mut Vec<u8>, value: i64) {
        let mut value = u64::from_be_bytes(((value << 1) ^ (value >> 63)).to_be_bytes());
        while value >= 0x80 {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).unwrap());
    }

    #[test]
    fn the_header_is_what_the_format_says() {
        let batch = TestBatch::of(&["a", "b", "c"]).at(&[5, 9, 7]).from(42, 3, 10).bytes();
        let header = BatchHeader::read(&batch).unwrap();
        assert_eq!(header.total_len(), batch.len());
        assert_eq!((header.magic, header.records_count, header.last_offset_delta), (2, 3, 2));
        assert_eq!((header.base_timestamp, header.max_timestamp), (5, 9));
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (42, 3, 10));
        assert_eq!(header.last_sequence(), 12);
        assert_eq!(header.crc, checksum(&batch));
        assert!(BatchHeader::read(&batch[..60]).is_none());
    }

    #[test]
    fn placing_a_batch_leaves_its_checksum_valid() {
        let mut batch = TestBatch::of(&["a"]).bytes();
        place(&mut batch, 77, 5);
        let header = BatchHeader::read(&batch).unwrap();
        assert_eq!((header.base_offset, header.leader_epoch), (77, 5));
        assert_eq!(header.crc, checksum(&batch));
    }

    #[test]
    fn a_header_that_is_written_back_is_the_same_and_a_changed_one_has_its_checksum() {
        let batch = TestBatch::of(&["a", "b"]).from(42, 3, 10).bytes();
        let mut header = BatchHeader::read(&batch).unwrap();
        let mut again = batch.clone();
        header.write(&mut again);
        assert_eq!(again, batch);
        header.set_timestamps(5, Some(99));
        header.write(&mut again);
        let read = BatchHeader::read(&again).unwrap();
        assert!(read.has_log_append_time());
        assert_eq!((read.max_timestamp, read.crc), (99, checksum(&again)));
        let rewritten = read.rewritten(Compression::Lz4, Some(700));
        assert_eq!((rewritten.compression(), rewritten.delete_horizon()), (Some(Compression::Lz4), Some(700)));
        assert!(rewritten.has_log_append_time());
    }

    #[test]
    fn sequences_wrap_to_zero() {
        assert_eq!(sequence_after(5, 3), 8);
        assert_eq!(sequence_after(i32::MAX, 0), i32::MAX);
        assert_eq!(sequence_after(i32::MAX, 1), 0);
        assert_eq!(sequence_after(i32::MAX - 1, 4), 2);
    }
}
