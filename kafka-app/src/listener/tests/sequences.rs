//! Whatever happens in whatever order: nothing is committed past unfinished work or by who does not own it, and nothing
//! is stuck.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};

use super::fake::{Event, Fate, N_PARTITIONS, World};
use crate::config::{AckMode, BatchLimits, Delivery, OnRevoke, Ordering, ResolvedListener};

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fate::Done),
        1 => Just(Fate::DoneTwice),
        1 => Just(Fate::Nack(Duration::ZERO)),
        1 => Just(Fate::Nack(Duration::from_secs(10))),
        1 => Just(Fate::Drop),
        3 => Just(Fate::Keep),
        1 => Just(Fate::Again),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let p = || 0..N_PARTITIONS;
    let time = prop_oneof![
        4 => Just(Duration::from_millis(60)),
        4 => Just(Duration::from_secs(1)),
        1 => Just(Duration::from_secs(10)),
        1 => Just(Duration::from_secs(30)), // Longer than a revoke waits.
    ];
    prop_oneof![
        4 => p().prop_map(Event::Assign),
        2 => p().prop_map(Event::Revoke),
        1 => p().prop_map(Event::Lose),
        1 => (p(), 0..4_usize).prop_map(|(p, n)| Event::Others(p, n)),
        5 => (p(), 1..6_usize).prop_map(|(p, n)| Event::Arrive(p, n)),
        2 => any::<bool>().prop_map(Event::OnlyWait),
        12 => (any::<usize>(), fate()).prop_map(|(which, fate)| Event::End(which, fate)),
        3 => (any::<usize>(), fate()).prop_map(|(which, fate)| Event::Use(which, fate)),
        1 => (p(), 0..12_usize).prop_map(|(p, to)| Event::Seek(p, to)),
        4 => prop::bool::weighted(0.7).prop_map(Event::EndCommit),
        4 => time.prop_map(Event::Pass),
    ]
}

fn listener(delivery: Delivery, modes: &'static [AckMode]) -> impl Strategy<Value = ResolvedListener> {
    let ordering = prop::sample::select(&[Ordering::Partition, Ordering::Key, Ordering::None][..]);
    let on_revoke = prop::sample::select(&[OnRevoke::Drain, OnRevoke::Drain, OnRevoke::Cancel][..]);
    (ordering, prop::sample::select(modes), on_revoke, 1..5_u32).prop_map(
        move |(ordering, ack_mode, on_revoke, max_records)| ResolvedListener {
            delivery,
            ordering,
            ack_mode,
            on_revoke,
            ack_count: 3,
            workers: 3,
            batch: BatchLimits { max_records, ..BatchLimits::default() },
            ..ResolvedListener::new("bill", "orders", "billing")
        },
    )
}

fn run(listener: &ResolvedListener, events: &[Event]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(listener);
        world.happen(Event::Assign(0)).await;
        for event in events {
            world.happen(*event).await;
        }
        world.finish().await;
    });
}

const BY_ITSELF: &[AckMode] = &[AckMode::Record, AckMode::Batch, AckMode::Time, AckMode::Count, AckMode::CountTime];
const BY_HAND: &[AckMode] = &[AckMode::Manual, AckMode::ManualImmediate];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn at_least_once_what_is_committed_is_finished_under_the_epoch_that_owns_it(
        listener in listener(Delivery::AtLeastOnce, BY_ITSELF),
        events in vec(event(), 0..60),
    ) {
        run(&listener, &events);
    }

    #[test]
    fn acknowledged_by_hand_what_is_committed_is_finished_under_the_epoch_that_owns_it(
        listener in listener(Delivery::AtLeastOnce, BY_HAND),
        events in vec(event(), 0..60),
    ) {
        run(&listener, &events);
    }

    #[test]
    fn at_most_once_no_handler_sees_what_is_not_known_to_be_committed(
        listener in listener(Delivery::AtMostOnce, &[AckMode::Time]),
        events in vec(event(), 0..60),
    ) {
        run(&listener, &events);
    }
}
