//! Long histories at random.

use proptest::prelude::*;

use super::world::Event;
use super::*;

/// Where partitions are to move.
const TARGETS: [&[i32]; 8] = [&[1, 2, 3], &[3, 2, 1], &[4, 1], &[5], &[2, 4, 5], &[1], &[5, 4, 3, 2, 1], &[2, 3]];

fn any_event() -> impl Strategy<Value = Event> {
    let node = || 1..=5_i32;
    let seconds = (0_u64..=40).prop_map(Duration::from_secs);
    prop_oneof![
        6 => Just(Event::Append),
        1 => node().prop_map(Event::Crash),
        1 => node().prop_map(Event::CrashUnnoticed),
        1 => node().prop_map(Event::Notice),
        1 => node().prop_map(Event::BeginStop),
        1 => node().prop_map(Event::Stop),
        4 => node().prop_map(Event::Return),
        1 => (node(), node()).prop_map(|(one, other)| Event::Isolate(one, other)),
        1 => Just(Event::Heal),
        2 => (node(), seconds.clone()).prop_map(|(id, lag)| Event::Lag(id, lag)),
        3 => seconds.prop_map(Event::Pass),
        1 => Just(Event::Elect(Election::Preferred)),
        1 => node().prop_map(|id| Event::Elect(Election::Of(id))),
        1 => prop::sample::select(TARGETS.as_slice()).prop_map(Event::Move),
        1 => Just(Event::Cancel),
        1 => Just(Event::Hold),
        1 => Just(Event::Release),
    ]
}

/// Has what can happen happen.
fn run(mut world: World, events: &[Event]) -> World {
    for event in events {
        if world.can(*event) {
            world.after(*event);
        }
    }
    world
}

proptest! {
    #[test]
    fn nothing_acknowledged_is_lost_without_an_unclean_election(
        (nodes, min_in_sync, tracks_eligible) in (1..=4_i32, 1..=3_usize, any::<bool>()),
        events in prop::collection::vec(any_event(), 0..120),
    ) {
        let rules = Rules { tracks_eligible, ..rules(min_in_sync) };
        let world = run(World::new(nodes, rules), &events);
        prop_assert_eq!(world.lost, 0);
    }

    #[test]
    fn once_all_is_well_again_everything_is_acknowledged(
        elects_unclean in any::<bool>(),
        events in prop::collection::vec(any_event(), 0..120),
    ) {
        let mut world = run(World::new(3, Rules { elects_unclean, ..rules(2) }), &events);
        let mut rest: Vec<Event> = (1..=5).flat_map(|id| [Event::Notice(id), Event::BeginStop(id), Event::Stop(id)]).collect();
        rest.extend((1..=5).map(Event::Return));
        rest.extend((1..=5).map(|id| Event::Lag(id, Duration::ZERO)));
        rest.push(Event::Heal);
        while world.can(Event::Release) {
            world.after(Event::Release);
        }
        world = run(world, &rest);
        world.after(Event::Append);
        let replicas = world.replicas();
        let (mut in_sync, mut all) = (replicas.in_sync().to_vec(), replicas.assignment().replicas.clone());
        in_sync.sort_unstable();
        all.sort_unstable();
        prop_assert_eq!(in_sync, all);
        prop_assert!(!replicas.assignment().is_moving());
        prop_assert!(replicas.eligible().is_empty() && replicas.last_leader().is_none());
        prop_assert_eq!(usize::try_from(replicas.high_watermark()).unwrap(), world.log_len());
    }
}
