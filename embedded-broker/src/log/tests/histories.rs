//! Histories of appends, deletions, retention and truncation, against a list of records.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Append { sizes: Vec<usize>, times: Vec<i64> },
    Delete(f64),
    ExpireByTime(i64),
    ExpireBySize(i64),
    Truncate(f64),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![8 => 0..300_usize, 1 => 20_000..90_000_usize];
    let record = (size, 0..50_i64);
    prop_oneof![
        9 => proptest::collection::vec(record, 1..6).prop_map(|records| {
            let (sizes, times) = records.into_iter().unzip();
            Step::Append { sizes, times }
        }),
        1 => (0.0..1.0).prop_map(Step::Delete),
        1 => (0..50_i64).prop_map(Step::ExpireByTime),
        1 => (0..300_000_i64).prop_map(Step::ExpireBySize),
        1 => (0.5..1.0).prop_map(Step::Truncate),
    ]
}

/// Offset, time and value.
type Model = (i64, i64, Vec<u8>);

fn part_of(end: i64, share: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]
    let offset = (end as f64 * share) as i64;
    offset
}

fn check_reads(log: &PartitionLog, model: &[Model], max: usize) {
    let mut offset = log.start_offset();
    let mut seen = Vec::new();
    let end = offsets(log).last().map_or(log.start_offset(), |last| last + 1);
    while offset < end {
        let bytes = read(log, offset, max, true).unwrap();
        let batch = records(&bytes);
        assert!(!batch.is_empty(), "nothing at {offset}");
        if bytes.len() > max {
            assert_eq!(batch::headers(&bytes).count(), 1, "only one batch may be over the limit");
        }
        seen.extend(batch.into_iter().filter(|record| record.0 >= offset));
        offset = seen.last().map_or(offset, |record| record.0 + 1);
    }
    let kept: Vec<_> = model.iter().filter(|record| record.0 >= log.start_offset()).cloned().collect();
    assert_eq!(seen, kept);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_appended_is_read_back(
        steps in proptest::collection::vec(step(), 1..60),
        segment_bytes in 1_000..200_000_usize,
        max in 1..300_000_usize,
    ) {
        let mut log = PartitionLog::new(0);
        let mut model: Vec<Model> = Vec::new();
        let (mut epoch, mut kept_from) = (0, 0);
        for step in steps {
            match step {
                Step::Append { sizes, times } => {
                    let values: Vec<String> = sizes.iter().map(|size| "v".repeat(*size)).collect();
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    let appended = append(&mut log, &TestBatch::of(&values).at(&times), segment_bytes).unwrap();
                    for ((offset, time), value) in (appended.base_offset..).zip(times).zip(values) {
                        model.push((offset, time, value.as_bytes().to_vec()));
                    }
                }
                Step::Delete(share) => {
                    kept_from = log.delete_before(part_of(log.end_offset(), share)).unwrap();
                }
                Step::ExpireByTime(retention_ms) => {
                    let config = LogConfig { retention_ms, retention_bytes: -1, ..LogConfig::default() };
                    log.expire(50, &config);
                    let is_young = |record: &&Model| record.1 >= 50 - retention_ms && record.0 >= kept_from;
                    let young = model.iter().find(is_young).map_or(log.end_offset(), |young| young.0);
                    prop_assert!(log.start_offset() <= young, "what is young stays");
                    kept_from = log.start_offset();
                }
                Step::ExpireBySize(retention_bytes) => {
                    let config = LogConfig { retention_ms: -1, retention_bytes, ..LogConfig::default() };
                    if log.expire(50, &config) {
                        prop_assert!(i64::try_from(log.len()).unwrap() >= retention_bytes, "enough stays");
                    }
                    kept_from = log.start_offset();
                }
                Step::Truncate(share) => {
                    let offset = part_of(log.end_offset(), share).max(log.start_offset());
                    epoch += 1;
                    log.truncate_to(offset, epoch).unwrap();
                    let left = offsets(&log).last().map_or(log.start_offset(), |last| last + 1);
                    let lost = model.iter().filter(|record| (left..offset).contains(&record.0)).count();
                    prop_assert!(left <= offset && lost < 5, "less than a batch is lost before the cut");
                    model.retain(|record| record.0 < left);
                }
            }
        }
        check_reads(&log, &model, max);
        let kept: Vec<_> = model.iter().filter(|record| record.0 >= log.start_offset()).collect();
        for time in [0, 10, 25, 49, 50] {
            let batch_starts_after = |offset: i64| offset >= log.start_offset();
            let expected = kept.iter().find(|record| record.1 >= time).map(|record| record.0);
            // A batch that the log's start cuts in two may promise a time that only its deleted part had.
            let found = find(&log, time);
            if found.is_some() || log.start_offset() == 0 {
                prop_assert_eq!(found, expected, "time {}", time);
            }
            prop_assert!(found.is_none_or(batch_starts_after));
        }
    }
}
