//! The data directory itself: whose it is, and how the broker before this one left it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint;
use super::disk::Disk;

pub(super) const META: &str = "meta.properties";
const LOCK: &str = ".lock";
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// A data directory that this broker has for itself, until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    disk: Disk,
    cluster_id: Option<String>,
    /// The broker before this one said that it has closed everything.
    was_closed: bool,
    /// Holding it open holds its lock.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if there is none, and takes it for this broker.
    pub(crate) fn open(path: &Path, node_id: i32, disk: Disk) -> io::Result<Self> {
        let lock = lock(path)?;
        let cluster_id = read_meta(path, node_id)?;
        let clean = path.join(CLEAN_SHUTDOWN);
        let was_closed = clean.exists();
        if was_closed {
            // Before anything is changed, so that nobody can be told that it was closed after that.
            disk.remove(&clean)?;
            disk.sync_dir(path)?;
        }
        checkpoint::remove_unfinished(&disk, path)?;
        Ok(Self { path: path.to_owned(), disk, cluster_id, was_closed, _lock: lock })
    }

    /// The cluster the directory belongs to, if a broker had it before.
    pub(crate) fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// Whether everything in it was closed in order, so that nothing needs to be checked.
    pub(crate) fn was_closed(&self) -> bool {
        self.was_closed
    }

    /// Says whose directory it is.
    pub(crate) fn write_meta(&self, cluster_id: &str, node_id: i32) -> io::Result<()> {
        let meta = BTreeMap::from([
            ("version", "1".to_owned()),
            ("cluster.id", cluster_id.to_owned()),
            ("node.id", node_id.to_string()),
        ]);
        checkpoint::replace(&self.disk, &self.path.join(META), checkpoint::encode_properties(&meta).as_bytes())
    }

    /// Says that everything was closed.
    pub(crate) fn close(&self) -> io::Result<()> {
        checkpoint::replace(&self.disk, &self.path.join(CLEAN_SHUTDOWN), b"{\"version\":0,\"brokerEpoch\":-1}")
    }
}

/// Makes a directory if there is none, and takes it for as long as the file is held.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    fs::create_dir_all(path)?;
    let lock = File::options().write(true).create(true).truncate(false).open(path.join(LOCK))?;
    lock.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => io::Error::other("another broker has it"),
        fs::TryLockError::Error(error) => error,
    })?;
    Ok(lock)
}

fn read_meta(path: &Path, node_id: i32) -> io::Result<Option<String>> {
    let Some(text) = checkpoint::read(&path.join(META))? else { return Ok(None) };
    let meta = checkpoint::decode_properties(&text);
    if let Some(other) = meta.get("node.id").filter(|other| **other != node_id.to_string()) {
        return Err(io::Error::other(format!("it belongs to node {other}, and this is node {node_id}")));
    }
    Ok(meta.get("cluster.id").map(|&id| id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &tempfile::TempDir, node_id: i32) -> io::Result<DataDir> {
        DataDir::open(dir.path(), node_id, Disk::default())
    }

    #[test]
    fn a_directory_has_one_broker_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(&dir, 1).unwrap();
        assert_eq!(open(&dir, 1).unwrap_err().to_string(), "another broker has it");
        drop(first);
        open(&dir, 1).unwrap();
    }

    #[test]
    fn a_directory_remembers_its_cluster_and_refuses_another_node() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(&dir, 1).unwrap();
        assert_eq!(first.cluster_id(), None);
        first.write_meta("abc", 1).unwrap();
        drop(first);
        assert_eq!(open(&dir, 1).unwrap().cluster_id(), Some("abc"));
        let refused = open(&dir, 2).unwrap_err();
        assert_eq!(refused.to_string(), "it belongs to node 1, and this is node 2");
    }

    #[test]
    fn a_broker_that_was_killed_leaves_no_word_that_it_was_closed() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(&dir, 1).unwrap();
        assert!(!first.was_closed());
        first.close().unwrap();
        drop(first);
        let second = open(&dir, 1).unwrap();
        assert!(second.was_closed());
        drop(second);
        assert!(!open(&dir, 1).unwrap().was_closed());
    }
}
