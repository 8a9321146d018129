//! The data directory of a cluster: that of its one node, or one below it for each of several.
//!
//! The directories below are as those of as many Kafka brokers, down to the files that say whose they are and how they were
//! left. What the nodes share is beside them, once: where Kafka's controllers have a log of the metadata, there is the
//! state log, and a `meta.properties` of the cluster that names no node.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::checkpoint;
use super::dir::{DataDir, META, lock};
use super::disk::Disk;

/// The data directory of a cluster, until it is dropped.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    disk: Disk,
    is_of_several: bool,
    cluster_id: Option<String>,
    nodes: Vec<OfNode>,
    /// Of what is shared.
    _lock: Option<File>,
}

/// What one node has of it.
#[derive(Debug)]
struct OfNode {
    id: i32,
    disk: Disk,
    /// Its directory, as long as the node has it open. The lock is a leaf.
    dir: Mutex<Option<DataDir>>,
}

impl Root {
    /// Makes the directories that are not there, and takes all of them.
    ///
    /// # Errors
    ///
    /// They are somebody else's, of other nodes, or cannot be read or written.
    pub(crate) fn open(path: &Path, nodes: &[i32], disk: Disk) -> io::Result<Self> {
        let meta = checkpoint::read(&path.join(META))?;
        let meta = meta.as_deref().map(checkpoint::decode_properties);
        let is_of_one = meta.as_ref().map(|meta| meta.contains_key("node.id"));
        let is_of_several = match (is_of_one, nodes.len()) {
            (Some(true), n) if n > 1 => {
                let why = format!(
                    "it is the directory of one node, and these are {n}: start one node on it, or take another"
                );
                return Err(io::Error::other(why));
            }
            (Some(of_one), _) => !of_one,
            (None, n) => n > 1,
        };
        let shared = is_of_several.then(|| lock(path)).transpose()?;
        if is_of_several {
            checkpoint::remove_unfinished(&disk, path)?;
        }
        let cluster_id = meta.and_then(|meta| meta.get("cluster.id").map(|&id| id.to_owned()));
        // The one node there is has no part of it: all of it is the node's.
        let disk_of_node = || if is_of_several { disk.part() } else { disk.clone() };
        let of_node = |id: &i32| OfNode { id: *id, disk: disk_of_node(), dir: Mutex::new(None) };
        let mut root = Self {
            path: path.to_owned(),
            is_of_several,
            cluster_id,
            nodes: nodes.iter().map(of_node).collect(),
            disk,
            _lock: shared,
        };
        for id in nodes {
            let of_node = root.take(*id)?;
            root.cluster_id = root.cluster_id.or(of_node);
        }
        Ok(root)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// That of a node, which can fail alone.
    pub(crate) fn disk_of(&self, node: i32) -> &Disk {
        self.find(node).map_or(&self.disk, |own| &own.disk)
    }

    /// Whether each node has a directory of its own below this one.
    pub(crate) fn is_of_several(&self) -> bool {
        self.is_of_several
    }

    /// The cluster the directory belongs to, if it is known.
    pub(crate) fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The directory of a node.
    pub(crate) fn path_of(&self, node: i32) -> PathBuf {
        if self.is_of_several { self.path.join(format!("node-{node}")) } else { self.path.clone() }
    }

    /// Whether a node that has its directory open had closed everything in it before.
    pub(crate) fn was_closed(&self, node: i32) -> Option<bool> {
        self.find(node)?.dir.lock().as_ref().map(DataDir::was_closed)
    }

    /// Opens the directory of a node, which says of which cluster it is, if it does.
    fn take(&self, node: i32) -> io::Result<Option<String>> {
        let Some(own) = self.find(node) else { return Ok(None) };
        let path = self.path_of(node);
        let dir = DataDir::open(&path, node, own.disk.clone())?;
        let of_node = dir.cluster_id().map(str::to_owned);
        if let (Some(own), Some(cluster)) = (&of_node, &self.cluster_id)
            && own != cluster
        {
            let why = format!("{} is of cluster {own}, and the cluster is {cluster}", path.display());
            return Err(io::Error::other(why));
        }
        *own.dir.lock() = Some(dir);
        Ok(of_node)
    }

    /// Says whose directories they are.
    pub(crate) fn write_meta(&mut self, cluster_id: &str) -> io::Result<()> {
        self.cluster_id = Some(cluster_id.to_owned());
        if self.is_of_several {
            let meta = BTreeMap::from([("version", "1".to_owned()), ("cluster.id", cluster_id.to_owned())]);
            let meta = checkpoint::encode_properties(&meta);
            checkpoint::replace(&self.disk, &self.path.join(META), meta.as_bytes())?;
        }
        self.nodes.iter().try_for_each(|own| self.write_meta_of(own.id))
    }

    fn write_meta_of(&self, node: i32) -> io::Result<()> {
        let (Some(own), Some(cluster_id)) = (self.find(node), &self.cluster_id) else { return Ok(()) };
        own.dir.lock().as_ref().map_or(Ok(()), |dir| dir.write_meta(cluster_id, node))
    }

    /// A node starts that was down: it opens its directory again.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn open_node(&self, node: i32) -> io::Result<()> {
        if self.was_closed(node).is_none() {
            self.take(node)?;
            self.write_meta_of(node)?;
        }
        Ok(())
    }

    /// A node is down: its directory is nobody's. If it has stopped in order, it says so.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(crate) fn close_node(&self, node: i32, in_order: bool) -> io::Result<()> {
        let dir = self.find(node).and_then(|own| own.dir.lock().take());
        dir.filter(|_| in_order).map_or(Ok(()), |dir| dir.close())
    }

    /// Everything was closed.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(crate) fn close(&self) -> io::Result<()> {
        self.nodes.iter().try_for_each(|own| own.dir.lock().as_ref().map_or(Ok(()), DataDir::close))
    }

    fn find(&self, node: i32) -> Option<&OfNode> {
        self.nodes.iter().find(|own| own.id == node)
    }
}
