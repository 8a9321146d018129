//! A cluster in a data directory: opened, and left so that nothing needs to be checked the next time.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Cluster, Node};
use crate::clock::Clock;
use crate::error::Error;
use crate::kafka_id::kafka_id;
use crate::kept_log::Place;
use crate::log::LogConfig;
use crate::partition::{Partition, Placed};
use crate::persist::dir::DataDir;
use crate::persist::disk::Disk;
use crate::persist::partition_dir::{self, PartitionDir};
use crate::settings::BrokerSettings;
use crate::state::{StateImage, StateStore};
use crate::topic::Topic;

/// The data directory of a cluster.
#[derive(Debug)]
pub(crate) struct Storage {
    dir: DataDir,
    disk: Disk,
}

impl Storage {
    /// Opens what is kept of a partition, or begins to keep a new one.
    pub(super) fn partition(
        &self,
        topic: &Topic,
        index: usize,
        placed: Placed,
        config: Arc<LogConfig>,
        now_ms: i64,
    ) -> Result<Arc<Partition>, Error> {
        let path = self.dir.partition(&topic.name, index);
        let (topic_id, check) = (&kafka_id(topic.id), !self.dir.was_closed());
        let place = Place { path: &path, topic_id, disk: &self.disk, check, now_ms };
        let partition = Partition::kept(config, placed, place);
        partition.map(Arc::new).map_err(|error| Error::io(format!("cannot open the log in {}", path.display()), error))
    }
}

/// What is to become of a directory at a start.
enum Fate {
    Stays,
    Goes,
    /// It holds records of a topic with this id, which nobody knows.
    Unknown(Option<String>),
}

impl Storage {
    /// Takes away what is left of deleted topics, and of topics that were not kept yet when a crash came; says which
    /// directories hold records of topics that nobody knows.
    fn sweep(&self, image: &StateImage) -> io::Result<()> {
        let known: HashSet<(&str, String)> =
            image.topics.values().map(|topic| (&*topic.name, kafka_id(topic.id))).collect();
        let deleted: HashSet<String> = image.deleted.iter().copied().map(kafka_id).collect();
        for entry in fs::read_dir(self.dir.path())? {
            let path = entry?.path();
            match fate(&path, &known, &deleted)? {
                Fate::Stays => {}
                Fate::Goes => self.disk.remove_dir(&path)?,
                Fate::Unknown(id) => {
                    let (dir, topic_id) = (path.display(), id.unwrap_or_default());
                    tracing::warn!(%dir, topic_id, "a directory holds records of a topic that is not known: it is left as it is");
                }
            }
        }
        Ok(())
    }
}

fn fate(path: &Path, known: &HashSet<(&str, String)>, deleted: &HashSet<String>) -> io::Result<Fate> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !path.is_dir() {
        return Ok(Fate::Stays);
    }
    if name.ends_with(partition_dir::DELETED) {
        return Ok(Fate::Goes);
    }
    let Some((topic, _)) = name.rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok()) else {
        return Ok(Fate::Stays);
    };
    let id = PartitionDir::topic_id(path)?;
    Ok(match id {
        Some(id) if known.contains(&(topic, id.clone())) => Fate::Stays,
        Some(id) if deleted.contains(&id) => Fate::Goes,
        id if PartitionDir::holds_records(path)? => Fate::Unknown(id),
        _ => Fate::Goes,
    })
}

impl Cluster {
    /// Brings the directories in line with what the state log says.
    pub(super) fn sweep(&self, image: &StateImage) -> Result<(), Error> {
        let Some(storage) = &self.storage else { return Ok(()) };
        let failed =
            |error| Error::io(format!("cannot use the data directory {}", storage.dir.path().display()), error);
        storage.sweep(image).map_err(failed)
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
        let node_id = nodes.first().map_or(-1, |node| node.id);
        let dir = DataDir::open(path, node_id, disk.clone()).map_err(failed)?;
        let sync = settings.flush_state;
        let (state, image) = StateStore::open(dir.path(), disk.clone(), sync).map_err(failed)?;
        let mut cluster = Self::new(clock, settings, nodes);
        if let Some(id) = dir.cluster_id() {
            id.clone_into(&mut cluster.id);
        }
        dir.write_meta(&cluster.id, node_id).map_err(failed)?;
        cluster.state = state;
        cluster.storage = Some(Storage { dir, disk });
        cluster.recover(image)?;
        Ok(cluster)
    }

    /// The disk under the data directory, if there is one.
    pub(crate) fn disk(&self) -> Option<&Disk> {
        self.storage.as_ref().map(|storage| &storage.disk)
    }

    /// Leaves everything on the disk: nobody changes anything any more. What fails is logged, and checked at the next start.
    pub(crate) fn close(&self) {
        let Some(storage) = &self.storage else { return };
        let topics = self.topics();
        let mut partitions = topics.iter().flat_map(|topic| &topic.partitions);
        let closed = partitions.try_for_each(|partition| partition.close()).and_then(|()| self.state.sync());
        let closed = closed.and_then(|()| if self.state.is_broken() { Ok(()) } else { storage.dir.close() });
        if let Err(error) = closed {
            let dir = storage.dir.path().display();
            tracing::error!(%error, %dir, "the data directory was not closed in order: it is checked at the next start");
        }
    }
}
