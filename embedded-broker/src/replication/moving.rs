//! Partitions that move to other nodes: the way there, and back.

use super::change::Change;
use super::controller::Proposal;
use super::election::Election;
use super::moment::Moment;
use super::replicas::Replicas;

/// Why a move is not cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uncancelled {
    NothingMoves,
    /// Nobody of those before is in sync.
    Unclean,
}

impl Replicas {
    /// Begins to move to these replicas: those that are new follow, and the others go once all that stay are in sync.
    pub(crate) fn reassign(&mut self, target: &[i32], moment: &Moment<'_>) -> Change {
        let proposal = self.only_in_sync(self.in_sync.clone(), Election::Clean);
        let change = self.decide(Proposal { assignment: self.assignment.toward(target), ..proposal }, moment);
        self.settle(change, moment)
    }

    /// Ends a move where it began.
    ///
    /// # Errors
    ///
    /// Nothing moves; or there is nobody to go back to without an unclean election, and the rules do not allow one.
    pub(crate) fn cancel(&mut self, moment: &Moment<'_>) -> Result<Change, Uncancelled> {
        if !self.assignment.is_moving() {
            return Err(Uncancelled::NothingMoves);
        }
        let assignment = self.assignment.reverted();
        let mut in_sync: Vec<i32> = self.in_sync.clone();
        in_sync.retain(|id| assignment.replicas.contains(id));
        let unclean = in_sync.is_empty();
        if unclean && !moment.rules.elects_unclean {
            return Err(Uncancelled::Unclean);
        }
        if unclean {
            in_sync.extend(assignment.replicas.first());
        }
        let proposal = self.only_in_sync(in_sync, Election::by_itself(&moment.rules));
        let mut change = self.decide(Proposal { assignment, ..proposal }, moment);
        if let Some(elected) = &mut change.elected {
            elected.unclean |= unclean;
        }
        Ok(self.settle(change, moment))
    }
}
