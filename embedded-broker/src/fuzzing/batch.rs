//! Record batches as producers send them: checked, appended, read back, compacted.

use std::collections::HashSet;

use bytes::Bytes;

use super::input::Input;
use crate::log::batch::{BatchHeader, HEADER_LEN, checksum};
use crate::log::{
    Compression, EndMarker, LogConfig, OneBatch, Outcome, PartitionLog, Place, Proof, TimestampType, Unpacker,
    ValidBatch, clean, for_each_record, pack, validate,
};
use crate::persist::scan::{self, Tail};

const NOW_MS: i64 = 1_700_000_000_000;
const PLACE: Place<'static> = Place { topic: "t", partition: 0 };

/// What becomes of a batch before it is sent, by bits, so that most bytes get past the first checks.
mod mends {
    pub(super) const FRONT: u8 = 1;
    pub(super) const CHECKSUM: u8 = 2;
    /// The records are plain, and packed by the compression that the attributes name.
    pub(super) const PACK: u8 = 4;
    pub(super) const MARKER_AFTER: u8 = 8;
    pub(super) const MARKER_COMMITS: u8 = 16;
}

/// Offset, time, key, value and number of headers.
type Record = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, usize);

/// Batches to one log: a byte for its configs, then for each batch a byte that says how it is mended, its length in two
/// bytes, and itself.
///
/// # Panics
///
/// If anything panics, if what was accepted cannot be read back as it was sent, or if compaction loses what it must keep.
pub fn batch(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let Some(choice) = input.u8() else { return };
    let config = config(choice);
    let mut log = PartitionLog::new(0);
    let mut unpacker = Unpacker::default();
    while let (Some(mend), Some(piece)) = (input.u8(), input.piece()) {
        let Some(sent) = mended(piece, mend) else { continue };
        let Ok(one) = OneBatch::read(&sent, 7) else { continue };
        let Ok(valid) = validate(one, PLACE, &config, NOW_MS, &mut unpacker) else { continue };
        check_accepted(&sent, &valid);
        append(&mut log, &valid, mend, &config);
    }
    let records = check(&log);
    if config.compacted {
        compact(&mut log, &config, NOW_MS, &records);
        compact(&mut log, &config, NOW_MS + 2 * config.delete_retention_ms, &records);
    }
    look_up(&log);
    let middle = log.start_offset().midpoint(log.end_offset());
    log.truncate_to(middle, 1).expect("the middle is in the log");
    check(&log);
}

fn config(choice: u8) -> LogConfig {
    let compressions = [
        None,
        Some(Compression::None),
        Some(Compression::Gzip),
        Some(Compression::Snappy),
        Some(Compression::Lz4),
        Some(Compression::Zstd),
    ];
    LogConfig {
        compacted: choice & 1 != 0,
        timestamp_type: if choice & 2 != 0 { TimestampType::LogAppendTime } else { TimestampType::CreateTime },
        timestamp_after_max_ms: if choice & 4 != 0 { 3_600_000 } else { i64::MAX },
        segment_bytes: if choice & 8 != 0 { 1 << 20 } else { 300 },
        compression: compressions[usize::from(choice >> 4) % compressions.len()],
        ..LogConfig::default()
    }
}

/// The batch as it is sent; `None` if there is not even a header.
fn mended(piece: &[u8], mend: u8) -> Option<Vec<u8>> {
    let mut sent = piece.to_vec();
    let mut header = BatchHeader::read(&sent)?;
    if mend & mends::PACK != 0 {
        let mut packed = sent[..HEADER_LEN].to_vec();
        pack(header.compression()?, 1, &sent[HEADER_LEN..], &mut packed).ok()?;
        sent = packed;
    }
    if mend & mends::FRONT != 0 {
        (header.base_offset, header.magic) = (0, 2);
        header.write(&mut sent);
    } else if mend & mends::CHECKSUM != 0 {
        let crc = checksum(&sent);
        sent[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    Some(sent)
}

/// What was accepted holds the records that were sent.
fn check_accepted(sent: &[u8], valid: &ValidBatch<'_>) {
    let header = BatchHeader::read(&valid.bytes).expect("it has a header");
    assert_eq!((header.total_len(), header.crc), (valid.bytes.len(), checksum(&valid.bytes)));
    assert_eq!(header, valid.header);
    // As Kafka: in a topic that keeps the producers' times, a batch's word that all records have the same one is not believed.
    let has_own_times = BatchHeader::read(sent).is_some_and(|sent| !sent.has_log_append_time());
    let (sent, stored) = (records(sent), records(&valid.bytes));
    let times = |records: &[Record]| records.iter().map(|record| record.1).collect::<Vec<_>>();
    if valid.log_append_time < 0 && has_own_times {
        assert_eq!(times(&sent), times(&stored));
    }
    let contents = |records: Vec<Record>| records.into_iter().map(|record| (record.2, record.3, record.4));
    assert!(contents(sent).eq(contents(stored)), "the records changed on their way");
}

fn append(log: &mut PartitionLog, valid: &ValidBatch<'_>, mend: u8, config: &LogConfig) {
    let proof = if valid.header.is_transactional() && valid.header.has_producer_id() {
        Proof::Verified(log.producers_mut().verify(&valid.header, false, NOW_MS))
    } else {
        Proof::None
    };
    let end = log.end_offset();
    if let Ok(Outcome::Appended(appended)) = log.append(valid, proof, 0, config) {
        assert_eq!(appended.duplicate, log.end_offset() == end);
    }
    if mend & mends::MARKER_AFTER != 0 && valid.header.is_transactional() {
        let marker = EndMarker {
            producer_id: valid.header.producer_id,
            producer_epoch: valid.header.producer_epoch,
            coordinator_epoch: 0,
            committed: mend & mends::MARKER_COMMITS != 0,
        };
        // A marker of an epoch that has passed is refused.
        drop(log.append_marker(&marker, &marker.batch(config, NOW_MS), 0, config));
    }
}

/// Everything in a log is whole, in order, and can be read. Returns its records.
fn check(log: &PartitionLog) -> Vec<Record> {
    let bytes = read(log);
    let mut last = log.start_offset() - 1;
    let (len, tail) = scan::batches(&bytes, 0, 0, true, |_, _| ());
    assert_eq!((len, tail), (bytes.len(), Tail::Clean));
    let records = records(&bytes);
    for record in &records {
        assert!(record.0 > last && record.0 < log.end_offset(), "offset {} follows {last}", record.0);
        last = record.0;
    }
    assert!(log.start_offset() <= log.end_offset() && log.last_stable_offset() <= log.end_offset());
    assert!(log.aborted().is_sorted_by_key(|aborted| aborted.first_offset));
    records
}

fn read(log: &PartitionLog) -> Bytes {
    let mut out = Vec::new();
    log.read(log.start_offset(), i64::MAX, usize::MAX, true, &mut out).expect("the start is in range");
    out.concat().into()
}

fn records(bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let owned = |field: Option<&[u8]>| field.map(<[u8]>::to_vec);
    let read = for_each_record(bytes, |at| {
        let headers = at.record.headers().expect("headers were looked at").len();
        records.push((at.offset, at.timestamp, owned(at.record.key), owned(at.record.value), headers));
        true
    });
    read.expect("what was accepted can be read");
    records
}

fn compact(log: &mut PartitionLog, config: &LogConfig, now_ms: i64, before: &[Record]) {
    log.roll();
    let Some(cleanable) = log.cleanable(config, now_ms, true) else { return };
    let cleaned = clean(&cleanable, config, now_ms).expect("what was accepted can be compacted");
    assert!(log.replace(cleaned));
    let before: HashSet<&Record> = before.iter().collect();
    assert!(check(log).iter().all(|record| before.contains(record)), "compaction changes no record");
}

/// What ListOffsets asks.
fn look_up(log: &PartitionLog) {
    for time in [i64::MIN, -1, 0, NOW_MS, i64::MAX] {
        if let Some(found) = log.batch_of_time(time, log.start_offset()) {
            records(&found);
        }
    }
    log.max_timestamp();
}
