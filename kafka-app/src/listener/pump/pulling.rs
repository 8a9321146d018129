//! Records from the client's queues to lanes, as far as there is room for them.

use std::{sync::Arc, time::Instant};

use super::{Pump, idleness::note_activity};
use crate::{
    client::{Fault, FaultKind},
    config::Delivery,
    listener::pull::{Pull, TakingTurn},
};

/// No transaction takes records now.
struct NotNow;

impl Pump {
    /// Takes records and hands them over. Returns whether there is more to take now.
    pub(super) fn pull(&mut self, now: Instant, is_forced: bool) -> bool {
        if self.pauses.all || !self.phase.is_running() || self.config.guards.breaker.open_until(now).is_some() {
            return false;
        }
        let turn = match self.taking_turn(now) {
            Ok(turn) => turn,
            Err(NotNow) => return false,
        };
        let allowance = self.config.guards.limiter.as_ref().map_or(u64::MAX, |limiter| limiter.reserve(now));
        let (mut more, mut any, mut faults) = (false, false, Vec::new());
        let mut pull = Pull {
            now,
            is_at_most_once: self.config.delivery == Delivery::AtMostOnce,
            is_forced,
            lanes: &mut self.lanes,
            scratch: &mut self.scratch,
            turn,
            allowance,
        };
        for entry in self.assignment.iter_mut().filter(|entry| !entry.is_leaving && !entry.data.is_paused) {
            let pulled = entry.data.pull(&mut pull);
            more |= pulled.more;
            any |= note_activity(&self.config, entry, pulled.n_taken, now);
            let partition = &entry.partition;
            faults.extend(
                pulled
                    .faults
                    .into_iter()
                    .map(|fault| Fault { kind: fault.kind, text: format!("{partition}: {fault}") }),
            );
        }
        let left = pull.allowance;
        if let (Some(turn), Some(turns)) = (pull.turn, &mut self.transactions)
            && turn.n_handed > 0
        {
            turns.cycle.handed_over(turn.index, turn.n_handed, now);
            self.assignment.rotate();
        } else if left == 0 && allowance > 0 {
            self.assignment.rotate(); // Those that got nothing come first the next time.
        }
        if let Some(limiter) = &self.config.guards.limiter {
            limiter.give_back(left, &self.mailbox, now);
        }
        if any {
            self.records_came(now);
        }
        for fault in faults {
            self.partition_fault(fault, now);
        }
        more
    }

    /// A partition of which nothing more comes stops the listener: it would stand still for ever, and look well.
    fn partition_fault(&mut self, fault: Fault, now: Instant) {
        if fault.kind == FaultKind::NoPosition && self.phase.is_running() {
            let error = fault.to_error("a partition cannot be read on, and `auto-offset-reset` is `error`");
            self.fail(error, now);
        } else {
            self.report(fault, now);
        }
    }

    /// Says whether there is nothing left to do of what it owns.
    pub(super) fn tell_done(&mut self) {
        let Some(ends) = &self.config.ends else { return };
        for entry in self.assignment.iter_mut() {
            if std::mem::take(&mut entry.data.is_short) {
                ends.tell_anew(entry.partition.clone(), Arc::clone(&self.mailbox));
            }
        }
        let is_settled = self.revoking.is_none() && self.waiting.is_empty();
        let is_done = is_settled && self.assignment.iter().all(|entry| entry.data.is_done());
        self.status.send_if_modified(|status| {
            let is_done = is_done && status.has_joined;
            std::mem::replace(&mut status.is_done, is_done) != is_done
        });
    }

    /// The transaction that records go into; none unless the delivery is exactly once.
    fn taking_turn(&mut self, now: Instant) -> Result<Option<TakingTurn>, NotNow> {
        let Some(turns) = &mut self.transactions else { return Ok(None) };
        if self.revoking.is_some() {
            return Err(NotNow); // What is given back is committed before anything else is taken.
        }
        let (index, room, transaction) = turns.takes(now).ok_or(NotNow)?;
        let share = turns.cycle.spread.share(room, u32::try_from(self.assignment.len()).unwrap_or(u32::MAX));
        let is_one_by_one = turns.cycle.is_one_by_one();
        Ok(Some(TakingTurn { index, transaction, room, share, n_handed: 0, is_one_by_one }))
    }
}
