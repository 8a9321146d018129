//! Whatever happens in whatever order: each record is committed once, in order, and nothing hangs.

use proptest::{collection::vec, prelude::*};

use super::world::{Event, World};

const EVENTS: [Event; 20] = [
    Event::HandOver,
    Event::Finish,
    Event::Cut,
    Event::Tear,
    Event::Taint,
    Event::Close,
    Event::Leave(0),
    Event::Leave(1),
    Event::LeaveNow,
    Event::Lose(0),
    Event::Lose(1),
    Event::Pass,
    Event::Succeed(0),
    Event::Succeed(1),
    Event::Fail(0, false),
    Event::Fail(0, true),
    Event::Fail(1, false),
    Event::Break(0, false),
    Event::Break(0, true),
    Event::Break(1, true),
];

/// Events that lead from any state to another, with one of each kind; the rest is theirs mirrored.
const FEW: [Event; 8] = [
    Event::HandOver,
    Event::Finish,
    Event::Close,
    Event::Lose(0),
    Event::Succeed(0),
    Event::Succeed(1),
    Event::Fail(0, true),
    Event::Break(0, true),
];

/// The same where one of two partitions is given back.
const OF_A_REVOKE: [Event; 8] = [
    Event::HandOver,
    Event::Finish,
    Event::Leave(1),
    Event::LeaveNow,
    Event::Succeed(0),
    Event::Succeed(1),
    Event::Fail(0, true),
    Event::Break(0, true),
];

/// Behind a first turn that is ready to be sent, so that both turns are at work within few events.
fn every_sequence(of: &[Event], n_events: u32) {
    let mut n_sequences = 0;
    for code in 0..of.len().pow(n_events) {
        let mut world = World::new();
        for event in [Event::HandOver, Event::Close, Event::Finish] {
            world.happen(event);
        }
        let mut rest = code;
        for _ in 0..n_events {
            world.happen(of[rest % of.len()]);
            rest /= of.len();
        }
        world.finish(12);
        n_sequences += 1;
    }
    assert_eq!(n_sequences, 8_u32.pow(n_events));
}

#[test]
fn every_sequence_of_six_events_commits_each_record_once() {
    every_sequence(&FEW, 6);
}

#[test]
fn every_sequence_of_five_events_around_a_revoke_commits_each_record_once() {
    every_sequence(&OF_A_REVOKE, 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn long_sequences_commit_each_record_once(events in vec(0..EVENTS.len(), 0..300)) {
        let mut world = World::new();
        for event in events {
            world.happen(EVENTS[event]);
        }
        let committed = world.committed();
        world.finish(committed + 20);
    }
}
