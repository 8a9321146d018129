//! From finished records to committed offsets.

use std::time::Instant;

use super::{COMMIT_GRACE, Confirm, Pump, STORE_AFTER, Slot};
use crate::{
    client::{Fault, FaultKind, StoredOffset},
    config::Delivery,
    listener::{assignment::Entry, standing::Ended, tracker::Watermark},
    record::TopicPartition,
};

impl Pump {
    /// Takes note of what lanes finished.
    pub(super) fn advance(&mut self, now: Instant) {
        let mut is_news = false;
        for entry in self.assignment.iter_mut() {
            let slot = &mut entry.data;
            let (before, n_running) = (slot.tracker.front_seq(), slot.assigned.n_running());
            if slot.assigned.advance(&mut slot.tracker) {
                is_news = true;
                self.schedule.finished(slot.tracker.front_seq() - before);
            }
            slot.give_up_confirms(n_running);
            let front = slot.tracker.front_seq();
            if slot.confirms.iter().any(|confirm| confirm.token.is_none() && confirm.seq < front) {
                self.schedule.want();
            }
            if slot.held.as_ref().is_some_and(|held| held.token.is_none()) {
                self.schedule.want();
            }
        }
        if is_news && self.store_at.is_none() && self.transactions.is_none() {
            self.store_at = Some(now + STORE_AFTER);
        }
    }

    /// Stores and commits what is due.
    pub(super) fn commit(&mut self, now: Instant) {
        if self.transactions.is_some() {
            return; // Only transactions move positions.
        }
        // Records held by this very turn.
        if self.assignment.iter().any(|entry| entry.data.held.as_ref().is_some_and(|held| held.token.is_none())) {
            self.schedule.want();
        }
        if self.schedule.is_due(now) || self.store_at.is_some_and(|at| at <= now) {
            self.store(now);
        }
        if self.standing_due_at().is_some_and(|at| at <= now) {
            self.schedule.want();
        }
        // Also if a position that was stored just now went back.
        if self.schedule.is_due(now) {
            self.start_commit(now);
        }
    }

    fn start_commit(&mut self, now: Instant) {
        let token = self.schedule.start(now);
        let returned = self.returned();
        let is_whole = returned.is_empty();
        for entry in self.assignment.iter_mut().filter(|entry| is_whole || entry.data.standing.is_back()) {
            entry.data.standing.start(token);
            let front = entry.data.tracker.front_seq();
            for confirm in entry.data.confirms.iter_mut().filter(|c| c.token.is_none() && c.seq < front) {
                confirm.token = Some(token);
            }
            if let Some(held) = &mut entry.data.held {
                held.token.get_or_insert(token);
            }
        }
        let started = match is_whole {
            true => self.client.commit_stored(token),
            false => self.client.commit_exactly(&returned, token),
        };
        if let Err(error) = started {
            let fault = Fault { kind: FaultKind::Other, text: error.to_string() };
            self.committed(Some(token), Err(fault), &[], now);
        }
    }

    /// Positions that went back. To commit them by name is safe on this thread, which answers revokes: nobody else owns a
    /// partition as long as it is in the assignment, and in the client's queue the commit is before the answer to the next
    /// revoke. One who was thrown out of the group is refused by the broker.
    fn returned(&self) -> Vec<StoredOffset> {
        let returned = self.assignment.iter().filter(|entry| entry.data.standing.is_back());
        returned.filter_map(|entry| Some(stored_offset(&entry.partition, entry.data.stored?))).collect()
    }

    /// When a commit of our own is to show whether the client takes everything along.
    pub(super) fn standing_due_at(&self) -> Option<Instant> {
        let interval = self.config.ack_time.saturating_add(COMMIT_GRACE);
        self.assignment.iter().filter_map(|entry| entry.data.standing.due_at(interval)).min()
    }

    /// Hands the client what may be committed, where it differs from what it has: a topic that was made anew starts over,
    /// so the new position may be the smaller one.
    pub(super) fn store(&mut self, now: Instant) {
        self.store_at = None;
        let delivery = self.config.delivery;
        let news = |slot: &Slot| position(slot, delivery).filter(|watermark| slot.stored != Some(*watermark));
        let of = |entry: &Entry<Slot>| Some(stored_offset(&entry.partition, news(&entry.data)?));
        let offsets: Vec<_> = self.assignment.iter().filter_map(of).collect();
        if offsets.is_empty() {
            return;
        }
        let refused = self.client.store(&offsets);
        for entry in self.assignment.iter_mut() {
            let Some(watermark) = news(&entry.data) else { continue };
            entry.data.refused = refused.iter().find(|(p, _)| *p == entry.partition).map(|(_, fault)| fault.clone());
            if entry.data.refused.is_some() {
                continue;
            }
            let before = entry.data.stored.replace(watermark);
            if std::mem::take(&mut entry.data.is_sought) || before.is_some_and(|before| watermark.is_before(before)) {
                entry.data.standing.went_back();
                self.schedule.want();
            }
            entry.data.standing.stored(now);
        }
        for (partition, fault) in refused {
            // It is no longer ours: the revoke is on its way, and the next owner handles the records again.
            self.report(Fault { kind: fault.kind, text: format!("{partition}: offset not stored: {fault}") }, now);
        }
    }

    /// A commit ended.
    pub(super) fn committed(
        &mut self,
        token: Option<u64>,
        result: Result<(), Fault>,
        partitions: &[(StoredOffset, Option<Fault>)],
        now: Instant,
    ) {
        // Nothing to commit: an earlier commit had it all.
        let result = result.or_else(|fault| if fault.kind == FaultKind::NothingToCommit { Ok(()) } else { Err(fault) });
        let refused = partitions.iter().find_map(|(offset, fault)| Some((&offset.partition, fault.as_ref()?)));
        if let Err(fault) = &result {
            self.report(Fault { kind: fault.kind, text: format!("commit failed, it is tried again: {fault}") }, now);
        } else if let Some((partition, fault)) = refused {
            self.report(Fault { kind: fault.kind, text: format!("commit of {partition} failed: {fault}") }, now);
        }
        for (offset, fault) in partitions {
            // What is before our own first position is a commit of an earlier assignment.
            if let (Some(entry), None) = (self.assignment.get_mut(&offset.partition), fault)
                && result.is_ok()
                && entry.data.stored.is_some_and(|stored| (0..=stored.offset).contains(&offset.offset))
            {
                entry.data.standing.taken_along();
            }
        }
        let Some(token) = token else { return };
        let is_all_stored = self.assignment.iter().all(|entry| entry.data.refused.is_none());
        if !self.schedule.end(token, result.is_ok() && refused.is_none() && is_all_stored, now) {
            return;
        }
        for entry in self.assignment.iter_mut() {
            // What the client did not take is not in its commit.
            let not_stored = entry.data.refused.clone();
            let fault = match &result {
                Err(fault) => Some(fault),
                Ok(()) => partitions.iter().find(|(o, _)| o.partition == entry.partition).and_then(|(_, f)| f.as_ref()),
            };
            let fault = fault.or(not_stored.as_ref());
            let ended = fault.map_or_else(|| Ok(entry.data.standing.end(token)), Err);
            if matches!(ended, Ok(Ended::ByName | Ended::LeftOut)) {
                self.schedule.want(); // Another, of what was left out of this one.
            }
            settle(entry, token, ended);
            if entry.is_leaving && fault.is_some() {
                entry.data.forget_uncommitted(); // Others handle them.
            }
            if entry.data.held.as_ref().is_some_and(|held| held.token == Some(token)) {
                entry.data.hand_over_held(&mut self.lanes);
            }
        }
    }
}

/// Tells those who wait for this commit. If it did not do, held records wait for another, and so do they if it was only
/// left out.
fn settle(entry: &mut Entry<Slot>, token: u64, ended: Result<Ended, &Fault>) {
    let slot = &mut entry.data;
    if let (Some(held), Err(_) | Ok(Ended::LeftOut)) = (&mut slot.held, ended) {
        held.token.take_if(|held| *held == token);
    }
    let (confirms, waiting): (Vec<_>, Vec<_>) = slot.confirms.drain(..).partition(|c| c.token == Some(token));
    slot.confirms = waiting;
    for confirm in confirms {
        let result = match ended {
            Ok(Ended::LeftOut) => {
                slot.confirms.push(Confirm { token: None, ..confirm });
                continue;
            }
            Ok(Ended::Committed | Ended::ByName) => Ok(()),
            Err(fault) => Err(fault.to_error(&format!("{}: the commit failed", entry.partition))),
        };
        confirm.reply.keep(result);
    }
}

/// The position that may be committed now.
fn position(slot: &Slot, delivery: Delivery) -> Option<Watermark> {
    match delivery {
        Delivery::AtLeastOnce => slot.tracker.watermark(),
        Delivery::AtMostOnce => slot.held.as_ref().map(|held| held.upto),
        Delivery::ExactlyOnce => None,
    }
}

fn stored_offset(partition: &TopicPartition, watermark: Watermark) -> StoredOffset {
    StoredOffset { partition: partition.clone(), offset: watermark.offset, leader_epoch: watermark.leader_epoch }
}
