//! Deadlines from durations of users.

use std::time::{Duration, Instant};

/// `by` after `at`; a duration beyond what the clock can count means "for as long as anyone waits".
pub(crate) fn later(at: Instant, by: Duration) -> Instant {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
    at.checked_add(by.min(TEN_YEARS)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_duration_is_a_deadline_nobody_lives_to_see() {
        let now = Instant::now();
        assert!(later(now, Duration::MAX) > now + Duration::from_secs(1 << 28));
        assert_eq!(later(now, Duration::from_secs(1)), now + Duration::from_secs(1));
    }
}
