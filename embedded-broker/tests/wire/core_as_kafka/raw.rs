//! Batches with any field wrong, which no codec would write.

use bytes::Bytes;

use crate::records::now_ms;

/// A batch of magic 2 as its fields; what producers would never send can be set.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) base_offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) magic: u8,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer: (i64, i16, i32),
    pub(crate) count: i32,
    pub(crate) body: Vec<u8>,
    /// In place of the true length.
    pub(crate) length: Option<i32>,
    pub(crate) crc_is_wrong: bool,
}

impl Raw {
    /// A good batch of this many records, without keys.
    pub(crate) fn of(records: i32) -> Self {
        let now = now_ms();
        let body = (0..records).flat_map(|n| record(0, n.into(), None, b"value")).collect();
        Self {
            base_offset: 0,
            leader_epoch: -1,
            magic: 2,
            attributes: 0,
            last_offset_delta: records - 1,
            base_timestamp: now,
            max_timestamp: now,
            producer: (-1, -1, -1),
            count: records,
            body,
            length: None,
            crc_is_wrong: false,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn from(self, id: i64, epoch: i16, sequence: i32) -> Self {
        self.with(|raw| raw.producer = (id, epoch, sequence))
    }

    pub(crate) fn at(self, timestamp: i64) -> Self {
        self.with(|raw| (raw.base_timestamp, raw.max_timestamp) = (timestamp, timestamp))
    }

    pub(crate) fn bytes(&self) -> Bytes {
        let mut after_crc = Vec::new();
        after_crc.extend(self.attributes.to_be_bytes());
        after_crc.extend(self.last_offset_delta.to_be_bytes());
        after_crc.extend(self.base_timestamp.to_be_bytes());
        after_crc.extend(self.max_timestamp.to_be_bytes());
        after_crc.extend(self.producer.0.to_be_bytes());
        after_crc.extend(self.producer.1.to_be_bytes());
        after_crc.extend(self.producer.2.to_be_bytes());
        after_crc.extend(self.count.to_be_bytes());
        after_crc.extend(&self.body);
        let length = i32::try_from(after_crc.len() + 9).expect("it is small");
        let crc = crc32c::crc32c(&after_crc) ^ u32::from(self.crc_is_wrong);
        let mut batch = self.base_offset.to_be_bytes().to_vec();
        batch.extend(self.length.unwrap_or(length).to_be_bytes());
        batch.extend(self.leader_epoch.to_be_bytes());
        batch.push(self.magic);
        batch.extend(crc.to_be_bytes());
        batch.extend(after_crc);
        batch.into()
    }
}

/// One record: its deltas, key and value.
pub(crate) fn record(timestamp_delta: i64, offset_delta: i64, key: Option<&[u8]>, value: &[u8]) -> Vec<u8> {
    let mut body = vec![0];
    varint(&mut body, timestamp_delta);
    varint(&mut body, offset_delta);
    varint(&mut body, key.map_or(-1, |key| i64::try_from(key.len()).expect("it is small")));
    body.extend(key.unwrap_or_default());
    varint(&mut body, i64::try_from(value.len()).expect("it is small"));
    body.extend(value);
    varint(&mut body, 0);
    let mut record = Vec::new();
    varint(&mut record, i64::try_from(body.len()).expect("it is small"));
    record.extend(body);
    record
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).expect("seven bits"));
}
