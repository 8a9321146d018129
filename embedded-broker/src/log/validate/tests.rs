use super::*;
use crate::log::batch::{self, tests::TestBatch};

const PLACE: Place<'_> = Place { topic: "t", partition: 0 };

/// Checks what a request of version 7 carries, at 2,000 ms.
fn check<'a>(bytes: &'a [u8], config: &LogConfig) -> Result<ValidBatch<'a>, Rejected> {
    validate(OneBatch::read(bytes, 7)?, PLACE, config, 2_000, &mut Unpacker::default())
}

fn code(bytes: &[u8], config: &LogConfig) -> Result<(), ErrorCode> {
    check(bytes, config).map(drop).map_err(|rejected| rejected.code)
}

/// Changes bytes of a good batch and makes the checksum right again.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut batch = TestBatch::of(&["a", "b"]).bytes();
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = batch::checksum(&batch);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

fn records(bytes: &[u8]) -> Vec<(i64, i64, Vec<u8>)> {
    let mut all = Vec::new();
    crate::log::for_each_record(bytes, |at| {
        all.push((at.offset, at.timestamp, at.record.value.unwrap_or_default().to_vec()));
        true
    })
    .unwrap();
    all
}

const CODECS: [Compression; 4] = [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

#[test]
fn a_good_batch_is_taken_as_it_is() {
    let plain = TestBatch::of(&["a", "b"]);
    for bytes in CODECS.map(|codec| plain.packed(codec)).into_iter().chain([plain.bytes()]) {
        let valid = check(&bytes, &LogConfig::default()).unwrap();
        assert!(matches!(valid.bytes, Cow::Borrowed(same) if same == bytes));
        assert_eq!(valid.log_append_time, -1);
    }
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
    assert_eq!(code(&with(61, &[0x7e]), &config), Err(ErrorCode::InvalidRecord), "record length");
    assert_eq!(code(&with(64, &[2]), &config), Err(ErrorCode::InvalidRecord), "offset delta");
    let zstd = OneBatch::read(&with(22, &[4]), 6).map(drop).map_err(|rejected| rejected.code);
    assert_eq!(zstd, Err(ErrorCode::UnsupportedCompressionType), "zstd, old version");
    let small = LogConfig { max_message_bytes: 70, ..LogConfig::default() };
    assert_eq!(code(&good, &small), Err(ErrorCode::MessageTooLarge));
    let small = LogConfig { segment_bytes: 70, ..LogConfig::default() };
    assert_eq!(code(&good, &small), Err(ErrorCode::RecordListTooLarge));
}

#[test]
fn records_inside_compressed_batches_are_checked() {
    let config = LogConfig { compacted: true, ..LogConfig::default() };
    for codec in CODECS {
        let refused = check(&TestBatch::of(&["a", "b"]).packed(codec), &config).unwrap_err();
        assert_eq!(refused.records.iter().map(|record| record.index).collect::<Vec<_>>(), [0, 1], "{codec:?}");
        let not_packed = with(22, &codec.code().to_be_bytes()[1..]);
        assert_eq!(code(&not_packed, &config), Err(ErrorCode::UnknownServerError), "{codec:?}");
    }
}

#[test]
fn each_record_at_fault_is_told_in_kafkas_words() {
    let compacted = LogConfig { compacted: true, timestamp_after_max_ms: 100, ..LogConfig::default() };
    let mut batch = TestBatch::of(&["a", "b", "c"]).at(&[2_000, 2_100, 2_000]);
    batch.records[1].1 = Some(b"key".to_vec());
    let refused = check(&batch.bytes(), &compacted).unwrap_err();
    let no_key = "Compacted topic cannot accept message without key in topic partition t-0";
    assert_eq!(
        refused.message,
        format!(
            "One or more records have been rejected due to 2 record errors in total, and only showing the first three \
             errors at most: [RecordError(batchIndex=0, message='{no_key}'), RecordError(batchIndex=2, \
             message='{no_key}')]"
        )
    );
    let refused = check(&batch.at(&[2_000, 2_101, 2_000]).bytes(), &compacted).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidTimestamp, "a wrong time outweighs a missing key");
    assert_eq!(refused.message, "One or more records have been rejected due to invalid timestamp");
    assert_eq!(refused.records.len(), 3);
    assert_eq!(
        refused.records[1].message,
        "Timestamp 2101 of message with offset 1 is out of range. The timestamp should be within \
         [-9223372036854773807, 2100]"
    );
}

#[test]
fn timestamps_out_of_bounds_are_refused() {
    let config = LogConfig { timestamp_before_max_ms: 100, timestamp_after_max_ms: 100, ..LogConfig::default() };
    let at = |timestamp| code(&TestBatch::of(&["a"]).at(&[timestamp]).bytes(), &config);
    assert_eq!(at(1_899), Err(ErrorCode::InvalidTimestamp));
    assert_eq!(at(1_900), Ok(()));
    assert_eq!(at(2_100), Ok(()));
    assert_eq!(at(2_101), Err(ErrorCode::InvalidTimestamp));
    assert_eq!(at(-1), Ok(()), "no timestamp");
}

#[test]
fn log_append_time_replaces_the_producers_times() {
    let config = LogConfig { timestamp_type: TimestampType::LogAppendTime, ..LogConfig::default() };
    for bytes in [TestBatch::of(&["a"]).bytes(), TestBatch::of(&["a"]).packed(Compression::Lz4)] {
        let valid = check(&bytes, &config).unwrap();
        assert_eq!((valid.log_append_time, valid.header.max_timestamp), (2_000, 2_000));
        assert!(valid.header.has_log_append_time());
        assert_eq!(valid.header.crc, batch::checksum(&valid.bytes));
        assert_eq!(records(&valid.bytes), [(0, 2_000, b"a".to_vec())]);
        let again = check(&valid.bytes, &config).unwrap_err();
        assert_eq!(again.code, ErrorCode::InvalidTimestamp, "a producer must not claim it");
    }
}

#[test]
fn a_topic_of_another_compression_packs_the_records_anew() {
    let batch = TestBatch::of(&["a", "b", "c"]).at(&[1_000, 1_500, 900]).from(7, 1, 40);
    for source in CODECS.iter().map(|codec| batch.packed(*codec)).chain([batch.bytes()]) {
        for target in CODECS.into_iter().chain([Compression::None]) {
            let config = LogConfig { compression: Some(target), ..LogConfig::default() };
            let valid = check(&source, &config).unwrap();
            let header = BatchHeader::read(&valid.bytes).unwrap();
            assert_eq!((header, header.compression()), (valid.header, Some(target)));
            assert_eq!((header.total_len(), header.crc), (valid.bytes.len(), batch::checksum(&valid.bytes)));
            assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (7, 1, 40));
            assert_eq!((header.base_timestamp, header.max_timestamp), (1_000, 1_500));
            assert_eq!(records(&valid.bytes), records(&source), "{target:?}");
            assert!(check(&valid.bytes, &config).is_ok());
        }
    }
}

#[test]
fn a_batch_that_grows_past_the_limit_is_refused() {
    let bytes = TestBatch::of(&[&"a".repeat(1_000)]).packed(Compression::Gzip);
    let config =
        LogConfig { compression: Some(Compression::None), max_message_bytes: bytes.len(), ..LogConfig::default() };
    assert_eq!(code(&bytes, &config), Err(ErrorCode::MessageTooLarge));
}

#[test]
fn offsets_that_are_out_of_order_are_put_right_only_where_a_batch_is_packed_anew() {
    let disordered = with(64, &[2]);
    assert_eq!(code(&disordered, &LogConfig::default()), Err(ErrorCode::InvalidRecord));
    let packed = batch::tests::packed(&disordered, Compression::Lz4);
    assert_eq!(code(&packed, &LogConfig::default()), Err(ErrorCode::UnknownServerError));
    let config = LogConfig { compression: Some(Compression::Gzip), ..LogConfig::default() };
    for bytes in [disordered, packed] {
        let valid = check(&bytes, &config).unwrap();
        assert_eq!(records(&valid.bytes).iter().map(|record| record.0).collect::<Vec<_>>(), [0, 1]);
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_check_panic(bytes: Vec<u8>, at in 0..80_usize, patch: [u8; 8]) {
        let config = LogConfig { compression: Some(Compression::Snappy), ..LogConfig::default() };
        let _ = check(&bytes, &config);
        let mut batch = TestBatch::of(&["a", "b", "c"]).bytes();
        let end = (at + 8).min(batch.len());
        batch[at.min(end)..end].copy_from_slice(&patch[..end - at.min(end)]);
        let crc = batch::checksum(&batch);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        let _ = check(&batch, &config);
    }
}

#[test]
fn what_follows_a_batch_is_looked_at_before_the_batch_itself() {
    let good = TestBatch::of(&["a", "b"]).bytes();
    let followed = |rest: &[u8]| OneBatch::read(&[&good, rest].concat(), 7).map(drop).map_err(|rejected| rejected.code);
    assert_eq!(followed(&good), Err(ErrorCode::InvalidRecord), "another batch");
    assert_eq!(followed(&[0; 12]), Err(ErrorCode::CorruptMessage), "what says it is too short for one");
    assert_eq!(followed(&good[..16]), Ok(()), "too little to be one");
    assert_eq!(code(&[&good, &good[..16]].concat(), &LogConfig::default()), Err(ErrorCode::InvalidRecord));
    let packed = TestBatch::of(&["a"]).packed(Compression::Zstd);
    let twice = OneBatch::read(&[&packed[..], &packed].concat(), 6).map(drop).map_err(|rejected| rejected.code);
    assert_eq!(twice, Err(ErrorCode::UnsupportedCompressionType), "the codec comes first");
    let mut short = good.clone();
    short[8..12].copy_from_slice(&48_i32.to_be_bytes());
    short.truncate(60 + 10);
    assert!(OneBatch::read(&short, 7).is_ok(), "that comes later");
    assert_eq!(code(&short, &LogConfig::default()), Err(ErrorCode::CorruptMessage));
}

#[test]
fn bytes_are_of_a_transaction_as_far_as_can_be_told() {
    let plain = TestBatch::of(&["a"]);
    let transactional = TestBatch { attributes: 1 << 4, ..plain.clone() }.bytes();
    let is = |bytes: &[u8]| OneBatch::is_transactional(bytes).map_err(|rejected| (rejected.code, rejected.tells));
    assert_eq!((is(&plain.bytes()), is(&transactional)), (Ok(false), Ok(true)));
    assert_eq!((is(&transactional[..65]), is(&[])), (Ok(false), Ok(false)), "no whole batch");
    let mut strange = transactional;
    strange[16] = 3;
    assert_eq!(is(&strange), Err((ErrorCode::CorruptMessage, true)));
}

#[test]
fn a_refusal_tells_where_the_log_begins_unless_it_is_about_bytes() {
    for (code, told) in [
        (ErrorCode::OutOfOrderSequenceNumber, 5),
        (ErrorCode::InvalidRecord, 5),
        (ErrorCode::CorruptMessage, -1),
        (ErrorCode::MessageTooLarge, -1),
        (ErrorCode::RecordListTooLarge, -1),
    ] {
        assert_eq!(Rejected::new(code, "").by_log(5).log_start, told, "{code:?}");
    }
}
