//! What happens when a deadline of the group passes.

use std::sync::Arc;

use super::ClassicGroup;
use crate::coordinator::ErrorCode;
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::Turn;

impl ClassicGroup {
    /// Does all that is due. To be called when [`Self::next_deadline`] has come, and before each request,
    /// so that a busy group cannot outrun its own deadlines.
    pub(crate) fn poll(&mut self, turn: &mut Turn<'_>) {
        while let Some(key) = self.timers.pop_due(turn.now) {
            match key {
                TimerKey::Join => self.join_time_over(turn),
                TimerKey::Sync => self.sync_time_over(turn),
                TimerKey::Session(member_id) => self.session_over(&member_id, turn),
                TimerKey::Pending(member_id) => {
                    self.forget_pending(&member_id);
                    self.complete_if_all_joined(turn);
                }
                // Only consumer groups have them.
                TimerKey::Revocation(_) | TimerKey::Rejoin(_) | TimerKey::Share(_) => {}
            }
        }
    }

    fn session_over(&mut self, member_id: &Arc<str>, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get(member_id) else { return };
        // Its session starts anew when the held request is answered.
        if member.is_alive_without_heartbeat() {
            return;
        }
        self.remove_member(member_id, ErrorCode::UnknownMemberId, turn);
        self.rebalance_after_removal(turn);
    }

    /// Members that joined and never asked for their share would keep partitions that nobody reads.
    fn sync_time_over(&mut self, turn: &mut Turn<'_>) {
        for member_id in std::mem::take(&mut self.pending_sync) {
            self.remove_member(&member_id, ErrorCode::UnknownMemberId, turn);
        }
        self.rebalance_after_removal(turn);
    }
}
