//! Small text files as Kafka writes them: replaced whole, so that a reader finds the old or the new one and never half.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::disk::Disk;

/// What a file that is being written is called until it is whole, behind the dot.
pub(crate) const UNFINISHED: &str = "tmp";

/// Replaces a file by one with this text.
pub(crate) fn replace(disk: &Disk, path: &Path, text: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension(UNFINISHED);
    let file = disk.create(&fresh)?;
    disk.write(&file, &[text])?;
    disk.sync(&file)?;
    disk.rename(&fresh, path)
}

/// Takes away what a crash has left unfinished in a directory.
pub(crate) fn remove_unfinished(disk: &Disk, dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == UNFINISHED) {
            disk.remove(&path)?;
        }
    }
    Ok(())
}

/// A file's text; `None` if there is no such file.
pub(crate) fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file's bytes; `None` if there is no such file.
pub(crate) fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A `leader-epoch-checkpoint`: version, number of entries, then an epoch and its first offset a line.
pub(crate) fn encode_epochs(epochs: &[(i32, i64)]) -> String {
    let mut text = format!("0\n{}\n", epochs.len());
    for (epoch, start) in epochs {
        _ = writeln!(text, "{epoch} {start}");
    }
    text
}

/// Reads a `leader-epoch-checkpoint`; `None` if it is not one.
pub(crate) fn decode_epochs(text: &str) -> Option<Vec<(i32, i64)>> {
    let mut lines = text.lines();
    let (version, count) = (lines.next()?, lines.next()?.parse::<usize>().ok()?);
    let entry = |line: &str| {
        let (epoch, start) = line.split_once(' ')?;
        Some((epoch.parse().ok()?, start.parse().ok()?))
    };
    let entries: Vec<(i32, i64)> = lines.map(entry).collect::<Option<_>>()?;
    (version == "0" && entries.len() == count).then_some(entries)
}

/// A file of `key=value` lines, as `meta.properties` is.
pub(crate) fn encode_properties(properties: &BTreeMap<&str, String>) -> String {
    properties.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

/// Reads a file of `key=value` lines; what is neither that nor a comment is left out.
pub(crate) fn decode_properties(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_come_back_as_they_were_written_and_half_a_file_is_not_believed() {
        let epochs = vec![(0, 0), (3, 120)];
        let text = encode_epochs(&epochs);
        assert_eq!(text, "0\n2\n0 0\n3 120\n");
        assert_eq!(decode_epochs(&text), Some(epochs));
        assert_eq!(decode_epochs("0\n2\n0 0\n"), None);
        assert_eq!(decode_epochs("0\n1\n0 x\n"), None);
        assert_eq!(decode_epochs(""), None);
    }

    #[test]
    fn properties_come_back_as_they_were_written() {
        let written = BTreeMap::from([("cluster.id", "abc".to_owned()), ("node.id", "1".to_owned())]);
        let text = format!("#comment\n{}", encode_properties(&written));
        assert_eq!(decode_properties(&text), BTreeMap::from([("cluster.id", "abc"), ("node.id", "1")]));
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        assert_eq!(read(&path).unwrap(), None);
        let disk = Disk::default();
        replace(&disk, &path, b"one").unwrap();
        replace(&disk, &path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("two"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_the_old_or_the_new_one_wherever_the_broker_is_killed() {
        for changes in 0..4 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("checkpoint");
            replace(&Disk::default(), &path, b"one").unwrap();
            replace(&Disk::that_crashes_after(changes, 128), &path, b"two").unwrap_err();
            remove_unfinished(&Disk::default(), dir.path()).unwrap();
            assert_eq!(read(&path).unwrap().as_deref(), Some("one"));
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }
}
