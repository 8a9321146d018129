//! JoinGroup: a member comes, or says again that it wants to be in the next generation.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{ClassicGroup, ClassicState, Member, Protocol};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::config::{GroupConfig, NEW_MEMBER_JOIN_TIMEOUT};
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::{JoinRefused, JoinReply, Joined, Ticket, Turn};

/// A JoinGroup request, free of its wire version.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    /// Empty when the member has none yet.
    pub(crate) member_id: Arc<str>,
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: Arc<str>,
    pub(crate) protocols: Vec<Protocol>,
    /// The client can come back with an id it was given (version 4).
    pub(crate) can_rejoin_with_id: bool,
    /// The client understands that the leader shall not assign anew (version 9).
    pub(crate) can_skip_assignment: bool,
    /// A random part for a new member id; given from outside because nothing here is random.
    pub(crate) fresh: u128,
}

impl JoinRequest {
    /// Checks what needs no group.
    pub(crate) fn check(&self, config: &GroupConfig) -> Result<(), ErrorCode> {
        let sessions = config.min_session_timeout..=config.max_session_timeout;
        if sessions.contains(&self.session_timeout) { Ok(()) } else { Err(ErrorCode::InvalidSessionTimeout) }
    }

    /// A new member id: what tells the client's owner who it is, and a random part.
    fn new_member_id(&self) -> Arc<str> {
        let name = self.instance_id.as_ref().unwrap_or(&self.client_id);
        format!("{name}-{}", uuid::Uuid::from_u128(self.fresh)).into()
    }
}

pub(super) fn refused(error: ErrorCode, member_id: &Arc<str>) -> JoinRefused {
    JoinRefused { error, member_id: Arc::clone(member_id) }
}

impl ClassicGroup {
    /// Answers a JoinGroup now or, by its ticket, when the generation is made.
    pub(crate) fn join(&mut self, request: &JoinRequest, ticket: Ticket, turn: &mut Turn<'_>) {
        if let Err(error) = self.try_join(request, ticket, turn) {
            turn.reply_join(ticket, Err(refused(error, &request.member_id)));
        }
    }

    fn try_join(&mut self, request: &JoinRequest, ticket: Ticket, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        if self.state == ClassicState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        request.check(turn.config)?;
        if !self.has_room_for(&request.member_id, turn.config.max_size) {
            self.let_go(&request.member_id, turn);
            let error = ErrorCode::GroupMaxSizeReached;
            turn.reply_join(ticket, Err(JoinRefused { error, member_id: Arc::default() }));
            return Ok(());
        }
        if !self.supports_protocols(&request.protocol_type, &request.protocols) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if !request.member_id.is_empty() {
            return self.join_known(request, ticket, turn);
        }
        let member_id = request.new_member_id();
        let static_id = request.instance_id.as_ref().map(|instance| self.static_members.get(instance).cloned());
        match static_id {
            Some(Some(old_id)) => self.replace_static_member(&old_id, &member_id, request, ticket, turn),
            None if request.can_rejoin_with_id => self.hand_out(member_id, request.session_timeout, ticket, turn),
            Some(None) | None => self.add_member(member_id, request, ticket, turn),
        }
        Ok(())
    }

    /// Whether `group.max.size` lets the member in. While a generation is made those count that have joined, so that
    /// the last ones to come are left out when the limit was lowered.
    fn has_room_for(&self, member_id: &str, max_size: usize) -> bool {
        let joined = |member: &&Member| member.awaiting_join.is_some();
        match self.state {
            ClassicState::Empty | ClassicState::Dead => true,
            ClassicState::PreparingRebalance => {
                self.members.get(member_id).is_some_and(|member| joined(&member))
                    || self.members.values().filter(joined).count() < max_size
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                self.members.contains_key(member_id) || self.members.len() < max_size
            }
        }
    }

    /// Forgets a member that is not let in again, whether it was in or had only been given its id.
    fn let_go(&mut self, member_id: &Arc<str>, turn: &mut Turn<'_>) {
        self.forget_pending(member_id);
        self.remove_member(member_id, ErrorCode::GroupMaxSizeReached, turn);
    }

    /// Tells the client to come back with this id, so that a client that retries leaves one member behind
    /// and not many.
    fn hand_out(&mut self, member_id: Arc<str>, session: Duration, ticket: Ticket, turn: &mut Turn<'_>) {
        self.timers.set(TimerKey::Pending(Arc::clone(&member_id)), turn.now + session);
        turn.reply_join(ticket, Err(refused(ErrorCode::MemberIdRequired, &member_id)));
        self.pending.insert(member_id);
    }

    fn join_known(&mut self, request: &JoinRequest, ticket: Ticket, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        let member_id = &request.member_id;
        if self.pending.contains(member_id) && request.instance_id.is_none() {
            self.add_member(Arc::clone(member_id), request, ticket, turn);
            return Ok(());
        }
        self.validate_member(member_id, request.instance_id.as_deref())?;
        let is_leader = self.leader.as_ref() == Some(member_id);
        let unchanged = self.members.get(member_id).is_some_and(|member| member.protocols == request.protocols);
        let answer_now = match self.state {
            ClassicState::Empty | ClassicState::Dead => return Err(ErrorCode::UnknownMemberId),
            ClassicState::PreparingRebalance => false,
            // Its answer to the last JoinGroup was lost: the generation still stands.
            ClassicState::CompletingRebalance => unchanged,
            // A leader that joins again wants to assign again, for instance because topics have changed.
            ClassicState::Stable => unchanged && !is_leader,
        };
        if answer_now {
            let members_for_leader = self.state == ClassicState::CompletingRebalance;
            turn.reply_join(ticket, self.joined(member_id, members_for_leader));
        } else {
            self.update_wishes(member_id, request);
            self.hold_join(member_id, ticket, turn);
            self.rebalance_or_complete(turn);
        }
        Ok(())
    }

    fn add_member(&mut self, member_id: Arc<str>, request: &JoinRequest, ticket: Ticket, turn: &mut Turn<'_>) {
        self.forget_pending(&member_id);
        if self.members.is_empty() {
            self.protocol_type = Some(Arc::clone(&request.protocol_type));
        }
        self.leader.get_or_insert_with(|| Arc::clone(&member_id));
        if let Some(instance) = &request.instance_id {
            self.static_members.insert(Arc::clone(instance), Arc::clone(&member_id));
        }
        self.timers.set(TimerKey::Session(Arc::clone(&member_id)), turn.now + NEW_MEMBER_JOIN_TIMEOUT);
        let member = Member {
            id: Arc::clone(&member_id),
            instance_id: request.instance_id.clone(),
            client_id: Arc::clone(&request.client_id),
            client_host: Arc::clone(&request.client_host),
            rebalance_timeout: request.rebalance_timeout,
            session_timeout: request.session_timeout,
            protocols: request.protocols.clone(),
            assignment: Bytes::new(),
            awaiting_join: Some(ticket),
            awaiting_sync: None,
            is_new: true,
        };
        self.members.insert(member_id, member);
        if let Some(gathering) = &mut self.gathering {
            gathering.member_added = true;
        }
        self.rebalance_or_complete(turn);
    }

    /// A static member came back without its id, so it was restarted: the new one takes its place, and
    /// when that changes nothing for the others they do not notice.
    fn replace_static_member(
        &mut self,
        old_id: &Arc<str>,
        new_id: &Arc<str>,
        request: &JoinRequest,
        ticket: Ticket,
        turn: &mut Turn<'_>,
    ) {
        let old_leader = self.leader.clone();
        self.rename_member(old_id, new_id, turn);
        self.update_wishes(new_id, request);
        self.keep_alive(new_id, turn.now);
        if self.state == ClassicState::Stable && self.select_protocol() == self.protocol {
            self.commit(self.as_record(|member| member.assignment.clone()), turn);
            let skip = request.can_skip_assignment && self.leader.as_ref() == Some(new_id);
            let mut reply = self.joined(new_id, skip);
            if let Ok(joined) = &mut reply {
                joined.skip_assignment = skip;
                // Before version 9 a leader cannot be told to keep the assignment, so it is told that its
                // former self leads, and only fetches its share.
                if !request.can_skip_assignment {
                    joined.leader = old_leader.unwrap_or_default();
                }
            }
            turn.reply_join(ticket, reply);
        } else {
            // While a generation completes, the old id may be in the leader's plan already: start over.
            self.hold_join(new_id, ticket, turn);
            self.rebalance_or_complete(turn);
        }
    }

    fn rename_member(&mut self, old_id: &Arc<str>, new_id: &Arc<str>, turn: &mut Turn<'_>) {
        let Some(mut member) = self.members.remove(old_id) else { return };
        if let Some(ticket) = member.awaiting_join.take() {
            turn.reply_join(ticket, Err(refused(ErrorCode::FencedInstanceId, old_id)));
        }
        if let Some(ticket) = member.awaiting_sync.take() {
            turn.reply_sync(ticket, Err(ErrorCode::FencedInstanceId));
        }
        self.timers.cancel(&TimerKey::Session(Arc::clone(old_id)));
        if self.pending_sync.remove(old_id) {
            self.pending_sync.insert(Arc::clone(new_id));
        }
        if self.leader.as_ref() == Some(old_id) {
            self.leader = Some(Arc::clone(new_id));
        }
        if let Some(instance) = &member.instance_id {
            self.static_members.insert(Arc::clone(instance), Arc::clone(new_id));
        }
        member.id = Arc::clone(new_id);
        self.members.insert(Arc::clone(new_id), member);
    }

    fn update_wishes(&mut self, member_id: &str, request: &JoinRequest) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.protocols.clone_from(&request.protocols);
            member.rebalance_timeout = request.rebalance_timeout;
            member.session_timeout = request.session_timeout;
        }
    }

    /// Holds a JoinGroup. One that was held before belongs to a connection its client gave up; it is told
    /// to join again, so that nothing waits for ever.
    fn hold_join(&mut self, member_id: &str, ticket: Ticket, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get_mut(member_id) else { return };
        if let Some(older) = member.awaiting_join.replace(ticket) {
            turn.reply_join(older, Err(refused(ErrorCode::RebalanceInProgress, &member.id)));
        }
    }

    pub(super) fn forget_pending(&mut self, member_id: &Arc<str>) -> bool {
        self.timers.cancel(&TimerKey::Pending(Arc::clone(member_id)));
        self.pending.remove(member_id)
    }

    /// The generation as a member is told of it.
    pub(super) fn joined(&self, member_id: &Arc<str>, members_for_leader: bool) -> JoinReply {
        let leads = self.leader.as_ref() == Some(member_id);
        let protocol = self.protocol.as_deref();
        let members = if leads && members_for_leader {
            self.members.values().map(|member| member.as_joined(protocol)).collect()
        } else {
            Vec::new()
        };
        Ok(Joined {
            member_id: Arc::clone(member_id),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment: false,
            members,
        })
    }
}
