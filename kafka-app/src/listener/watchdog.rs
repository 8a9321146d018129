//! [`Watchdog`]: notices a partition whose oldest record does not get finished: pure.
//!
//! The pump keeps polling while a handler hangs, so librdkafka's `max.poll.interval.ms` no longer notices one.

use std::time::{Duration, Instant};

/// Watches the oldest unfinished record of one partition.
#[derive(Debug)]
pub(crate) struct Watchdog {
    limit: Duration,
    front: Option<Front>,
}

#[derive(Debug, Clone, Copy)]
struct Front {
    seq: u64,
    since: Instant,
    /// After how long it is reported next; doubles.
    report_after: Duration,
}

impl Watchdog {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, front: None }
    }

    /// The record that is to be finished next, now: the oldest one. Returns for how long it has been that, when it is
    /// time to say so.
    pub(crate) fn observe(&mut self, front: Option<u64>, now: Instant) -> Option<Duration> {
        let Some(seq) = front else {
            self.front = None;
            return None;
        };
        match &mut self.front {
            Some(front) if front.seq == seq => {
                let elapsed = now.duration_since(front.since);
                if elapsed < front.report_after {
                    return None;
                }
                front.report_after = elapsed * 2;
                Some(elapsed)
            }
            _ => {
                self.front = Some(Front { seq, since: now, report_after: self.limit });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(300);

    #[test]
    fn a_stuck_record_is_reported_after_the_limit_and_then_ever_more_rarely() {
        let (mut watchdog, start) = (Watchdog::new(LIMIT), Instant::now());
        let reports: Vec<u64> = (0..3000)
            .filter_map(|s| watchdog.observe(Some(7), start + Duration::from_secs(s)))
            .map(|elapsed| elapsed.as_secs())
            .collect();
        assert_eq!(reports, [300, 600, 1200, 2400]);
    }

    #[test]
    fn progress_starts_the_clock_anew() {
        let (mut watchdog, start) = (Watchdog::new(LIMIT), Instant::now());
        watchdog.observe(Some(7), start);
        watchdog.observe(Some(8), start + Duration::from_secs(299));
        assert_eq!(watchdog.observe(Some(8), start + Duration::from_secs(500)), None);
    }

    #[test]
    fn an_idle_partition_is_never_stuck() {
        let (mut watchdog, start) = (Watchdog::new(LIMIT), Instant::now());
        watchdog.observe(None, start);
        assert_eq!(watchdog.observe(None, start + LIMIT * 10), None);
        watchdog.observe(Some(0), start + LIMIT * 10);
        assert_eq!(watchdog.observe(Some(0), start + LIMIT * 11), Some(LIMIT));
    }
}
