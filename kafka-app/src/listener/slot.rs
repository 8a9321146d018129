//! [`Slot`]: all that a pump keeps for one assigned partition.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{
    assigned::Assigned,
    collector::{Collector, Gathered},
    dispatch::Delivered,
    idle::Idle,
    in_flight::InFlight,
    key_states::OwnedKeyStates,
    lane::{Lane, Lanes},
    mailbox::Mailbox,
    placement::Placement,
    promises::Promise,
    pull::{Pull, Pulled},
    pump::PumpConfig,
    standing::Standing,
    to_end::ToEnd,
    tracker::{Tracker, Watermark},
    transaction::N_TURNS,
    waiting_room::WaitingRoom,
    watchdog::Watchdog,
};
use crate::{
    client::{Fault, RecordQueue, Signal},
    clock::wall_clock,
    record::RawRecord,
};

/// One assigned partition on its pump's side.
pub(crate) struct Slot {
    queue: Box<dyn RecordQueue>,
    ready: Arc<Ready>,
    pub(crate) tracker: Tracker,
    pub(crate) assigned: Arc<Assigned>,
    lane: Option<Lane>,
    _key_states: OwnedKeyStates,
    /// Of a retry topic: where its records wait until they are due, before they are gathered.
    waiting_room: Option<WaitingRoom>,
    collector: Collector,
    /// Under this epoch.
    in_flight: InFlight,
    /// Lanes tell the pump only what makes a difference to it.
    is_told_late: bool,
    /// At most once: handed over when their commit is confirmed.
    pub(crate) held: Option<Held>,
    pub(crate) stored: Option<Watermark>,
    /// Why the client did not take the position that it was to store last.
    pub(crate) refused: Option<Fault>,
    /// A seek moved the position since it was stored last: it may go back, whatever was stored.
    pub(crate) is_sought: bool,
    /// Whether the client commits by itself what is stored.
    pub(crate) standing: Standing,
    pub(crate) rewind: Option<Rewind>,
    pub(crate) placement: Placement,
    pub(crate) confirms: Vec<Confirm>,
    pub(crate) watchdog: Watchdog,
    /// The user wants no records of it.
    pub(crate) is_paused: bool,
    pub(crate) idle: Idle,
    /// Of a listener that reads to the end.
    to_end: Option<ToEnd>,
    /// The client has no more, and yet that is before the end.
    pub(crate) is_short: bool,
    /// Exactly once: which turns hold records of it that are not committed.
    pub(crate) in_turn: [bool; N_TURNS],
    /// Sequence behind the last record that was handed over.
    handed: u64,
    /// Its offset.
    last_handed: i64,
    /// Sequence behind the last record whose turn has its position.
    pub(crate) settled: u64,
    /// Where to read again from when its turns are given up: what is committed, or where this assignment began.
    pub(crate) resume: Option<i64>,
}

/// Records whose offset must be committed before a handler sees them.
pub(crate) struct Held {
    batches: Vec<Gathered>,
    pub(crate) upto: Watermark,
    /// The commit that holds them.
    pub(crate) token: Option<u64>,
}

/// A partition that is to be read again.
pub(crate) struct Rewind {
    /// `None`: from the first unfinished record on.
    pub(crate) offset: Option<i64>,
    pub(crate) not_before: Instant,
    pub(crate) reply: Option<Promise>,
}

/// Somebody waits until a record is committed.
pub(crate) struct Confirm {
    pub(crate) seq: u64,
    pub(crate) token: Option<u64>,
    pub(crate) reply: Promise,
}

/// Set when records arrive in an empty queue, so that a turn looks only where there is something.
pub(crate) struct Ready {
    is_ready: AtomicBool,
    mailbox: Arc<Mailbox>,
}

impl Ready {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Arc<Self> {
        Arc::new(Self { is_ready: AtomicBool::new(true), mailbox })
    }
}

impl Signal for Ready {
    fn signal(&self) {
        self.is_ready.store(true, Ordering::SeqCst);
        self.mailbox.wake();
    }
}

impl Slot {
    pub(crate) fn new(
        queue: Box<dyn RecordQueue>,
        ready: Arc<Ready>,
        tracker: Tracker,
        assigned: Arc<Assigned>,
        lane: Option<Lane>,
        config: &PumpConfig,
        now: Instant,
    ) -> Self {
        Self {
            queue,
            ready,
            tracker,
            _key_states: OwnedKeyStates(Arc::clone(assigned.key_states())),
            assigned,
            lane,
            waiting_room: config.is_delayed.then(WaitingRoom::default),
            collector: Collector::new(config.limits),
            in_flight: InFlight::new(config.bounds),
            is_told_late: config.is_told_late,
            held: None,
            stored: None,
            refused: None,
            is_sought: false,
            standing: Standing::new(),
            rewind: None,
            placement: Placement::Known,
            confirms: Vec::new(),
            watchdog: Watchdog::new(config.stuck_after),
            is_paused: false,
            idle: Idle::new(config.partition_idle_after, now),
            to_end: config.ends.is_some().then(ToEnd::default),
            is_short: false,
            in_turn: [false; N_TURNS],
            handed: 0,
            last_handed: -1,
            settled: 0,
            resume: None,
        }
    }

    /// Takes what is there and fits, and hands over what is complete.
    pub(crate) fn pull(&mut self, pull: &mut Pull<'_>) -> Pulled {
        let mut pulled = Pulled::default();
        if self.held.is_none() && self.rewind.is_none() && self.placement.is_known() {
            let room = if self.wants_more() { self.room_in(pull) } else { 0 };
            if room > 0 && (self.ready.is_ready.swap(false, Ordering::SeqCst) || pull.is_forced) {
                let taken = self.queue.take(room, pull.scratch);
                pulled.faults = taken.faults;
                if taken.more {
                    self.ready.is_ready.store(true, Ordering::SeqCst);
                }
                self.leave_out_what_is_behind_the_end(pull, taken.end);
                pulled.n_taken = pull.scratch.len();
                self.gather(pull);
            }
            let more_due = self.gather_due(pull);
            // A batch is never split: the last one of a turn may take it past its number.
            while pull.turn.as_ref().is_none_or(|turn| turn.allowance() > 0)
                && let Some(due) = self.take_due(pull)
            {
                self.deliver(due, pull);
            }
            // What has to wait for its time to come is counted when it leaves the waiting room.
            let may_take = pull.allowance > 0 || self.waiting_room.is_some();
            let may_take = may_take && self.wants_more() && self.held.is_none();
            let more = may_take && self.ready.is_ready.load(Ordering::SeqCst) && self.room() > 0;
            pulled.more = more || more_due;
            if self.is_told_late {
                let matters = self.in_flight.matters_from(self.assigned.released(), self.tracker.room());
                self.assigned.tell_from(matters);
            }
        }
        pulled
    }

    /// What is to be handed over now: also a batch that keeps itself from filling, as all that may be in flight is in it. Where
    /// records go one by one, none waits for others to make a batch with.
    fn take_due(&mut self, pull: &Pull<'_>) -> Option<Gathered> {
        let n_gathered = self.collector.len() as u64;
        let is_filled = n_gathered > 0 && self.in_flight.is_filled_by(n_gathered, self.assigned.released());
        match &pull.turn {
            _ if is_filled => self.collector.take(),
            Some(turn) if turn.is_one_by_one => self.collector.take(),
            _ => self.collector.take_due(pull.now),
        }
    }

    fn wants_more(&self) -> bool {
        self.to_end.as_ref().is_none_or(ToEnd::wants_more)
    }

    fn leave_out_what_is_behind_the_end(&mut self, pull: &mut Pull<'_>, read_upto: Option<i64>) {
        let Some(to_end) = &mut self.to_end else { return };
        pull.scratch.retain(|record| to_end.takes(record.offset()));
        self.is_short = read_upto.is_some_and(|offset| to_end.is_short(offset));
    }

    /// It ended here when its listener started.
    pub(crate) fn ends_at(&mut self, end: i64) {
        if let Some(to_end) = &mut self.to_end {
            to_end.ends_at(end);
        }
    }

    /// Whether all that it had when its listener started is handled, and committed where transactions do that.
    pub(crate) fn is_done(&self) -> bool {
        self.to_end.as_ref().is_some_and(ToEnd::is_reached)
            && self.rewind.is_none()
            && self.placement.is_known()
            && !self.is_in_flight()
            && self.tracker.unfinished() == 0
            && !self.is_in_turn()
    }

    /// How many records may be taken now.
    fn room(&self) -> usize {
        let n_records = self.in_flight.room(self.assigned.released(), self.tracker.room());
        usize::try_from(n_records).unwrap_or(usize::MAX).min(self.collector.room())
    }

    fn room_in(&self, pull: &Pull<'_>) -> usize {
        match (&self.waiting_room, &pull.turn) {
            (None, _) => self.room().min(pull.allowance()),
            (Some(_), Some(turn)) => self.room().min(usize::try_from(turn.allowance()).unwrap_or(usize::MAX)),
            (Some(_), None) => self.room(),
        }
    }

    fn gather(&mut self, pull: &mut Pull<'_>) {
        let n_records = pull.scratch.len() as u64;
        if n_records == 0 {
            return;
        }
        let mut n_bytes_in_all = 0;
        // The epoch costs a call; it hardly ever changes between the first and the last of a batch.
        let (first, last) = (pull.scratch.first(), pull.scratch.last());
        let first_epoch = first.and_then(RawRecord::leader_epoch);
        let is_one_epoch = first_epoch == last.and_then(RawRecord::leader_epoch);
        let wall_clock = if self.waiting_room.is_some() { wall_clock() } else { 0 };
        let mut scratch = std::mem::take(pull.scratch);
        for record in scratch.drain(..) {
            let leader_epoch = if is_one_epoch { first_epoch } else { record.leader_epoch() };
            let seq = self.tracker.dispatch(record.offset(), leader_epoch);
            let n_bytes = record.size() as u64;
            n_bytes_in_all += n_bytes;
            let delivered = Delivered { seq, record };
            match &mut self.waiting_room {
                Some(waiting_room) => waiting_room.enter(delivered, n_bytes, pull.now, wall_clock),
                None => self.collect(delivered, n_bytes, pull),
            }
        }
        *pull.scratch = scratch;
        if self.waiting_room.is_none() {
            pull.allowance = pull.allowance.saturating_sub(n_records);
        }
        self.in_flight.take(n_records, n_bytes_in_all);
    }

    fn collect(&mut self, delivered: Delivered, n_bytes: u64, pull: &mut Pull<'_>) {
        if let Some(complete) = self.collector.push(delivered, n_bytes, pull.now) {
            self.deliver(complete, pull);
        }
    }

    /// Gathers records that are due, as many as fit. Returns whether there are more.
    fn gather_due(&mut self, pull: &mut Pull<'_>) -> bool {
        let room = self.collector.room().min(pull.allowance());
        for _ in 0..room {
            let due = self.waiting_room.as_mut().and_then(|waiting_room| waiting_room.leave(pull.now));
            let Some((delivered, n_bytes)) = due else { return false };
            pull.allowance = pull.allowance.saturating_sub(1);
            self.collect(delivered, n_bytes, pull);
        }
        pull.allowance > 0
            && self.waiting_room.as_ref().and_then(WaitingRoom::due_at).is_some_and(|due| due <= pull.now)
    }

    fn deliver(&mut self, (records, n_bytes): Gathered, pull: &mut Pull<'_>) {
        let Some(last) = records.last() else { return };
        if !pull.is_at_most_once {
            if let Some(turn) = &mut pull.turn {
                turn.n_handed = turn.n_handed.saturating_add(u32::try_from(records.len()).unwrap_or(u32::MAX));
                self.in_turn[turn.index] = true;
                (self.handed, self.last_handed) = (last.seq + 1, last.record.offset());
                self.resume = self.resume.or_else(|| records.first().map(|first| first.record.offset()));
            }
            let transaction = pull.turn.as_ref().map(|turn| &turn.transaction);
            pull.lanes.hand_over(self.lane.as_ref(), &self.assigned, records, n_bytes, transaction);
            return;
        }
        let upto = Watermark { offset: last.record.offset() + 1, leader_epoch: last.record.leader_epoch() };
        let held = self.held.get_or_insert_with(|| Held { batches: Vec::new(), upto, token: None });
        held.upto = upto;
        held.batches.push((records, n_bytes));
    }

    /// The commit that holds the held records is confirmed.
    pub(crate) fn hand_over_held(&mut self, lanes: &mut Lanes) {
        if let Some(held) = self.held.take() {
            for (records, n_bytes) in held.batches {
                lanes.hand_over(self.lane.as_ref(), &self.assigned, records, n_bytes, None);
            }
        }
    }

    /// Is to be read again from the first unfinished record on, not before this time. A seek that is under way stands: where it
    /// goes, nothing is known of that delay.
    pub(crate) fn read_again_at(&mut self, not_before: Instant) {
        let rewind = self.rewind.get_or_insert(Rewind { offset: None, not_before, reply: None });
        if rewind.reply.is_none() {
            rewind.not_before = rewind.not_before.max(not_before);
        }
    }

    /// Nothing that was not handed over will be.
    pub(crate) fn forget_waiting(&mut self) {
        let waiting = self.held.take().into_iter().flat_map(|held| held.batches).chain(self.collector.take());
        let waiting = waiting.chain(self.waiting_room.as_mut().and_then(WaitingRoom::take));
        let (n_records, n_bytes) =
            waiting.fold((0, 0), |(n, b), (records, bytes)| (n + records.len() as u64, b + bytes));
        // They were never in a lane, so nobody else lets go of them.
        self.assigned.release(n_records, n_bytes);
    }

    /// Nothing that is neither handed over nor in a commit under way will be.
    pub(crate) fn forget_uncommitted(&mut self) {
        let in_commit = self.held.take_if(|held| held.token.is_some());
        self.forget_waiting();
        self.held = in_commit;
    }

    /// Whether records of this assignment are in lanes, or in a commit before them.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight.is_any(self.assigned.released())
    }

    /// Where nothing more starts and all that runs waits for a commit, those who wait behind an unfinished record would wait
    /// for ever: it comes again, and theirs with it, only when nothing runs any more. They are told so. `n_running` lanes
    /// ran before it was looked what is finished.
    pub(crate) fn give_up_confirms(&mut self, n_running: usize) {
        let front = self.tracker.front_seq();
        let is_stuck = |confirm: &Confirm| confirm.token.is_none() && confirm.seq >= front;
        let n_stuck = self.confirms.iter().filter(|confirm| is_stuck(confirm) && !confirm.reply.is_closed()).count();
        if n_stuck > 0 && n_stuck >= n_running && self.assigned.is_fenced() {
            self.confirms.retain(|confirm| !is_stuck(confirm));
        }
    }

    /// Exactly once: whether a turn holds records of it.
    pub(crate) fn is_in_turn(&self) -> bool {
        self.in_turn.contains(&true)
    }

    /// The offset of the last record that was handed over.
    pub(crate) fn last_handed(&self) -> i64 {
        self.last_handed
    }

    /// Whether all that was handed over is finished.
    pub(crate) fn has_finished(&mut self) -> bool {
        self.assigned.advance(&mut self.tracker);
        self.tracker.front_seq() >= self.handed
    }

    /// Whether no handler runs, and none will of what was handed over.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        !self.assigned.is_running() && (self.assigned.is_fenced() || self.has_finished())
    }

    /// When the gathered records are due, or the next of those that wait.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        let waiting = self.waiting_room.as_ref().and_then(WaitingRoom::due_at);
        let due_at = self.collector.due_at().into_iter().chain(waiting).min();
        due_at.filter(|_| self.held.is_none() && self.rewind.is_none())
    }

    /// The oldest record that somebody should have finished.
    pub(crate) fn front_at_work(&self) -> Option<u64> {
        let front = (self.tracker.unfinished() > 0).then(|| self.tracker.front_seq());
        front.filter(|seq| !self.waiting_room.as_ref().is_some_and(|waiting_room| waiting_room.is_next(*seq)))
    }

    /// The same partition under a new epoch, read from elsewhere on.
    pub(crate) fn restart(&mut self, tracker: Tracker, assigned: Arc<Assigned>) {
        self.assigned.retire();
        self.tracker = tracker;
        self.assigned = assigned;
        self.refused = None;
        self.in_flight.restart();
        self.in_turn = [false; N_TURNS];
        self.placement = Placement::Known;
        (self.handed, self.settled) = (0, 0);
        self.confirms.clear();
        if let Some(to_end) = &mut self.to_end {
            to_end.restart();
        }
        self.ready.is_ready.store(true, Ordering::SeqCst);
    }
}
