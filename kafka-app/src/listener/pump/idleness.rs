//! Tells when no records come, of the consumer and of its partitions.

use std::time::Instant;

use super::{Pump, PumpConfig, Slot};
use crate::listener::{assignment::Entry, events::ListenerEvent};

impl Pump {
    /// Says what has been without a record for long enough.
    pub(super) fn tell_idleness(&mut self, now: Instant) {
        let (events, consumer) = (&self.config.events, self.config.consumer);
        let is_held_up = || self.pauses.all || !self.config.guards.breaker.is_closed();
        if let Some(idle_for) = self.idle.observe(now) {
            let paused = is_held_up();
            events.tell(|listener| ListenerEvent::Idle { listener, consumer, idle_for, paused });
        }
        for entry in self.assignment.iter_mut() {
            if let Some(idle_for) = entry.data.idle.observe(now) {
                let (partition, paused) = (&entry.partition, entry.data.is_paused || is_held_up());
                events.tell(|listener| ListenerEvent::PartitionIdle {
                    listener,
                    partition: partition.clone(),
                    idle_for,
                    paused,
                });
            }
        }
    }

    /// Records were taken, of any partition.
    pub(super) fn records_came(&mut self, now: Instant) {
        let consumer = self.config.consumer;
        if let Some(idle_for) = self.idle.records_came(now) {
            self.config.events.tell(|listener| ListenerEvent::NoLongerIdle { listener, consumer, idle_for });
        }
    }
}

/// Takes note of how many records were taken of a partition. Whether that was any.
pub(super) fn note_activity(config: &PumpConfig, entry: &mut Entry<Slot>, n_taken: usize, now: Instant) -> bool {
    if n_taken == 0 {
        return false;
    }
    if let Some(idle_for) = entry.data.idle.records_came(now) {
        let partition = entry.partition.clone();
        config.events.tell(|listener| ListenerEvent::PartitionNoLongerIdle { listener, partition, idle_for });
    }
    true
}
