//! Times as Java reads them: `--to-datetime` and `--by-duration`.

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

/// Milliseconds since 1970 of a time as `2026-11-21T07:00:00.000`, in UTC unless `Z`, `+01` or `+01:00` follows.
///
/// # Errors
/// It is no such time, in the words of Java.
pub(super) fn datetime(text: &str) -> Result<i64, String> {
    let no_time = "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format";
    let Some((_, time)) = text.split_once('T').filter(|(_, time)| !time.is_empty()) else {
        return Err(format!("java.text.ParseException: {no_time}"));
    };
    let zoned = if time.contains(['+', '-', 'Z']) { text.to_owned() } else { format!("{text}Z") };
    parse(&zoned).ok_or_else(|| format!("java.text.ParseException: Unparseable date: \"{zoned}\""))
}

fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let zone_at = rest.find(['+', '-', 'Z'])?;
    let (time, zone) = rest.split_at(zone_at);
    let [year, month, day] = numbers(date.splitn(3, '-'))?;
    let (seconds, millis) = time.split_once('.')?;
    let [hour, minute, second] = numbers(seconds.splitn(3, ':'))?;
    let [millis] = numbers([millis].into_iter())?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let small = |number: u32| u8::try_from(number).ok();
    let time = Time::from_hms_milli(small(hour)?, small(minute)?, small(second)?, u16::try_from(millis).ok()?).ok()?;
    let at = PrimitiveDateTime::new(date, time).assume_offset(offset(zone)?);
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

fn numbers<'t, const N: usize>(mut parts: impl Iterator<Item = &'t str>) -> Option<[u32; N]> {
    let mut found = [0; N];
    for number in &mut found {
        let digits = parts.next()?;
        // A sign is no digit, though `parse` would take one.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = digits.parse().ok()?;
    }
    Some(found)
}

fn offset(zone: &str) -> Option<UtcOffset> {
    if zone == "Z" {
        return Some(UtcOffset::UTC);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = match zone.get(1..)? {
        whole if whole.len() == 2 => (whole, "0"),
        with_colon if with_colon.len() == 5 => with_colon.split_once(':')?,
        without if without.len() == 4 => (without.get(..2)?, without.get(2..)?),
        _ => return None,
    };
    let [hours, minutes] = numbers([hours, minutes].into_iter())?;
    let (hours, minutes) = (i8::try_from(hours).ok()?, i8::try_from(minutes).ok()?);
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

/// Milliseconds of a duration as `P1DT2H3M4.5S`, each part of which may have a sign.
///
/// By hand, as no library reads what Java's `Duration` does: ISO 8601 has no signs, but months.
///
/// # Errors
/// It is no duration, in the words of Java.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    parse_duration(text).ok_or_else(|| "Text cannot be parsed to a Duration".to_owned())
}

fn parse_duration(text: &str) -> Option<i64> {
    let text = text.to_ascii_uppercase();
    let (sign, rest) = signed(&text);
    let rest = rest.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let (days, rest) = part(date, 'D')?;
    let (hours, time) = part(time, 'H')?;
    let (minutes, time) = part(time, 'M')?;
    let seconds = seconds(time)?;
    if !rest.is_empty() {
        return None;
    }
    let millis = ((days.checked_mul(24)?.checked_add(hours)?).checked_mul(60)?.checked_add(minutes)?)
        .checked_mul(60_000)?
        .checked_add(seconds)?;
    millis.checked_mul(sign)
}

fn signed(text: &str) -> (i64, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The number in front of a unit, and what follows it; 0 if the unit is not there.
fn part(text: &str, unit: char) -> Option<(i64, &str)> {
    match text.split_once(unit) {
        None => Some((0, text)),
        Some((number, rest)) => Some((whole(number)?, rest)),
    }
}

fn whole(number: &str) -> Option<i64> {
    let (sign, digits) = signed(number);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { sign.checked_mul(digits.parse().ok()?) } else { None }
}

/// Milliseconds of `4.5S`.
fn seconds(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let number = text.strip_suffix('S')?;
    let Some((seconds, fraction)) = number.split_once(['.', ',']) else { return whole(number)?.checked_mul(1000) };
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let sign = if seconds.starts_with('-') { -1 } else { 1 };
    whole(seconds)?.checked_mul(1000)?.checked_add(sign * millis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_utc_unless_it_says_otherwise() {
        assert_eq!(datetime("1970-01-01T00:00:00.000"), Ok(0));
        assert_eq!(datetime("2026-11-21T07:00:00.250"), Ok(1_795_244_400_250));
        assert_eq!(datetime("1970-01-01T01:00:00.000+01:00"), Ok(0));
        assert_eq!(datetime("1970-01-01T01:00:00.000+01"), Ok(0));
        assert_eq!(datetime("1969-12-31T22:30:00.000-0130"), Ok(0));
        assert_eq!(datetime("2024-02-29T00:00:00.000Z"), Ok(1_709_164_800_000));
    }

    #[test]
    fn what_is_no_time_is_refused_in_javas_words() {
        assert_eq!(
            datetime("2020-01-01"),
            Err("java.text.ParseException: Error parsing timestamp. It does not contain a 'T' according to ISO8601 format"
                .to_owned())
        );
        let refused = "java.text.ParseException: Unparseable date: \"2020-01-01T00:00Z\"";
        assert_eq!(datetime("2020-01-01T00:00"), Err(refused.to_owned()));
        for text in ["2020-02-30T00:00:00.000", "2020-01-01T24:00:00.000", "2020-01-01T00:00:00.1000", "T+"] {
            assert!(datetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_javas() {
        let second = 1000;
        let hour = 3600 * second;
        assert_eq!(duration("PT1H"), Ok(hour));
        assert_eq!(duration("P1D"), Ok(24 * hour));
        assert_eq!(duration("p2dt3h4m5.5s"), Ok(51 * hour + 245 * second + 500));
        assert_eq!(duration("PT-1H+30M"), Ok(-hour / 2));
        assert_eq!(duration("-PT10S"), Ok(-10 * second));
        assert_eq!(duration("PT-0,5S"), Ok(-500));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["nope", "", "P", "PT", "P1DT", "P1", "PT1", "P1H", "P1M", "PT1S2M", "PT1.0M", "PT0.1234567890S"] {
            assert_eq!(duration(text), Err("Text cannot be parsed to a Duration".to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_refused(text in "[0-9TPZDHMS:.+-]{0,30}") {
            let _ = (datetime(&text), duration(&text));
        }

        #[test]
        fn what_is_written_is_read(days in 0..10_000_i64, hours in 0..24_i64, minutes in 0..60_i64, millis in 0..60_000_i64) {
            let text = format!("P{days}DT{hours}H{minutes}M{}.{:03}S", millis / 1000, millis % 1000);
            let expected = ((days * 24 + hours) * 60 + minutes) * 60_000 + millis;
            prop_assert_eq!(duration(&text), Ok(expected));
        }
    }
}
