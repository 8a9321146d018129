//! Partitions that move to other nodes because somebody has asked for it, and what is kept of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::{Cluster, recovery};
use crate::error::{Error, ErrorCode};
use crate::partition::Partition;
use crate::replication::Uncancelled;
use crate::state::StateRecord;
use crate::topic::Topic;

/// The topics of which a partition was moving when something was last kept of them. Its lock is a leaf.
#[derive(Debug, Default)]
pub(super) struct Moves {
    topics: Mutex<BTreeSet<Uuid>>,
}

/// What becomes of a partition's replicas.
#[derive(Debug)]
pub(crate) enum Move<'a> {
    /// It begins to move to these nodes.
    To(&'a [i32]),
    /// It goes back to where it came from.
    Back,
}

impl Cluster {
    /// Has partitions of these topics begin to move, or go back, one change at a time: `asked` are all that one request asks for.
    /// Says of each what has become of it.
    pub(crate) fn move_partitions(&self, asked: &[Asked<'_>]) -> Vec<Result<(), Error>> {
        let one_at_a_time = self.changes.lock();
        let moved: Vec<_> = asked.iter().map(|asked| self.begin(asked)).collect();
        drop(one_at_a_time);
        if moved.iter().any(|moved| moved.as_ref().is_ok_and(|changed| *changed)) {
            self.after_partition_changes();
        }
        moved.into_iter().map(|moved| moved.map(drop)).collect()
    }

    fn begin(&self, asked: &Asked<'_>) -> Result<bool, Error> {
        let Asked { topic, index, partition, wish } = asked;
        let changed = match wish {
            Move::To(nodes) => partition.reassign(nodes),
            Move::Back => partition.cancel_move().map_err(|why| refusal(why, &topic.name, *index))?,
        };
        if changed {
            self.moves.topics.lock().insert(topic.id);
        }
        Ok(changed)
    }

    /// Keeps how far moves have come. Called without any lock, whenever partitions have changed.
    pub(super) fn keep_moves(&self) {
        if self.moves.topics.lock().is_empty() {
            return;
        }
        let _one_at_a_time = self.changes.lock();
        let moving = std::mem::take(&mut *self.moves.topics.lock());
        let topics = self.topics();
        let facts: Vec<_> =
            moving.iter().filter_map(|id| topics.by_id(*id)).map(|topic| recovery::facts(topic)).collect();
        let on_the_way = facts.iter().filter(|facts| !facts.moving.is_empty()).map(|facts| facts.id);
        self.moves.topics.lock().extend(on_the_way);
        // If it is not kept, the store is broken, and says so.
        _ = self.state.keep(|| facts.into_iter().map(StateRecord::Topic));
    }

    /// Has partitions go on that were moving when the broker stopped.
    pub(super) fn go_on_moving(&self) {
        let topics = self.topics();
        let is_moving = |topic: &&Arc<Topic>| topic.partitions.iter().any(|one| one.assignment().is_moving());
        let moving: Vec<Uuid> = topics.iter().filter(is_moving).map(|topic| topic.id).collect();
        if !moving.is_empty() {
            self.moves.topics.lock().extend(moving);
            self.tell_partitions(None);
            self.keep_moves();
        }
    }
}

/// One partition that somebody wants to move.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) topic: &'a Topic,
    pub(crate) index: i32,
    pub(crate) partition: &'a Partition,
    pub(crate) wish: Move<'a>,
}

/// In Kafka's words.
fn refusal(why: Uncancelled, topic: &str, index: i32) -> Error {
    match why {
        Uncancelled::NothingMoves => Error::with_code(ErrorCode::NoReassignmentInProgress, ""),
        Uncancelled::Unclean => Error::with_code(
            ErrorCode::InvalidReplicaAssignment,
            format!(
                "Unable to revert partition assignment for {topic}:{index} because it would require an unclean leader \
                 election."
            ),
        ),
    }
}
