//! Fetch sessions (KIP-227): a client names its partitions once, then only what changes, and is told only what changed.
//!
//! A session belongs to a client by its id, which the client sends with every request beside an epoch that counts its
//! requests. [`Session`] and [`Slots`] are pure; this file puts locks around them. As Kafka, the table is cut into shards
//! by id, so that clients do not wait for each other. Locks are taken in the order shard, session, and both are held for a
//! few fields only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::ErrorCode;

mod session;
mod slots;
#[cfg(test)]
mod tests;

pub(crate) use session::{Asked, Key, Params, Session, Told, TopicKey};
use slots::Slots;

/// The id of no session.
pub(crate) const NO_SESSION: i32 = 0;
/// A first request: a session is made for it, if there is room.
const INITIAL_EPOCH: i32 = 0;
/// A last request, or one of a client that wants no session.
const FINAL_EPOCH: i32 = -1;

const SHARDS: usize = 8;
/// How many ids a shard has.
const IDS: i32 = i32::MAX / 8;

/// What a Fetch request says of its session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionRequest {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    /// Topics go by id, from version 13 on.
    pub(crate) by_id: bool,
}

/// How a request is to be answered.
#[derive(Debug)]
pub(crate) enum Context {
    /// All that was asked for, and no session.
    Sessionless,
    /// All that was asked for; then a session is made of it.
    Full,
    /// What has changed in the session, if its epoch is still this one.
    Incremental { id: i32, session: Arc<Mutex<Session>>, epoch: i32 },
}

/// All sessions of one node.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    shards: [Mutex<Shard>; SHARDS],
    next: AtomicUsize,
}

#[derive(Debug)]
struct Shard {
    sessions: HashMap<i32, Arc<Mutex<Session>>>,
    slots: Slots,
}

impl FetchSessions {
    /// `slots` is `max.incremental.fetch.session.cache.slots`.
    pub(crate) fn new(slots: usize) -> Self {
        let shard = |_| Mutex::new(Shard { sessions: HashMap::new(), slots: Slots::new(slots / SHARDS) });
        Self { shards: std::array::from_fn(shard), next: AtomicUsize::new(0) }
    }

    /// Finds out what a request is to be answered with, and brings `asked` from what the request names to that. `asked`
    /// must name each partition once.
    pub(crate) fn open(
        &self,
        request: SessionRequest,
        asked: &mut Vec<Asked>,
        forgotten: &[Key],
        now: Timestamp,
    ) -> Result<Context, ErrorCode> {
        if matches!(request.epoch, INITIAL_EPOCH | FINAL_EPOCH) {
            if let Some(shard) = self.shard_of(request.id) {
                shard.lock().remove(request.id);
            }
            return Ok(if request.epoch == FINAL_EPOCH { Context::Sessionless } else { Context::Full });
        }
        let shard = self.shard_of(request.id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        shard.lock().go_on(request, asked, forgotten, now)
    }

    /// Makes a session of a full request and what was answered, in the same order; [`NO_SESSION`] if there is no room.
    pub(crate) fn create(&self, by_id: bool, answered: Vec<(Asked, Told)>, now: Timestamp) -> i32 {
        let n = self.next.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let first = i32::try_from(n).unwrap_or_default() * IDS;
        let mut shard = self.shards[n].lock();
        let Shard { sessions, slots } = &mut *shard;
        let id =
            std::iter::repeat_with(|| random_id(first)).find(|id| !sessions.contains_key(id)).unwrap_or(NO_SESSION);
        let Some(evicted) = slots.admit(id, answered.len(), now) else { return NO_SESSION };
        evicted.iter().for_each(|evicted| drop(sessions.remove(evicted)));
        sessions.insert(id, Arc::new(Mutex::new(Session::new(by_id, next_epoch(INITIAL_EPOCH), answered))));
        id
    }

    /// The node is down: as Kafka's, its sessions are gone with it.
    pub(crate) fn forget_all(&self) {
        for shard in &self.shards {
            let Shard { sessions, slots } = &mut *shard.lock();
            sessions.drain().for_each(|(id, _)| slots.remove(id));
        }
    }

    /// The partitions that a session asks for by itself.
    pub(crate) fn wanted(&self, id: i32) -> Vec<Key> {
        let session = self.shard_of(id).and_then(|shard| shard.lock().sessions.get(&id).cloned());
        session.map(|session| session.lock().asked().map(|asked| asked.key).collect()).unwrap_or_default()
    }

    fn shard_of(&self, id: i32) -> Option<&Mutex<Shard>> {
        if id == NO_SESSION {
            return None;
        }
        let n = usize::try_from(id / IDS).ok()?;
        self.shards.get(n)
    }
}

impl Shard {
    fn remove(&mut self, id: i32) {
        self.sessions.remove(&id);
        self.slots.remove(id);
    }

    fn go_on(
        &mut self,
        request: SessionRequest,
        asked: &mut Vec<Asked>,
        forgotten: &[Key],
        now: Timestamp,
    ) -> Result<Context, ErrorCode> {
        let session = self.sessions.get(&request.id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let session = Arc::clone(session);
        let mut state = session.lock();
        state.check(request.epoch, request.by_id)?;
        state.update(asked, forgotten);
        if state.len() == 0 {
            drop(state);
            self.remove(request.id);
            return Ok(Context::Sessionless);
        }
        self.slots.touch(request.id, state.len(), now);
        state.epoch = next_epoch(state.epoch);
        let epoch = state.epoch;
        *asked = state.asked().collect();
        drop(state);
        Ok(Context::Incremental { id: request.id, session, epoch })
    }
}

/// An epoch counts from 1 again when it cannot go on.
fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

/// An id of the shard that begins at `first`; an id is hard to guess, as with it one can close a session.
fn random_id(first: i32) -> i32 {
    let range = u128::from(IDS.unsigned_abs());
    let id = first + i32::try_from(Uuid::new_v4().as_u128() % range).unwrap_or_default();
    id.max(1)
}
