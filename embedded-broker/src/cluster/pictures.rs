//! What a node tells clients of the cluster: what is, or for a while what was. In Kafka each broker has its own picture, which
//! is as old as the last of the controller's records that has reached it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use uuid::Uuid;

use super::{Cluster, Nodes};
use crate::partition::Leadership;
use crate::topic::{Topic, Topics};

/// The cluster as one node tells of it in one answer.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) topics: Arc<Topics>,
    /// Who led which partition by then; nothing if it is what is now.
    old: Option<Arc<HashMap<(Uuid, i32), Leadership>>>,
}

impl Picture {
    /// Each partition of a topic of the picture: its number, and who leads it.
    pub(crate) fn partitions<'a>(&'a self, topic: &'a Topic) -> impl Iterator<Item = (i32, Leadership)> + 'a {
        (0..).zip(&topic.partitions).filter_map(|(index, _)| Some((index, self.leadership(topic, index)?)))
    }

    /// Who leads a partition.
    pub(crate) fn leadership(&self, topic: &Topic, index: i32) -> Option<Leadership> {
        match &self.old {
            Some(old) => old.get(&(topic.id, index)).cloned(),
            None => topic.partition(index).map(|partition| partition.leadership()),
        }
    }
}

/// The old pictures that nodes tell of, and in how many more answers. Its lock is a leaf.
#[derive(Debug, Default)]
pub(super) struct OldPictures {
    are_any: AtomicBool,
    by_node: Mutex<BTreeMap<i32, (u32, Picture)>>,
}

impl OldPictures {
    /// The old picture that a node tells of, in one answer less from now on.
    fn take(&self, node: i32) -> Option<Picture> {
        if !self.are_any.load(Ordering::Relaxed) {
            return None;
        }
        let mut by_node = self.by_node.lock();
        let (left, picture) = by_node.get_mut(&node)?;
        *left -= 1;
        let (is_last, picture) = (*left == 0, picture.clone());
        if is_last {
            by_node.remove(&node);
            self.are_any.store(!by_node.is_empty(), Ordering::Relaxed);
        }
        Some(picture)
    }

    fn set(&self, node: i32, answers: u32, picture: Picture) {
        let mut by_node = self.by_node.lock();
        by_node.insert(node, (answers, picture));
        self.are_any.store(true, Ordering::Relaxed);
    }

    fn forget(&self, node: i32) {
        let mut by_node = self.by_node.lock();
        by_node.remove(&node);
        self.are_any.store(!by_node.is_empty(), Ordering::Relaxed);
    }

    fn left(&self, node: i32) -> u32 {
        self.by_node.lock().get(&node).map_or(0, |(left, _)| *left)
    }
}

impl Cluster {
    /// What a node tells of in its next answer.
    pub(crate) fn picture(&self, node: i32) -> Picture {
        self.old_pictures.take(node).unwrap_or_else(|| Picture {
            nodes: self.nodes(),
            topics: self.topics(),
            old: None,
        })
    }

    /// Has a node tell in so many answers of the cluster as it is now; none ends it.
    pub(crate) fn tell_old(&self, node: i32, answers: u32) {
        if answers == 0 {
            return self.old_pictures.forget(node);
        }
        // Nothing changes meanwhile: a picture is of one moment.
        let one_at_a_time = self.changes.lock();
        let (nodes, topics) = (self.nodes(), self.topics());
        let partitions = topics.iter().flat_map(|topic| (0..).zip(&topic.partitions).map(move |one| (topic.id, one)));
        let leaders = partitions.map(|(id, (index, partition))| ((id, index), partition.leadership())).collect();
        drop(one_at_a_time);
        self.old_pictures.set(node, answers, Picture { nodes, topics, old: Some(Arc::new(leaders)) });
    }

    /// A node has gone down: when it is back, it looks anew.
    pub(super) fn tell_old_no_more(&self, node: i32) {
        self.old_pictures.forget(node);
    }

    /// In how many answers a node will tell of the cluster as it was.
    pub(crate) fn old_answers_left(&self, node: i32) -> u32 {
        self.old_pictures.left(node)
    }
}
