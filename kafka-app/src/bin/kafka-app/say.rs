//! Notes on standard error, and [`Troubles`]: what is wrong and may mend itself.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{Write as _, stderr},
    time::{Duration, Instant},
};

/// The same trouble is told again after this time.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Says a line. That nobody hears it is no reason to end.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(stderr(), "{text}");
}

/// Says something that another text will follow on the same line.
pub(crate) fn without_end(text: impl Display) {
    let _ = write!(stderr(), "{text}");
}

/// What was told of troubles that may mend themselves.
#[derive(Debug, Default)]
pub(crate) struct Troubles(BTreeMap<String, Instant>);

impl Troubles {
    /// Tells it, unless it was told just now.
    pub(crate) fn tell(&mut self, text: &str) {
        self.tell_about(text, text);
    }

    /// Tells of something, unless something was told of it just now.
    pub(crate) fn tell_about(&mut self, about: &str, text: impl Display) {
        if self.is_news(about, Instant::now()) {
            line(format_args!("warning: {text}"));
        }
    }

    fn is_news(&mut self, text: &str, now: Instant) -> bool {
        if self.0.get(text).is_some_and(|told| now.duration_since(*told) < TELL_AGAIN) {
            return false;
        }
        self.0.insert(text.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_in_a_while() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        assert!(troubles.is_news("down", now));
        assert!(!troubles.is_news("down", now + TELL_AGAIN / 2));
        assert!(troubles.is_news("up", now + TELL_AGAIN / 2));
        assert!(troubles.is_news("down", now + TELL_AGAIN));
    }
}
