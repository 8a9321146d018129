//! The ledger against a plain map.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    error_handler::Reason,
    handler::{ErrorClass, Failure},
    listener::transaction::ledger::Ledger,
    record::TopicPartition,
};

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A delivery of this record failed, the so-manieth.
    Failed(i32, i64, u32, ErrorClass),
    Undelivered(i32, i64),
    Committed(i32, i64),
    Forget(i32),
}

fn event() -> impl Strategy<Value = Event> {
    let (partition, offset) = (|| 0..3, || 0..6_i64);
    let class = select(&[ErrorClass::Retry, ErrorClass::DeadLetter, ErrorClass::Skip][..]);
    prop_oneof![
        4 => (partition(), offset(), 1..5_u32, class).prop_map(|(p, at, n, class)| Event::Failed(p, at, n, class)),
        4 => (partition(), offset()).prop_map(|(p, at)| Event::Undelivered(p, at)),
        2 => (partition(), offset()).prop_map(|(p, at)| Event::Committed(p, at)),
        1 => partition().prop_map(Event::Forget),
    ]
}

proptest! {
    /// A record's failures are remembered until its partition is committed past it or goes to somebody else; those of no
    /// other are touched.
    #[test]
    fn failures_are_remembered_until_their_record_is_committed_or_its_partition_gone(events in vec(event(), 0..60)) {
        let ledger = Ledger::default();
        let orders = |partition| TopicPartition::new("orders", partition);
        // Attempts, transactions whose outputs were not delivered, class.
        let mut model = BTreeMap::<(i32, i64), (u32, u32, ErrorClass)>::new();
        for event in events {
            let reason = Arc::new(Reason::of_failure(&Failure::retry("down")));
            match event {
                Event::Failed(p, at, attempts, class) => {
                    ledger.failed(&orders(p), at, attempts, class, reason);
                    let n_undelivered = model.get(&(p, at)).map_or(0, |prior| prior.1);
                    model.insert((p, at), (attempts, n_undelivered, class));
                }
                Event::Undelivered(p, at) => {
                    let prior = model.entry((p, at)).or_insert((0, 0, ErrorClass::Retry));
                    prior.1 += 1;
                    prop_assert_eq!(ledger.undelivered(&orders(p), at, &reason), prior.1);
                }
                Event::Committed(p, upto) => {
                    ledger.committed(&orders(p), upto);
                    model.retain(|(of, at), _| *of != p || *at >= upto);
                }
                Event::Forget(p) => {
                    ledger.forget(&orders(p));
                    model.retain(|(of, _), _| *of != p);
                }
            }
            prop_assert_eq!(ledger.is_empty(), model.is_empty());
            for (p, at) in (0..3).flat_map(|p| (0..6).map(move |at| (p, at))) {
                let prior = ledger.prior(&orders(p), at);
                prop_assert_eq!(prior.as_ref().map(|p| (p.attempts, p.n_undelivered, p.class)), model.get(&(p, at)).copied());
                prop_assert_eq!(prior.map(|p| p.n_failed()), model.get(&(p, at)).map(|prior| prior.0 + prior.1));
            }
        }
    }
}
