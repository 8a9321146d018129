//! One call into a group: what it is told about the world, and what it answers.

use std::time::Duration;

use bytes::Bytes;

use super::catalog::Catalog;
use super::config::GroupConfig;
use super::record::GroupRecord;
use crate::coordinator::ErrorCode;
use std::sync::Arc;

/// Names one request that may be answered later than it came. The caller chooses it, unique in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// What one call is told about the world around its group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) group_id: &'a str,
    /// Time since an origin that the caller keeps; it never goes back.
    pub(crate) now: Duration,
    /// The time of day in milliseconds since 1970: what outlives a restart is dated with it.
    pub(crate) wall_ms: i64,
    pub(crate) config: &'a GroupConfig,
    pub(crate) topics: &'a dyn Catalog,
}

/// The world of one call, and everything the call wants done: facts to keep and answers to give.
/// Timers are kept in the group itself, which tells its next deadline when asked.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) world: World<'a>,
    /// Facts in the order they became true. They are applied already: replaying them on a new group
    /// gives the same offsets and the same membership.
    pub(crate) records: Vec<GroupRecord>,
    /// Answers to this request and to older ones that waited.
    pub(crate) replies: Vec<(Ticket, Reply)>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(world: World<'a>) -> Self {
        Self { world, records: Vec::new(), replies: Vec::new() }
    }

    pub(crate) fn reply_join(&mut self, ticket: Ticket, reply: JoinReply) {
        self.replies.push((ticket, Reply::Join(reply)));
    }

    pub(crate) fn reply_sync(&mut self, ticket: Ticket, reply: SyncReply) {
        self.replies.push((ticket, Reply::Sync(reply)));
    }
}

impl<'a> std::ops::Deref for Turn<'a> {
    type Target = World<'a>;

    fn deref(&self) -> &World<'a> {
        &self.world
    }
}

/// The answer to a request that carried a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Join(JoinReply),
    Sync(SyncReply),
}

pub(crate) type JoinReply = Result<Joined, JoinRefused>;
pub(crate) type SyncReply = Result<Synced, ErrorCode>;

/// A member is part of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) member_id: Arc<str>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<Arc<str>>,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) leader: Arc<str>,
    /// The leader shall not assign anew: a static leader came back and nothing changed.
    pub(crate) skip_assignment: bool,
    /// Everybody's metadata for the leader, nothing for the others.
    pub(crate) members: Vec<JoinedMember>,
}

/// One member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub(crate) member_id: Arc<str>,
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) metadata: Bytes,
}

/// Why a JoinGroup was refused, and the id the member shall use next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinRefused {
    pub(crate) error: ErrorCode,
    pub(crate) member_id: Arc<str>,
}

/// A member's share of the generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) protocol_type: Option<Arc<str>>,
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) assignment: Bytes,
}
