//! [`Partitions`] and [`StartFrom`]: partitions that a listener takes by itself, without sharing them in a group.

use std::{collections::BTreeSet, fmt};

use crate::{config::from_text::FromText, offset_spec::OffsetSpec};

/// Which partitions of its topics a listener takes by itself (Spring's `@TopicPartition`): all processes that run it read the
/// same ones, and none is ever taken away.
///
/// In the configuration `all`, or numbers and ranges: `0-5, 7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partitions {
    /// All that its topics have when it starts; what a topic gets later is read from the next start on.
    All,
    /// Those with these numbers, of each of its topics.
    These(BTreeSet<i32>),
}

/// Where a listener with [`Partitions`] begins to read, each time it starts (Spring's `@PartitionOffset`).
///
/// In the configuration `committed`, or as [`OffsetSpec`] is written: `earliest`, `latest`, `earliest+10`, `latest-10`,
/// `1000`, `timestamp:1700000000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// Where its group has committed; where it has not, by `kafka.consumer.auto-offset-reset`.
    Committed,
    /// There, whatever is committed.
    At(OffsetSpec),
}

impl<const N: usize> From<[i32; N]> for Partitions {
    fn from(numbers: [i32; N]) -> Self {
        Self::These(numbers.into())
    }
}

impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::These(numbers) => f.write_str(&numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

/// No topic has more.
const MAX_PARTITION: i32 = 99_999;

impl FromText for Partitions {
    fn from_text(text: &str) -> Result<Self, String> {
        let expected = || "expected all, or numbers and ranges of partitions such as \"0-5, 7\"".to_owned();
        if text.trim() == "all" {
            return Ok(Self::All);
        }
        let mut numbers = BTreeSet::new();
        for range in text.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |text: &str| {
                text.trim().parse().ok().filter(|number| (0..=MAX_PARTITION).contains(number)).ok_or_else(expected)
            };
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return Err(expected());
            }
            numbers.extend(first..=last);
        }
        Ok(Self::These(numbers))
    }
}

impl FromText for StartFrom {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "committed" => Ok(Self::Committed),
            text => spec(text).map(Self::At).ok_or_else(|| {
                "expected committed, earliest, latest, earliest+10, latest-10, an offset, or timestamp: with milliseconds"
                    .to_owned()
            }),
        }
    }
}

/// A position as [`OffsetSpec`] writes it.
fn spec(text: &str) -> Option<OffsetSpec> {
    match text {
        "earliest" => Some(OffsetSpec::Earliest),
        "latest" => Some(OffsetSpec::Latest),
        text => {
            if let Some(n) = text.strip_prefix("earliest+") {
                n.parse().ok().map(OffsetSpec::AfterEarliest)
            } else if let Some(n) = text.strip_prefix("latest-") {
                n.parse().ok().map(OffsetSpec::BeforeLatest)
            } else if let Some(ms) = text.strip_prefix("timestamp:") {
                ms.parse().ok().filter(|ms| *ms >= 0).map(OffsetSpec::Timestamp)
            } else {
                text.parse().ok().filter(|offset| *offset >= 0).map(OffsetSpec::Offset)
            }
        }
    }
}

/// The same of a listener, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByHand {
    pub(crate) partitions: Partitions,
    pub(crate) from: StartFrom,
    /// Its positions are committed, under its group.
    pub(crate) commits: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_numbers_and_ranges() {
        let read = |text| Partitions::from_text(text).map(|read| read.to_string());
        assert_eq!(read("0-2, 7,1").as_deref(), Ok("0,1,2,7"));
        assert_eq!(read(" all ").as_deref(), Ok("all"));
        assert_eq!(Partitions::from([3, 1]).to_string(), "1,3");
        for wrong in ["", "1,", "2-1", "-1", "a", "0-", "0-100000", "0-4294967295"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_to_start_is_read_as_it_is_written() {
        use OffsetSpec::{AfterEarliest, BeforeLatest, Earliest, Latest, Offset, Timestamp};
        for spec in [Earliest, Latest, AfterEarliest(3), BeforeLatest(4), Offset(5), Timestamp(6)] {
            assert_eq!(StartFrom::from_text(&spec.to_string()), Ok(StartFrom::At(spec)));
        }
        assert_eq!(StartFrom::from_text("committed"), Ok(StartFrom::Committed));
        for wrong in ["", "first", "-1", "earliest-1", "latest+1", "timestamp:-1", "timestamp:"] {
            assert!(StartFrom::from_text(wrong).is_err(), "{wrong}");
        }
    }
}
