//! [`Circuit`]: whether a listener's handler may be called now, or what it needs is down: pure.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::later::later;
use crate::{config::CircuitBreaker, record::TopicPartition};

/// Closed, the handler is called; open, nobody calls it until a time; half-open, one record tries.
///
/// Whoever has to wait takes a [`Ticket`] and asks with it; those who wait try in the order in which they came, and who
/// tried in vain comes last: a record that fails by its own fault keeps no other from finding out that all is well.
pub(crate) struct Circuit {
    /// `None`: it opens only when a handler says "not now".
    limits: Option<CircuitBreaker>,
    state: State,
    /// Failures since the last success.
    n_failed: u32,
    /// How often it opened by itself since it was closed last.
    n_opened: u32,
    opened_at: Option<Instant>,
    waiting: VecDeque<Ticket>,
    next_ticket: u64,
    /// The record that tried last.
    trying: Option<RecordId>,
    /// How often each record has tried in vain since it was closed last.
    tries: HashMap<RecordId, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen(Ticket),
}

/// The place of one who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// Partition and offset of a record, or of the first of a batch.
pub(crate) type RecordId = (TopicPartition, i64);

/// What one who wants to call the handler is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is closed.
    Go,
    /// Everyone waits for what comes of this call.
    Try,
    /// Nobody calls before then.
    NotBefore(Instant),
    /// Another tries, or will.
    Later,
}

/// What becomes of a delivery that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It counts, by the policy of its listener.
    Counts,
    /// It was not its record's fault: the record waits, and comes again.
    Postponed,
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Opened { pause: Duration, n_failed: u32 },
    Closed { open_for: Duration },
}

impl Circuit {
    pub(crate) fn new(limits: Option<CircuitBreaker>) -> Self {
        Self {
            limits,
            state: State::Closed,
            n_failed: 0,
            n_opened: 0,
            opened_at: None,
            waiting: VecDeque::new(),
            next_ticket: 0,
            trying: None,
            tries: HashMap::new(),
        }
    }

    /// Closed, as at the beginning. A place of before is none of those that are given out from here on: who has it may still act
    /// on it.
    pub(crate) fn reset(&mut self) {
        *self = Self { next_ticket: self.next_ticket, ..Self::new(self.limits) };
    }

    /// Whether a report of a success or a question could matter: closed, and without a failure, it cannot.
    pub(crate) fn is_quiet(&self) -> bool {
        self.state == State::Closed && self.n_failed == 0
    }

    /// Until when nobody calls the handler.
    pub(crate) fn open_until(&self, now: Instant) -> Option<Instant> {
        match self.state {
            State::Open { until } if now < until => Some(until),
            State::Open { .. } | State::Closed | State::HalfOpen(_) => None,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// The record that tries, which all others wait for.
    pub(crate) fn trying(&self) -> Option<&RecordId> {
        self.trying.as_ref().filter(|_| matches!(self.state, State::HalfOpen(_)))
    }

    /// Takes a place among those who wait.
    pub(crate) fn enter(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.waiting.push_back(ticket);
        ticket
    }

    /// Gives the place up, and the try if it was its: the next one has it.
    pub(crate) fn leave(&mut self, ticket: Ticket, now: Instant) {
        self.waiting.retain(|waiting| *waiting != ticket);
        if self.state == State::HalfOpen(ticket) {
            self.state = State::Open { until: now };
        }
    }

    /// Whether it may call the handler, for this record.
    pub(crate) fn ask(&mut self, ticket: Ticket, record: &RecordId, now: Instant) -> Answer {
        match self.state {
            State::Closed => Answer::Go,
            State::Open { until } if now < until => Answer::NotBefore(until),
            State::Open { .. } if self.waiting.front() == Some(&ticket) => {
                self.state = State::HalfOpen(ticket);
                self.trying = Some(record.clone());
                Answer::Try
            }
            State::HalfOpen(trying) if trying == ticket => Answer::Try,
            State::Open { .. } | State::HalfOpen(_) => Answer::Later,
        }
    }

    /// A call of the handler ended otherwise than in a failure that may pass; `trying` if it was the try.
    pub(crate) fn answered(&mut self, trying: Option<Ticket>, now: Instant) -> Option<Change> {
        match (self.state, trying) {
            (State::HalfOpen(one), Some(ticket)) if one == ticket => Some(self.close(now)),
            (State::Closed, _) => {
                self.n_failed = 0;
                None
            }
            // It began before; that it ended well says nothing of now.
            _ => None,
        }
    }

    /// A call of the handler failed in a way that may pass; `not_before`: it said itself after how long.
    pub(crate) fn failed(
        &mut self,
        trying: Option<Ticket>,
        record: RecordId,
        not_before: Option<Duration>,
        now: Instant,
    ) -> (Verdict, Option<Change>) {
        let is_try = trying.is_some_and(|ticket| self.state == State::HalfOpen(ticket));
        if let Some(pause) = not_before {
            return (self.verdict_of_try(is_try, record), self.open(pause, is_try, now));
        }
        let Some(limits) = self.limits else {
            // It said "not now" before and says something else now: that is a failure as any other.
            return match self.state {
                State::HalfOpen(_) if is_try => (Verdict::Counts, Some(self.close(now))),
                State::Closed | State::HalfOpen(_) => (Verdict::Counts, None),
                State::Open { .. } => (Verdict::Postponed, None),
            };
        };
        match self.state {
            State::Closed => {
                self.n_failed = self.n_failed.saturating_add(1);
                if self.n_failed < limits.failures {
                    return (Verdict::Counts, None);
                }
            }
            State::HalfOpen(_) if is_try => self.n_failed = self.n_failed.saturating_add(1),
            // It began before; the others are out already.
            State::HalfOpen(_) | State::Open { .. } => return (Verdict::Postponed, None),
        }
        let pause = limits.pause_after(self.n_opened);
        self.n_opened = self.n_opened.saturating_add(1);
        (self.verdict_of_try(is_try, record), self.open(pause, is_try, now))
    }

    /// A record that tried in vain too often may be at fault itself.
    fn verdict_of_try(&mut self, is_try: bool, record: RecordId) -> Verdict {
        let Some(most) = self.limits.and_then(|limits| limits.probes).filter(|_| is_try) else {
            return Verdict::Postponed;
        };
        let tries = self.tries.entry(record).or_default();
        *tries = tries.saturating_add(1);
        if *tries > most { Verdict::Counts } else { Verdict::Postponed }
    }

    fn open(&mut self, pause: Duration, is_try: bool, now: Instant) -> Option<Change> {
        if let State::HalfOpen(ticket) = self.state
            && is_try
        {
            self.waiting.retain(|waiting| *waiting != ticket);
        }
        let until = later(now, pause);
        match &mut self.state {
            State::Open { until: longest } if *longest >= until => return None,
            // One tries: it will tell.
            State::HalfOpen(_) if !is_try => return None,
            state => *state = State::Open { until },
        }
        self.opened_at.get_or_insert(now);
        Some(Change::Opened { pause, n_failed: self.n_failed })
    }

    fn close(&mut self, now: Instant) -> Change {
        self.state = State::Closed;
        (self.n_failed, self.n_opened) = (0, 0);
        self.tries.clear();
        let opened_at = self.opened_at.take().unwrap_or(now);
        Change::Closed { open_for: now.saturating_duration_since(opened_at) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> CircuitBreaker {
        CircuitBreaker { failures: 3, pause: 10 * SECOND, max_pause: 30 * SECOND, probes: None }
    }

    fn record(offset: i64) -> RecordId {
        (TopicPartition::new("orders", 0), offset)
    }

    /// A circuit and its time.
    struct Case {
        circuit: Circuit,
        now: Instant,
    }

    impl Case {
        fn new(limits: Option<CircuitBreaker>) -> Self {
            Self { circuit: Circuit::new(limits), now: Instant::now() }
        }

        /// Opened by three failures.
        fn opened() -> Self {
            let mut case = Self::new(Some(limits()));
            for _ in 0..3 {
                case.fail(None);
            }
            case
        }

        fn fail(&mut self, trying: Option<Ticket>) -> (Verdict, Option<Change>) {
            self.circuit.failed(trying, record(0), None, self.now)
        }

        fn ask(&mut self, ticket: Ticket) -> Answer {
            self.circuit.ask(ticket, &record(0), self.now)
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
        }

        /// The try of one that has no place yet, at a time when it has it.
        fn tries(&mut self) -> Ticket {
            let ticket = self.circuit.enter();
            assert_eq!(self.ask(ticket), Answer::Try);
            ticket
        }
    }

    fn opened(pause: Duration, n_failed: u32) -> Option<Change> {
        Some(Change::Opened { pause, n_failed })
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_the_last_of_them_does_not_count() {
        let mut case = Case::new(Some(limits()));
        assert_eq!(case.fail(None), (Verdict::Counts, None));
        assert_eq!(case.fail(None), (Verdict::Counts, None));
        assert_eq!(case.circuit.answered(None, case.now), None);
        assert_eq!(case.fail(None), (Verdict::Counts, None), "a success in between begins the row anew");
        assert_eq!(case.fail(None), (Verdict::Counts, None));
        assert_eq!(case.fail(None), (Verdict::Postponed, opened(10 * SECOND, 3)));
        assert_eq!(case.circuit.open_until(case.now), Some(case.now + 10 * SECOND));
    }

    #[test]
    fn what_had_begun_before_it_opened_does_not_count_and_changes_nothing() {
        let mut case = Case::opened();
        assert_eq!(case.fail(None), (Verdict::Postponed, None));
        assert_eq!(case.circuit.answered(None, case.now), None);
        let ticket = case.circuit.enter();
        assert_eq!(case.ask(ticket), Answer::NotBefore(case.now + 10 * SECOND));
    }

    #[test]
    fn one_tries_when_its_pause_is_over_and_the_others_wait_for_what_comes_of_it() {
        let mut case = Case::opened();
        let (first, second) = (case.circuit.enter(), case.circuit.enter());
        case.pass(10 * SECOND);
        assert_eq!(case.circuit.open_until(case.now), None, "records may come for it");
        assert_eq!((case.ask(second), case.ask(first)), (Answer::Later, Answer::Try));
        assert_eq!((case.ask(second), case.ask(first)), (Answer::Later, Answer::Try));
        let closed = Change::Closed { open_for: 10 * SECOND };
        assert_eq!(case.circuit.answered(Some(first), case.now), Some(closed));
        assert_eq!(case.ask(second), Answer::Go);
        assert!(case.circuit.is_quiet());
    }

    #[test]
    fn a_try_in_vain_opens_it_for_longer_up_to_the_longest() {
        let mut case = Case::opened();
        for pause in [20, 30, 30] {
            case.pass(30 * SECOND);
            let ticket = case.tries();
            let (verdict, change) = case.fail(Some(ticket));
            assert_eq!(verdict, Verdict::Postponed);
            assert!(matches!(change, Some(Change::Opened { pause: p, .. }) if p == pause * SECOND), "{change:?}");
        }
        case.pass(30 * SECOND);
        let ticket = case.tries();
        case.circuit.answered(Some(ticket), case.now);
        case.circuit.leave(ticket, case.now);
        for _ in 0..2 {
            case.fail(None);
        }
        assert_eq!(case.fail(None).1, opened(10 * SECOND, 3), "once closed it begins anew");
    }

    #[test]
    fn who_tried_in_vain_lets_the_others_try_before_it_tries_again() {
        let mut case = Case::opened();
        let (bad, good) = (case.circuit.enter(), case.circuit.enter());
        case.pass(10 * SECOND);
        assert_eq!(case.ask(bad), Answer::Try);
        case.fail(Some(bad));
        let bad = case.circuit.enter();
        case.pass(20 * SECOND);
        assert_eq!((case.ask(bad), case.ask(good)), (Answer::Later, Answer::Try));
        assert!(matches!(case.circuit.answered(Some(good), case.now), Some(Change::Closed { .. })));
    }

    #[test]
    fn a_try_that_is_given_up_is_the_next_ones() {
        let mut case = Case::opened();
        let (first, second) = (case.circuit.enter(), case.circuit.enter());
        case.pass(10 * SECOND);
        assert_eq!(case.ask(first), Answer::Try);
        case.circuit.leave(first, case.now);
        assert_eq!(case.ask(second), Answer::Try);
    }

    #[test]
    fn what_is_known_of_before_a_reset_counts_for_nothing_after_it() {
        let mut case = Case::opened();
        case.pass(10 * SECOND);
        let before = case.tries();
        case.circuit.reset();
        assert!(case.circuit.is_quiet());
        case.fail(None);
        case.fail(None);
        case.fail(None);
        case.pass(10 * SECOND);
        let after = case.tries();
        assert_eq!(case.circuit.answered(Some(before), case.now), None, "it is not the one that tries");
        case.circuit.leave(before, case.now);
        assert_eq!(case.ask(after), Answer::Try);
    }

    #[test]
    fn a_record_that_tried_in_vain_too_often_counts_again() {
        let mut case = Case::new(Some(CircuitBreaker { probes: Some(2), ..limits() }));
        let mut verdicts = Vec::new();
        for _ in 0..3 {
            case.fail(None);
        }
        for _ in 0..4 {
            case.pass(30 * SECOND);
            let ticket = case.tries();
            verdicts.push(case.fail(Some(ticket)).0);
        }
        assert_eq!(verdicts, [Verdict::Postponed, Verdict::Postponed, Verdict::Counts, Verdict::Counts]);
    }

    #[test]
    fn a_handler_that_says_not_now_is_left_alone_for_as_long_as_it_says() {
        for limits in [None, Some(limits())] {
            let mut case = Case::new(limits);
            let said = case.circuit.failed(None, record(0), Some(60 * SECOND), case.now);
            assert_eq!(said, (Verdict::Postponed, opened(60 * SECOND, 0)));
            let shorter = case.circuit.failed(None, record(1), Some(SECOND), case.now);
            assert_eq!(shorter, (Verdict::Postponed, None), "the longest counts");
            case.pass(60 * SECOND);
            let ticket = case.tries();
            let again = case.circuit.failed(Some(ticket), record(0), Some(5 * SECOND), case.now);
            assert_eq!(again, (Verdict::Postponed, opened(5 * SECOND, 0)), "and no longer than it says");
        }
    }

    #[test]
    fn without_limits_another_failure_of_the_one_that_tries_is_one_as_any_other() {
        let mut case = Case::new(None);
        assert_eq!(case.fail(None), (Verdict::Counts, None));
        case.circuit.failed(None, record(0), Some(SECOND), case.now);
        case.pass(SECOND);
        let ticket = case.tries();
        let (verdict, change) = case.fail(Some(ticket));
        assert_eq!(verdict, Verdict::Counts);
        assert!(matches!(change, Some(Change::Closed { .. })), "{change:?}");
    }

    proptest! {
        /// Whatever happens in whatever order: at most one tries at a time, nobody is let in before the pause is over, and
        /// as long as one waits and time passes, somebody gets to try.
        #[test]
        fn there_is_one_try_at_a_time_and_never_none_for_good(steps in prop::collection::vec((0..6_u8, 0..40_u64), 1..200)) {
            let mut case = Case::new(Some(CircuitBreaker { probes: Some(3), ..limits() }));
            let (mut waiting, mut trying): (Vec<Ticket>, Option<Ticket>) = (Vec::new(), None);
            for (step, n) in steps {
                match step {
                    0 => waiting.push(case.circuit.enter()),
                    1 => case.pass(Duration::from_secs(n)),
                    2 => { case.fail(None); }
                    3 => { case.circuit.answered(None, case.now); }
                    4 => if let Some(ticket) = trying.take() {
                        waiting.retain(|one| *one != ticket);
                        if n % 2 == 0 { case.fail(Some(ticket)); } else { case.circuit.answered(Some(ticket), case.now); }
                        case.circuit.leave(ticket, case.now);
                    },
                    _ => if !waiting.is_empty() {
                        let ticket = waiting.remove(usize::try_from(n).unwrap() % waiting.len());
                        case.circuit.leave(ticket, case.now);
                        trying = trying.filter(|one| *one != ticket);
                    },
                }
                for ticket in waiting.clone() {
                    match case.ask(ticket) {
                        Answer::Try => {
                            prop_assert!(trying.is_none_or(|one| one == ticket), "two try");
                            trying = Some(ticket);
                        }
                        Answer::NotBefore(at) => prop_assert!(case.now < at && case.circuit.open_until(case.now) == Some(at)),
                        Answer::Go => prop_assert!(case.circuit.is_closed()),
                        Answer::Later => prop_assert!(trying.is_some() || waiting.len() > 1),
                    }
                }
                let nobody = trying.is_none() && !waiting.is_empty() && !case.circuit.is_closed();
                prop_assert!(!nobody || case.circuit.open_until(case.now).is_some(), "nobody tries and nobody ever will");
            }
        }
    }
}
