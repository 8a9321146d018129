//! Who leads when somebody goes, and what it costs.

use super::world::Event;
use super::*;

fn world_of(nodes: i32, rules: Rules, events: &[Event]) -> World {
    let mut world = World::new(nodes, rules);
    for event in events {
        world.after(*event);
    }
    world
}

fn elected(leader: Option<i32>, epoch: i32) -> Elected {
    Elected { leader, epoch, unclean: false, cut: None }
}

#[test]
fn the_first_replica_in_sync_takes_over_and_nothing_is_lost() {
    let mut world = world_of(3, rules(2), &[Event::Append]);
    assert_eq!(world.after(Event::Crash(1)).elected, Some(elected(Some(2), 1)));
    assert_eq!(world.replicas().in_sync(), [2, 3]);
    assert_eq!((world.replicas().epoch_start(), world.replicas().high_watermark()), (1, 1));
    // Who comes back follows, and does not take over again by itself.
    assert_eq!(world.after(Event::Return(1)).elected, None);
    assert_eq!((world.replicas().leader(), world.replicas().in_sync()), (Some(2), &[2, 3, 1][..]));
    assert_eq!(world.after(Event::Elect(Election::Preferred)).elected, Some(elected(Some(1), 2)));
}

#[test]
fn what_the_new_leader_had_not_got_is_cut_off() {
    let slow = Duration::from_secs(10);
    let mut world = world_of(2, rules(1), &[Event::Append, Event::Lag(2, slow), Event::Append, Event::Append]);
    let cut = Some(Cut { from: 1, until: 3, high_watermark: 1 });
    assert_eq!(world.after(Event::Crash(1)).elected, Some(Elected { cut, ..elected(Some(2), 1) }));
    // Back, it has no more than the others.
    world.after(Event::Return(1));
    assert_eq!((world.replicas().end_of(1), world.replicas().end_of(2)), (Some(1), Some(1)));
}

#[test]
fn nobody_leads_when_nobody_in_sync_is_left_until_one_is_back() {
    let mut world = world_of(2, rules(1), &[Event::Crash(2), Event::Append]);
    assert_eq!(world.after(Event::Crash(1)).elected, Some(elected(None, 1)));
    let replicas = world.replicas();
    assert_eq!((replicas.in_sync(), replicas.eligible(), replicas.last_leader()), (&[][..], &[1][..], Some(1)));
    assert_eq!(world.after(Event::Return(2)).elected, None, "it lacks a record");
    // It has crashed, so nobody knows what it still has; but it led last.
    let back = world.after(Event::Return(1)).elected;
    assert_eq!(back, Some(Elected { unclean: true, ..elected(Some(1), 2) }));
    assert_eq!((world.lost, world.replicas().in_sync()), (0, &[1, 2][..]));
}

#[test]
fn one_that_stopped_in_order_is_elected_as_soon_as_it_is_back() {
    let mut world = world_of(1, rules(1), &[Event::Append]);
    assert_eq!(world.after(Event::BeginStop(1)).elected, Some(elected(None, 1)));
    world.after(Event::Stop(1));
    assert_eq!(world.after(Event::Return(1)).elected, Some(elected(Some(1), 2)));
}

#[test]
fn without_eligible_replicas_the_last_one_stays_in_sync() {
    let rules = Rules { tracks_eligible: false, ..rules(1) };
    let mut world = world_of(2, rules, &[Event::Crash(2), Event::Append, Event::Crash(1)]);
    let replicas = world.replicas();
    assert_eq!((replicas.leader(), replicas.in_sync(), replicas.eligible()), (None, &[1][..], &[][..]));
    assert_eq!(world.after(Event::Return(2)).elected, None);
    assert_eq!(world.after(Event::Return(1)).elected, Some(elected(Some(1), 2)));
}

#[test]
fn who_fell_out_of_sync_while_too_few_were_may_be_elected() {
    let mut world = world_of(3, rules(3), &[Event::Append, Event::Crash(3), Event::Append, Event::BeginStop(2)]);
    assert_eq!((world.replicas().in_sync(), world.replicas().eligible()), (&[1][..], &[3, 2][..]));
    world.after(Event::Stop(2));
    world.after(Event::Append);
    world.after(Event::Crash(1));
    // What was appended after it went was acknowledged to nobody.
    let cut = Some(Cut { from: 2, until: 3, high_watermark: 1 });
    assert_eq!(world.after(Event::Return(2)).elected, Some(Elected { cut, ..elected(Some(2), 2) }));
}

#[test]
fn an_unclean_election_takes_whoever_is_there_and_loses_the_rest() {
    let unclean = Rules { elects_unclean: true, ..rules(1) };
    let mut world = world_of(2, unclean, &[Event::Append, Event::Crash(2), Event::Append, Event::Crash(1)]);
    assert_eq!(world.replicas().leader(), None, "nobody is there");
    let cut = Some(Cut { from: 1, until: 2, high_watermark: 2 });
    let back = world.after(Event::Return(2)).elected;
    assert_eq!(back, Some(Elected { leader: Some(2), epoch: 2, unclean: true, cut }));
    assert_eq!((world.lost, world.replicas().high_watermark(), world.replicas().in_sync()), (1, 1, &[2][..]));
}

#[test]
fn an_unclean_election_can_be_asked_for() {
    let mut world =
        world_of(2, rules(1), &[Event::Append, Event::Crash(2), Event::Append, Event::Crash(1), Event::Return(2)]);
    assert_eq!(world.replicas().leader(), None);
    let cut = Some(Cut { from: 1, until: 2, high_watermark: 2 });
    let elected = world.after(Event::Elect(Election::Unclean)).elected;
    assert_eq!(elected, Some(Elected { leader: Some(2), epoch: 2, unclean: true, cut }));
}

#[test]
fn a_leader_can_be_chosen_among_those_in_sync() {
    let mut world = world_of(3, rules(1), &[Event::Crash(2)]);
    assert_eq!(world.after(Event::Elect(Election::Of(3))).elected, Some(elected(Some(3), 1)));
    assert_eq!(world.after(Event::Elect(Election::Of(2))).elected, None, "it is not there");
    assert_eq!(world.replicas().leader(), Some(3));
}

#[test]
fn a_crash_that_nobody_has_noticed_changes_nothing() {
    let mut world = world_of(3, rules(2), &[Event::Append]);
    assert!(!world.after(Event::CrashUnnoticed(1)).is_any());
    assert!(!world.after(Event::Pass(Duration::from_secs(3600))).is_any());
    assert_eq!(world.after(Event::Notice(1)).elected, Some(elected(Some(2), 1)));
}

#[test]
fn a_follower_that_lacks_a_part_of_the_last_epoch_is_not_in_sync_with_the_next_leader() {
    let slow = Duration::from_secs(20);
    let before = [Event::Append, Event::Hold, Event::Crash(3), Event::Append, Event::Crash(1), Event::Lag(3, slow)];
    let mut world = world_of(3, rules(1), &before);
    assert_eq!((world.replicas().leader(), world.replicas().epoch_start()), (Some(2), 2));
    world.after(Event::Return(3));
    // It has all that consumers see, and not all that was appended before the leader was elected.
    assert_eq!((world.replicas().high_watermark(), world.replicas().end_of(3)), (1, Some(1)));
    assert_eq!(world.replicas().in_sync(), [2]);
    world.after(Event::Pass(slow));
    assert_eq!(world.replicas().in_sync(), [2, 3]);
}
