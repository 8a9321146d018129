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

/// Has every history of these events up to [`DEPTH`] happen; how many different worlds there were, and the most records that
/// an unclean election has lost.
fn every_history(nodes: i32, rules: Rules) -> (usize, usize) {
    let events = events();
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
            let (worlds, lost) = every_history(3, Rules { tracks_eligible, ..rules(min_in_sync) });
            assert!(worlds > 1_000, "{worlds} are hardly all");
            assert_eq!(lost, 0);
        }
    }
}

#[test]
fn with_unclean_elections_acknowledged_records_can_be_lost_and_only_by_them() {
    let (_, lost) = every_history(2, Rules { elects_unclean: true, ..rules(1) });
    assert!(lost > 0, "the world tells of a loss");
}
