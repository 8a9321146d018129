//! LeaveGroup: members go, one or many at once.

use std::sync::Arc;

use super::{ClassicGroup, ClassicState};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::turn::Turn;

/// Who leaves: a dynamic member by its id, a static one by its instance id with or without its member id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeavingMember<'a> {
    pub(crate) member_id: &'a str,
    pub(crate) instance_id: Option<&'a str>,
}

impl ClassicGroup {
    /// Takes the members out, with one rebalance for all of them. The results are in the order asked.
    ///
    /// # Errors
    /// The group itself does not answer any more.
    pub(crate) fn leave(
        &mut self,
        leaving: &[LeavingMember<'_>],
        turn: &mut Turn<'_>,
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        if self.state == ClassicState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let results: Vec<_> = leaving.iter().map(|member| self.leave_one(*member, turn)).collect();
        // As in Kafka, also when only ids go that were handed out and never used.
        if results.iter().any(Result::is_ok) {
            self.rebalance_after_removal(turn);
        }
        Ok(results)
    }

    fn leave_one(&mut self, leaving: LeavingMember<'_>, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        let member_id: Arc<str> = match leaving.instance_id {
            Some(instance) if leaving.member_id.is_empty() => {
                self.static_members.get(instance).cloned().ok_or(ErrorCode::UnknownMemberId)?
            }
            _ => leaving.member_id.into(),
        };
        if self.forget_pending(&member_id) {
            return Ok(());
        }
        self.validate_member(&member_id, leaving.instance_id)?;
        self.remove_member(&member_id, ErrorCode::UnknownMemberId, turn);
        Ok(())
    }
}
