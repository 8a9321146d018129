//! Clusters that are killed, or lose their power, at any change of the disk: what was promised is there afterwards, and what
//! was under way is there as a whole or not at all.
//!
//! A history is a row of steps. A model goes along; a crash in the middle of a step leaves the model before it or after it.

use proptest::prelude::*;

use crate::persist::disk::Disk;
use world::{Model, Step, TOPICS, World, goes_on, is, observe, open};

mod world;

/// Random histories in a run that nobody asked to take longer.
const QUICK_CASES: u32 = 24;

/// How a history ends.
#[derive(Debug, Clone, Copy)]
struct Crash {
    after: u64,
    /// How much of the write that it comes in is made: of 256.
    share: u64,
    /// How much of what the disk has not confirmed is there afterwards, of 256; all of it if only the broker is killed.
    left: u64,
    nodes: i32,
    /// A node of several whose whole directory is gone afterwards, if it is not 0.
    gone: i32,
}

impl Crash {
    /// Of the only node, which is killed and nothing else.
    const KILL: Self = Self { after: u64::MAX, share: 0, left: 256, nodes: 1, gone: 0 };
}

/// Goes through a history until the crash; returns how many changes of the disk that took, and whether it came.
fn live_and_recover(steps: &[Step], crash: Crash) -> (u64, bool) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::that_crashes_after(crash.after, crash.share);
    let mut possible = vec![Model::default()];
    if let Ok(cluster) = open(disk.clone(), dir.path(), crash.nodes) {
        let mut world = World::new(cluster);
        for step in steps {
            let (after, done) = world.step(step);
            if disk.has_crashed() {
                possible = vec![world.model, after];
                break;
            }
            assert_eq!(done, Ok(()), "{step:?} without a crash");
            assert!(is(&observe(&world.cluster), &after), "{step:?}: {:?}\nis not {after:?}", observe(&world.cluster));
            possible = vec![after.clone()];
            world.model = after;
        }
    }
    let crashed = disk.has_crashed();
    if crash.left < 256 {
        disk.lose_unsynced(dir.path(), crash.left).unwrap();
    }
    if crash.gone > 0 {
        _ = std::fs::remove_dir_all(dir.path().join(format!("node-{}", crash.gone)));
    }
    // Mended in two goes, the first of which crashes as well.
    _ = open(Disk::that_crashes_after(crash.after % 7, crash.share), dir.path(), crash.nodes);
    // One that never crashes, and need not wait for a disk either.
    let cluster = open(Disk::that_crashes_after(u64::MAX, 0), dir.path(), crash.nodes).unwrap();
    let seen = observe(&cluster);
    let found = possible.iter().find(|model| is(&seen, model));
    let found = found.unwrap_or_else(|| panic!("after {crash:?} of {steps:?}:\n{seen:?}\nis none of {possible:#?}"));
    goes_on(&cluster, found);
    (disk.changes(), crashed)
}

fn history() -> Vec<Step> {
    let mut steps = vec![Step::Create(0), Step::Create(2), Step::Commit(1), Step::Quota(5), Step::Acl(3)];
    for n in 0..6 {
        steps.extend([Step::Append(0, vec![n, n + 1, n + 2]), Step::Append(2, vec![n, n, n + 1])]);
    }
    steps.extend([
        Step::Compact(2),
        Step::DeleteRecords(0, 60),
        Step::CompactState,
        Step::Commit(2),
        Step::Append(2, vec![1, 2]),
        Step::Append(0, vec![1; 20]),
        Step::Expire(0),
        Step::Create(1),
        Step::Append(1, vec![1, 2, 3]),
        Step::Append(1, vec![1, 2, 3]),
        Step::Delete(1),
        Step::Create(1),
        Step::Append(1, vec![4]),
        Step::Append(0, vec![1; 3]),
        Step::DeleteRecords(0, 255),
        Step::Append(0, vec![1; 3]),
        Step::Quota(0),
        Step::CompactState,
        Step::Truncate(0, 0),
        Step::Append(0, vec![1; 3]),
    ]);
    steps
}

#[test]
fn wherever_a_broker_is_killed_what_was_promised_is_there_and_nothing_is_there_by_half() {
    let steps = history();
    let (changes, crashed) = live_and_recover(&steps, Crash::KILL);
    assert!(!crashed && changes > 100, "{changes} changes");
    for after in 0..changes {
        let (_, crashed) = live_and_recover(&steps, Crash { after, share: after * 37 % 256, ..Crash::KILL });
        assert!(crashed, "after {after} changes of {changes}");
    }
}

/// The same, while nodes go and come back and lead in turn.
fn history_of_several() -> Vec<Step> {
    let meanwhile = [
        Step::Lead(2),
        Step::Down(3, true),
        Step::Up(3),
        Step::Down(2, false),
        Step::Lead(3),
        Step::Up(2),
        Step::Down(3, false),
        Step::Down(2, true),
        Step::Up(2),
        Step::Lead(2),
        Step::Up(3),
    ];
    let mut steps = history();
    for (n, step) in meanwhile.into_iter().enumerate() {
        steps.insert(4 + n * 4, step);
    }
    steps
}

#[test]
fn wherever_a_cluster_is_killed_what_was_promised_is_there_and_nothing_is_there_by_half() {
    let steps = history_of_several();
    let (changes, crashed) = live_and_recover(&steps, Crash { nodes: 3, ..Crash::KILL });
    assert!(!crashed && changes > 300, "{changes} changes");
    for after in (0..changes).step_by(19) {
        let crash = Crash { after, share: after * 37 % 256, nodes: 3, ..Crash::KILL };
        let (_, crashed) = live_and_recover(&steps, crash);
        assert!(crashed, "after {after} changes of {changes}");
    }
}

#[test]
fn a_cluster_that_loses_its_power_and_the_directory_of_a_node_has_what_was_confirmed_by_the_others() {
    let steps = history();
    for after in (0..).step_by(11) {
        let (share, left) = (after * 91 % 256, after * 53 % 256);
        let gone = 1 + i32::try_from(after % 3).unwrap();
        let (_, crashed) = live_and_recover(&steps, Crash { after, share, left, nodes: 3, gone });
        if !crashed {
            break;
        }
    }
}

#[test]
fn whenever_the_power_goes_what_was_confirmed_is_there_whatever_is_left_of_the_rest() {
    let steps = history();
    for after in (0..).step_by(3) {
        let (_, crashed) =
            live_and_recover(&steps, Crash { after, share: after * 91 % 256, left: after * 53 % 256, ..Crash::KILL });
        if !crashed {
            break;
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let topic = || 0..TOPICS.len();
    prop_oneof![
        2 => topic().prop_map(Step::Create),
        1 => topic().prop_map(Step::Delete),
        8 => (topic(), proptest::collection::vec(any::<u8>(), 1..6)).prop_map(|(topic, keys)| Step::Append(topic, keys)),
        1 => (topic(), any::<u8>()).prop_map(|(topic, share)| Step::DeleteRecords(topic, share)),
        1 => topic().prop_map(Step::Expire),
        1 => Just(Step::Compact(2)),
        // A compacted log that is cut off has lost what was compacted for the sake of what is gone.
        1 => (0..2_usize, any::<u8>()).prop_map(|(topic, share)| Step::Truncate(topic, share)),
        1 => any::<u8>().prop_map(Step::Commit),
        1 => any::<u8>().prop_map(Step::Quota),
        1 => any::<u8>().prop_map(Step::Acl),
        1 => Just(Step::CompactState),
        1 => (2..4, any::<bool>()).prop_map(|(id, in_order)| Step::Down(id, in_order)),
        1 => (2..4).prop_map(Step::Up),
        1 => (1..4).prop_map(Step::Lead),
    ]
}

#[test]
fn a_log_that_is_cut_where_it_begins_in_the_middle_of_a_batch_goes_on() {
    let append = |n| Step::Append(0, vec![0; n]);
    let steps = [Step::Create(0), append(1), append(2), Step::DeleteRecords(0, 170), Step::Truncate(0, 0), append(1)];
    live_and_recover(&steps, Crash::KILL);
}

/// As many as a quick run has time for; `PROPTEST_CASES` says otherwise.
fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if asked { default.cases } else { QUICK_CASES }, ..default }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_histories_end_at_a_random_change_and_lose_nothing_that_was_promised(
        steps in proptest::collection::vec(step(), 1..50),
        after in 0..400_u64,
        share in 0..256_u64,
        left in 0..=256_u64,
        nodes in prop_oneof![Just(1), Just(3)],
    ) {
        let all = [Step::Create(0), Step::Create(2)].into_iter().chain(steps).collect::<Vec<_>>();
        live_and_recover(&all, Crash { after, share, left, nodes, gone: 0 });
    }
}
