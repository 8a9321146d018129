//! What the controller makes of other replicas, or of others in sync: whether a move is complete, who may be elected, who
//! leads, and what the log loses by it.

use super::assignment::Assignment;
use super::change::{Change, Cut, Elected};
use super::election::{Candidates, Election, Winner};
use super::moment::Moment;
use super::progress::Progress;
use super::replicas::Replicas;

/// What the controller is to decide on.
#[derive(Debug)]
pub(super) struct Proposal {
    pub(super) assignment: Assignment,
    pub(super) in_sync: Vec<i32>,
    pub(super) election: Election,
    /// Who is back from a crash.
    pub(super) unclean: Option<i32>,
}

impl Replicas {
    /// Nothing new but that these are in sync.
    pub(super) fn only_in_sync(&self, in_sync: Vec<i32>, election: Election) -> Proposal {
        Proposal { assignment: self.assignment.clone(), in_sync, election, unclean: None }
    }

    /// Has these be the replicas, and in sync, and elects.
    pub(super) fn decide(&mut self, proposal: Proposal, moment: &Moment<'_>) -> Change {
        let Proposal { assignment, in_sync, election, unclean } = proposal;
        let tracks = moment.rules.tracks_eligible;
        let (assignment, in_sync) = assignment.completed(&in_sync).unwrap_or((assignment, in_sync));
        let anybody_goes = self.assignment.replicas.iter().any(|id| !assignment.replicas.contains(id));
        let replicas = self.assign(assignment, moment);
        let eligible = self.eligible_beside(&in_sync, unclean, moment);
        let candidates = Candidates {
            assignment: &self.assignment.replicas,
            in_sync: &in_sync,
            eligible: &eligible,
            last_leader: self.last_leader,
            leader: self.leader,
        };
        let winner = candidates.elect(election, moment.nodes);
        let in_sync = match winner.leader {
            // Whoever is elected without being in sync is the only one that is.
            Some(leader) if !in_sync.contains(&leader) => vec![leader],
            // So that it is known who has everything, if nothing else tells.
            None if in_sync.is_empty() && !tracks => self.in_sync.clone(),
            _ => in_sync,
        };
        let eligible = self.only_if_needed(eligible, &in_sync, moment);
        let last_leader = match winner.leader {
            Some(_) => None,
            None if in_sync.is_empty() && tracks => self.last_leader.or(self.leader),
            None => self.last_leader,
        };
        let last_leader = last_leader.filter(|id| self.assignment.replicas.contains(id));
        let is_other = in_sync != self.in_sync || eligible != self.eligible || last_leader != self.last_leader;
        (self.in_sync, self.eligible, self.last_leader) = (in_sync, eligible, last_leader);
        // As Kafka: whoever leads on begins a new epoch, so that those who are gone are not heard any more.
        let begins = winner.leader != self.leader || anybody_goes;
        let elected = begins.then(|| self.install(winner, moment));
        Change { high_watermark: false, in_sync: is_other, replicas, elected }
    }

    /// Has these be the replicas: new ones have nothing yet. Whether anything is different.
    fn assign(&mut self, assignment: Assignment, moment: &Moment<'_>) -> bool {
        if assignment == self.assignment {
            return false;
        }
        let known = std::mem::take(&mut self.progress);
        let progress = |id: &i32| {
            let found = known.iter().find(|replica| replica.id == *id).cloned();
            found.unwrap_or_else(|| Progress::new(*id, moment.log_start))
        };
        self.progress = assignment.replicas.iter().map(progress).collect();
        self.assignment = assignment;
        true
    }

    /// Who may be elected beside those in sync: everybody who was in sync since they became too few.
    fn eligible_beside(&self, in_sync: &[i32], unclean: Option<i32>, moment: &Moment<'_>) -> Vec<i32> {
        let mut eligible = self.eligible.clone();
        eligible.extend(self.in_sync.iter().filter(|id| !self.eligible.contains(id)));
        eligible.retain(|id| Some(*id) != unclean && self.assignment.replicas.contains(id));
        self.only_if_needed(eligible, in_sync, moment)
    }

    fn only_if_needed(&self, mut eligible: Vec<i32>, in_sync: &[i32], moment: &Moment<'_>) -> Vec<i32> {
        if !moment.rules.tracks_eligible || in_sync.len() >= self.min_in_sync(&moment.rules) {
            return Vec::new();
        }
        eligible.retain(|id| !in_sync.contains(id));
        eligible
    }

    /// Begins the epoch of a new leader, where its own log ended.
    fn install(&mut self, winner: Winner, moment: &Moment<'_>) -> Elected {
        let (before, high_watermark) = (self.log_end, self.high_watermark);
        if let Some(old) = self.progress.iter_mut().find(|replica| Some(replica.id) == self.leader) {
            old.end = before;
        }
        if let Some(end) = winner.leader.and_then(|leader| self.own_end_of(leader)) {
            self.log_end = end.max(moment.log_start);
            self.epoch_start = self.log_end;
            self.high_watermark = self.high_watermark.min(self.log_end);
            for replica in &mut self.progress {
                replica.new_leader(self.log_end, self.in_sync.contains(&replica.id), moment.now);
            }
        }
        self.leader_epoch = self.leader_epoch.saturating_add(1);
        if winner.leader != self.leader {
            (self.leader, self.leads_since) = (winner.leader, self.leader_epoch);
        }
        let cut = (self.log_end < before).then_some(Cut { from: self.log_end, until: before, high_watermark });
        // A move that was cancelled may have counted a replica as in sync that was down, and lacks what was acknowledged since.
        let unclean = winner.unclean || self.log_end < high_watermark;
        Elected { leader: winner.leader, epoch: self.leader_epoch, unclean, cut }
    }

    fn own_end_of(&self, id: i32) -> Option<i64> {
        self.progress.iter().find(|replica| replica.id == id).map(|replica| replica.end)
    }
}
