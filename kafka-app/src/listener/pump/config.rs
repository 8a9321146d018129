//! [`PumpConfig`]: what a pump must know of its listener.

use std::{sync::Arc, time::Duration};

use crate::{
    client::Brokers,
    config::{AckMode, BatchLimits, Delivery, OnRevoke, Ordering, ResolvedListener},
    listener::{ends::Ends, events::EventSink, guards::Guards, in_flight::Bounds, tracker::Tracker},
};

/// A record listener's chunk: enough to make what a hand-over costs vanish.
const CHUNK: u32 = 500;
/// Of what may be in flight, how much is taken at least where lanes let go of records one by one.
const LEAST_SHARE: u64 = 8;
/// Bytes in flight of one partition, unless one record alone has more.
const IN_FLIGHT_BYTES: u64 = 16 << 20;
/// Records of a partition that may be handled and not finished: their `Ack` is outstanding, or the broker's acknowledgment of
/// what their handler returned.
const ACKS_OUTSTANDING: u64 = 1 << 14;

/// What a pump must know of its listener.
#[derive(Debug, Clone)]
pub(crate) struct PumpConfig {
    pub(crate) listener_id: Arc<str>,
    /// Which of the listener's consumers, from 0.
    pub(crate) consumer: u32,
    pub(crate) events: EventSink,
    /// Of its clients.
    pub(crate) brokers: Arc<Brokers>,
    /// Of its listener.
    pub(crate) guards: Guards,
    pub(crate) delivery: Delivery,
    pub(crate) ack_mode: AckMode,
    pub(crate) ack_time: Duration,
    pub(crate) ack_count: u32,
    pub(crate) on_revoke: OnRevoke,
    /// How long a revoke waits for running handlers.
    pub(crate) drain_timeout: Duration,
    /// Of a hand-over to a lane.
    pub(crate) limits: BatchLimits,
    pub(crate) bounds: Bounds,
    /// Lanes that let go of records one by one tell the pump only what makes a difference to it: it commits by the clock, and
    /// has nothing else to do for a record that is finished.
    pub(crate) is_told_late: bool,
    /// Records of a partition that may be unfinished.
    pub(crate) n_unfinished: u64,
    /// Its records wait until they are due.
    pub(crate) is_delayed: bool,
    /// After how long an unfinished record is reported.
    pub(crate) stuck_after: Duration,
    /// Without a record for this long, it tells that it is idle, and again after each further one.
    pub(crate) idle_after: Option<Duration>,
    /// The same of each partition.
    pub(crate) partition_idle_after: Option<Duration>,
    /// Nothing is read behind the end that a partition had when its listener started.
    pub(crate) ends: Option<Arc<Ends>>,
}

impl PumpConfig {
    pub(crate) fn new(
        listener: &ResolvedListener,
        takes_batches: bool,
        consumer: u32,
        events: EventSink,
        guards: Guards,
    ) -> Self {
        let limits = match takes_batches {
            true => listener.batch,
            false => BatchLimits { max_records: CHUNK, ..BatchLimits::default() },
        };
        // One chunk in the lane and one behind it.
        let n_records = 2 * u64::from(limits.max_records);
        let is_by_chunk = takes_batches || listener.ordering == Ordering::Partition;
        let least = if is_by_chunk { 0 } else { n_records / LEAST_SHARE };
        let bounds = Bounds { n_records, n_bytes: IN_FLIGHT_BYTES, least };
        // By key or without order others run past one that is slow: the window bounds how many come again after a crash.
        let n_unfinished = match (listener.ack_mode, listener.ordering) {
            (AckMode::Manual | AckMode::ManualImmediate, _) | (_, Ordering::Partition) => {
                ACKS_OUTSTANDING.max(n_records)
            }
            (_, Ordering::Key | Ordering::None) => n_records,
        };
        Self {
            listener_id: listener.id.as_str().into(),
            consumer,
            events,
            brokers: Arc::new(Brokers::heard()),
            guards,
            delivery: listener.delivery,
            ack_mode: listener.ack_mode,
            ack_time: listener.ack_time,
            ack_count: listener.ack_count,
            on_revoke: listener.on_revoke,
            drain_timeout: listener.shutdown_timeout,
            limits,
            bounds,
            is_told_late: least > 0
                && (listener.delivery, listener.ack_mode) == (Delivery::AtLeastOnce, AckMode::Time)
                && listener.stage.is_none(),
            n_unfinished,
            is_delayed: listener.stage.is_some(),
            stuck_after: Duration::from_secs(300),
            idle_after: listener.idle_event_interval,
            partition_idle_after: listener.idle_partition_event_interval,
            ends: None,
        }
    }

    pub(crate) fn reading_to(self, ends: Option<Arc<Ends>>) -> Self {
        Self { ends, ..self }
    }

    pub(super) fn new_tracker(&self) -> Tracker {
        Tracker::new(self.n_unfinished)
    }
}
