//! Partitions that move to other nodes.

use super::world::Event;
use super::*;

const SLOW: Duration = Duration::from_secs(10);

fn world_of(nodes: i32, events: &[Event]) -> World {
    let mut world = World::new(nodes, rules(1));
    for event in events {
        world.after(*event);
    }
    world
}

fn assignment(replicas: &[i32], adding: &[i32], removing: &[i32]) -> Assignment {
    Assignment { replicas: replicas.to_vec(), adding: adding.to_vec(), removing: removing.to_vec() }
}

#[test]
fn a_partition_has_moved_at_once_when_the_new_replicas_keep_up() {
    let mut world = world_of(2, &[Event::Append]);
    let change = world.after(Event::Move(&[4, 3]));
    assert_eq!(change.elected, Some(Elected { leader: Some(4), epoch: 1, unclean: false, cut: None }));
    let replicas = world.replicas();
    assert_eq!((replicas.assignment(), replicas.in_sync()), (&assignment(&[4, 3], &[], &[]), &[4, 3][..]));
    assert_eq!((replicas.high_watermark(), replicas.end_of(1)), (1, None));
}

#[test]
fn old_and_new_replicas_are_there_until_the_new_ones_have_caught_up() {
    let mut world = world_of(2, &[Event::Append, Event::Lag(3, SLOW)]);
    assert_eq!(world.after(Event::Move(&[3])).elected, None, "the old leader leads on");
    assert_eq!(world.replicas().assignment(), &assignment(&[3, 1, 2], &[3], &[1, 2]));
    assert_eq!((world.replicas().in_sync(), world.replicas().end_of(3)), (&[1, 2][..], Some(0)));
    let change = world.after(Event::Pass(SLOW));
    assert_eq!(change.elected, Some(Elected { leader: Some(3), epoch: 1, unclean: false, cut: None }));
    assert_eq!((world.replicas().assignment(), world.replicas().in_sync()), (&assignment(&[3], &[], &[]), &[3][..]));
}

#[test]
fn a_leader_that_stays_begins_a_new_epoch_when_others_go() {
    let mut world = world_of(3, &[Event::Append]);
    let change = world.after(Event::Move(&[1, 2]));
    assert_eq!(change.elected, Some(Elected { leader: Some(1), epoch: 1, unclean: false, cut: None }));
    assert_eq!((world.replicas().leads_since(), world.replicas().epoch_start()), (0, 1));
    assert_eq!(world.replicas().in_sync(), [1, 2]);
}

#[test]
fn another_order_of_replicas_changes_who_is_preferred_and_not_who_leads() {
    let mut world = world_of(3, &[]);
    let change = world.after(Event::Move(&[3, 1, 2]));
    assert!(change.replicas && change.elected.is_none());
    let preferred = world.after(Event::Elect(Election::Preferred)).elected;
    assert_eq!(preferred.and_then(|elected| elected.leader), Some(3));
}

#[test]
fn a_move_that_is_cancelled_leaves_the_old_replicas() {
    let mut world = world_of(2, &[Event::Crash(4), Event::Move(&[4, 2])]);
    assert_eq!(world.replicas().assignment(), &assignment(&[4, 2, 1], &[4], &[1]));
    let change = world.after(Event::Cancel);
    assert_eq!(change.elected.map(|elected| (elected.leader, elected.epoch)), Some((Some(1), 1)));
    assert_eq!(world.replicas().assignment(), &assignment(&[2, 1], &[], &[]));
    assert_eq!(world.replicas().in_sync(), [1, 2]);
}

#[test]
fn a_move_is_not_cancelled_when_nobody_before_it_is_in_sync_unless_an_unclean_election_is_allowed() {
    // The new replicas: one keeps up, and the other is not there.
    let events = [Event::Crash(3), Event::Move(&[2, 3]), Event::Append, Event::Isolate(1, 2), Event::Crash(1)];
    let replicas_of = |rules: Rules| {
        let mut world = World::new(1, rules);
        events.iter().for_each(|event| _ = world.after(*event));
        world
    };
    let world = replicas_of(rules(1));
    let (mut refusing, nodes) = (world.replicas().clone(), &AllUp);
    let moment = |rules| Moment { rules, nodes, log_start: 0, now: crate::clock::Timestamp::ZERO };
    assert_eq!(world.replicas().in_sync(), [2]);
    assert_eq!(refusing.cancel(&moment(rules(1))), Err(Uncancelled::Unclean));
    let unclean = Rules { elects_unclean: true, ..rules(1) };
    let change = refusing.cancel(&moment(unclean)).expect("it is allowed");
    assert!(change.elected.is_some_and(|elected| elected.unclean && elected.leader == Some(1)));
    let mut still = World::new(1, rules(1)).replicas().clone();
    assert_eq!(still.cancel(&moment(rules(1))), Err(Uncancelled::NothingMoves));
}

#[test]
fn a_replica_that_is_down_and_that_a_cancelled_move_counts_on_is_elected_unclean_when_it_is_back() {
    let mut world = World::new(1, Rules { elects_unclean: true, ..rules(1) });
    // Node 2 keeps up, and node 1, which the move goes back to, has gone before the last record.
    for event in [Event::Crash(3), Event::Move(&[2, 3]), Event::Isolate(1, 2), Event::Crash(1), Event::Append] {
        world.after(event);
    }
    world.after(Event::Cancel);
    assert_eq!((world.replicas().leader(), world.replicas().in_sync()), (None, &[1][..]));
    let elected = world.after(Event::Return(1)).elected.expect("it is the only one");
    assert_eq!((elected.leader, elected.unclean, world.lost), (Some(1), true, 1));
}

/// Nodes that are all there.
#[derive(Debug)]
struct AllUp;

impl Standing for AllUp {
    fn is_up(&self, _: i32) -> bool {
        true
    }

    fn is_electable(&self, _: i32) -> bool {
        true
    }

    fn reach(&self, _: i32, _: i32) -> bool {
        true
    }

    fn lag(&self, _: i32) -> Duration {
        Duration::ZERO
    }
}
