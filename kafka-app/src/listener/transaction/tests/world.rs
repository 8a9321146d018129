//! [`World`]: a broker, two workers and one partition around a [`Cycle`], in which anything may happen; what must never
//! happen is asserted where it would.

use std::{
    collections::VecDeque,
    ops::Range,
    time::{Duration, Instant},
};

use crate::{
    client::TransactionFaultKind,
    config::TransactionLimits,
    listener::transaction::{
        cycle::{Cycle, N_TURNS},
        step::{Drained, Ended, Step},
    },
};

/// What may happen next. With nothing to happen to, an event is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Records are handed over.
    HandOver,
    /// All of the turn that takes no more is finished.
    Finish,
    /// Half of it is, and the rest is fenced.
    Cut,
    /// It has gaps.
    Tear,
    Taint,
    Close,
    /// The partition is lost and comes back.
    Lose,
    Pass,
    /// A call of a turn ends well.
    Succeed(usize),
    /// It asks for an abort; whether a commit went through is not known.
    Fail(usize, WentThrough),
    /// It says that the producer is lost; whether a commit went through is not known.
    Break(usize, WentThrough),
}

type WentThrough = bool;

pub(super) struct World {
    cycle: Cycle,
    now: Instant,
    /// Offsets that each turn holds.
    turns: [Range<i64>; N_TURNS],
    /// Calls under way, of each turn in order; the last one of the first is a question if `is_asked`.
    calls: [VecDeque<Ended>; N_TURNS],
    is_asked: bool,
    /// Producers that are lost: whatever they are told fails.
    is_broken: [bool; N_TURNS],
    /// The next offset to be handed over.
    next: i64,
    /// What the consumer believes is committed.
    known: i64,
    /// What the broker has.
    pub(super) committed: i64,
}

impl World {
    /// Both producers are open.
    pub(super) fn new() -> Self {
        let limits = TransactionLimits {
            max_records: 4,
            max_wait: Duration::from_millis(100),
            timeout: Duration::from_secs(30),
        };
        let mut world = Self {
            cycle: Cycle::new(limits),
            now: Instant::now(),
            turns: [0..0, 0..0],
            calls: Default::default(),
            is_asked: false,
            is_broken: [false; N_TURNS],
            next: 0,
            known: 0,
            committed: 0,
        };
        world.go_on();
        world.happen(Event::Succeed(0));
        world.happen(Event::Succeed(1));
        world
    }

    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::HandOver => self.hand_over(),
            Event::Finish => self.drain(1),
            Event::Cut => self.drain(2),
            Event::Tear => self.cycle.drained(Drained::Torn, 0, self.now),
            Event::Taint => self.cycle.taint(),
            Event::Close => self.cycle.close(),
            Event::Lose => self.cycle.abort_all(),
            Event::Pass => self.now += Duration::from_millis(110),
            Event::Succeed(turn) => self.end(turn, Ok(()), true),
            Event::Fail(turn, went_through) => self.end(turn, Err(TransactionFaultKind::Abort), went_through),
            Event::Break(turn, went_through) => self.end(turn, Err(TransactionFaultKind::Fatal), went_through),
        }
        self.cycle.tick(self.now);
        self.go_on();
    }

    fn hand_over(&mut self) {
        let Some((turn, room)) = self.cycle.takes(self.now) else { return };
        assert!(room > 0, "a turn that takes records takes none");
        let n_records = room.min(2);
        let range = &mut self.turns[turn];
        if range.is_empty() {
            *range = self.next..self.next;
        }
        assert_eq!(range.end, self.next, "a turn holds what follows");
        range.end += i64::from(n_records);
        self.next = range.end;
        self.cycle.handed_over(turn, n_records, self.now);
    }

    /// The first of `parts` parts of the turn is finished; the rest is read again.
    fn drain(&mut self, parts: i64) {
        let Some(turn) = self.cycle.draining() else { return };
        let range = &mut self.turns[turn];
        let n_finished = (range.end - range.start) / parts;
        range.end = range.start + n_finished;
        self.next = range.end;
        let how = if n_finished == 0 { Drained::Nothing } else { Drained::Finished };
        self.cycle.drained(how, u32::try_from(n_finished).expect("small"), self.now);
    }

    fn go_on(&mut self) {
        while let Some(step) = self.cycle.next_step(self.now) {
            match step {
                Step::Open(turn) => {
                    assert!(self.calls[turn].is_empty(), "its producer is still at work: {:?}", self.calls);
                    self.is_broken[turn] = false;
                    self.calls[turn].push_back(Ended::Open);
                }
                Step::Begin(turn) => self.calls[turn].push_back(Ended::Begin),
                Step::Flush(turn) => self.calls[turn].push_back(Ended::Flush),
                Step::Abort(turn) => self.calls[turn].push_back(Ended::Abort),
                Step::Commit(turn) => {
                    assert_eq!(self.turns[turn].start, self.known, "positions are sent in order");
                    self.calls[turn].push_back(Ended::Commit);
                }
                Step::AskPositions => self.is_asked = true,
                Step::Rewind => self.rewind(),
            }
        }
    }

    fn rewind(&mut self) {
        let is_settled = |call: &Ended| matches!(call, Ended::Open | Ended::Begin);
        assert!(self.calls.iter().flatten().all(is_settled), "nobody knows yet what is committed: {:?}", self.calls);
        assert_eq!(self.known, self.committed, "read again from where the broker is");
        self.turns = [0..0, 0..0];
        self.next = self.known;
        self.cycle.rewound();
    }

    fn end(&mut self, turn: usize, outcome: Result<(), TransactionFaultKind>, went_through: bool) {
        let Some(call) = self.calls[turn].pop_front() else {
            if turn == 0 && std::mem::take(&mut self.is_asked) {
                match outcome {
                    Ok(()) => {
                        self.known = self.committed;
                        self.cycle.positioned();
                    }
                    Err(_) => self.cycle.not_positioned(self.now),
                }
            }
            return;
        };
        if call == Ended::Commit && went_through && !self.is_broken[turn] {
            let range = std::mem::take(&mut self.turns[turn]);
            assert_eq!(range.start, self.committed, "each record is committed once, and none is passed over");
            self.committed = range.end;
            if outcome.is_ok() {
                self.known = range.end;
            }
        }
        let outcome = if self.is_broken[turn] { Err(TransactionFaultKind::Fatal) } else { outcome };
        self.is_broken[turn] = outcome == Err(TransactionFaultKind::Fatal);
        if call == Ended::Flush && outcome == Err(TransactionFaultKind::Abort) && went_through {
            self.cycle.single_out(turn); // Of a record's own fault.
        }
        self.cycle.ended(turn, call, outcome, self.now);
    }

    /// Lets everything end well.
    pub(super) fn settle(&mut self) {
        for _ in 0..32 {
            for event in [Event::Close, Event::Finish, Event::Succeed(0), Event::Succeed(1)] {
                self.happen(event);
            }
            self.now += Duration::from_secs(11);
            self.go_on();
            if self.cycle.is_quiet() && self.calls.iter().all(VecDeque::is_empty) && !self.is_asked {
                return;
            }
        }
        panic!("it does not come to rest: {:?}", self.cycle);
    }

    /// Goes on until this many records are committed.
    pub(super) fn finish(&mut self, n_records: i64) {
        self.settle();
        for _ in 0..1_000 {
            if self.committed >= n_records {
                return;
            }
            self.happen(Event::HandOver);
            self.settle();
        }
        panic!("it does not get on: {:?}", self.cycle);
    }
}
