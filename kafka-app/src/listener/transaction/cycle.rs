//! [`Cycle`]: two transactions of one consumer that take turns, as a state machine: pure.
//!
//! One takes records until it is full or its time is up; then it takes no more, its handlers finish, and its outputs go
//! out. Only when the broker has these does the other take records, so that outputs keep the order of their inputs over
//! both producers; the commit of the one overlaps with the work of the other. Positions are sent in the order of the
//! turns: never before the turn before is committed. Where a turn is aborted, so is every later one, and once nothing of
//! any is under way all are read again from what is committed.

use std::time::{Duration, Instant};

use super::{
    spread::Spread,
    step::{Drained, Ended, Outcome, Step},
};
use crate::{client::TransactionFaultKind, config::TransactionLimits, listener::later::later};

/// Producers of a consumer.
pub(crate) const N_TURNS: usize = 2;
/// How many records the first transaction takes: nothing is known yet of how long they take.
const FIRST_LIMIT: u32 = 64;
/// After an abort that was the broker's doing; doubles up to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Two turns, and what is to be done next about them.
#[derive(Debug)]
pub(crate) struct Cycle {
    limits: TransactionLimits,
    turns: [Turn; N_TURNS],
    /// Turns that took records so far.
    n_filled: u64,
    /// Most records of the next turn: follows how long handlers take.
    limit: u32,
    /// Among how many partitions these are shared out.
    pub(crate) spread: Spread,
    /// Turns were aborted whose records are not read again yet.
    must_rewind: bool,
    /// A commit failed, or a producer was lost in mid-transaction: what is committed is to be asked of the broker before that.
    is_position_unknown: bool,
    /// What is committed was asked for.
    is_asking: bool,
    /// Records that go one by one: among as many was one whose output was not delivered.
    n_alone: u32,
    /// Aborts in a row that no handler asked for.
    n_failures: u32,
    not_before: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    state: State,
    /// Its place in the order of turns; of the last one it took records in.
    serial: u64,
    /// Since its first record.
    since: Option<Instant>,
    n_records: u32,
    /// Takes one hand-over only.
    is_alone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its producer is to be made, or made anew.
    Closed,
    Opening,
    /// A transaction has begun and holds nothing.
    Ready,
    Filling,
    /// Takes no more; not everything it took is finished.
    Draining,
    /// All is finished: its outputs are to be sent.
    Drained,
    Flushing,
    /// The broker has its outputs; waits until the turn before it is committed.
    Flushed,
    Committing,
    /// To be aborted.
    Failed,
    Aborting,
    /// Could not be aborted; it is tried again after a while.
    Unaborted,
    /// Begins again once the positions are back and no handler of it runs.
    Aborted,
    Beginning,
}

impl Cycle {
    pub(crate) fn new(limits: TransactionLimits) -> Self {
        let turn = Turn { state: State::Closed, serial: 0, since: None, n_records: 0, is_alone: false };
        Self {
            limits,
            turns: [turn; N_TURNS],
            n_filled: 0,
            limit: FIRST_LIMIT.min(limits.max_records),
            spread: Spread::ALL,
            must_rewind: false,
            is_position_unknown: false,
            is_asking: false,
            n_alone: 0,
            n_failures: 0,
            not_before: None,
        }
    }

    /// The turn that takes records now, and how many more.
    pub(crate) fn takes(&self, now: Instant) -> Option<(usize, u32)> {
        if self.must_rewind || self.not_before.is_some_and(|at| at > now) {
            return None;
        }
        if let Some(filling) = self.find(|state| state == State::Filling) {
            return Some((filling, self.limit.saturating_sub(self.turns[filling].n_records)));
        }
        let all_out = self.turns.iter().all(|turn| !turn.state.holds_records() || turn.state.is_out());
        self.find(|state| state == State::Ready)
            .filter(|_| all_out)
            .map(|ready| (ready, if self.n_alone > 0 { 1 } else { self.limit }))
    }

    /// The turn that takes records took some.
    pub(crate) fn handed_over(&mut self, index: usize, n_records: u32, now: Instant) {
        let turn = &mut self.turns[index];
        if turn.state == State::Ready {
            self.n_filled += 1;
            let (state, is_alone) = (State::Filling, self.n_alone > 0);
            *turn = Turn { state, serial: self.n_filled, since: Some(now), n_records: 0, is_alone };
        }
        turn.n_records = turn.n_records.saturating_add(n_records);
        if turn.n_records >= self.limit || turn.is_alone || self.limits.max_wait.is_zero() {
            turn.state = State::Draining;
        }
    }

    /// The turn that takes records takes no more.
    pub(crate) fn close(&mut self) {
        if let Some(filling) = self.find(|state| state == State::Filling) {
            self.turns[filling].state = State::Draining;
        }
    }

    /// Time passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        let is_up = |turn: &Turn| turn.since.is_some_and(|since| now.duration_since(since) >= self.limits.max_wait);
        if let Some(filling) = self.find(|state| state == State::Filling)
            && is_up(&self.turns[filling])
        {
            self.turns[filling].state = State::Draining;
        }
    }

    /// The turn that waits for its handlers.
    pub(crate) fn draining(&self) -> Option<usize> {
        self.find(|state| state == State::Draining)
    }

    /// Whether handlers take so long that the rest of what the turn took is to be left to a later one, so that it ends
    /// before the broker gives it up.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.overdue_at().is_some_and(|at| at <= now)
    }

    fn overdue_at(&self) -> Option<Instant> {
        let since = self.turns[self.draining()?].since?;
        Some(later(since, self.limits.timeout / 3))
    }

    /// The turn that drained has; `n_finished` of its records are finished.
    pub(crate) fn drained(&mut self, how: Drained, n_finished: u32, now: Instant) {
        let Some(index) = self.draining() else { return };
        self.adapt(index, n_finished, now);
        match how {
            Drained::Finished => self.turns[index].state = State::Drained,
            Drained::Nothing => self.turns[index].state = State::Ready,
            Drained::Torn => self.fail_from(index),
        }
    }

    /// Wider or narrower, by who was waited for. Twice as many records in the next turn, if these took less than the time a
    /// turn may fill; as many as fit, if they took much more.
    fn adapt(&mut self, index: usize, n_finished: u32, now: Instant) {
        let turn = self.turns[index];
        if turn.n_records >= self.limit {
            if self.turns.iter().any(|turn| turn.state.is_out()) {
                self.spread.broker_was_waited_for();
            } else {
                self.spread.handlers_were_waited_for();
            }
        }
        let took = turn.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        if took <= self.limits.max_wait.saturating_mul(2) {
            self.limit = self.limit.saturating_mul(2).min(self.limits.max_records);
        } else if took > self.limits.max_wait.saturating_mul(4).max(Duration::from_secs(1)) {
            self.limit = (n_finished.min(self.limit) / 2).max(1);
        }
    }

    /// The turn that handlers may be at work in.
    pub(crate) fn at_work(&self) -> Option<usize> {
        self.find(|state| matches!(state, State::Filling | State::Draining | State::Drained))
    }

    /// Something of the turn that is not to be committed may have been sent, by a handler's failure or its end.
    pub(crate) fn taint(&mut self) {
        if let Some(index) = self.at_work() {
            self.fail_from(index);
        }
    }

    /// The transaction that handlers work in has failed under them; `is_delivery`: since an output was not delivered.
    pub(crate) fn broken(&mut self, is_delivery: bool, now: Instant) {
        if let Some(index) = self.at_work() {
            self.back_off(now);
            if is_delivery {
                self.single_out(index);
            }
            self.fail_from(index);
        }
    }

    /// One of the turn's records has an output that is not delivered, and takes those along that are sent with it: they
    /// go one by one, until it is known which.
    pub(crate) fn single_out(&mut self, index: usize) {
        self.n_alone = self.n_alone.max(self.turns[index].n_records);
    }

    /// Whether the turn holds one record, whose outputs were sent with no others.
    pub(crate) fn is_alone(&self, index: usize) -> bool {
        let turn = self.turns[index];
        turn.is_alone && turn.n_records == 1
    }

    /// Whether the turn that takes records is to take one only.
    pub(crate) fn is_one_by_one(&self) -> bool {
        self.n_alone > 0
    }

    /// Gives up whatever is not being committed.
    pub(crate) fn abort_all(&mut self) {
        for turn in &mut self.turns {
            if turn.state.is_open() {
                turn.state = State::Failed;
                self.must_rewind = true;
            }
        }
    }

    /// Gives up a turn and every later one.
    fn fail_from(&mut self, index: usize) {
        let serial = self.turns[index].serial;
        self.must_rewind = true;
        self.turns[index].state = State::Failed;
        for turn in &mut self.turns {
            if turn.serial > serial && turn.state.is_open() {
                turn.state = State::Failed;
            }
        }
    }

    /// A step of a turn ended.
    pub(crate) fn ended(&mut self, index: usize, ended: Ended, outcome: Outcome, now: Instant) {
        let state = self.turns[index].state;
        match (ended, state, outcome) {
            (Ended::Open, State::Opening, Ok(())) | (Ended::Begin, State::Beginning, Ok(())) => {
                self.turns[index].state = State::Ready;
            }
            (Ended::Flush, State::Flushing, Ok(())) => self.turns[index].state = State::Flushed,
            (Ended::Commit, State::Committing, Ok(())) => {
                self.turns[index].state = State::Ready;
                self.n_failures = 0;
                self.n_alone = self.n_alone.saturating_sub(self.turns[index].n_records);
            }
            (Ended::Abort, State::Aborting, Ok(())) => self.turns[index].state = State::Aborted,
            // Given up meanwhile: only what comes of the abort counts.
            (Ended::Flush, State::Failed | State::Aborting | State::Unaborted, _) => {}
            (Ended::Open | Ended::Begin, _, Err(_)) | (_, _, Err(TransactionFaultKind::Fatal)) => {
                self.lose(index, now);
            }
            (Ended::Flush | Ended::Commit, State::Flushing | State::Committing, Err(_)) => {
                self.back_off(now);
                if ended == Ended::Commit {
                    // It may have gone through all the same, its answer lost with a connection.
                    self.doubt();
                }
                self.fail_from(index);
            }
            (Ended::Abort, State::Aborting, Err(_)) => {
                self.back_off(now);
                self.turns[index].state = State::Unaborted;
            }
            // Of a producer that was lost meanwhile.
            _ => {}
        }
    }

    /// The producer of a turn is of no more use. Whether its transaction was committed nobody here knows.
    fn lose(&mut self, index: usize, now: Instant) {
        self.back_off(now);
        if self.turns[index].state.holds_records() {
            self.doubt();
            self.fail_from(index);
        }
        self.turns[index].state = State::Closed;
    }

    /// What is committed is not known here any more.
    fn doubt(&mut self) {
        self.is_position_unknown = true;
        self.is_asking = false;
    }

    fn back_off(&mut self, now: Instant) {
        let delay = BACK_OFF.0.saturating_mul(1 << self.n_failures.min(10)).min(BACK_OFF.1);
        self.n_failures += 1;
        self.not_before = Some(later(now, delay));
    }

    /// What is to be done next; each answer once.
    pub(crate) fn next_step(&mut self, now: Instant) -> Option<Step> {
        for index in 0..N_TURNS {
            let next = match self.turns[index].state {
                State::Closed if self.not_before.is_none_or(|at| at <= now) => (State::Opening, Step::Open(index)),
                State::Aborted if !self.must_rewind => (State::Beginning, Step::Begin(index)),
                State::Drained => (State::Flushing, Step::Flush(index)),
                State::Flushed if self.is_first(index) => (State::Committing, Step::Commit(index)),
                State::Failed => (State::Aborting, Step::Abort(index)),
                State::Unaborted if self.not_before.is_none_or(|at| at <= now) => (State::Aborting, Step::Abort(index)),
                _ => continue,
            };
            self.turns[index].state = next.0;
            return Some(next.1);
        }
        if self.must_rewind && !self.turns.iter().any(|turn| turn.state.holds_records()) {
            if !self.is_position_unknown {
                return Some(Step::Rewind);
            }
            if !self.is_asking && self.not_before.is_none_or(|at| at <= now) {
                self.is_asking = true;
                return Some(Step::AskPositions);
            }
        }
        None
    }

    /// Whether no turn before this one is still to be committed.
    fn is_first(&self, index: usize) -> bool {
        let serial = self.turns[index].serial;
        self.turns.iter().all(|turn| turn.serial >= serial || !turn.state.holds_records())
    }

    /// What is committed is known again.
    pub(crate) fn positioned(&mut self) {
        self.is_position_unknown = false;
        self.is_asking = false;
    }

    /// What is committed could not be asked: it is asked again.
    pub(crate) fn not_positioned(&mut self, now: Instant) {
        self.is_asking = false;
        self.back_off(now);
    }

    /// Everything is read again from what is committed on.
    pub(crate) fn rewound(&mut self) {
        self.must_rewind = false;
    }

    /// Whether nothing is under way: all that was taken is committed, or read again.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.must_rewind && !self.turns.iter().any(|turn| turn.state.holds_records())
    }

    /// When to look again, if not woken before.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        let filling = self.find(|state| state == State::Filling).and_then(|filling| self.turns[filling].since);
        let full_at = filling.map(|since| later(since, self.limits.max_wait));
        [full_at, self.overdue_at(), self.not_before].into_iter().flatten().min()
    }

    fn find(&self, is_it: impl Fn(State) -> bool) -> Option<usize> {
        self.turns.iter().position(|turn| is_it(turn.state))
    }
}

impl State {
    /// The broker has its outputs, and it is not committed yet.
    fn is_out(self) -> bool {
        matches!(self, Self::Flushed | Self::Committing)
    }

    /// It holds records that are neither committed nor being committed nor given up.
    fn is_open(self) -> bool {
        matches!(self, Self::Filling | Self::Draining | Self::Drained | Self::Flushing | Self::Flushed)
    }

    /// It holds records whose fate is not settled.
    fn holds_records(self) -> bool {
        self.is_open() || matches!(self, Self::Committing | Self::Failed | Self::Aborting | Self::Unaborted)
    }
}
