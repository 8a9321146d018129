//! [`KeyQueues`]: what waits of each key while another of it is at work: pure.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::{BuildHasher, Hash, RandomState},
};

/// Items by key: each key's one after the other, in order, and no key waits for another.
#[derive(Debug)]
pub(super) struct KeyQueues<K, T, S = RandomState> {
    /// Of each key that is ready or at work: what waits of it.
    waiting: HashMap<K, Waiting<T>, S>,
    /// Keys of which something waits and nothing is at work, the longest first.
    ready: VecDeque<K>,
}

/// What waits of a key. Most have one item, which needs no allocation.
#[derive(Debug)]
struct Waiting<T> {
    first: Option<T>,
    /// Empty without a first one.
    others: VecDeque<T>,
}

impl<T> Waiting<T> {
    fn last(&mut self) -> Option<&mut T> {
        self.others.back_mut().or(self.first.as_mut())
    }

    fn push(&mut self, item: T) {
        match &self.first {
            None => self.first = Some(item),
            Some(_) => self.others.push_back(item),
        }
    }

    fn pop(&mut self) -> Option<T> {
        let first = self.first.take();
        self.first = self.others.pop_front();
        first
    }
}

impl<K: Copy + Eq + Hash, T, S: BuildHasher + Default> KeyQueues<K, T, S> {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::default(), ready: VecDeque::new() }
    }

    /// Puts an item behind the others of its key. `item` is given the last of them that waits, if one does, and makes
    /// nothing if it has put itself into that.
    pub(super) fn push(&mut self, key: K, item: impl FnOnce(Option<&mut T>) -> Option<T>) {
        match self.waiting.entry(key) {
            Entry::Vacant(entry) => {
                if let Some(item) = item(None) {
                    entry.insert(Waiting { first: Some(item), others: VecDeque::new() });
                    self.ready.push_back(key);
                }
            }
            Entry::Occupied(mut entry) => {
                let waiting = entry.get_mut();
                if let Some(item) = item(waiting.last()) {
                    waiting.push(item);
                }
            }
        }
    }

    /// The next item whose key is not at work. Its key is, until [`KeyQueues::finished`].
    pub(super) fn take(&mut self) -> Option<(K, T)> {
        let key = self.ready.pop_front()?;
        let item = self.waiting.get_mut(&key)?.pop()?;
        Some((key, item))
    }

    /// Whether there is one to take.
    pub(super) fn is_any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// An item that was taken is done with: the next one of its key is ready.
    pub(super) fn finished(&mut self, key: K) {
        let Entry::Occupied(entry) = self.waiting.entry(key) else { return };
        if entry.get().first.is_some() {
            self.ready.push_back(key);
        } else {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An item that stays by itself.
    fn apart(item: u32) -> impl FnOnce(Option<&mut u32>) -> Option<u32> {
        move |_last| Some(item)
    }

    #[test]
    fn a_key_at_work_holds_up_its_own_and_no_other() {
        let mut queues = KeyQueues::<_, _>::new();
        for (key, n) in [("slow", 1), ("slow", 2), ("a", 3), ("b", 4)] {
            queues.push(key, apart(n));
        }
        assert_eq!([queues.take(), queues.take(), queues.take()], [Some(("slow", 1)), Some(("a", 3)), Some(("b", 4))]);
        assert_eq!(queues.take(), None, "the second of `slow` waits for the first");
        queues.finished("a");
        assert_eq!(queues.take(), None);
        queues.finished("slow");
        assert_eq!(queues.take(), Some(("slow", 2)));
    }

    #[test]
    fn what_may_join_the_last_that_waits_does() {
        let mut queues = KeyQueues::<_, _>::new();
        let joining = |n| {
            move |last: Option<&mut Vec<u32>>| match last {
                Some(last) => {
                    last.push(n);
                    None
                }
                None => Some(vec![n]),
            }
        };
        queues.push("a", joining(1));
        queues.push("a", joining(2));
        assert_eq!(queues.take(), Some(("a", vec![1, 2])));
        queues.push("a", joining(3));
        assert_eq!(queues.take(), None, "what is at work is joined by nothing");
        queues.finished("a");
        assert_eq!(queues.take(), Some(("a", vec![3])));
    }

    #[test]
    fn a_key_that_is_done_leaves_nothing_behind() {
        let mut queues = KeyQueues::<_, _>::new();
        queues.push("a", apart(1));
        queues.take();
        queues.finished("a");
        assert!(queues.waiting.is_empty() && queues.ready.is_empty());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u8),
        Take,
        /// Of those at work.
        Finish(prop::sample::Index),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0_u8..6).prop_map(Step::Push),
            3 => Just(Step::Take),
            2 => any::<prop::sample::Index>().prop_map(Step::Finish),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        /// Against a list of all: what is taken is the first of its key, never beside another of it, and nothing can be
        /// taken only if all that wait are of keys at work.
        #[test]
        fn each_key_goes_in_order_and_waits_for_itself_only(steps in steps()) {
            let (mut queues, mut waiting, mut at_work) = (KeyQueues::<_, _>::new(), Vec::<(u8, u32)>::new(), Vec::<u8>::new());
            for (n, step) in (0..).zip(steps) {
                match step {
                    Step::Push(key) => {
                        waiting.push((key, n));
                        queues.push(key, apart(n));
                    }
                    Step::Take => match queues.take() {
                        Some((key, n)) => {
                            prop_assert!(!at_work.contains(&key));
                            let first = waiting.iter().position(|(of, _)| *of == key).unwrap();
                            prop_assert_eq!(waiting.remove(first), (key, n));
                            at_work.push(key);
                        }
                        None => prop_assert!(waiting.iter().all(|(key, _)| at_work.contains(key))),
                    },
                    Step::Finish(index) => {
                        if !at_work.is_empty() {
                            let key = at_work.swap_remove(index.index(at_work.len()));
                            queues.finished(key);
                        }
                    }
                }
                let is_any_ready = waiting.iter().any(|(key, _)| !at_work.contains(key));
                prop_assert_eq!(queues.is_any_ready(), is_any_ready);
            }
        }
    }
}
