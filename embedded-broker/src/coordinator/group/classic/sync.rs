//! SyncGroup: the leader hands in the assignment, everybody fetches its share.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{ClassicGroup, ClassicState, Identity};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::turn::{Synced, Ticket, Turn};

/// A SyncGroup request, free of its wire version.
#[derive(Debug, Clone)]
pub(crate) struct SyncRequest<'a> {
    pub(crate) identity: Identity<'a>,
    /// From version 5: what the member believes the group speaks.
    pub(crate) protocol_type: Option<&'a str>,
    pub(crate) protocol: Option<&'a str>,
    /// By member id; only the leader's count.
    pub(crate) assignments: HashMap<&'a str, Bytes>,
}

impl ClassicGroup {
    /// Answers a SyncGroup now or, by its ticket, when the leader's has come.
    pub(crate) fn sync(&mut self, request: &SyncRequest<'_>, ticket: Ticket, turn: &mut Turn<'_>) {
        if let Err(error) = self.try_sync(request, ticket, turn) {
            turn.reply_sync(ticket, Err(error));
        }
    }

    fn try_sync(&mut self, request: &SyncRequest<'_>, ticket: Ticket, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        self.validate(request.identity)?;
        let differs = |said: Option<&str>, is: &Option<Arc<str>>| said.is_some() && said != is.as_deref();
        if differs(request.protocol_type, &self.protocol_type) || differs(request.protocol, &self.protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let member_id = request.identity.member_id;
        match self.state {
            ClassicState::Empty | ClassicState::Dead => Err(ErrorCode::UnknownMemberId),
            ClassicState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            ClassicState::CompletingRebalance => {
                self.hold_sync(member_id, ticket, turn);
                if self.leader.as_deref() == Some(member_id) {
                    self.assign(&request.assignments, turn);
                }
                Ok(())
            }
            ClassicState::Stable => {
                self.no_longer_pending_sync(member_id);
                self.keep_alive(member_id, turn.now);
                turn.reply_sync(ticket, self.synced(member_id));
                Ok(())
            }
        }
    }

    fn hold_sync(&mut self, member_id: &str, ticket: Ticket, turn: &mut Turn<'_>) {
        self.no_longer_pending_sync(member_id);
        let Some(member) = self.members.get_mut(member_id) else { return };
        if let Some(older) = member.awaiting_sync.replace(ticket) {
            turn.reply_sync(older, Err(ErrorCode::RebalanceInProgress));
        }
    }

    /// The generation is complete. A member the leader forgot gets an empty share.
    fn assign(&mut self, assignments: &HashMap<&str, Bytes>, turn: &mut Turn<'_>) {
        let record = self.as_record(|member| assignments.get(&*member.id).cloned().unwrap_or_default());
        self.enter(ClassicState::Stable, turn);
        self.commit(record, turn);
        self.answer_syncs(&Ok(()), turn);
    }

    fn synced(&self, member_id: &str) -> Result<Synced, ErrorCode> {
        let member = self.members.get(member_id).ok_or(ErrorCode::UnknownMemberId)?;
        Ok(Synced {
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: member.assignment.clone(),
        })
    }
}
