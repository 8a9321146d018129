//! What a batch from a producer must be before it is appended. Runs before the partition's lock is taken.

use super::batch::{self, BatchHeader, Compression, HEADER_LEN};
use super::record::RecordView;
use super::{LogConfig, TimestampType};
use crate::error::ErrorCode;

/// A batch that may be appended.
#[derive(Debug)]
pub(crate) struct ValidBatch<'a> {
    pub(crate) header: BatchHeader,
    /// As the producer sent it, or with the timestamps of the topic's type.
    pub(crate) bytes: std::borrow::Cow<'a, [u8]>,
    /// The time the broker has put in, with `LogAppendTime`; else -1.
    pub(crate) log_append_time: i64,
}

/// Why a batch is refused: the code for the producer and a sentence for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    /// The records at fault, by their place in the batch; empty if it is the batch as a whole.
    pub(crate) records: Vec<i32>,
}

impl Rejected {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), records: Vec::new() }
    }
}

pub(crate) fn rejected<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Rejected> {
    Err(Rejected::new(code, message))
}

/// Checks what a Produce request carries for one partition, by Kafka's rules for one batch of magic 2.
pub(crate) fn validate<'a>(
    records: &'a [u8],
    config: &LogConfig,
    now_ms: i64,
    zstd_allowed: bool,
) -> Result<ValidBatch<'a>, Rejected> {
    let header = one_batch(records)?;
    if records.len() > config.max_message_bytes {
        let (len, max) = (records.len(), config.max_message_bytes);
        let message = format!("a batch of {len} bytes is larger than the {max} that max.message.bytes allows");
        return rejected(ErrorCode::MessageTooLarge, message);
    }
    let crc = batch::checksum(records);
    if crc != header.crc {
        let message = format!("the batch's checksum is {crc:#010x}, its header says {:#010x}", header.crc);
        return rejected(ErrorCode::CorruptMessage, message);
    }
    check_header(&header, zstd_allowed)?;
    let bounds = Bounds::of(config, now_ms);
    let mut highest = None;
    if header.compression() == Some(Compression::None) {
        highest = Some(check_records(&records[HEADER_LEN..], &header, config.compacted, &bounds)?);
    }
    with_timestamps(records, header, highest, &bounds, now_ms)
}

/// The header of the only batch there is.
pub(crate) fn one_batch(records: &[u8]) -> Result<BatchHeader, Rejected> {
    let invalid = |message: &str| rejected(ErrorCode::InvalidRecord, message);
    let Some(header) = BatchHeader::read(records) else {
        return invalid("a produce request must hold exactly one record batch for a partition, and this is none");
    };
    if !(0..=2).contains(&header.magic) {
        return rejected(ErrorCode::CorruptMessage, format!("there are no record batches of magic {}", header.magic));
    }
    if header.magic != 2 {
        return invalid(&format!("a record batch must have magic 2, this one has {}", header.magic));
    }
    match header.total_len() {
        len if len == records.len() => Ok(header),
        len if len < HEADER_LEN => {
            rejected(ErrorCode::CorruptMessage, format!("the batch says it is {len} bytes long: its header is longer"))
        }
        len if len > records.len() => {
            invalid(&format!("the batch says it is {len} bytes long, but {} were sent", records.len()))
        }
        len if batch::checksum(&records[..len]) != header.crc => {
            rejected(ErrorCode::CorruptMessage, "the batch's length or checksum is wrong".to_owned())
        }
        _ => invalid("a produce request must hold exactly one record batch for a partition, and this is more"),
    }
}

fn check_header(header: &BatchHeader, zstd_allowed: bool) -> Result<(), Rejected> {
    let invalid = |message: String| rejected(ErrorCode::InvalidRecord, message);
    if header.base_offset != 0 {
        return invalid(format!("the base offset of a produced batch must be 0, not {}", header.base_offset));
    }
    let count = header.records_count;
    if count <= 0 || header.last_offset_delta.checked_add(1) != Some(count) {
        return invalid(format!(
            "a batch of {count} records cannot span {} offsets",
            i64::from(header.last_offset_delta) + 1
        ));
    }
    if header.is_control() {
        return invalid("only the broker writes control batches".to_owned());
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        let sequence = header.base_sequence;
        return invalid(format!("the sequence {sequence} of an idempotent batch must not be negative"));
    }
    match header.compression() {
        None => invalid(format!("the compression of attributes {:#06x} is not known", header.attributes)),
        Some(Compression::Zstd) if !zstd_allowed => {
            rejected(ErrorCode::UnsupportedCompressionType, "zstd needs version 7 of the produce request".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// The times a topic takes; `None` if it takes any, because it sets them itself.
struct Bounds(Option<std::ops::RangeInclusive<i64>>);

impl Bounds {
    fn of(config: &LogConfig, now_ms: i64) -> Self {
        let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
        let latest = now_ms.saturating_add(config.timestamp_after_max_ms);
        Self((config.timestamp_type == TimestampType::CreateTime).then_some(earliest..=latest))
    }

    /// -1 stands for no timestamp.
    fn allow(&self, timestamp: i64) -> bool {
        timestamp == -1 || self.0.as_ref().is_none_or(|bounds| bounds.contains(&timestamp))
    }

    fn refuse(&self, records: Vec<i32>) -> Rejected {
        let bounds = self.0.clone().unwrap_or(i64::MIN..=i64::MAX);
        let message = format!(
            "timestamps lie outside {} to {}, which message.timestamp.before.max.ms and \
             message.timestamp.after.max.ms allow",
            bounds.start(),
            bounds.end()
        );
        Rejected { records, ..Rejected::new(ErrorCode::InvalidTimestamp, message) }
    }
}

/// Walks over all records: a consumer must be able to do the same. Returns the highest timestamp.
fn check_records(mut bytes: &[u8], header: &BatchHeader, needs_keys: bool, bounds: &Bounds) -> Result<i64, Rejected> {
    let (mut without_key, mut out_of_bounds, mut highest) = (Vec::new(), Vec::new(), -1);
    for index in 0..header.records_count {
        let Some(record) = RecordView::take(&mut bytes).filter(RecordView::has_valid_headers) else {
            return rejected(ErrorCode::InvalidRecord, format!("record {index} of the batch is malformed"));
        };
        if record.offset_delta != index {
            let delta = record.offset_delta;
            return rejected(ErrorCode::InvalidRecord, format!("record {index} of the batch has offset delta {delta}"));
        }
        let timestamp = header.base_timestamp.wrapping_add(record.timestamp_delta);
        if needs_keys && record.key.is_none() {
            without_key.push(index);
        } else if !bounds.allow(timestamp) {
            out_of_bounds.push(index);
        }
        highest = timestamp.max(highest);
    }
    if !bytes.is_empty() {
        let message = format!("{} bytes follow the last record of the batch", bytes.len());
        return rejected(ErrorCode::InvalidRecord, message);
    }
    if let Some(first) = without_key.first() {
        let message = format!("record {first} of the batch has no key, but the topic is compacted");
        return Err(Rejected { records: without_key, ..Rejected::new(ErrorCode::InvalidRecord, message) });
    }
    if out_of_bounds.is_empty() { Ok(highest) } else { Err(bounds.refuse(out_of_bounds)) }
}

/// `highest` is the highest timestamp of the records, if they were looked at: what the header says is then not believed.
fn with_timestamps<'a>(
    records: &'a [u8],
    header: BatchHeader,
    highest: Option<i64>,
    bounds: &Bounds,
    now_ms: i64,
) -> Result<ValidBatch<'a>, Rejected> {
    if bounds.0.is_none() {
        return Ok(rewritten(records, &header, header.max_timestamp, Some(now_ms)));
    }
    let claims = [header.base_timestamp.min(header.max_timestamp), header.max_timestamp];
    if highest.is_none() && header.max_timestamp != -1 && !claims.iter().all(|claim| bounds.allow(*claim)) {
        return Err(bounds.refuse(Vec::new()));
    }
    let highest = highest.unwrap_or(header.max_timestamp);
    if header.has_log_append_time() || highest != header.max_timestamp {
        return Ok(rewritten(records, &header, highest, None));
    }
    Ok(ValidBatch { header, bytes: records.into(), log_append_time: -1 })
}

fn rewritten(records: &[u8], header: &BatchHeader, highest: i64, log_append_time: Option<i64>) -> ValidBatch<'static> {
    let mut bytes = records.to_vec();
    batch::set_timestamps(&mut bytes, header.attributes, highest, log_append_time);
    let header = BatchHeader::read(&bytes).unwrap_or(*header);
    ValidBatch { header, bytes: bytes.into(), log_append_time: log_append_time.unwrap_or(-1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::tests::TestBatch;

    fn code(bytes: &[u8], config: &LogConfig) -> Result<(), ErrorCode> {
        validate(bytes, config, 2_000, false).map(drop).map_err(|rejected| rejected.code)
    }

    /// Changes bytes of a good batch and makes the checksum right again.
    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut batch = TestBatch::of(&["a", "b"]).bytes();
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        let crc = batch::checksum(&batch);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch
    }

    #[test]
    fn a_good_batch_is_taken_as_it_is() {
        let bytes = TestBatch::of(&["a", "b"]).bytes();
        let valid = validate(&bytes, &LogConfig::default(), 2_000, false).unwrap();
        assert!(matches!(valid.bytes, std::borrow::Cow::Borrowed(same) if same == bytes));
        assert_eq!(valid.log_append_time, -1);
    }

    #[test]
    fn each_breach_has_kafkas_code() {
        let config = LogConfig::default();
        let good = TestBatch::of(&["a", "b"]).bytes();
        let mut flipped = good.clone();
        flipped[63] ^= 1;
        assert_eq!(code(&flipped, &config), Err(ErrorCode::CorruptMessage));
        assert_eq!(code(&[], &config), Err(ErrorCode::InvalidRecord));
        assert_eq!(code(&good[..70], &config), Err(ErrorCode::InvalidRecord));
        assert_eq!(code(&[good.clone(), good.clone()].concat(), &config), Err(ErrorCode::InvalidRecord));
        assert_eq!(code(&with(16, &[1]), &config), Err(ErrorCode::InvalidRecord), "magic 1");
        assert_eq!(code(&with(0, &7_i64.to_be_bytes()), &config), Err(ErrorCode::InvalidRecord), "base offset");
        assert_eq!(code(&with(57, &9_i32.to_be_bytes()), &config), Err(ErrorCode::InvalidRecord), "count");
        assert_eq!(code(&with(22, &[1 << 5]), &config), Err(ErrorCode::InvalidRecord), "control");
        assert_eq!(code(&with(22, &[5]), &config), Err(ErrorCode::InvalidRecord), "compression 5");
        assert_eq!(code(&with(22, &[4]), &config), Err(ErrorCode::UnsupportedCompressionType), "zstd, old version");
        assert_eq!(code(&with(61, &[0x7e]), &config), Err(ErrorCode::InvalidRecord), "record length");
        assert_eq!(code(&with(64, &[2]), &config), Err(ErrorCode::InvalidRecord), "offset delta");
        let small = LogConfig { max_message_bytes: 70, ..LogConfig::default() };
        assert_eq!(code(&good, &small), Err(ErrorCode::MessageTooLarge));
        let compacted = LogConfig { compacted: true, ..LogConfig::default() };
        assert_eq!(code(&good, &compacted), Err(ErrorCode::InvalidRecord));
    }

    #[test]
    fn timestamps_out_of_bounds_are_refused() {
        let config = LogConfig { timestamp_before_max_ms: 100, timestamp_after_max_ms: 100, ..LogConfig::default() };
        let at = |timestamp| code(&TestBatch::of(&["a"]).at(&[timestamp]).bytes(), &config);
        assert_eq!(at(1_899), Err(ErrorCode::InvalidTimestamp));
        assert_eq!(at(1_900), Ok(()));
        assert_eq!(at(2_100), Ok(()));
        assert_eq!(at(2_101), Err(ErrorCode::InvalidTimestamp));
    }

    #[test]
    fn log_append_time_replaces_the_producers_times() {
        let config = LogConfig { timestamp_type: TimestampType::LogAppendTime, ..LogConfig::default() };
        let bytes = TestBatch::of(&["a"]).bytes();
        let valid = validate(&bytes, &config, 2_000, false).unwrap();
        assert_eq!((valid.log_append_time, valid.header.max_timestamp), (2_000, 2_000));
        assert!(valid.header.has_log_append_time());
        assert_eq!(valid.header.crc, batch::checksum(&valid.bytes));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_check_panic(bytes: Vec<u8>, at in 0..80_usize, patch: [u8; 8]) {
            let _ = validate(&bytes, &LogConfig::default(), 0, true);
            let mut batch = TestBatch::of(&["a", "b", "c"]).bytes();
            let end = (at + 8).min(batch.len());
            batch[at.min(end)..end].copy_from_slice(&patch[..end - at.min(end)]);
            let crc = batch::checksum(&batch);
            batch[17..21].copy_from_slice(&crc.to_be_bytes());
            let _ = validate(&batch, &LogConfig::default(), 0, true);
        }
    }
}
