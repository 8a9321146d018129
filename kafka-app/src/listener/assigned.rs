//! [`Assigned`]: one assignment of one partition, as its pump, its lanes and its `Ack`s share it.

use std::{
    collections::HashSet,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    ack::{AckSource, AckTarget, Acked},
    dispatch::Progress,
    done_bits::DoneBits,
    gate::Gate,
    key_states::KeyStates,
    later::later,
    mailbox::{Command, Mailbox},
    tracker::Tracker,
};
use crate::{client::Lease, config::AckMode, record::TopicPartition};

/// One assignment of one partition. The broker does not tell a late report of an earlier assignment from one of this,
/// so everything that could commit goes through here and ends with it.
pub(crate) struct Assigned {
    pub(crate) partition: TopicPartition,
    /// Distinct for each assignment of this consumer.
    pub(crate) epoch: u64,
    done: Arc<DoneBits>,
    mailbox: Arc<Mailbox>,
    ack_mode: AckMode,
    /// Lanes inside a chunk of this partition; closed when no further record may start.
    gate: Gate,
    /// Rung when it is closed.
    closed: Notify,
    /// Running handlers are dropped.
    cancelled: Flag,
    /// Nothing that is reported counts any more.
    dead: AtomicBool,
    /// Records and bytes that lanes have let go of.
    released: AtomicU64,
    released_bytes: AtomicU64,
    /// How many records have to be let go of before the pump is told of it.
    told_from: AtomicU64,
    manual: Mutex<ManualAcks>,
    /// Of the partition, whatever the epoch.
    key_states: Arc<KeyStates>,
    /// Records of a chunk point into the client's memory.
    _lease: Lease,
}

/// Records whose handler has or had an `Ack`.
#[derive(Default)]
struct ManualAcks {
    /// Dropped during a call whose end is not known yet.
    dropped: HashSet<u64>,
    /// The call ended well; the `Ack` lives somewhere.
    left: HashSet<u64>,
}

/// A flag one can wait for.
#[derive(Default)]
struct Flag {
    raised: AtomicBool,
    waiting: Notify,
}

impl Flag {
    fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.waiting.notify_waiters();
    }

    fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    async fn raised(&self) {
        rung(&self.waiting, || self.is_raised()).await;
    }
}

/// Waits for the bell, unless what it tells is so already.
async fn rung(bell: &Notify, is_so: impl Fn() -> bool) {
    let ringing = bell.notified();
    if !is_so() {
        ringing.await;
    }
}

impl Assigned {
    pub(crate) fn new(
        partition: TopicPartition,
        epoch: u64,
        tracker: &Tracker,
        mailbox: Arc<Mailbox>,
        ack_mode: AckMode,
        lease: Lease,
        key_states: Arc<KeyStates>,
    ) -> Arc<Self> {
        Arc::new(Self {
            partition,
            epoch,
            done: Arc::clone(tracker.done_bits()),
            mailbox,
            ack_mode,
            gate: Gate::default(),
            closed: Notify::new(),
            cancelled: Flag::default(),
            dead: AtomicBool::new(false),
            released: AtomicU64::new(0),
            released_bytes: AtomicU64::new(0),
            told_from: AtomicU64::new(0),
            manual: Mutex::default(),
            key_states,
            _lease: lease,
        })
    }

    /// No further record of this assignment starts.
    pub(crate) fn fence(&self) {
        self.gate.close();
        self.closed.notify_waiters();
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.gate.is_closed()
    }

    /// Running handlers are dropped at their next await.
    pub(crate) fn cancel(&self) {
        self.fence();
        self.cancelled.raise();
    }

    pub(crate) async fn cancelled(&self) {
        self.cancelled.raised().await;
    }

    /// What is reported from here on counts for nothing.
    pub(crate) fn retire(&self) {
        self.cancel();
        self.dead.store(true, Ordering::SeqCst);
    }

    pub(crate) fn key_states(&self) -> &Arc<KeyStates> {
        &self.key_states
    }

    /// Whether a lane is inside a chunk.
    pub(crate) fn is_running(&self) -> bool {
        self.gate.is_busy()
    }

    /// How many lanes are inside a chunk.
    pub(crate) fn n_running(&self) -> usize {
        self.gate.n_inside()
    }

    /// Records and bytes let go of so far.
    pub(crate) fn released(&self) -> (u64, u64) {
        (self.released.load(Ordering::Acquire), self.released_bytes.load(Ordering::Acquire))
    }

    /// The pump need not be told of what is let go of before it is so much, unless it waits for a lane to leave. It may be told
    /// by what it said before; who lets go of the last record in flight always tells it, if this is never more than was taken.
    pub(crate) fn tell_from(&self, n_released: u64) {
        self.told_from.store(n_released, Ordering::Release);
    }

    /// Takes note of what was finished; not while an `Ack` reports.
    pub(crate) fn advance(&self, tracker: &mut Tracker) -> bool {
        let _acks = self.is_manual().then(|| self.manual.lock());
        tracker.advance()
    }

    /// A lane begins a chunk, which it is to leave alone if it may not stay.
    pub(crate) fn enter(self: &Arc<Self>) -> Inside {
        Inside { may_stay: self.gate.enter(), assigned: Arc::clone(self) }
    }

    /// These are let go of. Who is [`Inside`] tells the pump when it leaves.
    pub(crate) fn release(&self, n_records: u64, n_bytes: u64) {
        self.released.fetch_add(n_records, Ordering::AcqRel);
        self.released_bytes.fetch_add(n_bytes, Ordering::AcqRel);
    }

    pub(crate) fn fail(&self, error: crate::error::Error) {
        self.fence();
        self.mailbox.send(Command::Failed { error });
    }

    fn is_manual(&self) -> bool {
        matches!(self.ack_mode, AckMode::Manual | AckMode::ManualImmediate)
    }

    fn finish(&self, seq: u64) {
        {
            // A handler may acknowledge and fail all the same: the second mark must not meet the pump passing the first.
            let acks = self.is_manual().then(|| self.manual.lock());
            self.done.set(seq);
            // Whatever became of its `Ack`, nobody asks any more.
            if let Some(mut acks) = acks {
                acks.dropped.remove(&seq);
            }
        }
        // In the other modes the pump looks when a chunk ends or its time comes.
        if matches!(self.ack_mode, AckMode::Record | AckMode::Count | AckMode::CountTime) {
            self.mailbox.wake();
        }
    }

    fn rewind(&self, not_before: Instant) {
        self.fence();
        self.mailbox.send(Command::Rewind { epoch: self.epoch, not_before });
    }

    fn forgotten(&self, seq: u64) {
        self.fence();
        self.mailbox.send(Command::Forgotten { epoch: self.epoch, seq });
    }
}

/// A lane inside a chunk.
pub(crate) struct Inside {
    pub(crate) may_stay: bool,
    assigned: Arc<Assigned>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let assigned = &self.assigned;
        assigned.gate.leave();
        let n_released = assigned.released.load(Ordering::Acquire);
        if n_released >= assigned.told_from.load(Ordering::Acquire) || assigned.is_fenced() {
            assigned.mailbox.wake();
        }
    }
}

impl AckTarget for Assigned {
    fn acknowledge(&self, seq: u64) -> Acked {
        let mut acks = self.manual.lock();
        if self.dead.load(Ordering::SeqCst) {
            return Acked::gone();
        }
        acks.left.remove(&seq);
        acks.dropped.remove(&seq);
        self.done.set(seq);
        drop(acks);
        if self.ack_mode != AckMode::ManualImmediate {
            if !self.is_running() {
                self.mailbox.wake(); // No lane will, and the partition may wait for room.
            }
            return Acked::marked();
        }
        let (reply, confirmed) = self.mailbox.promises.make();
        self.mailbox.send(Command::Confirm { epoch: self.epoch, seq, reply });
        Acked::waiting(confirmed)
    }

    fn nack(&self, seq: u64, delay: Duration) {
        self.manual.lock().left.remove(&seq);
        if !self.dead.load(Ordering::SeqCst) {
            self.rewind(later(Instant::now(), delay));
        }
    }

    fn dropped(&self, seq: u64) {
        if self.dead.load(Ordering::SeqCst) {
            return;
        }
        let mut acks = self.manual.lock();
        if acks.left.remove(&seq) {
            drop(acks);
            self.forgotten(seq);
        } else if !self.done.is_set(seq) {
            acks.dropped.insert(seq);
        }
    }
}

/// How many records make room that is worth a look of the pump before their chunk ends.
const WORTH_A_LOOK: u64 = 32;

/// A lane's view of an assignment while it runs a chunk.
pub(crate) struct ChunkProgress {
    assigned: Arc<Assigned>,
    /// The same as `AckTarget`; `None` unless acknowledgments are manual.
    target: Option<Arc<dyn AckTarget>>,
    n_records: u64,
    is_handled: AtomicBool,
}

impl ChunkProgress {
    /// Of a chunk of so many records.
    pub(crate) fn new(assigned: &Arc<Assigned>, n_records: u64) -> Self {
        let target = assigned.is_manual().then(|| Arc::clone(assigned) as Arc<dyn AckTarget>);
        Self { assigned: Arc::clone(assigned), target, n_records, is_handled: AtomicBool::new(false) }
    }

    /// Whether the lane may go on with the next chunk before this one has ended. Its records have made room then for
    /// others; their bytes have not.
    pub(crate) fn is_handled(&self) -> bool {
        self.is_handled.load(Ordering::Relaxed) // Read by who has polled.
    }
}

impl Progress for ChunkProgress {
    fn done(&self, seq: u64) {
        self.assigned.finish(seq);
    }

    fn handled_all(&self) {
        if self.is_handled.swap(true, Ordering::Relaxed) {
            return;
        }
        self.assigned.release(self.n_records, 0);
        if self.n_records >= WORTH_A_LOOK {
            self.assigned.mailbox.wake();
        }
    }

    fn is_revoked(&self) -> bool {
        self.assigned.is_fenced()
    }

    fn is_gone(&self) -> bool {
        self.assigned.cancelled.is_raised()
    }

    fn revoked(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let assigned = &self.assigned;
        Box::pin(rung(&assigned.closed, || assigned.is_fenced()))
    }

    fn rewind(&self, not_before: Instant) {
        self.assigned.rewind(not_before);
    }

    fn ack(&self, seq: u64) -> Option<AckSource<'_>> {
        let target = self.target.as_ref()?;
        self.assigned.manual.lock().dropped.remove(&seq);
        Some(AckSource { seq, target })
    }

    fn left_to_ack(&self, seq: u64) {
        let mut acks = self.assigned.manual.lock();
        if acks.dropped.remove(&seq) {
            drop(acks);
            self.assigned.forgotten(seq);
        } else if !self.assigned.done.is_set(seq) {
            acks.left.insert(seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Ack;

    fn manual() -> Arc<Assigned> {
        let (partition, tracker) = (TopicPartition::new("orders", 0), Tracker::new(64));
        Assigned::new(partition, 1, &tracker, Arc::default(), AckMode::Manual, Arc::new(()), Arc::default())
    }

    #[test]
    fn an_ack_of_a_record_that_is_given_up_leaves_nothing_behind() {
        for is_dropped_late in [false, true] {
            let assigned = manual();
            let progress = ChunkProgress::new(&assigned, 3);
            for seq in 0..3 {
                let ack = progress.ack(seq).map(Ack::new);
                if is_dropped_late {
                    progress.done(seq);
                    drop(ack);
                } else {
                    drop(ack);
                    progress.done(seq);
                }
            }
            let acks = assigned.manual.lock();
            assert!(acks.dropped.is_empty() && acks.left.is_empty(), "late: {is_dropped_late}");
        }
    }
}
