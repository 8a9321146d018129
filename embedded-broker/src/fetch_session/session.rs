//! One session: which partitions its client wants, in which order, and what the client was last told of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kafka_protocol::messages::TopicName;
use uuid::Uuid;

use crate::error::ErrorCode;

/// A topic as the client names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TopicKey {
    Name(TopicName),
    Id(Uuid),
}

/// A partition as the client names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) topic: TopicKey,
    pub(crate) partition: i32,
}

/// What the client wants of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Params {
    pub(crate) fetch_offset: i64,
    pub(crate) max_bytes: i32,
    /// The leader epoch the client knows, or -1.
    pub(crate) current_leader_epoch: i32,
    /// The epoch of the last record it has, or -1.
    pub(crate) last_fetched_epoch: i32,
}

/// A partition and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) key: Key,
    pub(crate) params: Params,
    /// What the topic of an id was called when this session first knew: it may be gone, or another one by now.
    pub(crate) called: Option<Arc<str>>,
}

/// What matters of an answer for whether it has to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// What the topic is called, if that is known.
    pub(crate) called: Option<Arc<str>>,
    pub(crate) high_watermark: i64,
    pub(crate) log_start: i64,
    pub(crate) has_records: bool,
    pub(crate) failed: bool,
    /// The log has taken another way than the client's.
    pub(crate) diverges: bool,
    /// The client is sent to another replica.
    pub(crate) prefers: bool,
}

/// The state of one session.
#[derive(Debug)]
pub(crate) struct Session {
    by_id: bool,
    /// Of the next request.
    pub(super) epoch: i32,
    places: HashMap<Key, u64>,
    /// By place: the longer a partition has not been given records, the farther in front it is.
    partitions: BTreeMap<u64, Cached>,
    next_place: u64,
}

#[derive(Debug)]
struct Cached {
    asked: Asked,
    high_watermark: i64,
    log_start: i64,
}

impl Session {
    pub(super) fn new(by_id: bool, epoch: i32, answered: Vec<(Asked, Told)>) -> Self {
        let mut session = Self { by_id, epoch, places: HashMap::new(), partitions: BTreeMap::new(), next_place: 0 };
        for (mut asked, told) in answered {
            asked.called = told.called;
            session.push(Cached { asked, high_watermark: told.high_watermark, log_start: told.log_start });
        }
        session
    }

    pub(super) fn len(&self) -> usize {
        self.partitions.len()
    }

    /// Whether a request may go on with this session.
    pub(super) fn check(&self, epoch: i32, by_id: bool) -> Result<(), ErrorCode> {
        if epoch != self.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if by_id != self.by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        Ok(())
    }

    /// Takes over what a request names anew or otherwise than before, and drops what it forgets.
    pub(super) fn update(&mut self, asked: &[Asked], forgotten: &[Key]) {
        for asked in asked {
            match self.places.get(&asked.key).and_then(|place| self.partitions.get_mut(place)) {
                Some(cached) => cached.asked.params = asked.params,
                None => self.push(Cached { asked: asked.clone(), high_watermark: -1, log_start: -1 }),
            }
        }
        for key in forgotten {
            if let Some(place) = self.places.remove(key) {
                self.partitions.remove(&place);
            }
        }
    }

    /// All partitions, in the order in which they are to be read.
    pub(super) fn asked(&self) -> impl Iterator<Item = Asked> {
        self.partitions.values().map(|cached| cached.asked.clone())
    }

    /// Whether the session is still where the request with this epoch has left it.
    pub(crate) fn is_at(&self, epoch: i32) -> bool {
        self.epoch == epoch
    }

    /// Whether an answer has to be given, because it is not what the client was last told. A partition that is given
    /// records goes to the end, so that the others have their turn.
    pub(crate) fn tell(&mut self, key: &Key, told: &Told) -> bool {
        let Some(place) = self.places.get(key).copied() else { return true };
        let Some(cached) = self.partitions.get_mut(&place) else { return true };
        let has_changed = cached.high_watermark != told.high_watermark || cached.log_start != told.log_start;
        (cached.high_watermark, cached.log_start) = (told.high_watermark, told.log_start);
        if cached.asked.called.is_none() {
            cached.asked.called.clone_from(&told.called);
        }
        if told.failed {
            // When it is over, the partition is told again, whatever it was before.
            cached.high_watermark = -1;
        }
        if told.has_records
            && let Some(cached) = self.partitions.remove(&place)
        {
            self.push(cached);
        }
        has_changed || told.has_records || told.failed || told.diverges || told.prefers
    }

    fn push(&mut self, cached: Cached) {
        self.places.insert(cached.asked.key.clone(), self.next_place);
        self.partitions.insert(self.next_place, cached);
        self.next_place += 1;
    }
}
