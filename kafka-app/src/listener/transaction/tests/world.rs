//! [`World`]: a broker, two workers and two partitions around a [`Cycle`], in which anything may happen; what must never
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
    /// Records are handed over, of each partition in turn.
    HandOver,
    /// All of the turn that takes no more is finished.
    Finish,
    /// Half of it is, and the rest is fenced.
    Cut,
    /// It has gaps.
    Tear,
    Taint,
    Close,
    /// A partition is to be given back, which it is when nothing is under way. It comes back later.
    Leave(usize),
    /// It is given back as things are.
    LeaveNow,
    /// A partition is lost at once and comes back.
    Lose(usize),
    Pass,
    /// A call of a turn ends well.
    Succeed(usize),
    /// It asks for an abort; whether a commit went through is not known.
    Fail(usize, WentThrough),
    /// It says that the producer is lost; whether a commit went through is not known.
    Break(usize, WentThrough),
}

type WentThrough = bool;

pub(super) const N_PARTITIONS: usize = 2;

pub(super) struct World {
    cycle: Cycle,
    now: Instant,
    partitions: [Partition; N_PARTITIONS],
    /// What each turn holds, of each partition.
    turns: [[Held; N_PARTITIONS]; N_TURNS],
    /// Calls under way, of each turn in order; the last one of the first is a question if `is_asked`.
    calls: [VecDeque<Ended>; N_TURNS],
    is_asked: bool,
    /// Producers that are lost: whatever they are told fails.
    is_broken: [bool; N_TURNS],
    /// This partition is to be given back.
    leaving: Option<usize>,
    /// Of which partition a record is handed over first.
    first: usize,
}

struct Partition {
    /// Distinct for each assignment.
    epoch: u64,
    /// It is known from where it is read: what was being committed under the epoch before is settled.
    is_placed: bool,
    /// The next offset to be handed over.
    next: i64,
    /// What the consumer believes is committed.
    known: i64,
    /// What the broker has.
    committed: i64,
}

/// Offsets of one partition under one epoch.
#[derive(Clone, Default)]
struct Held {
    range: Range<i64>,
    epoch: u64,
}

impl World {
    /// Both producers are open.
    pub(super) fn new() -> Self {
        let limits = TransactionLimits {
            max_records: 4,
            max_wait: Duration::from_millis(100),
            timeout: Duration::from_secs(30),
        };
        let partition = || Partition { epoch: 0, is_placed: true, next: 0, known: 0, committed: 0 };
        let mut world = Self {
            cycle: Cycle::new(limits),
            now: Instant::now(),
            partitions: [partition(), partition()],
            turns: Default::default(),
            calls: Default::default(),
            is_asked: false,
            is_broken: [false; N_TURNS],
            leaving: None,
            first: 0,
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
            Event::Leave(p) => {
                self.leaving.get_or_insert(p);
                self.cycle.close();
            }
            Event::LeaveNow => {
                if let Some(p) = self.leaving.take() {
                    self.cycle.abort_all();
                    self.give_back(p);
                }
            }
            Event::Lose(p) => {
                if self.leaving.is_none() {
                    self.cycle.abort_all();
                    self.give_back(p);
                }
            }
            Event::Pass => self.now += Duration::from_millis(110),
            Event::Succeed(turn) => self.end(turn, Ok(()), true),
            Event::Fail(turn, went_through) => self.end(turn, Err(TransactionFaultKind::Abort), went_through),
            Event::Break(turn, went_through) => self.end(turn, Err(TransactionFaultKind::Fatal), went_through),
        }
        self.cycle.tick(self.now);
        self.go_on();
        if let Some(p) = self.leaving.take_if(|_| self.cycle.is_quiet()) {
            let partition = &self.partitions[p];
            assert!(!partition.is_placed || partition.next == partition.committed, "what it has taken is committed");
            self.give_back(p);
        }
        self.place();
    }

    /// Others own a partition, until it comes back under another epoch.
    fn give_back(&mut self, p: usize) {
        self.partitions[p].epoch += 1;
        self.partitions[p].is_placed = false;
    }

    /// Others have handled a record of what comes back, once the broker knows what became of the last commit before.
    fn place(&mut self) {
        for (p, partition) in self.partitions.iter_mut().enumerate().filter(|(_, partition)| !partition.is_placed) {
            let is_in_commit =
                |turn: usize| self.calls[turn].contains(&Ended::Commit) && !self.turns[turn][p].range.is_empty();
            if !(0..N_TURNS).any(is_in_commit) {
                partition.committed += 1;
                (partition.known, partition.next) = (partition.committed, partition.committed);
                partition.is_placed = true;
            }
        }
    }

    fn hand_over(&mut self) {
        if self.leaving.is_some() {
            return;
        }
        let Some((turn, room)) = self.cycle.takes(self.now) else { return };
        assert!(room > 0, "a turn that takes records takes none");
        let (mut n_records, first) = (0, self.first);
        for p in [first, 1 - first] {
            let (partition, held) = (&mut self.partitions[p], &mut self.turns[turn][p]);
            if n_records == room.min(2) || !partition.is_placed {
                continue;
            }
            if held.range.is_empty() {
                *held = Held { range: partition.next..partition.next, epoch: partition.epoch };
            }
            assert_eq!((held.range.end, held.epoch), (partition.next, partition.epoch), "a turn holds what follows");
            held.range.end += 1;
            partition.next = held.range.end;
            n_records += 1;
            self.first = 1 - p;
        }
        if n_records > 0 {
            self.cycle.handed_over(turn, n_records, self.now);
        }
    }

    /// The first of `parts` parts of the turn is finished; the rest is read again. Of a partition that is to be given back
    /// no record starts any more.
    fn drain(&mut self, parts: i64) {
        let Some(turn) = self.cycle.draining() else { return };
        let mut n_finished = 0;
        for (p, (held, partition)) in self.turns[turn].iter_mut().zip(&mut self.partitions).enumerate() {
            if held.range.is_empty() {
                continue;
            }
            let parts = if self.leaving == Some(p) { 2 } else { parts };
            let range = &mut held.range;
            range.end = range.start + (range.end - range.start) / parts;
            n_finished += range.end - range.start;
            partition.next = range.end;
        }
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
                    for (held, partition) in self.turns[turn].iter().zip(&self.partitions) {
                        if !held.range.is_empty() {
                            assert_eq!(held.epoch, partition.epoch, "positions are sent of what is owned");
                            assert_eq!(held.range.start, partition.known, "positions are sent in order");
                        }
                    }
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
        self.turns = Default::default();
        for partition in self.partitions.iter_mut().filter(|partition| partition.is_placed) {
            assert_eq!(partition.known, partition.committed, "read again from where the broker is");
            partition.next = partition.known;
        }
        self.cycle.rewound();
    }

    fn end(&mut self, turn: usize, outcome: Result<(), TransactionFaultKind>, went_through: bool) {
        let Some(call) = self.calls[turn].pop_front() else {
            if turn == 0 && std::mem::take(&mut self.is_asked) {
                match outcome {
                    Ok(()) => {
                        for partition in &mut self.partitions {
                            partition.known = partition.committed;
                        }
                        self.cycle.positioned();
                    }
                    Err(_) => self.cycle.not_positioned(self.now),
                }
            }
            return;
        };
        if call == Ended::Commit && went_through && !self.is_broken[turn] {
            for (Held { range, epoch }, partition) in
                std::mem::take(&mut self.turns[turn]).into_iter().zip(&mut self.partitions)
            {
                if range.is_empty() {
                    continue;
                }
                assert_eq!(range.start, partition.committed, "each record is committed once, and none is passed over");
                partition.committed = range.end;
                if outcome.is_ok() && epoch == partition.epoch {
                    partition.known = range.end;
                }
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
            let is_placed = self.leaving.is_none() && self.partitions.iter().all(|partition| partition.is_placed);
            if is_placed && self.cycle.is_quiet() && self.calls.iter().all(VecDeque::is_empty) && !self.is_asked {
                return;
            }
        }
        panic!("it does not come to rest: {:?}", self.cycle);
    }

    /// The most that is committed of a partition.
    pub(super) fn committed(&self) -> i64 {
        self.partitions.iter().map(|partition| partition.committed).fold(0, i64::max)
    }

    /// Goes on until this many records of each partition are committed.
    pub(super) fn finish(&mut self, n_records: i64) {
        self.settle();
        for _ in 0..1_000 {
            if self.partitions.iter().all(|partition| partition.committed >= n_records) {
                return;
            }
            self.happen(Event::HandOver);
            self.settle();
        }
        panic!("it does not get on: {:?}", self.cycle);
    }
}
