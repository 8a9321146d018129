//! A partition with its replicas: what becomes of its log, and of those who wait for it, when nodes come and go, when time
//! passes, and when somebody asks for another leader.

use std::sync::Arc;

use super::{Loss, Partition, Reader, Sender, State};
use crate::clock::{Timestamp, Waiter};
use crate::data_wait::DataWait;
use crate::error::ErrorCode;
use crate::log::LogConfig;
use crate::replication::{Acknowledged, Assignment, Change, Election, Moment, Replicas, Standing, Uncancelled};

/// Who leads a partition, and who follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// -1 if nobody does.
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    /// The preferred leader first.
    pub(crate) replicas: Vec<i32>,
    /// Which of them come, while the partition moves.
    pub(crate) adding: Vec<i32>,
    /// Which of them go.
    pub(crate) removing: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
    /// Those out of sync that may be elected all the same.
    pub(crate) eligible: Vec<i32>,
    /// Who led when the last one in sync went.
    pub(crate) last_leader: Option<i32>,
}

/// A follower in sync that has an offset, for who looks for one nearby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nearby {
    pub(crate) node: i32,
    pub(crate) end: i64,
    /// When it last had everything, if it has not now.
    pub(crate) behind_since: Option<Timestamp>,
}

/// How far an append has got on its way to all replicas in sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unacknowledged {
    pub(crate) end: i64,
    pub(crate) leader_epoch: i32,
}

impl Partition {
    pub(crate) fn leadership(&self) -> Leadership {
        let state = self.state.lock();
        let replicas = &state.replicas;
        let Assignment { replicas: all, adding, removing } = replicas.assignment().clone();
        Leadership {
            leader: replicas.leader().unwrap_or(-1),
            leader_epoch: replicas.leader_epoch(),
            replicas: all,
            adding,
            removing,
            in_sync: replicas.in_sync().to_vec(),
            eligible: replicas.eligible().to_vec(),
            last_leader: replicas.last_leader(),
        }
    }

    /// Who leads (-1 if nobody does), and in which epoch.
    pub(crate) fn leader(&self) -> (i32, i32) {
        let state = self.state.lock();
        (state.replicas.leader().unwrap_or(-1), state.replicas.leader_epoch())
    }

    /// Takes up changed configs; batches already appended stay as they are.
    pub(crate) fn set_config(&self, config: Arc<LogConfig>) {
        self.happens(|state| {
            (state.rules.min_in_sync, state.rules.elects_unclean) = (config.min_in_sync, config.elects_unclean);
            state.config = config;
            state.event(Replicas::nodes_changed)
        });
    }

    /// Nodes have come or gone, or something else that all partitions go by has changed; `unclean` is a node that is back
    /// from a crash.
    pub(crate) fn nodes_changed(
        &self,
        standing: &Arc<dyn Standing>,
        tracks_eligible: bool,
        unclean: Option<i32>,
    ) -> bool {
        self.happens(|state| {
            state.standing.all = Arc::clone(standing);
            if let Some(copies) = &mut state.copies {
                copies.forgive(&**standing);
            }
            state.leave_out_failed();
            state.align_copies();
            state.rules.tracks_eligible = tracks_eligible;
            state.event(|replicas, moment| match unclean {
                Some(id) => replicas.came_back_unclean(id, moment),
                None => replicas.nodes_changed(moment),
            })
        })
    }

    /// The time has come that the partition has set its alarm for.
    pub(crate) fn tick(&self) -> bool {
        self.happens(|state| {
            state.armed = None;
            state.event(Replicas::tick)
        })
    }

    /// Elects a leader.
    pub(crate) fn elect(&self, election: Election) -> bool {
        self.happens(|state| state.event(|replicas, moment| replicas.elect(election, moment)))
    }

    /// The replicas, and which of them come and go.
    pub(crate) fn assignment(&self) -> Assignment {
        self.state.lock().replicas.assignment().clone()
    }

    /// Begins to move to these nodes.
    pub(crate) fn reassign(&self, target: &[i32]) -> bool {
        self.happens(|state| state.event(|replicas, moment| replicas.reassign(target, moment)))
    }

    /// Ends a move where it began.
    ///
    /// # Errors
    ///
    /// Nothing moves, or it would take an unclean election.
    pub(crate) fn cancel_move(&self) -> Result<bool, Uncancelled> {
        let mut refused = None;
        let changed = self.happens(|state| {
            let cancel = |replicas: &mut Replicas, moment: &Moment<'_>| {
                replicas.cancel(moment).unwrap_or_else(|why| {
                    refused = Some(why);
                    Change::default()
                })
            };
            state.event(cancel)
        });
        refused.map_or(Ok(changed), Err)
    }

    /// Has the high watermark stand still until it is [released](Self::release_high_watermark) as often.
    pub(crate) fn hold_high_watermark(&self) {
        self.happens(|state| {
            state.replicas.hold();
            state.after_change(Change::default())
        });
    }

    pub(crate) fn release_high_watermark(&self) -> bool {
        self.happens(|state| {
            let change = state.replicas.release(&state.rules);
            state.after_change(change)
        })
    }

    /// What elections have cost so far.
    pub(crate) fn losses(&self) -> Vec<Loss> {
        self.state.lock().losses.clone()
    }

    /// Whether an append is acknowledged; `None` as long as it is not.
    ///
    /// # Errors
    ///
    /// `NOT_LEADER_OR_FOLLOWER` when somebody else leads now, and nobody knows what has become of it;
    /// `NOT_ENOUGH_REPLICAS_AFTER_APPEND` when all replicas in sync have it, and are too few.
    pub(crate) fn is_acknowledged(&self, append: Unacknowledged) -> Option<Result<(), ErrorCode>> {
        self.state.lock().is_acknowledged(append)
    }

    /// Whether it is worth it to come back with a marker that was refused, or was written and not acknowledged.
    pub(crate) fn takes_markers(&self, written: Option<Unacknowledged>) -> bool {
        let state = self.state.lock();
        match written {
            Some(written) => state.is_acknowledged(written).is_some(),
            None => state.check_writable().is_ok() && state.check_sender(Sender::COORDINATOR).is_ok(),
        }
    }

    /// Wakes `wait` as soon as an append may be acknowledged; at once if it is decided already.
    pub(crate) fn watch_append(&self, wait: &Arc<DataWait>, append: Unacknowledged) {
        let mut state = self.state.lock();
        if state.is_acknowledged(append).is_some() {
            drop(state);
            return wait.wake();
        }
        state.waits.push(Arc::clone(wait));
    }

    /// The followers in sync that have `offset`, for a consumer that asks the leader; none at other nodes.
    pub(crate) fn nearby(&self, node: i32, offset: i64) -> Vec<Nearby> {
        let state = self.state.lock();
        if state.replicas.leader() != Some(node) || offset < state.log.start_offset() {
            return Vec::new();
        }
        let followers = state.replicas.followers_in_sync().filter(|(_, end, _)| *end >= offset);
        followers.map(|(node, end, behind_since)| Nearby { node, end, behind_since }).collect()
    }

    /// Has something happen to the replicas, and wakes who waits: what a follower can be read of moves without a change that is
    /// told. Returns whether there is one.
    fn happens(&self, event: impl FnOnce(&mut State) -> Change) -> bool {
        let mut state = self.state.lock();
        let changed = !state.deleted && event(&mut state).is_any();
        // How many bytes can be read now, nobody has counted; and who reads from a follower goes by what that one has.
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        waits.iter().for_each(|wait| wait.wake());
        changed
    }
}

impl State {
    /// Has something happen to the replicas, and the log follow.
    pub(super) fn event(&mut self, event: impl FnOnce(&mut Replicas, &Moment<'_>) -> Change) -> Change {
        let now = self.alarm.as_ref().map(|alarm| alarm.clock.now()).unwrap_or_default();
        let Self { rules, standing, log, replicas, .. } = self;
        let moment = Moment { rules: *rules, nodes: standing, log_start: log.start_offset(), now };
        let change = event(replicas, &moment);
        self.after_change(change)
    }

    /// Has the log be what an election leaves of it, and everything that is kept be as it is now.
    fn after_change(&mut self, change: Change) -> Change {
        if let Some(elected) = change.elected.filter(|elected| elected.leader.is_some()) {
            let loss = Loss::of(&elected);
            match &loss {
                // An offset inside of the log is never out of range.
                Some(loss) => _ = self.log.truncate_to(loss.offsets.start, elected.epoch),
                None => self.log.begin_epoch(elected.epoch),
            }
            self.losses.extend(loss);
            // If it cannot be kept, the partition is offline, and said so.
            _ = self.keep(None);
        }
        self.align_copies();
        self.keep_followers(None);
        self.keep_remembered();
        self.leave_copies();
        self.replicas_moved();
        change
    }

    /// Tells the log how much of it is safe, and sets the alarm.
    pub(super) fn replicas_moved(&mut self) {
        let safe = if self.replicas.is_alone() { i64::MAX } else { self.replicas.high_watermark() };
        self.log.set_replicated_until(safe);
        let Some(alarm) = &self.alarm else { return };
        let next = self.replicas.next_deadline(&self.rules);
        if let Some(next) = next.filter(|next| self.armed.is_none_or(|armed| *next < armed)) {
            self.armed = Some(next);
            alarm.set(next);
        }
    }

    fn is_acknowledged(&self, append: Unacknowledged) -> Option<Result<(), ErrorCode>> {
        if self.offline {
            return Some(Err(ErrorCode::KafkaStorageError));
        }
        if self.deleted || self.replicas.leads_since() > append.leader_epoch || self.replicas.leader().is_none() {
            return Some(Err(ErrorCode::NotLeaderOrFollower));
        }
        match self.replicas.acknowledges(append.end, &self.rules) {
            Acknowledged::Yes => Some(Ok(())),
            Acknowledged::NotYet => None,
            Acknowledged::TooFew => Some(Err(ErrorCode::NotEnoughReplicasAfterAppend)),
        }
    }

    /// Whether a node is the leader; whoever asks from inside, asks whoever that is.
    ///
    /// # Errors
    ///
    /// As Kafka tells it: `NOT_LEADER_OR_FOLLOWER`.
    pub(super) fn check_leader(&self, node: Option<i32>) -> Result<(), ErrorCode> {
        let leader = self.replicas.leader();
        if leader.is_none() || node.is_some() && node != leader {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        Ok(())
    }

    /// Whether somebody may read here, who knows this leader epoch. As Kafka, a node that has no replica does not look at the
    /// epoch, and one that follows does before it says that it does not lead.
    pub(super) fn check_reader(&self, reader: Reader) -> Result<(), ErrorCode> {
        if self.deleted {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        if self.offline {
            return Err(ErrorCode::KafkaStorageError);
        }
        if reader.node.is_some_and(|node| self.replicas.end_of(node).is_none()) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let epoch = self.replicas.leader_epoch();
        match reader.leader_epoch {
            -1 => {}
            known if known < epoch => return Err(ErrorCode::FencedLeaderEpoch),
            known if known > epoch => return Err(ErrorCode::UnknownLeaderEpoch),
            _ => {}
        }
        if reader.of_leader { self.check_leader(reader.node) } else { Ok(()) }
    }
}

/// Wakes whoever waits for an append.
pub(crate) fn append_wait(waiter: &Arc<Waiter>) -> Arc<DataWait> {
    DataWait::new(Arc::clone(waiter), 0, super::Isolation::ReadUncommitted)
}
