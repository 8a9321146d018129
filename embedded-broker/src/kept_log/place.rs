//! Where the replicas of partitions are kept.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::persist::disk::Disk;
use crate::persist::partition_dir::PartitionDir;
use crate::persist::root::Root;

/// Where one replica's log is kept.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// As Kafka writes it.
    pub(crate) topic_id: String,
    pub(crate) disk: Disk,
    /// Whether every checksum is looked at: the node was killed.
    pub(crate) check: bool,
    pub(crate) now_ms: i64,
}

impl Place {
    /// Whether the topic's own directory is there. One that holds no records is no one's.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        let found = PartitionDir::topic_id(&self.path)?;
        if found.as_deref() == Some(&*self.topic_id) {
            return Ok(true);
        }
        if !PartitionDir::holds_records(&self.path)? {
            return Ok(false);
        }
        let whose = found.map_or_else(|| "has no partition.metadata".to_owned(), |id| format!("is of topic id {id}"));
        Err(io::Error::other(format!(
            "it holds records and {whose}, but the id of the topic is {}: move it away, or if the records are the topic's, \
             put that id into its partition.metadata",
            self.topic_id
        )))
    }
}

/// Where the replicas of one partition are kept, node by node.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) root: Arc<Root>,
    pub(crate) clock: Clock,
    pub(crate) topic: Arc<str>,
    /// As Kafka writes it.
    pub(crate) topic_id: Arc<str>,
    pub(crate) index: usize,
}

impl Home {
    /// The directory of a node's replica, which need not be there.
    pub(super) fn path(&self, node: i32) -> PathBuf {
        self.root.path_of(node).join(format!("{}-{}", self.topic, self.index))
    }

    /// Where a node keeps its replica; `None` of a node that has no directory open.
    pub(super) fn place(&self, node: i32) -> Option<Place> {
        let was_closed = self.root.was_closed(node)?;
        Some(Place {
            path: self.path(node),
            topic_id: self.topic_id.as_ref().to_owned(),
            disk: self.root.disk_of(node).clone(),
            check: !was_closed,
            now_ms: self.clock.wall_ms(),
        })
    }
}
