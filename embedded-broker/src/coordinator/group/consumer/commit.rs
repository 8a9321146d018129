//! Whether a commit or a look at commits is the group's to allow.

use super::{ConsumerGroup, ConsumerState};
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
        match () {
            () if version < 9 => Err(ErrorCode::UnsupportedVersion),
            () if member.epoch != epoch => Err(ErrorCode::StaleMemberEpoch),
            () => Ok(()),
        }
    }

    /// # Errors
    /// A member that says who it is must be in the group with that epoch.
    pub(crate) fn validate_fetch(&self, member_id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(member_id) = member_id.filter(|id| !id.is_empty() || epoch >= 0) else { return Ok(()) };
        if self.member(member_id)?.epoch == epoch { Ok(()) } else { Err(ErrorCode::StaleMemberEpoch) }
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

    /// Whether a member subscribes to the topic.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.values().any(|member| self.subscribes(member, topic))
    }
}
