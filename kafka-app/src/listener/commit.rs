//! [`CommitSchedule`]: when finished offsets are committed: pure.

use std::time::{Duration, Instant};

use super::later::later;
use crate::config::AckMode;

/// How soon a commit that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// When the pump commits by itself, by ack mode. Only what the trackers say is finished is ever stored, so a commit at
/// any moment is safe; this decides how soon.
///
/// With `time` and `manual` the client's own timer commits what is stored and nothing is due here. One commit is under
/// way at a time: what finishes meanwhile goes with the next one.
#[derive(Debug)]
pub(crate) struct CommitSchedule {
    mode: AckMode,
    every: Duration,
    count: u64,
    /// Finished and not yet in a commit.
    finished: u64,
    /// Somebody waits for a confirmation, or must have it stored before a hand-over.
    is_wanted: bool,
    last: Instant,
    under_way: Option<UnderWay>,
    not_before: Option<Instant>,
    next_token: u64,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    token: u64,
    finished: u64,
    is_wanted: bool,
}

impl CommitSchedule {
    pub(crate) fn new(mode: AckMode, every: Duration, count: u32, now: Instant) -> Self {
        Self {
            mode,
            every,
            count: u64::from(count).max(1),
            finished: 0,
            is_wanted: false,
            last: now,
            under_way: None,
            not_before: None,
            // 0 is librdkafka's word for a commit of its own.
            next_token: 1,
        }
    }

    /// Records that the watermarks have passed.
    pub(crate) fn finished(&mut self, n_records: u64) {
        self.finished += n_records;
    }

    /// Somebody waits for a commit.
    pub(crate) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether every commit somebody waited for has ended well.
    pub(crate) fn is_settled(&self) -> bool {
        self.under_way.is_none() && !self.is_wanted
    }

    /// Whether a commit is to start now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.under_way.is_none() && self.not_before.is_none_or(|at| at <= now) && self.is_ripe(now)
    }

    fn is_ripe(&self, now: Instant) -> bool {
        let by_time = || now.duration_since(self.last) >= self.every;
        self.is_wanted
            || (self.finished > 0
                && match self.mode {
                    AckMode::Record | AckMode::Batch => true,
                    AckMode::Count => self.finished >= self.count,
                    AckMode::CountTime => self.finished >= self.count || by_time(),
                    AckMode::Time | AckMode::Manual | AckMode::ManualImmediate => false,
                })
    }

    /// When to look again, if not woken before.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        if self.under_way.is_some() {
            return None; // Its end wakes the pump.
        }
        match self.not_before {
            Some(at) => Some(at),
            None if self.finished > 0 && self.mode == AckMode::CountTime => Some(later(self.last, self.every)),
            None => None,
        }
    }

    /// A commit starts; its token.
    pub(crate) fn start(&mut self, now: Instant) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.under_way = Some(UnderWay { token, finished: self.finished, is_wanted: self.is_wanted });
        self.finished = 0;
        self.is_wanted = false;
        self.last = now;
        self.not_before = None;
        token
    }

    /// The commit ended. Returns whether it was the one under way.
    pub(crate) fn end(&mut self, token: u64, is_ok: bool, now: Instant) -> bool {
        let Some(under_way) = self.under_way.take_if(|u| u.token == token) else { return false };
        if !is_ok {
            // Tried again with whatever is finished by then.
            self.finished += under_way.finished;
            self.is_wanted |= under_way.is_wanted;
            self.not_before = Some(now + RETRY);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(mode: AckMode, now: Instant) -> CommitSchedule {
        CommitSchedule::new(mode, Duration::from_secs(1), 3, now)
    }

    #[test]
    fn count_commits_when_as_many_records_are_finished() {
        let now = Instant::now();
        let mut schedule = schedule(AckMode::Count, now);
        schedule.finished(2);
        assert!(!schedule.is_due(now + Duration::from_secs(60)));
        schedule.finished(1);
        assert!(schedule.is_due(now));
    }

    #[test]
    fn count_time_commits_at_whichever_comes_first() {
        let now = Instant::now();
        let mut schedule = schedule(AckMode::CountTime, now);
        assert!(!schedule.is_due(now + Duration::from_secs(60)), "nothing is finished");
        schedule.finished(1);
        assert!(!schedule.is_due(now));
        assert_eq!(schedule.next_look(), Some(now + Duration::from_secs(1)));
        assert!(schedule.is_due(now + Duration::from_secs(1)));
    }

    #[test]
    fn time_and_manual_are_left_to_the_clients_timer() {
        let now = Instant::now();
        for mode in [AckMode::Time, AckMode::Manual, AckMode::ManualImmediate] {
            let mut schedule = schedule(mode, now);
            schedule.finished(1000);
            assert!(!schedule.is_due(now + Duration::from_secs(60)), "{mode:?}");
            schedule.want();
            assert!(schedule.is_due(now), "{mode:?}: somebody waits");
        }
    }

    #[test]
    fn one_commit_is_under_way_at_a_time() {
        let now = Instant::now();
        let mut schedule = schedule(AckMode::Record, now);
        schedule.finished(1);
        let token = schedule.start(now);
        schedule.finished(1);
        assert!(!schedule.is_due(now));
        assert!(!schedule.end(token + 1, true, now), "another's result");
        assert!(schedule.end(token, true, now));
        assert!(schedule.is_due(now));
    }

    #[test]
    fn a_failed_commit_is_tried_again_after_a_while() {
        let now = Instant::now();
        let mut schedule = schedule(AckMode::Batch, now);
        schedule.finished(1);
        let token = schedule.start(now);
        assert!(schedule.end(token, false, now));
        assert!(!schedule.is_due(now));
        assert_eq!(schedule.next_look(), Some(now + RETRY));
        assert!(schedule.is_due(now + RETRY));
    }
}
