//! [`Pending`]: which request waits for which replies: pure.
//!
//! Deadlines are not in here: each request waits on a timer of its own, and what ends before its replies, by that timer or
//! because it was dropped, is forgotten by its id.

use std::{collections::HashMap, num::NonZeroUsize};

use super::correlation::CorrelationId;

/// Requests that wait, by their ids. `W` is how a waiter is told.
pub(super) struct Pending<W> {
    waiting: HashMap<CorrelationId, Waiting<W>>,
    is_closed: bool,
}

struct Waiting<W> {
    waiter: W,
    /// Replies that are still expected; `None`: as many as come until it is forgotten.
    n_open: Option<NonZeroUsize>,
}

impl<W> Default for Pending<W> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), is_closed: false }
    }
}

/// There will be no more replies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

impl<W: Clone> Pending<W> {
    /// A request is about to be sent.
    pub(super) fn register(
        &mut self,
        id: CorrelationId,
        waiter: W,
        n_expected: Option<NonZeroUsize>,
    ) -> Result<(), Closed> {
        if self.is_closed {
            return Err(Closed);
        }
        self.waiting.insert(id, Waiting { waiter, n_open: n_expected });
        Ok(())
    }

    /// Who waits for a reply with this id. With the last one it expects, a request is done.
    pub(super) fn route(&mut self, id: CorrelationId) -> Option<W> {
        let waiting = self.waiting.get_mut(&id)?;
        match waiting.n_open.map(|n_open| NonZeroUsize::new(n_open.get() - 1)) {
            Some(None) => self.waiting.remove(&id).map(|done| done.waiter),
            None => Some(waiting.waiter.clone()),
            Some(left) => {
                waiting.n_open = left;
                Some(waiting.waiter.clone())
            }
        }
    }

    /// The request waits no more; what comes for it from now on is nobody's.
    pub(super) fn forget(&mut self, id: CorrelationId) {
        self.waiting.remove(&id);
    }

    /// Takes no more requests and lets all go that wait.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.waiting.clear();
    }

    /// Requests that wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const ONE: Option<NonZeroUsize> = Some(NonZeroUsize::MIN);

    fn id(n: u8) -> CorrelationId {
        CorrelationId::of(&[n; 16]).expect("16 bytes")
    }

    #[test]
    fn the_last_expected_reply_ends_a_request() {
        let mut pending = Pending::default();
        pending.register(id(1), "a", NonZeroUsize::new(2)).unwrap();
        assert_eq!([pending.route(id(1)), pending.route(id(1)), pending.route(id(1))], [Some("a"), Some("a"), None]);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn a_request_without_a_number_takes_all_until_it_is_forgotten() {
        let mut pending = Pending::default();
        pending.register(id(1), "a", None).unwrap();
        assert!((0..100).all(|_| pending.route(id(1)) == Some("a")));
        pending.forget(id(1));
        assert_eq!(pending.route(id(1)), None);
    }

    #[test]
    fn what_is_closed_takes_no_request() {
        let mut pending = Pending::default();
        pending.register(id(1), "a", ONE).unwrap();
        pending.close();
        assert_eq!((pending.len(), pending.route(id(1))), (0, None));
        assert_eq!(pending.register(id(2), "b", ONE), Err(Closed));
    }

    /// What may happen, in any order.
    #[derive(Debug, Clone)]
    enum Step {
        Ask(u8, Option<NonZeroUsize>),
        Reply(u8),
        /// By its timer or because it was dropped.
        GiveUp(u8),
        Close,
    }

    fn step() -> impl Strategy<Value = Step> {
        let n = 0..6_u8;
        prop_oneof![
            4 => (n.clone(), proptest::option::weighted(0.8, 1..4_usize)).prop_map(|(n, k)| Step::Ask(n, k.and_then(NonZeroUsize::new))),
            8 => n.clone().prop_map(Step::Reply),
            2 => n.prop_map(Step::GiveUp),
            1 => Just(Step::Close),
        ]
    }

    proptest! {
        /// No request is told of more replies than it expects, none of a reply to another or after its end, and nothing
        /// that has ended is kept.
        #[test]
        fn each_reply_goes_to_the_one_who_waits_for_it(steps in proptest::collection::vec(step(), 0..80)) {
            let mut pending = Pending::default();
            // Requests that wait, by id: which of them it is, and what it still expects.
            let mut model: BTreeMap<u8, (usize, Option<usize>)> = BTreeMap::new();
            let mut is_closed = false;
            for (nth, step) in steps.into_iter().enumerate() {
                match step {
                    // An id is used once: a request under way has its own.
                    Step::Ask(n, _) if model.contains_key(&n) => {}
                    Step::Ask(n, expected) => {
                        let asked = pending.register(id(n), nth, expected);
                        prop_assert_eq!(asked.is_ok(), !is_closed);
                        if !is_closed {
                            model.insert(n, (nth, expected.map(NonZeroUsize::get)));
                        }
                    }
                    Step::Reply(n) => {
                        let told = pending.route(id(n));
                        prop_assert_eq!(told, model.get(&n).map(|(nth, _)| *nth));
                        if let Some((_, Some(open))) = model.get_mut(&n) {
                            *open -= 1;
                        }
                        model.retain(|_, (_, open)| *open != Some(0));
                    }
                    Step::GiveUp(n) => {
                        pending.forget(id(n));
                        model.remove(&n);
                    }
                    Step::Close => {
                        pending.close();
                        model.clear();
                        is_closed = true;
                    }
                }
                prop_assert_eq!(pending.len(), model.len());
            }
        }
    }
}
