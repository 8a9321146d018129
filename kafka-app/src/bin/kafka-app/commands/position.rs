//! [`Position`]: a place in a partition, as options name it; [`Bounds`]: what has to be known of the partition to find it.

use std::{collections::BTreeMap, str::FromStr};

use kafka_app::{
    TopicPartition,
    admin::{AdminClient, OffsetQuery},
    config::IsolationLevel,
};

use super::{at_time, partitions};
use crate::failure::Failure;

/// Where reading begins, or a group goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Earliest,
    Latest,
    Offset(i64),
    /// So many records on from a place that the command knows, or back.
    By(i64),
    /// At the first record of that time, in milliseconds since 1970.
    Time(i64),
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::read(text).ok_or_else(|| format!("{text} is none of earliest, latest, an offset, +N, -N, @TIME and @-1h"))
    }
}

impl Position {
    /// One that steps count back to only, from where a partition ends.
    ///
    /// # Errors
    /// What may be written instead.
    pub(crate) fn from_end(text: &str) -> Result<Self, String> {
        let read = Self::read(text).filter(|read| !matches!(read, Self::By(1..)));
        read.ok_or_else(|| format!("{text} is none of earliest, latest, an offset, -N, @TIME and @-1h"))
    }

    fn read(text: &str) -> Option<Self> {
        match text {
            "earliest" => return Some(Self::Earliest),
            "latest" => return Some(Self::Latest),
            _ => {}
        }
        if let Some(time) = text.strip_prefix('@') {
            return at_time::milliseconds(time).map(Self::Time);
        }
        let number = text.parse().ok()?;
        Some(if text.starts_with(['+', '-']) { Self::By(number) } else { Self::Offset(number) })
    }

    /// The offset in a partition, which never lies outside of it; steps count from `here`.
    pub(crate) fn resolve(self, bounds: Bounds, here: i64) -> i64 {
        let offset = match self {
            Self::Earliest => bounds.first,
            Self::Latest => bounds.end,
            Self::Offset(offset) => offset,
            Self::By(steps) => here.saturating_add(steps),
            Self::Time(_) => bounds.at_time.unwrap_or(bounds.end),
        };
        offset.clamp(bounds.first, bounds.end.max(bounds.first))
    }
}

/// What is known of a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) first: i64,
    pub(crate) end: i64,
    /// The first record of the time that was asked for; none is as late as that without it.
    pub(crate) at_time: Option<i64>,
}

impl Bounds {
    /// Asks for those of partitions, as a position in them needs them.
    ///
    /// # Errors
    /// Somebody does not say so, of any of them.
    pub(crate) async fn of_all(
        admin: &AdminClient,
        all: &[TopicPartition],
        position: Position,
        isolation: IsolationLevel,
    ) -> Result<BTreeMap<TopicPartition, Self>, Failure> {
        let at = async |query| partitions::offsets(admin, all, query, isolation).await;
        let (first, end) = (at(OffsetQuery::Earliest).await?, at(OffsetQuery::Latest).await?);
        let by_time = match position {
            Position::Time(ms) => at(OffsetQuery::Timestamp(ms)).await?,
            _ => BTreeMap::new(),
        };
        let of =
            |offsets: &BTreeMap<TopicPartition, Option<i64>>, at: &TopicPartition| offsets.get(at).copied().flatten();
        let bounds = |at: &TopicPartition| Self {
            first: of(&first, at).unwrap_or(0),
            end: of(&end, at).unwrap_or(0),
            at_time: of(&by_time, at),
        };
        Ok(all.iter().map(|at| (at.clone(), bounds(at))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_is_written_in_several_ways() {
        for (text, position) in [
            ("earliest", Position::Earliest),
            ("latest", Position::Latest),
            ("12", Position::Offset(12)),
            ("+3", Position::By(3)),
            ("-3", Position::By(-3)),
            ("@1000", Position::Time(1000)),
            ("@1970-01-01T00:00:02Z", Position::Time(2000)),
        ] {
            assert_eq!(text.parse(), Ok(position), "{text}");
            assert_eq!(Position::from_end(text).ok(), Some(position).filter(|_| text != "+3"), "{text}");
        }
        assert!(matches!("@-1h".parse(), Ok(Position::Time(ms)) if ms > 1_600_000_000_000));
        for crooked in ["", "first", "@", "@soon", "1.5", "--3", "-", "-+3", "@-soon", "99999999999999999999"] {
            assert!(crooked.parse::<Position>().is_err_and(|error| error.contains("+N")), "{crooked}");
            assert!(Position::from_end(crooked).is_err_and(|error| !error.contains("+N")), "{crooked}");
        }
    }

    #[test]
    fn a_position_never_lies_outside_of_its_partition() {
        let bounds = Bounds { first: 10, end: 30, at_time: Some(15) };
        for (position, here, offset) in [
            (Position::Earliest, 20, 10),
            (Position::Latest, 20, 30),
            (Position::Offset(12), 20, 12),
            (Position::Offset(1), 20, 10),
            (Position::Offset(99), 20, 30),
            (Position::By(-3), 20, 17),
            (Position::By(-3), 30, 27),
            (Position::By(-99), 20, 10),
            (Position::By(i64::MIN), 20, 10),
            (Position::By(i64::MAX), 20, 30),
            (Position::Time(0), 20, 15),
        ] {
            assert_eq!(position.resolve(bounds, here), offset, "{position:?}");
        }
        let no_record_is_as_late = Bounds { at_time: None, ..bounds };
        assert_eq!(Position::Time(0).resolve(no_record_is_as_late, 20), 30);
    }
}
