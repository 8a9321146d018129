//! Every order in which a few things can happen to three replicas.

use std::collections::HashSet;
use std::time::Duration;

use super::world::Event;
use super::*;

/// Everything up to this many events.
const DEPTH: usize = 4;
const HALF: Duration = Duration::from_secs(15);

/// What can happen to two of several nodes; a third is as the second.
fn events() -> Vec<Event> {
    let mut events = vec![Event::Append, Event::Heal, Event::Pass(MAX_LAG), Event::Elect(Election::Preferred)];
    for id in [1, 2] {
        events.extend([Event::Crash(id), Event::Return(id), Event::BeginStop(id), Event::Stop(id)]);
    }
    events.extend([Event::CrashUnnoticed(1), Event::Notice(1), Event::Isolate(1, 2), Event::Isolate(1, 3)]);
    events.extend([Event::Lag(2, HALF), Event::Lag(2, Duration::ZERO), Event::Pass(HALF)]);
    events
}

/// What can happen while a partition moves to a node that has nothing of it yet.
fn events_of_moves() -> Vec<Event> {
    let mut events = vec![Event::Append, Event::Pass(HALF), Event::Elect(Election::Preferred), Event::Cancel];
    events.extend([&[4, 2], [2, 3].as_slice(), &[4], &[3, 2, 1]].map(Event::Move));
    events.extend([Event::Crash(1), Event::Return(1), Event::CrashUnnoticed(2), Event::Notice(2), Event::Return(2)]);
    events.extend([Event::Lag(4, HALF), Event::Crash(4), Event::Return(4), Event::Isolate(1, 4)]);
    events
}

/// Has every history of these events up to [`DEPTH`] happen; how many different worlds there were, and the most records that
/// an unclean election has lost.
fn every_history(nodes: i32, rules: Rules, events: &[Event]) -> (usize, usize) {
    let mut seen = HashSet::from([World::new(nodes, rules)]);
    let mut newest: Vec<World> = seen.iter().cloned().collect();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for world in &newest {
            for event in events.iter().filter(|event| world.can(**event)) {
                let mut after = world.clone();
                after.after(*event);
                if seen.insert(after.clone()) {
                    next.push(after);
                }
            }
        }
        newest = next;
    }
    (seen.len(), seen.iter().map(|world| world.lost).max().unwrap_or_default())
}

#[test]
fn whatever_happens_the_high_watermark_stays_and_clean_elections_lose_nothing_acknowledged() {
    for min_in_sync in [1, 2] {
        for tracks_eligible in [true, false] {
            let (worlds, lost) = every_history(3, Rules { tracks_eligible, ..rules(min_in_sync) }, &events());
            assert!(worlds > 1_000, "{worlds} are hardly all");
            assert_eq!(lost, 0);
        }
    }
}

#[test]
fn whatever_happens_while_a_partition_moves_nothing_acknowledged_is_lost() {
    for nodes in [2, 3] {
        for tracks_eligible in [true, false] {
            let (worlds, lost) = every_history(nodes, Rules { tracks_eligible, ..rules(2) }, &events_of_moves());
            assert!(worlds > 1_000, "{worlds} are hardly all");
            assert_eq!(lost, 0);
        }
    }
}

#[test]
fn with_unclean_elections_acknowledged_records_can_be_lost_and_only_by_them() {
    let (_, lost) = every_history(2, Rules { elects_unclean: true, ..rules(1) }, &events());
    assert!(lost > 0, "the world tells of a loss");
}
