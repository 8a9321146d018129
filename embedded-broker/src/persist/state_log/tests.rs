use super::*;
use crate::persist::disk::DiskFault;

fn entries(payloads: &[&str]) -> Entries {
    let mut entries = Entries::default();
    payloads.iter().for_each(|payload| entries.push(payload.as_bytes()));
    entries
}

fn open(dir: &Path) -> (StateLog, Vec<String>) {
    let mut seen = Vec::new();
    let log = StateLog::open(dir, Disk::default(), false, |payload| {
        seen.push(String::from_utf8(payload.to_vec()).unwrap());
        Ok(())
    });
    (log.unwrap(), seen)
}

#[test]
fn what_was_appended_is_there_when_the_log_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, seen) = open(dir.path());
    assert!(seen.is_empty());
    log.append(&entries(&["a", "b"])).unwrap();
    log.append(&entries(&[""])).unwrap();
    log.append(&Entries::default()).unwrap();
    drop(log);
    let (log, seen) = open(dir.path());
    assert_eq!(seen, ["a", "b", ""]);
    log.append(&entries(&["c"])).unwrap();
    assert_eq!(open(dir.path()).1, ["a", "b", "", "c"]);
}

#[test]
fn wherever_the_log_was_cut_entries_are_there_together_or_not_at_all_and_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    log.append(&entries(&["a"])).unwrap();
    let first = log.active.lock().len;
    log.append(&entries(&["b", "c"])).unwrap();
    drop(log);
    let path = file_name(dir.path(), 0, "log");
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let (log, seen) = open(dir.path());
        assert_eq!(seen.len(), usize::from(cut as u64 >= first), "cut at {cut}");
        log.append(&entries(&["d"])).unwrap();
        assert_eq!(open(dir.path()).1.last().unwrap(), "d");
    }
}

#[test]
fn a_compacted_log_says_what_its_snapshot_says_and_what_came_since() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    log.append(&entries(&["x=1", "x=2"])).unwrap();
    let mut compaction = log.compact().unwrap();
    log.append(&entries(&["y=1"])).unwrap();
    let mut said = Vec::new();
    compaction
        .read(|payload| {
            said.push(payload.to_vec());
            Ok(())
        })
        .unwrap();
    assert_eq!(said, [b"x=1", b"x=2"]);
    compaction.write(b"x=2").unwrap();
    compaction.finish().unwrap();
    log.append(&entries(&["z=1"])).unwrap();
    drop(log);
    assert_eq!(open(dir.path()).1, ["x=2", "y=1", "z=1"]);
    assert!(!file_name(dir.path(), 0, "log").exists());
}

#[test]
fn a_broker_that_is_killed_while_it_compacts_has_lost_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    log.append(&entries(&["x=1"])).unwrap();
    let mut compaction = log.compact().unwrap();
    compaction.write(b"x=1").unwrap();
    log.append(&entries(&["y=1"])).unwrap();
    drop(compaction);
    drop(log);
    let (log, seen) = open(dir.path());
    assert_eq!(seen, ["x=1", "y=1"]);
    log.append(&entries(&["z=1"])).unwrap();
    let mut compaction = log.compact().unwrap();
    for payload in ["x=1", "y=1", "z=1"] {
        compaction.write(payload.as_bytes()).unwrap();
    }
    compaction.finish().unwrap();
    assert_eq!(open(dir.path()).1, ["x=1", "y=1", "z=1"]);
    assert_eq!(generations(dir.path(), "log").unwrap().len(), 1);
}

#[test]
fn what_is_damaged_in_the_middle_is_not_passed_over_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    log.append(&entries(&["x=1"])).unwrap();
    let mut compaction = log.compact().unwrap();
    compaction.write(b"x=1").unwrap();
    compaction.finish().unwrap();
    log.append(&entries(&["y=1"])).unwrap();
    drop(log.compact().unwrap());
    log.append(&entries(&["z=1"])).unwrap();
    drop(log);
    assert_eq!(open(dir.path()).1, ["x=1", "y=1", "z=1"]);
    let refused = || StateLog::open(dir.path(), Disk::default(), false, |_| Ok(())).unwrap_err().to_string();
    for kind in ["snapshot", "log"] {
        let path = file_name(dir.path(), 1, kind);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let why = refused();
        assert!(why.contains(&format!("state-1.{kind} is damaged behind byte 0: restore it")), "{why}");
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn after_a_write_that_failed_nothing_more_is_promised_until_the_log_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let log = StateLog::open(dir.path(), disk.clone(), true, |_| Ok(())).unwrap();
    log.append(&entries(&["a"])).unwrap();
    disk.set_fault(Some(DiskFault::SyncFails));
    log.append(&entries(&["b"])).unwrap_err();
    disk.set_fault(None);
    log.append(&entries(&["c"])).unwrap_err();
    drop(log);
    assert_eq!(open(dir.path()).1, ["a"]);
}

#[test]
fn a_log_is_worth_compacting_once_it_is_long() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path());
    let payload = "x".repeat(100 << 10);
    for _ in 0..10 {
        log.append(&entries(&[&payload])).unwrap();
    }
    assert!(!log.is_worth_compacting());
    log.append(&entries(&[&payload])).unwrap();
    assert!(log.is_worth_compacting());
    let mut compaction = log.compact().unwrap();
    compaction.write(payload.as_bytes()).unwrap();
    compaction.finish().unwrap();
    assert!(!log.is_worth_compacting());
}
