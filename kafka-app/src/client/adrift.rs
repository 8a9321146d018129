//! [`Adrift`]: when a client that knows no broker any more is given its first ones again: pure.
//!
//! librdkafka forgets brokers that metadata does not name. A node whose session with the controller is over (it was frozen for
//! ten seconds, say) answers with metadata that names no broker at all; librdkafka takes that for the whole truth, forgets the
//! last one, and gives its own start from `bootstrap.servers` up as soon as it has begun. It never connects again, and says so
//! once (<https://github.com/confluentinc/librdkafka/issues/5301>). Java's client keeps the brokers it knows.

use std::time::{Duration, Instant};

/// How long nothing was tried before that is believed: whoever needs a broker tries at once.
const AFTER: Duration = Duration::from_secs(2);
/// Before it is done again; doubles up to the second. The first may find a broker that is just being forgotten, and a client
/// that only needs nothing now has its brokers still.
const AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(320));

/// What a client was given since it was last connected.
#[derive(Debug, Default)]
pub(super) struct Adrift {
    given: Option<(Instant, Duration)>,
}

impl Adrift {
    /// It is connected.
    pub(super) fn ashore(&mut self) {
        self.given = None;
    }

    /// Whether to give it its first brokers now; each time once. `idle_since`: since when no connection is up or tried.
    pub(super) fn is_due(&mut self, idle_since: Instant, now: Instant) -> bool {
        let (since, wait) = match self.given {
            Some((at, wait)) => (at.max(idle_since), wait),
            None => (idle_since, AFTER),
        };
        let is_due = now.saturating_duration_since(since) >= wait;
        if is_due {
            let wait = self.given.map_or(AGAIN.0, |(_, wait)| (wait * 2).min(AGAIN.1));
            self.given = Some((now, wait));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_is_due_after_a_while_and_then_ever_more_rarely() {
        let (mut adrift, start) = (Adrift::default(), Instant::now());
        let due: Vec<_> = (0..2_000_u32).filter(|at| adrift.is_due(start, start + *at * SECOND)).collect();
        assert_eq!(due, [2, 7, 17, 37, 77, 157, 317, 637, 957, 1277, 1597, 1917]);
    }

    #[test]
    fn once_it_was_connected_it_begins_anew() {
        let (mut adrift, start) = (Adrift::default(), Instant::now());
        assert!(adrift.is_due(start, start + 2 * SECOND));
        adrift.ashore();
        assert!(!adrift.is_due(start + 3 * SECOND, start + 4 * SECOND));
        assert!(adrift.is_due(start + 3 * SECOND, start + 5 * SECOND));
    }

    #[test]
    fn what_was_tried_meanwhile_counts_for_nothing() {
        let (mut adrift, start) = (Adrift::default(), Instant::now());
        assert!(adrift.is_due(start, start + 2 * SECOND));
        assert!(!adrift.is_due(start + 6 * SECOND, start + 8 * SECOND), "a try in vain has ended two seconds ago");
        assert!(adrift.is_due(start + 6 * SECOND, start + 11 * SECOND));
    }
}
