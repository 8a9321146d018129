//! Whether a commit or a look at commits is the group's to allow.

use super::{ConsumerGroup, ConsumerMember, ConsumerState};
use crate::coordinator::ErrorCode;

impl ConsumerGroup {
    /// # Errors
    /// A commit without a member is taken only while nobody is in the group; a member's only with its epoch, and only in
    /// versions that know epochs (9 and above).
    pub(crate) fn validate_commit(&self, member_id: &str, epoch: i32, version: i16) -> Result<(), ErrorCode> {
        if self.dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        if epoch < 0 && self.members.is_empty() {
            return Ok(());
        }
        let member = self.member(member_id)?;
        if member.classic.is_none() && version < 9 {
            return Err(ErrorCode::UnsupportedVersion);
        }
        check_epoch(member, epoch)
    }

    /// # Errors
    /// A request that says who it is from must be from a member of the group with that epoch.
    pub(crate) fn validate_fetch(&self, member_id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        if member_id.is_none() && epoch < 0 {
            return Ok(());
        }
        check_epoch(self.member(member_id.unwrap_or_default())?, epoch)
    }

    /// # Errors
    /// Only a group without members may be deleted.
    pub(crate) fn validate_delete(&self) -> Result<(), ErrorCode> {
        match self.state() {
            ConsumerState::Dead => Err(ErrorCode::GroupIdNotFound),
            ConsumerState::Empty => Ok(()),
            ConsumerState::Assigning | ConsumerState::Reconciling | ConsumerState::Stable => {
                Err(ErrorCode::NonEmptyGroup)
            }
        }
    }
}

/// Each protocol has its own word for an epoch that is not the member's.
fn check_epoch(member: &ConsumerMember, epoch: i32) -> Result<(), ErrorCode> {
    match &member.classic {
        _ if member.epoch == epoch => Ok(()),
        Some(_) => Err(ErrorCode::IllegalGeneration),
        None => Err(ErrorCode::StaleMemberEpoch),
    }
}
