//! Whether a commit, a deletion of offsets or of the group is the group's to allow.

use super::{ClassicGroup, ClassicState, Identity};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::turn::Turn;

impl ClassicGroup {
    /// Checks a commit. A member's commit counts as a heartbeat.
    ///
    /// # Errors
    /// A commit without member and generation is taken only while nobody is in the group; a member's only in
    /// its own generation and not while the next assignment is awaited.
    pub(crate) fn validate_commit(&mut self, identity: Identity<'_>, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        if self.state == ClassicState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        if identity.generation < 0 && self.state == ClassicState::Empty {
            return Ok(());
        }
        if identity.generation < 0 && identity.member_id.is_empty() && identity.instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate(identity)?;
        if self.state == ClassicState::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        self.keep_alive(identity.member_id, turn.now);
        Ok(())
    }

    /// # Errors
    /// Offsets of a group of consumers may go while they live, topic by topic; of other kinds only when
    /// nobody is in the group, because the coordinator cannot read what they subscribe to.
    pub(crate) fn validate_offset_delete(&self) -> Result<(), ErrorCode> {
        match self.state {
            ClassicState::Dead => Err(ErrorCode::GroupIdNotFound),
            ClassicState::Empty => Ok(()),
            _ if self.speaks_consumer_protocol() => Ok(()),
            _ => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// # Errors
    /// Only a group without members may be deleted.
    pub(crate) fn validate_delete(&self) -> Result<(), ErrorCode> {
        match self.state {
            ClassicState::Dead => Err(ErrorCode::GroupIdNotFound),
            ClassicState::Empty => Ok(()),
            ClassicState::PreparingRebalance | ClassicState::CompletingRebalance | ClassicState::Stable => {
                Err(ErrorCode::NonEmptyGroup)
            }
        }
    }
}
