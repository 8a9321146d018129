//! [`Rate`]: so many records in so much time, and [`Pace`], which keeps to it: pure.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

/// `100/s`, `6000/m`, `10/h`, or `100` a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    per_second: f64,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text} is no rate such as 100/s, 6000/m or 0.5/s");
        let (records, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(expected()),
        };
        let records: f64 = records.trim().parse().map_err(|_| expected())?;
        // Slower than one a year is a slip.
        let is_possible = records.is_finite() && records / seconds > 3e-8;
        if is_possible { Ok(Self { per_second: records / seconds }) } else { Err(expected()) }
    }
}

/// When the next record may go.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Rate,
    next: Instant,
}

/// Who was kept from sending does not catch up more than this.
const CATCHES_UP: Duration = Duration::from_millis(100);

impl Pace {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, next: now }
    }

    /// Another record goes: when it may.
    pub(crate) fn next(&mut self, now: Instant) -> Instant {
        let at = now.checked_sub(CATCHES_UP).map_or(self.next, |earliest| self.next.max(earliest));
        self.next = at + Duration::from_secs_f64(1.0 / self.rate.per_second);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_records_in_a_unit_of_time() {
        for (text, per_second) in [("100/s", 100.0), ("100", 100.0), ("60/m", 1.0), ("0.5/s", 0.5), (" 7200 / h", 2.0)]
        {
            assert_eq!(text.parse(), Ok(Rate { per_second }), "{text}");
        }
        for crooked in ["", "/s", "fast", "0/s", "-1/s", "inf", "NaN", "1/d", "1e-9/s"] {
            assert!(crooked.parse::<Rate>().is_err(), "{crooked}");
        }
    }

    #[test]
    fn records_go_evenly_and_a_delay_is_hardly_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new("10/s".parse().unwrap(), start);
        let after = |at: Instant| at.duration_since(start).as_millis();
        assert_eq!((0..3).map(|_| after(pace.next(start))).collect::<Vec<_>>(), [0, 100, 200]);
        let late = start + Duration::from_secs(5);
        assert_eq!((0..3).map(|_| after(pace.next(late))).collect::<Vec<_>>(), [4900, 5000, 5100]);
    }
}
