//! Assignments and revocations: answered when nothing of what goes away runs any more, or its time is up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Pump, Slot};
use crate::{
    config::{Delivery, OnRevoke},
    error::Result,
    listener::{assignment::Entry, events::ListenerEvent, later::later, placement::Placement},
    record::TopicPartition,
};

/// Partitions that are to be given back.
#[derive(Debug)]
pub(crate) struct Revoking {
    partitions: Vec<TopicPartition>,
    /// They are somebody else's already: nothing is stored and nobody is waited for.
    lost: bool,
    deadline: Instant,
}

impl Revoking {
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Pump {
    /// Takes partitions over: their queues are split off before the client fetches the first record.
    pub(super) fn assign(&mut self, partitions: &[TopicPartition], now: Instant) -> Result<()> {
        for partition in partitions {
            let epoch = self.assignment.new_epoch();
            let mut slot = self.new_slot(partition, epoch, now)?;
            if self.config.delivery == Delivery::ExactlyOnce {
                slot.placement = Placement::Unknown { ask_at: now };
            }
            if let Some(before) = self.assignment.add(partition.clone(), epoch, slot) {
                before.assigned.retire();
            }
        }
        self.client.assign(partitions)?;
        if let Some(ends) = &self.config.ends
            && !partitions.is_empty()
        {
            ends.tell(partitions.to_vec(), Arc::clone(&self.mailbox));
        }
        tracing::info!(listener = &*self.config.listener_id, partitions = %Names(partitions), "assigned");
        let consumer = self.config.consumer;
        self.show_assignment(true); // First, so that who is told sees it.
        self.config.events.tell(|listener| ListenerEvent::Assigned {
            listener,
            consumer,
            partitions: partitions.into(),
        });
        Ok(())
    }

    /// Fences what goes away. It is given back by [`Pump::continue_revoke`].
    pub(super) fn begin_revoke(&mut self, partitions: Vec<TopicPartition>, lost: bool, now: Instant) {
        let (delivery, on_revoke) = (self.config.delivery, self.config.on_revoke);
        for partition in &partitions {
            if let Some(entry) = self.assignment.get_mut(partition) {
                leave(entry, delivery, on_revoke);
                if lost && delivery != Delivery::AtMostOnce {
                    entry.data.assigned.retire();
                }
                if lost {
                    entry.data.assigned.key_states().give_up();
                }
            }
        }
        self.close_turn();
        if lost {
            self.abort_turns();
        }
        // While the group is left all has drained or was cut off already.
        let patience = if self.phase.is_closing() { Duration::ZERO } else { self.config.drain_timeout };
        self.revoking = Some(Revoking { partitions, lost, deadline: later(now, patience) });
        self.continue_revoke(now);
    }

    /// Gives partitions back once nothing of them runs.
    pub(super) fn continue_revoke(&mut self, now: Instant) {
        self.flush_key_states();
        let Some(revoking) = &self.revoking else { return };
        let waits_for = |partition: &TopicPartition| {
            !revoking.lost
                && self.assignment.iter().any(|e| e.partition == *partition && is_busy(&e.data, self.config.delivery))
        };
        let busy: Vec<&TopicPartition> = revoking.partitions.iter().filter(|p| waits_for(p)).collect();
        let is_committed = revoking.lost || self.has_no_transaction();
        if (!busy.is_empty() || !is_committed) && now < revoking.deadline {
            return;
        }
        for partition in busy {
            tracing::warn!(
                listener = &*self.config.listener_id,
                "{partition} is revoked while a handler runs; its time is up, the record will be handled again elsewhere"
            );
        }
        let Some(Revoking { partitions, lost, .. }) = self.revoking.take() else { return };
        if !is_committed {
            // Nothing of it counts before its positions do; those, the broker takes of a member of this generation only.
            self.abort_turns();
            self.continue_transactions(now);
        }
        self.give_back(&partitions, lost, now);
        if !self.waiting.is_empty() {
            self.mailbox.wake(); // What waited for this is served by the next turn, at once.
        }
    }

    /// What is kept for keys leaves before its partition does, and behind the last handler.
    pub(super) fn flush_key_states(&self) {
        let is_free = |slot: &Slot| !is_at_work(slot, self.config.delivery);
        for entry in self.assignment.iter().filter(|entry| entry.is_leaving && is_free(&entry.data)) {
            entry.data.assigned.key_states().flush(self.lanes.runtime(), &self.mailbox);
        }
    }

    fn give_back(&mut self, partitions: &[TopicPartition], lost: bool, now: Instant) {
        if !lost {
            self.advance(now);
            self.store(now);
        }
        for partition in partitions {
            if let Some(slot) = self.assignment.remove(partition) {
                slot.assigned.retire();
            }
            self.forget_failures(partition);
        }
        if let Err(error) = self.client.unassign(partitions) {
            tracing::warn!(listener = &*self.config.listener_id, %error, "the client did not take the partitions back");
        }
        let names = Names(partitions);
        match lost {
            true => {
                tracing::warn!(listener = &*self.config.listener_id, partitions = %names, "lost: others own them already")
            }
            false => tracing::info!(listener = &*self.config.listener_id, partitions = %names, "revoked"),
        }
        let consumer = self.config.consumer;
        self.show_assignment(false);
        self.config.events.tell(|listener| match lost {
            true => ListenerEvent::Lost { listener, consumer, partitions: partitions.into() },
            false => ListenerEvent::Revoked { listener, consumer, partitions: partitions.into() },
        });
    }

    fn show_assignment(&self, joined: bool) {
        let partitions = self.assignment.partitions();
        self.status.send_modify(|status| {
            status.partitions = partitions;
            status.n_rebalances += 1;
            if joined {
                status.has_joined = true;
                status.trouble = None;
            }
        });
    }
}

/// Nothing more of this partition is handed over. What was committed before it was handed over must be handled by us or
/// by nobody, so what is being committed now is waited for; anything else the next owner will do.
pub(super) fn leave(entry: &mut Entry<Slot>, delivery: Delivery, on_revoke: OnRevoke) {
    entry.is_leaving = true;
    entry.data.rewind = None;
    match (on_revoke, delivery) {
        (OnRevoke::Cancel, _) => entry.data.assigned.cancel(),
        (OnRevoke::Drain, Delivery::AtLeastOnce | Delivery::ExactlyOnce) => entry.data.assigned.fence(),
        (OnRevoke::Drain, Delivery::AtMostOnce) => return entry.data.forget_uncommitted(),
    }
    entry.data.forget_waiting();
}

/// Whether to wait for this partition.
pub(super) fn is_busy(slot: &Slot, delivery: Delivery) -> bool {
    is_at_work(slot, delivery) || slot.assigned.key_states().is_unflushed()
}

/// Whether a handler runs, or one will, of a partition of which nothing more is handed over.
fn is_at_work(slot: &Slot, delivery: Delivery) -> bool {
    match delivery {
        // What waits in lanes behind the fence is dropped when it comes up.
        Delivery::AtLeastOnce | Delivery::ExactlyOnce => slot.assigned.is_running(),
        Delivery::AtMostOnce => slot.is_in_flight(),
    }
}

/// Partitions in a log line.
pub(super) struct Names<'p>(pub(super) &'p [TopicPartition]);

impl std::fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, partition) in self.0.iter().enumerate() {
            write!(f, "{}{partition}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
