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
        if results.contains(&Ok(Left::Generation)) {
            self.rebalance_after_removal(turn);
        } else if results.contains(&Ok(Left::Pending)) {
            self.complete_if_all_joined(turn);
        }
        Ok(results.into_iter().map(|result| result.map(|_| ())).collect())
    }

    fn leave_one(&mut self, leaving: LeavingMember<'_>, turn: &mut Turn<'_>) -> Result<Left, ErrorCode> {
        let member_id: Arc<str> = match leaving.instance_id {
            Some(instance) if leaving.member_id.is_empty() => {
                self.static_members.get(instance).cloned().ok_or(ErrorCode::UnknownMemberId)?
            }
            _ => leaving.member_id.into(),
        };
        if self.forget_pending(&member_id) {
            return Ok(Left::Pending);
        }
        self.validate_member(&member_id, leaving.instance_id)?;
        self.remove_member(&member_id, ErrorCode::UnknownMemberId, turn);
        Ok(Left::Generation)
    }
}

/// What a member was part of when it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Generation,
    /// It had an id and had never joined with it.
    Pending,
}
