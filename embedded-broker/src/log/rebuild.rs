//! Writes a batch anew: of the same producer and at the same place, with other records, times or packing.

use std::io;

use super::batch::{BatchHeader, HEADER_LEN};
use super::compression::{Compression, pack};
use super::record::RecordView;

/// A batch that is being written.
pub(crate) struct Rebuild {
    header: BatchHeader,
    /// Room for the header, and the records.
    bytes: Vec<u8>,
}

impl Rebuild {
    /// Begins with what the batch shall say of itself; its count is that of the records that come.
    pub(crate) fn new(header: BatchHeader, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_LEN + capacity);
        bytes.resize(HEADER_LEN, 0);
        Self { header: BatchHeader { records_count: 0, ..header }, bytes }
    }

    pub(crate) fn push(&mut self, record: &RecordView<'_>, timestamp: i64, offset_delta: i32) {
        record.write(timestamp.wrapping_sub(self.header.base_timestamp), offset_delta, &mut self.bytes);
        self.header.records_count += 1;
    }

    /// Packs the records as the header says.
    pub(crate) fn finish(mut self, gzip_level: i32) -> io::Result<(BatchHeader, Vec<u8>)> {
        let compression = self.header.compression().unwrap_or(Compression::None);
        if compression != Compression::None {
            let mut packed = vec![0; HEADER_LEN];
            pack(compression, gzip_level, &self.bytes[HEADER_LEN..], &mut packed)?;
            self.bytes = packed;
        }
        self.header.write(&mut self.bytes);
        Ok((self.header, self.bytes))
    }
}
