//! [`WaitingRoom`]: records of a retry topic's partition that are not due yet: pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{collector::Gathered, dispatch::Delivered, later::later};
use crate::error_handler::due;

/// Records that are not due yet. They were taken from the client and are in no lane: nobody has to wait for them when their
/// partition is given back, and those that stand behind them wait with them.
#[derive(Default)]
pub(crate) struct WaitingRoom {
    records: VecDeque<Waiting>,
}

struct Waiting {
    delivered: Delivered,
    n_bytes: u64,
    due: Instant,
}

impl WaitingRoom {
    /// Takes a record in. Its header has the time of day when it is due; it is `wall_clock` now.
    pub(crate) fn enter(&mut self, delivered: Delivered, n_bytes: u64, now: Instant, wall_clock: i64) {
        let wait = due(&delivered.record).map_or(0, |due| due.saturating_sub(wall_clock));
        let due = later(now, Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
        self.records.push_back(Waiting { delivered, n_bytes, due });
    }

    /// The next one, once it is due.
    pub(crate) fn leave(&mut self, now: Instant) -> Option<(Delivered, u64)> {
        let waiting = self.records.pop_front_if(|waiting| waiting.due <= now)?;
        Some((waiting.delivered, waiting.n_bytes))
    }

    /// When the next one is due.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.records.front().map(|waiting| waiting.due)
    }

    /// Whether the record with this sequence is the next to leave.
    pub(crate) fn is_next(&self, seq: u64) -> bool {
        self.records.front().is_some_and(|waiting| waiting.delivered.seq == seq)
    }

    /// Everything that waits, due or not.
    pub(crate) fn take(&mut self) -> Option<Gathered> {
        let n_bytes = self.records.iter().map(|waiting| waiting.n_bytes).sum();
        let records: Vec<_> = self.records.drain(..).map(|waiting| waiting.delivered).collect();
        (!records.is_empty()).then_some((records, n_bytes))
    }
}
