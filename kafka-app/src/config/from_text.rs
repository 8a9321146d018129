//! [`FromText`]: values of the configuration out of their text.
//!
//! Every value is read from text, whether it was a string, a number or a boolean where it was said: the environment has
//! nothing but text, and a placeholder may stand for anything.

use std::time::Duration;

use crate::config::{
    AckMode, DeadLetter, Delivery, OnDltFailure, OnRevoke, Ordering, RetryTopicNames, mistake::did_you_mean,
};

/// A value that is read from text; the error says what was expected, without the text itself, which may be a secret.
pub(crate) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, String>;
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl FromText for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        }
    }
}

impl FromText for u32 {
    fn from_text(text: &str) -> Result<Self, String> {
        text.trim().parse().map_err(|_| format!("expected a whole number from 0 to {}", Self::MAX))
    }
}

impl FromText for f64 {
    fn from_text(text: &str) -> Result<Self, String> {
        let number = text.trim().parse().map_err(|_| "expected a number such as 1.5".to_owned())?;
        if Self::is_finite(number) { Ok(number) } else { Err("expected a finite number".to_owned()) }
    }
}

impl FromText for Duration {
    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text != "0" && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("a duration needs its unit: \"{text}ms\" or \"{text}s\""));
        }
        humantime::parse_duration(text)
            .map_err(|_| "expected a duration such as \"500ms\", \"5s\" or \"2m\"".to_owned())
    }
}

/// A number of bytes: `4096`, `64KiB`, `1MiB`. As in Spring, `KB` is 1024 bytes, like `KiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl FromText for Bytes {
    fn from_text(text: &str) -> Result<Self, String> {
        let expected = || "expected a size such as 4096, \"64KiB\" or \"1MiB\"".to_owned();
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().map_err(|_| expected())?;
        let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            _ => return Err(expected()),
        };
        number.checked_mul(unit).map(Self).ok_or_else(expected)
    }
}

impl FromText for Delivery {
    fn from_text(text: &str) -> Result<Self, String> {
        let names = [
            ("at-most-once", Self::AtMostOnce),
            ("at-least-once", Self::AtLeastOnce),
            ("exactly-once", Self::ExactlyOnce),
        ];
        one_of(text.trim(), &names)
    }
}

impl FromText for AckMode {
    fn from_text(text: &str) -> Result<Self, String> {
        // Spring writes MANUAL_IMMEDIATE, as well as manual-immediate.
        one_of(
            &text.trim().to_ascii_lowercase().replace('_', "-"),
            &[
                ("record", Self::Record),
                ("batch", Self::Batch),
                ("time", Self::Time),
                ("count", Self::Count),
                ("count-time", Self::CountTime),
                ("manual", Self::Manual),
                ("manual-immediate", Self::ManualImmediate),
            ],
        )
    }
}

impl FromText for Ordering {
    fn from_text(text: &str) -> Result<Self, String> {
        one_of(text.trim(), &[("partition", Self::Partition), ("key", Self::Key), ("none", Self::None)])
    }
}

impl FromText for OnRevoke {
    fn from_text(text: &str) -> Result<Self, String> {
        one_of(text.trim(), &[("drain", Self::Drain), ("cancel", Self::Cancel)])
    }
}

impl FromText for DeadLetter {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() {
            "off" => Ok(Self::Off),
            "stop" => Ok(Self::Stop),
            "" => Err("expected a topic, \"off\" or \"stop\"".to_owned()),
            topic => Ok(Self::named(topic)),
        }
    }
}

impl FromText for OnDltFailure {
    fn from_text(text: &str) -> Result<Self, String> {
        one_of(text.trim(), &[("retry", Self::Retry), ("skip", Self::Skip), ("stop", Self::Stop)])
    }
}

impl FromText for RetryTopicNames {
    fn from_text(text: &str) -> Result<Self, String> {
        let names = [("per-delay", Self::PerDelay), ("per-attempt", Self::PerAttempt), ("single", Self::Single)];
        one_of(text.trim(), &names)
    }
}

/// What is read where an earliest or latest offset can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoOffsetReset {
    /// From the first record there is; the default here, since the other one skips records in silence.
    #[default]
    Earliest,
    /// From the next record written.
    Latest,
    /// The listener stops with an error.
    Error,
}

impl FromText for AutoOffsetReset {
    fn from_text(text: &str) -> Result<Self, String> {
        let names =
            [("earliest", Self::Earliest), ("latest", Self::Latest), ("error", Self::Error), ("none", Self::Error)];
        one_of(text.trim(), &names)
    }
}

/// Which records of transactions are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IsolationLevel {
    /// Those of committed transactions only; the default here, unlike Spring's.
    #[default]
    ReadCommitted,
    /// Those of open and aborted transactions too.
    ReadUncommitted,
}

impl FromText for IsolationLevel {
    fn from_text(text: &str) -> Result<Self, String> {
        one_of(
            &text.trim().to_ascii_lowercase().replace('_', "-"),
            &[("read-committed", Self::ReadCommitted), ("read-uncommitted", Self::ReadUncommitted)],
        )
    }
}

pub(crate) fn one_of<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<T, String> {
    names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let list = names.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        format!("expected one of {list}{}", did_you_mean(text, names.iter().map(|(name, _)| *name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(Duration::from_text("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(Duration::from_text("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(Duration::from_text("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(Duration::from_text("0"), Ok(Duration::ZERO));
        assert_eq!(Duration::from_text("5000"), Err("a duration needs its unit: \"5000ms\" or \"5000s\"".into()));
        assert!(Duration::from_text("soon").is_err());
        assert!(Duration::from_text("-1s").is_err());
        assert!(Duration::from_text("").is_err());
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(Bytes::from_text("4096"), Ok(Bytes(4096)));
        assert_eq!(Bytes::from_text("64KiB"), Ok(Bytes(65_536)));
        assert_eq!(Bytes::from_text("1 MB"), Ok(Bytes(1 << 20)));
        for wrong in ["", "MiB", "1TiB", "-1", "1.5MiB", "99999999999999999999", "99999999999GiB", "1é"] {
            assert!(Bytes::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_misspelt_word_gets_the_nearest_one() {
        let error = AckMode::from_text("manual-imediate").expect_err("misspelt");
        assert!(error.ends_with("did you mean `manual-immediate`?"), "{error}");
        assert_eq!(AckMode::from_text("MANUAL_IMMEDIATE"), Ok(AckMode::ManualImmediate));
    }

    #[test]
    fn a_delivery_is_one_of_three() {
        assert_eq!(Delivery::from_text(" exactly-once "), Ok(Delivery::ExactlyOnce));
        let error = Delivery::from_text("exactly once").expect_err("misspelt");
        assert!(error.ends_with("did you mean `exactly-once`?"), "{error}");
    }

    #[test]
    fn numbers_are_finite_and_not_negative_where_they_count() {
        assert!(f64::from_text("NaN").is_err());
        assert!(f64::from_text("inf").is_err());
        assert!(u32::from_text("-1").is_err());
        assert!(bool::from_text("yes").is_err());
    }
}
