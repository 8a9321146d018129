//! Times as ISO 8601 writes them: `P1DT2H3M4.5S`.

use std::time::Duration;

/// Reads a time as Java's `Duration` does, except that a negative one is none.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.to_ascii_uppercase();
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return None,
        None => (text.strip_prefix('P')?, ""),
    };
    let mut total = Duration::ZERO;
    let mut rest = days;
    let mut any = whole(&mut rest, 'D', 86_400, &mut total)?;
    if !rest.is_empty() {
        return None;
    }
    rest = time;
    any |= whole(&mut rest, 'H', 3600, &mut total)?;
    any |= whole(&mut rest, 'M', 60, &mut total)?;
    if let Some(seconds) = rest.strip_suffix('S') {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, nanos) = seconds.split_once('.').unwrap_or((seconds, "0"));
        if whole.is_empty() || !digits(whole) || !digits(nanos) || nanos.len() > 9 {
            return None;
        }
        let nanos: u32 = format!("{nanos:0<9}").parse().ok()?;
        total = total.checked_add(Duration::new(whole.parse().ok()?, nanos))?;
        (any, rest) = (true, "");
    }
    (any && rest.is_empty()).then_some(total)
}

/// Takes a number of some unit off the front, if it is there; `None` when what is there is no number.
fn whole(rest: &mut &str, unit: char, seconds: u64, total: &mut Duration) -> Option<bool> {
    let Some((number, after)) = rest.split_once(unit) else { return Some(false) };
    let number: u64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    *total = total.checked_add(Duration::from_secs(number.checked_mul(seconds)?))?;
    *rest = after;
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_java_reads_them() {
        assert_eq!(parse("PT1H"), Some(Duration::from_secs(3600)));
        assert_eq!(parse("P1DT2H3M4.5S"), Some(Duration::from_millis(93_784_500)));
        assert_eq!(parse("pt0.000000001s"), Some(Duration::from_nanos(1)));
        for bad in ["", "P", "PT", "xx", "-PT1H", "PT-1H", "P1H", "PT1D", "PT1", "P1DT", "PT1.1234567890S", "PT1HX"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
