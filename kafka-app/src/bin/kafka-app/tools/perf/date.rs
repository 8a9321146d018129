//! [`DateFormat`]: times as Java's `SimpleDateFormat` writes them, in UTC.

/// A pattern of `SimpleDateFormat`, as far as it is of numbers.
#[derive(Debug, Clone)]
pub(super) struct DateFormat(String);

impl DateFormat {
    /// # Errors
    /// A letter of the pattern has no meaning here.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let mut is_quoted = false;
        for c in pattern.chars() {
            match c {
                '\'' => is_quoted = !is_quoted,
                _ if is_quoted || !c.is_ascii_alphabetic() => {}
                _ if "yMdHhmsSa".contains(c) => {}
                _ => return Err(format!("Illegal pattern character '{c}'")),
            }
        }
        Ok(Self(pattern.to_owned()))
    }

    /// The time, in milliseconds since 1970.
    pub(super) fn format(&self, millis: i64) -> String {
        let (days, ms) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
        let (year, month, day) = civil(days);
        let hour = ms / 3_600_000;
        let mut text = String::new();
        let mut rest = self.0.chars().peekable();
        let mut is_quoted = false;
        while let Some(c) = rest.next() {
            if c == '\'' {
                // Two of them are one.
                if rest.next_if_eq(&'\'').is_some() {
                    text.push('\'');
                } else {
                    is_quoted = !is_quoted;
                }
                continue;
            }
            if is_quoted || !c.is_ascii_alphabetic() {
                text.push(c);
                continue;
            }
            let mut width = 1;
            while rest.next_if_eq(&c).is_some() {
                width += 1;
            }
            let number = match c {
                'y' if width == 2 => year.rem_euclid(100),
                'y' => year,
                'M' => month,
                'd' => day,
                'H' => hour,
                'h' => (hour + 11) % 12 + 1,
                'm' => ms / 60_000 % 60,
                's' => ms / 1000 % 60,
                'S' => ms % 1000,
                _ => {
                    text.push_str(if hour < 12 { "AM" } else { "PM" });
                    continue;
                }
            };
            text.push_str(&format!("{number:0width$}"));
        }
        text
    }
}

/// Year, month and day of a number of days since 1970; see Howard Hinnant's "chrono-compatible low-level date algorithms".
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_by_their_pattern() {
        let at = |pattern: &str, millis| DateFormat::new(pattern).unwrap().format(millis);
        assert_eq!(at("yyyy-MM-dd HH:mm:ss:SSS", 1_795_244_892_051), "2026-11-21 07:08:12:051");
        assert_eq!(at("yyyy-MM-dd HH:mm:ss:SSS", 0), "1970-01-01 00:00:00:000");
        assert_eq!(at("yyyy-MM-dd", 951_782_400_000), "2000-02-29");
        assert_eq!(at("d.M.yy 'at' h a", 1_795_285_392_051), "21.11.26 at 6 PM");
        assert_eq!(at("HH:mm''ss", 61_000), "00:01'01");
        assert!(DateFormat::new("QQ").is_err());
    }
}
