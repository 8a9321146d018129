//! [`Troubles`]: what may mend itself, told now and then.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::say;

/// The same is told again after this time.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// What was told of troubles that may mend themselves.
#[derive(Default)]
pub(crate) struct Troubles(BTreeMap<String, Instant>);

impl Troubles {
    /// Tells it on standard error, unless it was told just now.
    pub(crate) fn tell(&mut self, text: &str) {
        if self.is_news(text, Instant::now()) {
            say(format_args!("warning: {text}"));
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
    fn the_same_is_told_again_after_a_while() {
        let (mut troubles, start) = (Troubles::default(), Instant::now());
        assert!(troubles.is_news("a", start));
        assert!(!troubles.is_news("a", start + TELL_AGAIN / 2));
        assert!(troubles.is_news("b", start + TELL_AGAIN / 2));
        assert!(troubles.is_news("a", start + TELL_AGAIN));
    }
}
