//! What lies in a partition's directory beside its segments.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Remembered;
use crate::log::ProducerEntry;
use crate::persist::disk::Disk;
use crate::persist::segment_file::file_name;
use crate::persist::{checkpoint, producer_snapshot};

const METADATA: &str = "partition.metadata";
const EPOCHS: &str = "leader-epoch-checkpoint";
/// Kafka has one such file for all partitions of a directory.
const START: &str = "log-start-offset";

pub(super) fn write_topic_id(disk: &Disk, dir: &Path, topic_id: &str) -> io::Result<()> {
    checkpoint::replace(disk, &dir.join(METADATA), format!("version: 0\ntopic_id: {topic_id}\n").as_bytes())
}

pub(super) fn topic_id(dir: &Path) -> io::Result<Option<String>> {
    let text = checkpoint::read(&dir.join(METADATA))?.unwrap_or_default();
    Ok(text.lines().find_map(|line| line.strip_prefix("topic_id:")).map(|id| id.trim().to_owned()))
}

pub(super) fn write_epochs(disk: &Disk, dir: &Path, epochs: &[(i32, i64)]) -> io::Result<()> {
    checkpoint::replace(disk, &dir.join(EPOCHS), checkpoint::encode_epochs(epochs).as_bytes())
}

pub(super) fn write_start(disk: &Disk, dir: &Path, offset: i64) -> io::Result<()> {
    checkpoint::replace(disk, &dir.join(START), format!("{offset}\n").as_bytes())
}

pub(super) fn write_snapshot(disk: &Disk, dir: &Path, offset: i64, producers: &[ProducerEntry]) -> io::Result<()> {
    checkpoint::replace(disk, &file_name(dir, offset, "snapshot"), &producer_snapshot::encode(producers))
}

/// As Kafka: each segment has the snapshot of its beginning, and of those that earlier starts have left the newest stays.
pub(super) fn remove_stray_snapshots(disk: &Disk, dir: &Path, segments: &[i64]) -> io::Result<()> {
    let mut all = snapshots(dir)?;
    all.pop();
    all.retain(|(offset, _)| !segments.contains(offset));
    all.into_iter().try_for_each(|(_, path)| disk.remove(&path))
}

/// All that is remembered of a log whose last batch ends before `end`.
pub(super) fn read(dir: &Path, end: i64) -> io::Result<Remembered> {
    let epochs = checkpoint::read(&dir.join(EPOCHS))?.and_then(|text| checkpoint::decode_epochs(&text));
    let start_offset = checkpoint::read(&dir.join(START))?.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let producers = newest_snapshot(dir, end.max(start_offset))?;
    Ok(Remembered { epochs: epochs.unwrap_or_default(), start_offset, producers })
}

/// By offset, the oldest first.
pub(super) fn snapshots(dir: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is_snapshot = path.extension().is_some_and(|extension| extension == "snapshot");
        let offset = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).filter(|_| is_snapshot);
        found.extend(offset.map(|offset| (offset, path)));
    }
    found.sort_unstable();
    Ok(found)
}

/// The newest one that can be read and is not of what was cut off since: a crash may have left one in half.
fn newest_snapshot(dir: &Path, end: i64) -> io::Result<Vec<ProducerEntry>> {
    for (offset, path) in snapshots(dir)?.iter().rev().filter(|(offset, _)| *offset <= end) {
        if let Some(producers) = producer_snapshot::decode(&fs::read(path)?, *offset) {
            return Ok(producers);
        }
    }
    Ok(Vec::new())
}
