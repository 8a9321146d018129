//! What new offsets may be: never outside of the log.

use std::{collections::BTreeMap, fmt};

use crate::wire::TopicPartition;

/// From where to where a partition has records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// An offset that was wanted where the log is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutOfRange {
    partition: TopicPartition,
    wanted: i64,
    taken: i64,
}

/// The offsets that are wanted, or the nearest ones that there are, and for which of them that is so.
pub(super) fn within(
    wanted: &BTreeMap<TopicPartition, i64>,
    logs: &BTreeMap<TopicPartition, Log>,
) -> (BTreeMap<TopicPartition, i64>, Vec<OutOfRange>) {
    let mut offsets = BTreeMap::new();
    let mut out_of_range = Vec::new();
    for (partition, &wanted) in wanted {
        let Some(log) = logs.get(partition) else { continue };
        let taken = wanted.min(log.end).max(log.start);
        if taken != wanted {
            out_of_range.push(OutOfRange { partition: partition.clone(), wanted, taken });
        }
        offsets.insert(partition.clone(), taken);
    }
    (offsets, out_of_range)
}

/// What was committed, moved by so many records.
///
/// # Errors
/// A partition of which nothing was committed.
pub(super) fn shifted<'p>(
    partitions: impl IntoIterator<Item = &'p TopicPartition>,
    committed: &BTreeMap<TopicPartition, i64>,
    by: i64,
) -> Result<BTreeMap<TopicPartition, i64>, String> {
    let shift = |partition: &TopicPartition| match committed.get(partition) {
        Some(offset) => Ok((partition.clone(), offset.saturating_add(by))),
        None => {
            let (topic, number) = partition;
            let why = "since there is no current committed offset";
            Err(format!("Cannot shift offset for partition {topic}-{number} {why}"))
        }
    };
    partitions.into_iter().map(shift).collect()
}

/// As the script logs it.
impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition: (topic, partition), wanted, taken } = self;
        let than = if wanted > taken { "higher than latest" } else { "lower than earliest" };
        write!(f, "New offset ({wanted}) is {than} offset for topic partition {topic}-{partition}. ")?;
        write!(f, "Value will be set to {taken}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shop<V: Copy>(values: &[V]) -> BTreeMap<TopicPartition, V> {
        (0..).zip(values).map(|(partition, &value)| (("shop".to_owned(), partition), value)).collect()
    }

    #[test]
    fn an_offset_outside_of_the_log_becomes_the_nearest_one() {
        let logs = [Log { start: 0, end: 8 }, Log { start: 3, end: 12 }, Log { start: 0, end: 10 }];
        let (offsets, out_of_range) = within(&shop(&[9999, -100, 10]), &shop(&logs));
        assert_eq!(offsets, shop(&[8, 3, 10]));
        assert_eq!(
            out_of_range.iter().map(OutOfRange::to_string).collect::<Vec<_>>(),
            [
                "New offset (9999) is higher than latest offset for topic partition shop-0. Value will be set to 8",
                "New offset (-100) is lower than earliest offset for topic partition shop-1. Value will be set to 3",
            ]
        );
    }

    #[test]
    fn only_what_was_committed_can_be_shifted() {
        let partitions: Vec<TopicPartition> = shop(&[(), ()]).into_keys().collect();
        assert_eq!(shifted(&partitions, &shop(&[2, 10]), -4), Ok(shop(&[-2, 6])));
        assert_eq!(
            shifted(&partitions, &shop(&[2]), 1),
            Err("Cannot shift offset for partition shop-1 since there is no current committed offset".to_owned())
        );
    }

    proptest! {
        #[test]
        fn results_stay_within_the_log(wanted: Vec<i64>, starts in proptest::collection::vec(0..1000_i64, 10), length in 0..1000_i64, by: i64) {
            let logs: Vec<Log> = starts.iter().map(|&start| Log { start, end: start + length }).collect();
            let wanted: Vec<i64> = wanted.into_iter().take(10).collect();
            let (logs, wanted) = (shop(&logs), shop(&wanted));
            let shifted = shifted(wanted.keys(), &wanted, by).unwrap();
            for wanted in [wanted, shifted] {
                let (offsets, out_of_range) = within(&wanted, &logs);
                prop_assert_eq!(offsets.len(), wanted.len());
                for (partition, offset) in &offsets {
                    let log = logs[partition];
                    prop_assert!((log.start..=log.end).contains(offset));
                    let is_told = out_of_range.iter().any(|told| &told.partition == partition);
                    prop_assert_eq!(is_told, wanted[partition] != *offset);
                }
            }
        }
    }
}
