//! How far one replica has got.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Timestamp;

/// Appends within this time reach a follower that lags together: its list stays short however much is appended.
const TOGETHER: Duration = Duration::from_millis(1);

/// One replica's log, as an offset into the leader's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    pub(super) id: i32,
    /// Whatever is before, it has. Of the leader the log's own end counts.
    pub(super) end: i64,
    /// Whether it hears the leader.
    pub(super) follows: bool,
    /// How much later it gets what is appended.
    pub(super) lag: Duration,
    /// What is on its way: when it was appended, and where the log ended then. Empty unless it lags.
    coming: VecDeque<(Timestamp, i64)>,
    /// When it last had everything, if it has not now.
    caught_up: Timestamp,
}

impl Progress {
    pub(super) fn new(id: i32, end: i64) -> Self {
        Self { id, end, follows: false, lag: Duration::ZERO, coming: VecDeque::new(), caught_up: Timestamp::ZERO }
    }

    /// The log has grown from `before` to `end`.
    pub(super) fn appended(&mut self, before: i64, end: i64, now: Timestamp) {
        if !self.follows {
            return;
        }
        if self.lag.is_zero() {
            self.end = end;
            return;
        }
        if self.end >= before {
            self.caught_up = now;
        }
        match self.coming.back_mut() {
            Some((at, newest)) if now < *at + TOGETHER => *newest = end,
            _ => self.coming.push_back((now, end)),
        }
    }

    /// Takes up what has reached it by now.
    pub(super) fn arrive(&mut self, now: Timestamp) {
        while let Some(&(at, end)) = self.coming.front().filter(|(at, _)| *at + self.lag <= now) {
            self.coming.pop_front();
            self.end = end;
            // It has all there was until the next append.
            let next = self.coming.front().map_or(now, |(next, _)| *next);
            self.caught_up = self.caught_up.max(at).max(next);
        }
    }

    /// Begins to follow a leader whose log ends at `end`, goes on, or stops.
    pub(super) fn follow(&mut self, follows: bool, lag: Duration, end: i64, now: Timestamp) {
        if (follows, lag) == (self.follows, self.lag) {
            return;
        }
        if self.follows && self.end >= end {
            self.caught_up = now;
        }
        (self.follows, self.lag) = (follows, lag);
        self.coming.clear();
        match (follows, lag.is_zero()) {
            (true, true) => self.end = end,
            (true, false) if self.end < end => self.coming.push_back((now, end)),
            _ => {}
        }
    }

    /// Somebody else leads, whose log ends at `end`: whatever was on its way is not coming any more. A replica in sync counts
    /// as caught up until it has shown otherwise.
    pub(super) fn new_leader(&mut self, end: i64, is_in_sync: bool, now: Timestamp) {
        self.follows = false;
        self.coming.clear();
        self.end = self.end.min(end);
        self.caught_up = if is_in_sync { now } else { Timestamp::ZERO };
    }

    /// The log ends at `end` now, whoever leads.
    pub(super) fn cut_off(&mut self, end: i64) {
        self.end = self.end.min(end);
        self.coming.iter_mut().for_each(|(_, coming)| *coming = end.min(*coming));
    }

    /// Since when it has not had everything, of a log that ends at `end`.
    pub(super) fn behind_since(&self, end: i64) -> Option<Timestamp> {
        (self.end < end).then_some(self.caught_up)
    }

    /// When the next of what is on its way reaches it.
    pub(super) fn next_arrival(&self) -> Option<Timestamp> {
        self.coming.front().map(|(at, _)| *at + self.lag)
    }
}
