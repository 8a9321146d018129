//! A partition in data directories: its copies follow, and it is written down who leads.

use super::{Keeper, Partition, State};
use crate::error::ErrorCode;
use crate::kept_log::{Failed, NewBatch};
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
    /// `KAFKA_STORAGE_ERROR` when that of the leader cannot: the batch is not there then.
    pub(super) fn keep(&mut self, appended: Option<(&ValidBatch<'_>, i64)>) -> Result<(), Rejected> {
        let new = appended.map(|appended| self.new_batch(appended));
        let Self { copies, log, replicas, config, .. } = self;
        let Some(copies) = copies else { return Ok(()) };
        let failed = copies.follow(log, new, replicas.leader(), config);
        let is_refused = failed.iter().any(|failed| replicas.leader() == Some(failed.node));
        if let Some((_, offset)) = appended.filter(|_| is_refused && self.can_lose_nodes()) {
            // Whoever leads next has not got it. An offset inside of the log is never out of range.
            _ = self.log.truncate_to(offset, self.replicas.leader_epoch());
        }
        self.leave_failed(&failed)
    }

    /// Has the copies of followers get what these have got, the last of which may be this batch.
    pub(super) fn keep_followers(&mut self, appended: Option<(&ValidBatch<'_>, i64)>) {
        let new = appended.map(|appended| self.new_batch(appended));
        let Self { copies, log, replicas, config, offline, .. } = self;
        let Some(copies) = copies.as_mut().filter(|_| !*offline) else { return };
        let failed = copies.advance(log, new, |node| replicas.end_of(node), config);
        // Whoever has to be told, looks whether all is kept.
        _ = self.leave_failed(&failed);
    }

    /// Has copies where there are replicas on nodes that are up.
    pub(super) fn align_copies(&mut self) {
        let Self { copies, log, replicas, standing, config, offline, .. } = self;
        let Some(copies) = copies.as_mut().filter(|_| !*offline) else { return };
        let (found, failed) = copies.align(&replicas.assignment().replicas, standing, log, config);
        found.into_iter().for_each(|(node, end)| replicas.found(node, end));
        _ = self.leave_failed(&failed);
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

    /// Whether a node whose directory fails can go, and the others go on.
    fn can_lose_nodes(&self) -> bool {
        self.alarm.is_some() && self.copies.as_ref().is_some_and(|copies| copies.are_of_several())
    }

    /// Has others lead and be in sync than those whose copies have failed. As Kafka, whose brokers halt when they cannot write
    /// to the only directory they have. Where there is one node, its other partitions go on.
    ///
    /// # Errors
    ///
    /// `KAFKA_STORAGE_ERROR` when the leader is one of them.
    pub(super) fn leave_failed(&mut self, failed: &[Failed]) -> Result<(), Rejected> {
        if failed.is_empty() {
            return Ok(());
        }
        let refused = failed.iter().find(|one| self.replicas.leader() == Some(one.node) || !self.can_lose_nodes());
        let refused = refused.map(|one| format!("the log cannot be written: {}", one.error));
        match self.alarm.as_ref().filter(|_| self.can_lose_nodes()) {
            Some(alarm) => {
                for Failed { node, error } in failed {
                    tracing::error!(node, %error, "a node halts: its directory cannot be written");
                    alarm.halt(*node);
                }
                self.leave_out_failed();
                self.event(Replicas::nodes_changed);
            }
            None => {
                tracing::error!(?failed, "a partition is offline: its directory cannot be written");
                self.offline = true;
            }
        }
        refused.map_or(Ok(()), |why| Err(Rejected::new(ErrorCode::KafkaStorageError, why)))
    }

    /// Takes nodes whose copies have failed for down, until everybody does.
    pub(super) fn leave_out_failed(&mut self) {
        self.standing.failed = self.copies.iter().flat_map(|copies| copies.failed()).collect();
    }

    /// # Errors
    ///
    /// As [`check_writable`](Self::check_writable); or nobody may go by what has just become of the partition.
    pub(super) fn check_kept(&self) -> Result<(), Rejected> {
        self.check_writable()?;
        let has_failed = self.copies.as_ref().is_some_and(|copies| copies.failed().next().is_some());
        if has_failed && self.keeper.as_ref().is_some_and(|keeper| !keeper.has_kept()) {
            return Err(Rejected::new(ErrorCode::KafkaStorageError, "who is in sync cannot be written down"));
        }
        Ok(())
    }
}
