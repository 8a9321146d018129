//! Exactly once: which records are in which transaction, when one is full of finished records, and the way back after one
//! that was given up.

use std::{sync::Arc, time::Instant};

use super::{Pump, Rewind, rebalance::Names};
use crate::{
    client::StoredOffset,
    error_handler::Reason,
    handler::Failure,
    listener::{
        assignment::Entry,
        placement::Placement,
        slot::Slot,
        transaction::{Drained, News, Position, Positions, Question, Step, Why},
    },
    record::TopicPartition,
};

impl Pump {
    /// Does about the transactions all that can be done now.
    pub(super) fn continue_transactions(&mut self, now: Instant) {
        let Some(turns) = &mut self.transactions else { return };
        turns.cycle.tick(now);
        self.ask_where_to_start(now);
        self.note_taints(now);
        self.cut_overdue(now);
        self.note_drained(now);
        self.take_steps(now);
    }

    /// Does what the transactions ask for, one step after the other.
    pub(in crate::listener) fn take_steps(&mut self, now: Instant) {
        while let Some(turns) = &mut self.transactions
            && let Some(step) = turns.cycle.next_step(now)
        {
            match step {
                Step::Abort(index) => {
                    // First, so that handlers see that what fails now is not their doing.
                    self.fence_turn(index);
                    if let Some(turns) = &mut self.transactions {
                        turns.start(step);
                    }
                }
                Step::Commit(index) => self.commit_turn(index, now),
                Step::AskPositions => {
                    let given_up = self.assignment.iter().filter(|entry| entry.data.is_in_turn());
                    match given_up.map(|entry| (entry.epoch(), entry.partition.clone())).collect::<Vec<_>>() {
                        assignments if assignments.is_empty() => turns.cycle.positioned(),
                        assignments => {
                            turns.ask(self.client.committed(), Question { why: Why::Resume, assignments });
                        }
                    }
                }
                Step::Rewind => {
                    if !self.rewind_turns(now) {
                        return; // The end of what runs wakes us.
                    }
                }
                Step::Open(_) | Step::Begin(_) | Step::Flush(_) => turns.start(step),
            }
        }
    }

    /// What a worker said.
    pub(super) fn note_transaction(&mut self, answer: crate::listener::transaction::Answer, now: Instant) {
        let Some(turns) = &mut self.transactions else { return };
        if let Some(news) = turns.note(answer, now) {
            self.learn(news);
        }
    }

    fn note_taints(&mut self, now: Instant) {
        let Some(turns) = &mut self.transactions else { return };
        if let Some(news) = turns.note_taints(now) {
            self.learn(news);
        }
    }

    fn learn(&mut self, news: News) {
        let Some(turns) = &mut self.transactions else { return };
        match news {
            News::Committed(index, positions) => {
                for Position { epoch, offset } in positions {
                    turns.ledger.committed(&offset.partition, offset.offset);
                    turns.known.saw(&offset.partition);
                    if let Some(entry) = self.assignment.by_epoch(epoch) {
                        entry.data.resume = Some(offset.offset);
                    }
                }
                for entry in self.assignment.iter_mut() {
                    entry.data.in_turn[index] = false;
                }
            }
            News::Undelivered(index, text) => {
                let reason = Arc::new(Reason::of_failure(&Failure::retry(text)));
                // One record, so of one partition.
                for entry in self.assignment.iter().filter(|entry| entry.data.in_turn[index]) {
                    turns.ledger.undelivered(&entry.partition, entry.data.last_handed(), &reason);
                }
            }
        }
    }

    /// Asks from where the group goes on with what was assigned.
    fn ask_where_to_start(&mut self, now: Instant) {
        let Some(turns) = &self.transactions else { return };
        let mut assignments = Vec::new();
        for entry in self.assignment.iter_mut().filter(|entry| !entry.is_leaving) {
            if entry.data.placement.asks(now) {
                assignments.push((entry.epoch(), entry.partition.clone()));
            }
        }
        if !assignments.is_empty() {
            turns.ask(self.client.committed(), Question { why: Why::Start, assignments });
        }
    }

    /// What the broker said is committed. Of an assignment that has ended, it counts for nothing: others went on with it.
    pub(super) fn note_positions(&mut self, Positions { why, by_epoch }: Positions, now: Instant) {
        let Some(turns) = &mut self.transactions else { return };
        let positions = match by_epoch {
            Ok(positions) => positions,
            Err(error) => {
                let listener = &*self.config.listener_id;
                tracing::warn!(listener, "what is committed cannot be read yet, it is tried again: {error}");
                return match why {
                    Why::Resume => turns.cycle.not_positioned(now),
                    Why::Start => self.assignment.iter_mut().for_each(|entry| entry.data.placement.not_answered(now)),
                };
            }
        };
        if why == Why::Start && !self.is_believed(&positions, now) {
            return;
        }
        let Some(turns) = &mut self.transactions else { return };
        for (epoch, offset) in positions {
            let Some(entry) = self.assignment.by_epoch(epoch) else { continue };
            if offset.is_some() {
                turns.known.saw(&entry.partition);
            }
            match (why, offset) {
                (Why::Resume, Some(offset)) => entry.data.resume = Some(offset),
                // None that is there later either: the first one.
                (Why::Resume, None) => {}
                (Why::Start, Some(offset)) => {
                    // A seek that is under way stands.
                    let to = Rewind { offset: Some(offset), not_before: now, reply: None };
                    entry.data.rewind.get_or_insert(to);
                }
                (Why::Start, None) => entry.data.placement = Placement::Known,
            }
        }
        if why == Why::Resume {
            turns.cycle.positioned();
        }
    }

    /// Whether the broker's answer may be true; else it is asked again.
    fn is_believed(&mut self, positions: &[(u64, Option<i64>)], now: Instant) -> bool {
        let Some(turns) = &mut self.transactions else { return true };
        let is_without = |epoch| positions.iter().any(|(of, offset)| *of == epoch && offset.is_none());
        let without = self.assignment.iter().filter(|entry| is_without(entry.epoch()));
        let without: Vec<_> = without.map(|entry| entry.partition.clone()).collect();
        if turns.known.believes(&without) {
            return true;
        }
        tracing::warn!(
            listener = &*self.config.listener_id,
            partitions = %Names(&without),
            "the broker says that the group has committed nothing there, where it had before; it is asked again"
        );
        let is_asked = |epoch| positions.iter().any(|(of, _)| *of == epoch);
        for entry in self.assignment.iter_mut().filter(|entry| is_asked(entry.epoch())) {
            entry.data.placement.not_answered(now);
        }
        false
    }

    /// Handlers are slower than a transaction may last: no other record of it starts, what is finished is committed, and
    /// the rest comes again in the next.
    fn cut_overdue(&mut self, now: Instant) {
        let Some(turns) = &self.transactions else { return };
        let Some(index) = turns.cycle.draining().filter(|_| turns.cycle.is_overdue(now)) else { return };
        for entry in self.assignment.iter_mut().filter(|entry| entry.data.in_turn[index]) {
            if !entry.data.assigned.is_fenced() && !entry.data.has_finished() {
                tracing::warn!(
                    listener = &*self.config.listener_id,
                    "{}: handlers take long for a transaction; the records behind the running one come in the next",
                    entry.partition
                );
                read_again(entry, None, now);
            }
        }
    }

    /// Looks whether all that the turn took is finished, or fenced and at rest.
    pub(in crate::listener) fn note_drained(&mut self, now: Instant) {
        let Some(index) = self.transactions.as_ref().and_then(|turns| turns.cycle.draining()) else { return };
        if self.assignment.iter_mut().any(|entry| entry.data.in_turn[index] && !entry.data.is_at_rest()) {
            return;
        }
        // Only now all is said: who spoiled the transaction says so before it is at rest.
        self.note_taints(now);
        let Some(turns) = self.transactions.as_mut().filter(|turns| turns.cycle.draining() == Some(index)) else {
            return;
        };
        let (mut positions, mut n_finished, mut is_torn) = (Vec::new(), 0_u64, false);
        for entry in self.assignment.iter_mut().filter(|entry| entry.data.in_turn[index]) {
            let epoch = entry.epoch();
            let slot = &mut entry.data;
            slot.assigned.advance(&mut slot.tracker);
            let front = slot.tracker.front_seq();
            n_finished += front - slot.settled;
            slot.settled = front;
            is_torn |= slot.tracker.has_gaps();
            if let Some(watermark) = slot.tracker.watermark() {
                let (offset, leader_epoch) = (watermark.offset, watermark.leader_epoch);
                let offset = StoredOffset { partition: entry.partition.clone(), offset, leader_epoch };
                positions.push(Position { epoch, offset });
            }
        }
        let how = match n_finished {
            _ if is_torn => Drained::Torn,
            0 => Drained::Nothing,
            _ => Drained::Finished,
        };
        if how == Drained::Nothing {
            self.assignment.iter_mut().for_each(|entry| entry.data.in_turn[index] = false);
        }
        turns.drained(how, positions, u32::try_from(n_finished).unwrap_or(u32::MAX), now);
    }

    /// Sends the positions of a turn. Here is where it is seen who the consumer is in its group: on the thread that
    /// answers revokes, so it cannot be one that has given back what it commits.
    fn commit_turn(&mut self, index: usize, now: Instant) {
        let Some(turns) = &mut self.transactions else { return };
        let is_owned = |position: &Position| self.assignment.iter().any(|entry| entry.epoch() == position.epoch);
        // Others handle the records of a partition that is gone.
        if !turns.positions(index).iter().all(is_owned) || turns.is_tainted(index) {
            return turns.refuse(index, now);
        }
        match self.client.group_metadata() {
            Ok(group) => turns.commit(index, group),
            Err(error) => {
                tracing::error!(listener = &*self.config.listener_id, "a transaction cannot be committed: {error}");
                turns.refuse(index, now);
            }
        }
    }

    /// No further record starts of what a turn took that is given up.
    fn fence_turn(&mut self, index: usize) {
        for entry in self.assignment.iter_mut().filter(|entry| entry.data.in_turn[index]) {
            entry.data.assigned.fence();
            entry.data.forget_waiting();
        }
    }

    /// Has everything read again that is in a turn that was given up, once no handler of it runs. False while one does.
    fn rewind_turns(&mut self, now: Instant) -> bool {
        let Some(turns) = &mut self.transactions else { return true };
        let is_running = |entry: &Entry<Slot>| entry.data.is_in_turn() && entry.data.assigned.is_running();
        if self.assignment.iter().any(is_running) {
            return false;
        }
        for entry in self.assignment.iter_mut().filter(|entry| entry.data.is_in_turn()) {
            let resume = entry.data.resume;
            read_again(entry, resume, now);
            entry.data.in_turn = Default::default();
        }
        turns.cycle.rewound();
        true
    }

    /// Partitions are being given back: nothing more is taken until that is done.
    pub(super) fn close_turn(&mut self) {
        if let Some(turns) = &mut self.transactions {
            turns.cycle.close();
        }
    }

    /// Gives up whatever is not being committed.
    pub(super) fn abort_turns(&mut self) {
        if let Some(turns) = &mut self.transactions {
            turns.cycle.abort_all();
        }
    }

    /// Whether no transaction holds anything.
    pub(super) fn has_no_transaction(&self) -> bool {
        self.transactions.as_ref().is_none_or(|turns| turns.cycle.is_quiet())
    }

    pub(super) fn forget_failures(&self, partition: &TopicPartition) {
        if let Some(turns) = &self.transactions {
            turns.ledger.forget(partition);
        }
    }
}

/// Fences a partition and has it read again, from `offset` on or from its first unfinished record; where somebody asked
/// for another position, that one stands.
fn read_again(entry: &mut Entry<Slot>, offset: Option<i64>, now: Instant) {
    entry.data.assigned.fence();
    entry.data.forget_waiting();
    let rewind = entry.data.rewind.get_or_insert(Rewind { offset: None, not_before: now, reply: None });
    // Without a reply it is not a seek: what was finished before the retry is to come again too.
    if rewind.reply.is_none() && offset.is_some() {
        rewind.offset = offset;
    }
}
