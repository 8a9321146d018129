//! [`From`]: where reading begins, and [`Span`]: from where to where a partition is read.

use std::{collections::BTreeMap, fmt, str::FromStr};

use kafka_app::{
    TopicPartition,
    admin::{AdminClient, OffsetQuery},
    config::IsolationLevel,
};

use super::super::{at_time, partitions};
use crate::failure::Failure;

/// Where reading begins, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Earliest,
    Latest,
    Offset(i64),
    /// With this many records before the end of each partition.
    Last(i64),
    /// With the first record of that time, in milliseconds since 1970.
    Time(i64),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is none of earliest, latest, an offset, -N, @TIME and @-1h");
        match text {
            "earliest" => return Ok(Self::Earliest),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        if let Some(time) = text.strip_prefix('@') {
            return at_time::milliseconds(time).map(Self::Time).ok_or_else(wrong);
        }
        let number = |digits: &str| digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let from = match text.strip_prefix('-') {
            Some(digits) => number(digits).map(Self::Last),
            None => number(text).map(Self::Offset),
        };
        from.ok_or_else(wrong)
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Last(number) => write!(f, "-{number}"),
            Self::Time(ms) => write!(f, "@{ms}"),
        }
    }
}

/// What is known of a partition.
#[derive(Debug, Clone, Copy)]
struct Known {
    first: i64,
    end: i64,
    /// The first record of the time that was asked for; none is as late as that without it.
    at_time: Option<i64>,
}

impl From {
    /// The offset in a partition, which never lies outside of it.
    fn resolve(self, known: Known) -> i64 {
        let offset = match self {
            Self::Earliest => known.first,
            Self::Latest => known.end,
            Self::Offset(offset) => offset,
            Self::Last(number) => known.end.saturating_sub(number),
            Self::Time(_) => known.at_time.unwrap_or(known.end),
        };
        offset.clamp(known.first, known.end.max(known.first))
    }
}

/// From where to where a partition is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: TopicPartition,
    pub(crate) from: i64,
    /// Where it ended when that was asked.
    pub(crate) end: i64,
}

impl Span {
    /// Asks where partitions begin and end.
    ///
    /// # Errors
    /// Somebody does not say so, of any of them.
    pub(crate) async fn of_all(
        admin: &AdminClient,
        all: &[TopicPartition],
        from: From,
        isolation: IsolationLevel,
    ) -> Result<Vec<Self>, Failure> {
        let at = async |query| partitions::offsets(admin, all, query, isolation).await;
        let (first, end) = (at(OffsetQuery::Earliest).await?, at(OffsetQuery::Latest).await?);
        let by_time = match from {
            From::Time(ms) => at(OffsetQuery::Timestamp(ms)).await?,
            _ => BTreeMap::new(),
        };
        let of =
            |offsets: &BTreeMap<TopicPartition, Option<i64>>, at: &TopicPartition| offsets.get(at).copied().flatten();
        let span = |at: &TopicPartition| {
            let known =
                Known { first: of(&first, at).unwrap_or(0), end: of(&end, at).unwrap_or(0), at_time: of(&by_time, at) };
            Self { at: at.clone(), from: from.resolve(known), end: known.end }
        };
        Ok(all.iter().map(span).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_is_written_in_several_ways() {
        for (text, from) in [
            ("earliest", From::Earliest),
            ("latest", From::Latest),
            ("12", From::Offset(12)),
            ("-3", From::Last(3)),
            ("@1970-01-01T00:00:02Z", From::Time(2000)),
        ] {
            assert_eq!(text.parse(), Ok(from), "{text}");
        }
        assert!(matches!("@-1h".parse(), Ok(From::Time(ms)) if ms > 1_600_000_000_000));
        for crooked in ["", "first", "@", "@soon", "1.5", "--3", "+3", "-", "-+3", "99999999999999999999"] {
            assert!(crooked.parse::<From>().is_err(), "{crooked}");
        }
    }

    #[test]
    fn reading_never_begins_outside_of_a_partition() {
        let known = Known { first: 10, end: 30, at_time: Some(15) };
        for (from, offset) in [
            (From::Earliest, 10),
            (From::Latest, 30),
            (From::Offset(12), 12),
            (From::Offset(1), 10),
            (From::Offset(99), 30),
            (From::Last(3), 27),
            (From::Last(i64::MAX), 10),
            (From::Time(0), 15),
        ] {
            assert_eq!(from.resolve(known), offset, "{from}");
        }
        assert_eq!(From::Time(0).resolve(Known { at_time: None, ..known }), 30);
    }
}
