//! [`OffsetSpec`]: a position in a partition, said without knowing its number.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A position in a partition: a number, or what the broker is asked for. Kafka's `OffsetSpec`, with Spring's offsets from
/// either end.
///
/// The end is where a consumer would find nothing more: for one that reads committed records only, the first record of a
/// transaction that is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OffsetSpec {
    /// The first record there is; Spring's `BEGINNING`.
    Earliest,
    /// Behind the last record; Spring's `END`.
    Latest,
    /// This offset, from 0: one below is an error.
    Offset(i64),
    /// This many offsets behind the first record, at most the end.
    AfterEarliest(u64),
    /// This many offsets before the end, at least the first record. Where the topic is compacted or has transactions, fewer
    /// records lie between.
    BeforeLatest(u64),
    /// The first record with this timestamp or a later one, in milliseconds since 1970; the end if there is none.
    Timestamp(i64),
}

impl OffsetSpec {
    /// Whether there can be such a position: clients have words of their own for numbers below zero.
    ///
    /// # Errors
    /// There cannot; the text says what to say instead.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Offset(offset) if offset < 0 => {
                let text = format!(
                    "there is no offset {offset}: the first record is at `OffsetSpec::Earliest`, the end is `OffsetSpec::Latest`, \
                     and what is counted from it `OffsetSpec::BeforeLatest`"
                );
                Err(Error::new(ErrorKind::Config, text))
            }
            _ => Ok(()),
        }
    }

    /// The offset it names, given the first one there is and the end; `None` for a timestamp, which these do not tell.
    pub(crate) fn between(self, first: i64, end: i64) -> Option<i64> {
        let steps = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        match self {
            Self::Earliest => Some(first),
            Self::Latest => Some(end),
            Self::Offset(offset) => Some(offset),
            Self::AfterEarliest(n) => Some(first.saturating_add(steps(n)).min(end)),
            Self::BeforeLatest(n) => Some(end.saturating_sub(steps(n)).max(first)),
            Self::Timestamp(_) => None,
        }
    }
}

impl fmt::Display for OffsetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::AfterEarliest(n) => write!(f, "earliest+{n}"),
            Self::BeforeLatest(n) => write!(f, "latest-{n}"),
            Self::Timestamp(ms) => write!(f, "timestamp:{ms}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_below_zero_is_none() {
        for offset in [-1, -2, -1000, i64::MIN] {
            assert!(OffsetSpec::Offset(offset).check().is_err(), "{offset}");
        }
        for spec in [OffsetSpec::Offset(0), OffsetSpec::Latest, OffsetSpec::BeforeLatest(1), OffsetSpec::Timestamp(-1)]
        {
            assert!(spec.check().is_ok(), "{spec}");
        }
    }

    #[test]
    fn steps_from_an_end_stay_between_both() {
        assert_eq!(OffsetSpec::AfterEarliest(3).between(10, 20), Some(13));
        assert_eq!(OffsetSpec::AfterEarliest(30).between(10, 20), Some(20));
        assert_eq!(OffsetSpec::BeforeLatest(3).between(10, 20), Some(17));
        assert_eq!(OffsetSpec::BeforeLatest(u64::MAX).between(10, 20), Some(10));
        assert_eq!(OffsetSpec::Timestamp(5).between(10, 20), None);
    }
}
