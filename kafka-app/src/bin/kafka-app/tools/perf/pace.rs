//! [`Pace`]: how many records may go now.

use std::time::{Duration, Instant};

/// A number of records a second, or as many as go.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: Option<f64>,
    start: Instant,
    n_sent: u64,
}

/// What goes at once is at most that much of a second.
const TICK: Duration = Duration::from_millis(5);

impl Pace {
    /// Less than 0 is as many as go.
    pub(crate) fn new(per_second: f64, start: Instant) -> Self {
        Self { per_second: Some(per_second).filter(|rate| *rate >= 0.0), start, n_sent: 0 }
    }

    /// Waits until records may go, and says how many, at most `most`; none ever if there are to be none a second.
    pub(crate) async fn next(&mut self, most: u64) -> u64 {
        let Some(per_second) = self.per_second else { return most };
        let due = due(per_second, self.start, self.n_sent);
        match due {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => std::future::pending().await,
        }
        let n_now = at_once(per_second).min(most);
        self.n_sent += n_now;
        n_now
    }
}

/// When the record behind so many is due.
fn due(per_second: f64, start: Instant, n_sent: u64) -> Option<Instant> {
    let seconds = super::latencies::as_f64(n_sent) / per_second;
    start.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float that is too large becomes the largest"
)]
fn at_once(per_second: f64) -> u64 {
    ((per_second * TICK.as_secs_f64()) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn records_go_in_their_time() {
        let start = tokio::time::Instant::now();
        let mut pace = Pace::new(100.0, start.into_std());
        let mut n_sent = 0;
        while n_sent < 50 {
            n_sent += pace.next(50).await;
        }
        assert_eq!(start.elapsed().as_millis(), 490);
        assert_eq!(Pace::new(-1.0, start.into_std()).next(512).await, 512);
        assert_eq!(Pace::new(1e9, start.into_std()).next(512).await, 512);
    }
}
