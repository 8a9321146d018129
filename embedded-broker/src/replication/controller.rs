//! What the controller makes of other replicas in sync: who may be elected, who leads, and what the log loses by it.

use super::change::{Change, Cut, Elected};
use super::election::{Candidates, Election, Winner};
use super::moment::Moment;
use super::replicas::Replicas;

impl Replicas {
    /// Has these be in sync, and elects; `unclean` is back from a crash.
    pub(super) fn decide(
        &mut self,
        in_sync: Vec<i32>,
        election: Election,
        unclean: Option<i32>,
        moment: &Moment<'_>,
    ) -> Change {
        let tracks = moment.rules.tracks_eligible;
        let eligible = self.eligible_beside(&in_sync, unclean, moment);
        let candidates = Candidates {
            assignment: &self.assignment,
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
        let is_other = in_sync != self.in_sync || eligible != self.eligible || last_leader != self.last_leader;
        (self.in_sync, self.eligible, self.last_leader) = (in_sync, eligible, last_leader);
        let elected = (winner.leader != self.leader).then(|| self.install(winner, moment));
        Change { high_watermark: false, in_sync: is_other, elected }
    }

    /// Who may be elected beside those in sync: everybody who was in sync since they became too few.
    fn eligible_beside(&self, in_sync: &[i32], unclean: Option<i32>, moment: &Moment<'_>) -> Vec<i32> {
        let mut eligible = self.eligible.clone();
        eligible.extend(self.in_sync.iter().filter(|id| !self.eligible.contains(id)));
        eligible.retain(|id| Some(*id) != unclean);
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
        self.leader = winner.leader;
        self.leader_epoch = self.leader_epoch.saturating_add(1);
        let cut = (self.log_end < before).then_some(Cut { from: self.log_end, until: before, high_watermark });
        Elected { leader: winner.leader, epoch: self.leader_epoch, unclean: winner.unclean, cut }
    }

    fn own_end_of(&self, id: i32) -> Option<i64> {
        self.progress.iter().find(|replica| replica.id == id).map(|replica| replica.end)
    }
}
