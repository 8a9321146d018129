//! Heartbeat: a member is alive and asks whether anything is new.

use super::{ClassicGroup, ClassicState, Identity};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::turn::Turn;

impl ClassicGroup {
    /// Starts the session anew.
    ///
    /// # Errors
    /// REBALANCE_IN_PROGRESS asks the member to join again; its session is started anew all the same.
    pub(crate) fn heartbeat(&mut self, identity: Identity<'_>, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        self.validate(identity)?;
        self.keep_alive(identity.member_id, turn.now);
        match self.state {
            ClassicState::Empty | ClassicState::Dead => Err(ErrorCode::UnknownMemberId),
            ClassicState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            ClassicState::CompletingRebalance | ClassicState::Stable => Ok(()),
        }
    }
}
