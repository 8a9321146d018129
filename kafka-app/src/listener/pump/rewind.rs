//! Reading again: after a failure that may pass, and where a seek says.

use std::{sync::Arc, time::Instant};

use super::{FALLBACK, Pump};
use crate::record::TopicPartition;

impl Pump {
    /// Starts partitions anew that are to be read again, once nothing of them runs.
    pub(super) fn rewind(&mut self, now: Instant) {
        let ripe: Vec<TopicPartition> = self
            .assignment
            .iter()
            .filter(|entry| !entry.is_leaving && !entry.data.assigned.is_running() && !entry.data.is_in_turn())
            .filter(|entry| entry.data.rewind.as_ref().is_some_and(|rewind| rewind.not_before <= now))
            .map(|entry| entry.partition.clone())
            .collect();
        for partition in ripe {
            self.rewind_partition(&partition, now);
        }
    }

    fn rewind_partition(&mut self, partition: &TopicPartition, now: Instant) {
        let Some(entry) = self.assignment.get_mut(partition) else { return };
        let slot = &mut entry.data;
        slot.assigned.advance(&mut slot.tracker);
        let Some(rewind) = &mut slot.rewind else { return };
        // Without an unfinished record the next one is the right one.
        if let Some(offset) = rewind.offset.or_else(|| slot.tracker.front_offset())
            && let Err(error) = self.client.seek(partition, offset)
        {
            tracing::warn!(listener = &*self.config.listener_id, %error, "cannot read {partition} again yet");
            rewind.not_before = now + FALLBACK;
            return;
        }
        let sought = rewind.offset;
        let reply = slot.rewind.take().and_then(|rewind| rewind.reply);
        // What was finished under the old epoch still counts.
        self.store(now);
        let Some(epoch) = self.assignment.renew(partition) else { return };
        let tracker = self.config.new_tracker();
        let Some(entry) = self.assignment.get_mut(partition) else { return };
        let key_states = Arc::clone(entry.data.assigned.key_states());
        key_states.forget_undecided();
        let assigned = self.new_assigned(partition, epoch, &tracker, key_states);
        if let Some(entry) = self.assignment.get_mut(partition) {
            entry.data.restart(tracker, assigned);
            entry.data.is_sought |= sought.is_some();
            entry.data.resume = sought.or(entry.data.resume);
        }
        if let Some(reply) = reply {
            reply.keep(Ok(()));
        }
    }
}
