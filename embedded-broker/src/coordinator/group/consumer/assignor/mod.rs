//! Who gets which partitions: the assignors of the consumer protocol, on the broker's side.

mod heterogeneous;
mod homogeneous;
mod range;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::member::TopicPartitions;

/// An assignor, by the name clients ask for it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Assignor {
    /// Everybody gets as many as everybody else, and keeps what it has where that is possible.
    Uniform,
    /// Each topic is cut into ranges, so that equal partitions of equal topics meet in one member.
    Range,
}

/// What an assignor knows of a member.
#[derive(Debug)]
pub(crate) struct AssignedMember {
    /// Set for static members.
    pub(crate) instance_id: Option<Arc<str>>,
    /// The topics it subscribes to that exist, with their numbers of partitions.
    pub(crate) topics: BTreeMap<Uuid, i32>,
    /// Its target so far.
    pub(crate) target: TopicPartitions,
}

/// Partitions by member; everybody is in it, with nothing if there is nothing.
pub(crate) type Assignment = BTreeMap<Arc<str>, TopicPartitions>;

impl Assignor {
    pub(crate) const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// The one whose name this is.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// Assigns all partitions that somebody subscribes to. `homogeneous` says that all subscribe to the same.
    pub(crate) fn assign(self, members: &BTreeMap<Arc<str>, AssignedMember>, homogeneous: bool) -> Assignment {
        match self {
            Self::Uniform if homogeneous => homogeneous::assign(members),
            Self::Uniform => heterogeneous::assign(members),
            Self::Range => range::assign(members),
        }
    }
}

impl AsRef<str> for Assignor {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

/// Every topic that somebody subscribes to, with its partitions and its subscribers.
fn subscribers(members: &BTreeMap<Arc<str>, AssignedMember>) -> BTreeMap<Uuid, (i32, Vec<&Arc<str>>)> {
    let mut topics: BTreeMap<Uuid, (i32, Vec<&Arc<str>>)> = BTreeMap::new();
    for (id, member) in members {
        for (&topic, &partitions) in &member.topics {
            topics.entry(topic).or_insert((partitions, Vec::new())).1.push(id);
        }
    }
    topics
}

#[cfg(test)]
mod tests;
