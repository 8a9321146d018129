//! A cluster in a data directory: opened, and left so that nothing needs to be checked the next time.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Cluster, Node, NodeState, Nodes};
use crate::clock::Clock;
use crate::error::Error;
use crate::kafka_id::kafka_id;
use crate::kept_log::Home;
use crate::log::LogConfig;
use crate::partition::{Partition, Placed};
use crate::persist::disk::Disk;
use crate::persist::partition_dir::{self, PartitionDir};
use crate::persist::root::Root;
use crate::replication::Remembered;
use crate::settings::BrokerSettings;
use crate::state::{StateImage, StateStore, TopicFacts};
use crate::topic::Topic;

/// The data directory of a cluster.
#[derive(Debug)]
pub(crate) struct Storage {
    root: Arc<Root>,
}

impl Storage {
    /// Opens what is kept of a partition, or begins to keep a new one.
    pub(super) fn partition(
        &self,
        (topic, index): (&Topic, usize),
        placed: Placed,
        config: Arc<LogConfig>,
        clock: Clock,
        past: Option<Remembered>,
    ) -> Result<Arc<Partition>, Error> {
        let home = Home {
            root: Arc::clone(&self.root),
            clock,
            topic: Arc::clone(&topic.name),
            topic_id: kafka_id(topic.id).into(),
            index,
        };
        let failed = |error| {
            let (name, root) = (&topic.name, self.root.path().display());
            Error::io(format!("cannot open the log of {name}-{index} in the data directory {root}"), error)
        };
        Partition::kept(config, placed, home, past).map(Arc::new).map_err(failed)
    }

    /// Whether each node has a directory of its own.
    pub(super) fn is_of_several(&self) -> bool {
        self.root.is_of_several()
    }
}

/// What is to become of a directory at a start.
enum Fate {
    Stays,
    Goes,
    /// It holds records of a topic with this id, which nobody knows.
    Unknown(Option<String>),
}

/// What the state log says of directories.
struct Known<'a> {
    image: &'a StateImage,
    /// By name and id.
    topics: HashMap<(&'a str, String), &'a TopicFacts>,
    deleted: HashSet<String>,
}

impl Storage {
    /// Takes away what is left of deleted topics, of topics that were not kept yet when a crash came, and of replicas that are
    /// other nodes' now; says which directories hold records of topics that nobody knows.
    fn sweep(&self, image: &StateImage, nodes: &[i32]) -> io::Result<()> {
        let known = Known {
            image,
            topics: image.topics.values().map(|topic| ((&*topic.name, kafka_id(topic.id)), topic)).collect(),
            deleted: image.deleted.iter().copied().map(kafka_id).collect(),
        };
        for &node in nodes {
            for entry in fs::read_dir(self.root.path_of(node))? {
                let path = entry?.path();
                match known.fate(&path, node)? {
                    Fate::Stays => {}
                    Fate::Goes => self.root.disk().remove_dir(&path)?,
                    Fate::Unknown(id) => {
                        let (dir, topic_id) = (path.display(), id.unwrap_or_default());
                        tracing::warn!(%dir, topic_id, "a directory holds records of a topic that is not known: it is left as it is");
                    }
                }
            }
        }
        Ok(())
    }
}

impl Known<'_> {
    /// The nodes of a partition, as they were written down last.
    fn replicas<'a>(&'a self, facts: &'a TopicFacts, index: usize) -> Option<&'a Vec<i32>> {
        let remembered = i32::try_from(index).ok().and_then(|index| self.image.replicas.get(&(facts.id, index)));
        remembered.map(|remembered| &remembered.assignment.replicas).or_else(|| facts.replicas.get(index))
    }

    fn fate(&self, path: &Path, node: i32) -> io::Result<Fate> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !path.is_dir() {
            return Ok(Fate::Stays);
        }
        if name.ends_with(partition_dir::DELETED) {
            return Ok(Fate::Goes);
        }
        let parts = name.rsplit_once('-').and_then(|(topic, number)| Some((topic, number.parse::<usize>().ok()?)));
        let Some((topic, index)) = parts else { return Ok(Fate::Stays) };
        let id = PartitionDir::topic_id(path)?;
        if let Some(facts) = id.clone().and_then(|id| self.topics.get(&(topic, id))) {
            // As Kafka, which takes replicas away that were given to others while the node was down.
            let is_stray = self.replicas(facts, index).is_some_and(|replicas| !replicas.contains(&node));
            return Ok(if is_stray { Fate::Goes } else { Fate::Stays });
        }
        Ok(match id {
            Some(id) if self.deleted.contains(&id) => Fate::Goes,
            id if PartitionDir::holds_records(path)? => Fate::Unknown(id),
            _ => Fate::Goes,
        })
    }
}

impl Cluster {
    /// Brings the directories in line with what the state log says.
    pub(super) fn sweep(&self, image: &StateImage) -> Result<(), Error> {
        let Some(storage) = &self.storage else { return Ok(()) };
        let failed =
            |error| Error::io(format!("cannot use the data directory {}", storage.root.path().display()), error);
        storage.sweep(image, &self.node_ids()).map_err(failed)
    }

    /// A cluster that keeps everything in a directory, with all that is there already.
    ///
    /// # Errors
    ///
    /// If the directory is another broker's, cannot be read or written, or holds what this version does not understand.
    pub(crate) fn open(clock: Clock, settings: BrokerSettings, nodes: Vec<Node>, path: &Path) -> Result<Self, Error> {
        Self::open_on(Disk::default(), clock, settings, nodes, path)
    }

    /// As [`open`](Self::open), on a disk that may fail.
    pub(super) fn open_on(
        disk: Disk,
        clock: Clock,
        settings: BrokerSettings,
        nodes: Vec<Node>,
        path: &Path,
    ) -> Result<Self, Error> {
        let failed = |error| Error::io(format!("cannot use the data directory {}", path.display()), error);
        let ids: Vec<i32> = nodes.iter().map(|node| node.id).collect();
        let mut root = Root::open(path, &ids, disk.clone()).map_err(failed)?;
        let sync = settings.flush_state;
        let (state, image) = StateStore::open(path, disk, sync).map_err(failed)?;
        let mut cluster = Self::new(clock, settings, nodes);
        if let Some(id) = root.cluster_id() {
            id.clone_into(&mut cluster.id);
        }
        root.write_meta(&cluster.id).map_err(failed)?;
        cluster.state = Arc::new(state);
        cluster.storage = Some(Storage { root: Arc::new(root) });
        cluster.recover(image)?;
        Ok(cluster)
    }

    /// The data directory of a node, if there are any.
    pub(super) fn data_dir_of(&self, node: i32) -> Option<PathBuf> {
        self.storage.as_ref().map(|storage| storage.root.path_of(node))
    }

    /// The disk under the data directory, or under that of one of the nodes, if there is one.
    pub(crate) fn disk_of(&self, node: Option<i32>) -> Option<&Disk> {
        let root = &self.storage.as_ref()?.root;
        Some(node.map_or_else(|| root.disk(), |node| root.disk_of(node)))
    }

    /// Leaves everything on the disk: nobody changes anything any more. What fails is logged, and checked at the next start.
    pub(crate) fn close(&self) {
        let Some(storage) = &self.storage else { return };
        let topics = self.topics();
        let mut partitions = topics.iter().flat_map(|topic| &topic.partitions);
        let closed = partitions.try_for_each(|partition| partition.close()).and_then(|()| self.state.sync());
        let closed = closed.and_then(|()| if self.state.is_broken() { Ok(()) } else { storage.root.close() });
        if let Err(error) = closed {
            let dir = storage.root.path().display();
            tracing::error!(%error, %dir, "the data directory was not closed in order: it is checked at the next start");
        }
    }

    /// A node that was down is about to start: it opens its directory.
    ///
    /// # Errors
    ///
    /// The directory is not there and cannot be made, or is another node's.
    pub(crate) fn open_node_dir(&self, id: i32) -> Result<(), Error> {
        let Some(storage) = self.storage.as_ref().filter(|storage| storage.is_of_several()) else { return Ok(()) };
        let failed =
            |error| Error::io(format!("cannot use the data directory {}", storage.root.path_of(id).display()), error);
        storage.root.open_node(id).map_err(failed)
    }

    /// Nodes that are down leave their directories, which are nobody's until they are back.
    pub(super) fn close_node_dirs(&self, before: &Nodes, after: &Nodes) {
        let Some(storage) = self.storage.as_ref().filter(|storage| storage.is_of_several()) else { return };
        for id in after.every().map(|node| node.id) {
            let (Some(was), Some(is)) = (before.state(id), after.state(id)) else { continue };
            if !before.runs(id) || after.runs(id) {
                continue;
            }
            // One that is killed says nothing of how it leaves.
            let in_order = (was, is) == (NodeState::Stopping, NodeState::Down);
            if let Err(error) = storage.root.close_node(id, in_order) {
                tracing::warn!(node = id, %error, "a node's directory was not closed in order: it is checked when the node is back");
            }
        }
    }
}
