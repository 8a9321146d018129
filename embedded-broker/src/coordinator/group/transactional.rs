//! Commits that belong to transactions: staged, until a marker says what becomes of them.

use super::classic::Identity;
use super::machine::{Group, OffsetToCommit};
use super::record::GroupRecord;
use super::state::GroupState;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

impl Group {
    /// Checks who commits in a transaction.
    ///
    /// # Errors
    /// Who says that it is a member must be one, of this generation: a member that was left behind must not commit what
    /// its successor reads again (KIP-447). Clients from before that say nothing, and are believed.
    pub(crate) fn validate_transactional_commit(
        &mut self,
        identity: Identity<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), ErrorCode> {
        /// The first version of OffsetCommit that knows the epochs of both protocols.
        const KNOWS_EPOCHS: i16 = 9;
        if identity.generation < 0 && identity.member_id.is_empty() && identity.instance_id.is_none() {
            let is_dead = self.state() == GroupState::Dead;
            return if is_dead { Err(ErrorCode::CoordinatorNotAvailable) } else { Ok(()) };
        }
        match self.validate_commit(identity, KNOWS_EPOCHS, turn) {
            // Whoever has the generation may commit while the next assignment is awaited: it is still the owner.
            Err(ErrorCode::RebalanceInProgress) => Ok(()),
            Err(ErrorCode::StaleMemberEpoch) => Err(ErrorCode::IllegalGeneration),
            other => other,
        }
    }

    /// Stages one offset of somebody whom [`Self::validate_transactional_commit`] has let through.
    ///
    /// # Errors
    /// The note is too long.
    pub(crate) fn stage_offset(
        &mut self,
        producer_id: i64,
        commit: &OffsetToCommit<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), ErrorCode> {
        let offset = commit.to_committed(turn)?;
        let topic = self.offsets.topic_name(commit.topic);
        let record = GroupRecord::OffsetStaged { producer_id, topic, partition: commit.partition, offset };
        self.apply(record, turn);
        Ok(())
    }

    /// Ends a producer's transaction as far as this group is concerned.
    pub(crate) fn end_transaction(&mut self, producer_id: i64, committed: bool, turn: &mut Turn<'_>) {
        if self.offsets.pending().has_producer(producer_id) {
            self.apply(GroupRecord::TransactionEnded { producer_id, committed }, turn);
        }
    }
}
