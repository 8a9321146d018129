//! [`RateLimit`]: so many records in so much time.

use std::{fmt, time::Duration};

use crate::config::from_text::FromText;

/// So many records in so much time: `"100/s"`, `"6000/m"`, `"10/h"`, `"5/250ms"`.
///
/// They are handed over evenly: at once come no more than fall into a tenth of a second, and at least one. It holds for one
/// listener in one process, over all its consumers and its retry topics; what waits stays with the client, polling goes
/// on, and the member keeps its partitions. Deliveries in place (`retry`) are not counted.
///
/// ```
/// use std::time::Duration;
/// use kafka_app::RateLimit;
///
/// assert_eq!(RateLimit::new(100, Duration::from_secs(1)).to_string(), "100/1s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    records: u32,
    per: Duration,
}

impl RateLimit {
    /// So many records in so much time; 0 of either is a mistake at start.
    #[must_use]
    pub const fn new(records: u32, per: Duration) -> Self {
        Self { records, per }
    }

    /// Number of records.
    #[must_use]
    pub const fn records(self) -> u32 {
        self.records
    }

    /// In how much time.
    #[must_use]
    pub const fn per(self) -> Duration {
        self.per
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.records, humantime::format_duration(self.per))
    }
}

impl FromText for RateLimit {
    fn from_text(text: &str) -> Result<Self, String> {
        let expected = || "expected a rate such as \"100/s\", \"6000/m\" or \"5/250ms\"".to_owned();
        let (records, per) = text.trim().split_once('/').ok_or_else(expected)?;
        let records = records.trim().parse().map_err(|_| expected())?;
        let per = per.trim();
        let one_of_its_unit =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let per = humantime::parse_duration(&one_of_its_unit).map_err(|_| expected())?;
        Ok(Self { records, per })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_records_in_a_time() {
        let read = |text| RateLimit::from_text(text).map(|rate| (rate.records, rate.per.as_millis()));
        assert_eq!(read("100/s"), Ok((100, 1_000)));
        assert_eq!(read(" 6000 / m "), Ok((6_000, 60_000)));
        assert_eq!(read("5/250ms"), Ok((5, 250)));
        assert_eq!(read("1/h"), Ok((1, 3_600_000)));
        for wrong in ["", "100", "s", "/s", "100/", "-1/s", "1.5/s", "100/parsec"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
