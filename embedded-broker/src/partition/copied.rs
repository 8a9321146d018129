//! A partition in data directories: its copies follow, and it is written down who leads.

use super::{Keeper, Partition, State};
use crate::error::ErrorCode;
use crate::kept_log::NewBatch;
use crate::log::{Rejected, ValidBatch};
use crate::replication::Replicas;
use crate::state::StateRecord;

impl Partition {
    /// Has replicas that are there again look who else is, and the log begin the epoch of the leader.
    pub(super) fn looked_at(self) -> Self {
        {
            let mut state = self.state.lock();
            if state.keeper.is_some() && state.replicas.leader().is_some() {
                let epoch = state.replicas.leader_epoch();
                state.log.begin_epoch(epoch);
                // If it cannot be kept, the partition is offline, and said so.
                _ = state.keep(None);
            }
            if !state.replicas.is_alone() {
                let keeper = state.keeper.take();
                state.event(Replicas::nodes_changed);
                state.keeper = keeper;
            }
        }
        self
    }

    /// What has to be written down of who leads it, where that is not what was written down last.
    pub(crate) fn unwritten(&self) -> Option<StateRecord> {
        let mut state = self.state.lock();
        let now = state.replicas.remembered();
        state.keeper.as_mut()?.next(now)
    }

    /// What was unwritten is written down: what is left of replicas that are other nodes' now goes.
    pub(crate) fn written(&self) {
        self.state.lock().leave_copies();
    }

    /// The bytes that a node's replica holds, and how many offsets it is behind what consumers can read; `None` of a node that
    /// has none.
    pub(crate) fn size_at(&self, node: i32) -> Option<(usize, i64)> {
        let state = self.state.lock();
        let end = state.replicas.end_of(node)?;
        Some((state.log.len_until(end), (state.replicas.high_watermark() - end).max(0)))
    }
}

impl State {
    /// Has the copies follow the log, which has just changed or got this batch at this offset: that of the leader has it then.
    ///
    /// # Errors
    ///
    /// `KAFKA_STORAGE_ERROR` when one cannot: the partition is offline then.
    pub(super) fn keep(&mut self, appended: Option<(&ValidBatch<'_>, i64)>) -> Result<(), Rejected> {
        let new = appended.map(|appended| self.new_batch(appended));
        let Self { copies, log, replicas, config, .. } = self;
        let Some(copies) = copies else { return Ok(()) };
        let followed = copies.follow(log, new, replicas.leader(), config);
        self.unless_offline(followed)
    }

    /// Has the copies of followers get what these have got, the last of which may be this batch.
    pub(super) fn keep_followers(&mut self, appended: Option<(&ValidBatch<'_>, i64)>) {
        let new = appended.map(|appended| self.new_batch(appended));
        let Self { copies, log, replicas, config, offline, .. } = self;
        let Some(copies) = copies.as_mut().filter(|_| !*offline) else { return };
        let advanced = copies.advance(log, new, |node| replicas.end_of(node), config);
        // Whoever has to be told, looks whether the partition is offline.
        _ = self.unless_offline(advanced);
    }

    /// Has copies where there are replicas on nodes that are up.
    pub(super) fn align_copies(&mut self) {
        let Self { copies, log, replicas, standing, config, offline, .. } = self;
        let Some(copies) = copies.as_mut().filter(|_| !*offline) else { return };
        let aligned = copies.align(&replicas.assignment().replicas, &**standing, log, config).map(|found| {
            found.into_iter().for_each(|(node, end)| replicas.found(node, end));
        });
        _ = self.unless_offline(aligned);
    }

    /// Takes the copies away of replicas that are other nodes' now; only once that is written down.
    pub(super) fn leave_copies(&mut self) {
        let Self { copies, replicas, keeper, .. } = self;
        if keeper.as_ref().is_some_and(Keeper::has_kept)
            && let Some(copies) = copies
        {
            copies.leave_those_out_of(&replicas.assignment().replicas);
        }
    }

    /// Writes down who leads, before anybody goes by it.
    pub(super) fn keep_remembered(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(self.replicas.remembered());
        }
    }

    fn new_batch<'a>(&self, (batch, base_offset): (&'a ValidBatch<'a>, i64)) -> NewBatch<'a> {
        NewBatch { batch, base_offset, leader_epoch: self.replicas.leader_epoch() }
    }

    fn unless_offline(&mut self, done: std::io::Result<()>) -> Result<(), Rejected> {
        let Err(error) = done else { return Ok(()) };
        tracing::error!(%error, "a partition is offline: its directory cannot be written");
        self.offline = true;
        Err(Rejected::new(ErrorCode::KafkaStorageError, format!("the log cannot be written: {error}")))
    }
}
