//! Followers that follow, lag, and fall out of sync.

use super::world::Event;
use super::*;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn world_of(min_in_sync: usize, events: &[Event]) -> World {
    let mut world = World::new(3, rules(min_in_sync));
    for event in events {
        world.after(*event);
    }
    world
}

/// The high watermark and who is in sync.
fn seen(world: &World) -> (i64, Vec<i32>) {
    (world.replicas().high_watermark(), world.replicas().in_sync().to_vec())
}

#[test]
fn what_all_have_at_once_is_acknowledged_at_once() {
    let world = world_of(2, &[Event::Append, Event::Append]);
    assert_eq!(seen(&world), (2, vec![1, 2, 3]));
    assert_eq!(world.replicas().next_deadline(&world.rules()), None);
}

#[test]
fn a_follower_that_lags_holds_up_the_high_watermark_until_it_has_it() {
    let mut world = world_of(2, &[Event::Lag(3, secs(10)), Event::Append, Event::Pass(secs(4)), Event::Append]);
    assert_eq!(seen(&world), (0, vec![1, 2, 3]));
    assert_eq!(world.replicas().next_deadline(&world.rules()), Some(secs(10)));
    world.after(Event::Pass(secs(6)));
    assert_eq!(seen(&world), (1, vec![1, 2, 3]));
    world.after(Event::Pass(secs(4)));
    assert_eq!(seen(&world), (2, vec![1, 2, 3]));
}

#[test]
fn one_that_lags_for_less_than_it_may_stays_in_sync_however_much_comes() {
    let mut world = world_of(2, &[Event::Lag(3, secs(29))]);
    for _ in 0..90 {
        world.after(Event::Append);
        world.after(Event::Pass(secs(1)));
        assert_eq!(world.replicas().in_sync(), [1, 2, 3]);
    }
    assert_eq!(world.replicas().high_watermark(), 90 - 28);
}

#[test]
fn one_that_lags_for_longer_is_out_of_sync_and_in_again_once_it_has_caught_up() {
    let mut world = world_of(2, &[Event::Lag(3, secs(31)), Event::Append, Event::Pass(secs(30))]);
    assert_eq!(seen(&world), (1, vec![1, 2]));
    world.after(Event::Append);
    world.after(Event::Pass(secs(1)));
    assert_eq!(seen(&world), (2, vec![1, 2]), "it has one of two");
    world.after(Event::Pass(secs(30)));
    assert_eq!(seen(&world), (2, vec![1, 2, 3]));
}

#[test]
fn one_that_does_not_hear_the_leader_is_out_of_sync_only_once_it_lacks_something() {
    let mut world = world_of(1, &[Event::Isolate(1, 3), Event::Pass(secs(300))]);
    assert_eq!(seen(&world), (0, vec![1, 2, 3]));
    world.after(Event::Append);
    assert_eq!(seen(&world), (0, vec![1, 2, 3]));
    world.after(Event::Pass(Duration::ZERO));
    assert_eq!(seen(&world), (1, vec![1, 2]), "it has not caught up for too long already");
    world.after(Event::Heal);
    assert_eq!(seen(&world), (1, vec![1, 2, 3]));
}

#[test]
fn the_high_watermark_stands_still_while_too_few_are_in_sync() {
    let mut world = world_of(3, &[Event::Append, Event::Crash(3), Event::Append]);
    assert_eq!(seen(&world), (1, vec![1, 2]));
    assert_eq!(world.replicas().eligible(), [3]);
    assert_eq!(world.replicas().acknowledges(2, &world.rules()), Acknowledged::NotYet);
    assert_eq!(world.replicas().acknowledges(1, &world.rules()), Acknowledged::TooFew);
    world.after(Event::Return(3));
    assert_eq!(seen(&world), (2, vec![1, 2, 3]));
    assert!(world.replicas().eligible().is_empty());
}

#[test]
fn no_more_are_asked_for_than_there_are() {
    let mut world = World::new(2, rules(3));
    world.after(Event::Append);
    assert_eq!(seen(&world), (1, vec![1, 2]));
}

#[test]
fn a_high_watermark_that_is_held_goes_on_when_the_last_one_lets_go() {
    let mut world = world_of(1, &[Event::Append, Event::Hold, Event::Hold, Event::Append, Event::Release]);
    assert_eq!(seen(&world), (1, vec![1, 2, 3]));
    assert!(world.after(Event::Release).high_watermark);
    assert_eq!(seen(&world), (2, vec![1, 2, 3]));
}

#[test]
fn a_replica_alone_acknowledges_by_itself_unless_it_is_held() {
    let mut world = World::new(1, rules(2));
    world.after(Event::Append);
    assert!(world.replicas().is_alone());
    world.after(Event::Hold);
    world.after(Event::Append);
    assert_eq!(seen(&world), (1, vec![1]));
    world.after(Event::Release);
    assert_eq!(seen(&world), (2, vec![1]));
}
