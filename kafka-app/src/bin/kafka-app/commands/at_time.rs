//! Times, as options name them and as records have them.

use std::time::{Duration, UNIX_EPOCH};

use crate::clock::wall_clock;

/// A time of day as RFC 3339 has it, milliseconds since 1970, or a time back from now: `-1h`.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    let number = |time: Duration| i64::try_from(time.as_millis()).ok();
    match text.strip_prefix('-') {
        Some(back) => Some(wall_clock().saturating_sub(number(humantime::parse_duration(back).ok()?)?).max(0)),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        None => number(humantime::parse_rfc3339_weak(text).ok()?.duration_since(UNIX_EPOCH).ok()?),
    }
}

/// A record's time of day as RFC 3339 has it; its number if that lies outside of the years there are.
pub(super) fn readable(milliseconds: i64) -> String {
    let since_1970 = u64::try_from(milliseconds).ok().map(Duration::from_millis);
    let time = since_1970.and_then(|since| UNIX_EPOCH.checked_add(since)).filter(|_| milliseconds <= LAST_OF_9999);
    time.map_or_else(|| milliseconds.to_string(), |time| humantime::format_rfc3339_millis(time).to_string())
}

/// The last millisecond that humantime writes.
const LAST_OF_9999: i64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_several_ways() {
        assert_eq!(milliseconds("1000"), Some(1000));
        assert_eq!(milliseconds("1970-01-01T00:00:02Z"), Some(2000));
        assert!(milliseconds("-1h").is_some_and(|ms| ms > 1_600_000_000_000));
        for crooked in ["", "soon", "-soon", "1.5"] {
            assert_eq!(milliseconds(crooked), None, "{crooked}");
        }
    }

    #[test]
    fn a_time_is_read_by_people_or_is_a_number() {
        assert_eq!(readable(2000), "1970-01-01T00:00:02.000Z");
        assert_eq!(readable(-1), "-1");
        assert_eq!(readable(LAST_OF_9999), "9999-12-31T23:59:59.999Z");
        assert_eq!(readable(i64::MAX), i64::MAX.to_string());
    }
}
