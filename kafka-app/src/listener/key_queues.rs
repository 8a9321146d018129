//! [`KeyQueues`]: what waits of each key while another of it is at work: pure.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::Hash,
};

/// Items by key: each key's one after the other, in order, and no key waits for another.
#[derive(Debug)]
pub(super) struct KeyQueues<K, T> {
    /// Of each key that is ready or at work: what waits of it.
    waiting: HashMap<K, VecDeque<T>>,
    /// Keys of which something waits and nothing is at work, the longest first.
    ready: VecDeque<K>,
}

impl<K: Copy + Eq + Hash, T> KeyQueues<K, T> {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::new(), ready: VecDeque::new() }
    }

    /// Puts an item behind the others of its key. `item` is given the last of them that waits, if one does, and makes
    /// nothing if it has put itself into that. Returns whether the key is ready by it.
    pub(super) fn push(&mut self, key: K, item: impl FnOnce(Option<&mut T>) -> Option<T>) -> bool {
        match self.waiting.entry(key) {
            Entry::Vacant(entry) => {
                let Some(item) = item(None) else { return false };
                entry.insert(VecDeque::from([item]));
                self.ready.push_back(key);
                true
            }
            Entry::Occupied(mut entry) => {
                let queue = entry.get_mut();
                let item = item(queue.back_mut());
                queue.extend(item);
                false
            }
        }
    }

    /// The next item whose key is not at work. Its key is, until [`KeyQueues::finished`].
    pub(super) fn take(&mut self) -> Option<(K, T)> {
        let key = self.ready.pop_front()?;
        let item = self.waiting.get_mut(&key)?.pop_front()?;
        Some((key, item))
    }

    /// An item that was taken is done with. Returns whether its key is ready again.
    pub(super) fn finished(&mut self, key: K) -> bool {
        let Entry::Occupied(entry) = self.waiting.entry(key) else { return false };
        let is_ready = !entry.get().is_empty();
        if is_ready {
            self.ready.push_back(key);
        } else {
            entry.remove();
        }
        is_ready
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
        let mut queues = KeyQueues::new();
        let ready = [("slow", 1), ("slow", 2), ("a", 3), ("b", 4)].map(|(key, n)| queues.push(key, apart(n)));
        assert_eq!(ready, [true, false, true, true]);
        assert_eq!([queues.take(), queues.take(), queues.take()], [Some(("slow", 1)), Some(("a", 3)), Some(("b", 4))]);
        assert_eq!(queues.take(), None, "the second of `slow` waits for the first");
        assert!(!queues.finished("a"));
        assert_eq!(queues.take(), None);
        assert!(queues.finished("slow"));
        assert_eq!(queues.take(), Some(("slow", 2)));
    }

    #[test]
    fn what_may_join_the_last_that_waits_does() {
        let mut queues = KeyQueues::new();
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
        let mut queues = KeyQueues::new();
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
            let (mut queues, mut waiting, mut at_work) = (KeyQueues::new(), Vec::<(u8, u32)>::new(), Vec::<u8>::new());
            let mut n_ready = 0_usize; // As whoever counts them by the answers would.
            for (n, step) in (0..).zip(steps) {
                match step {
                    Step::Push(key) => {
                        waiting.push((key, n));
                        n_ready += usize::from(queues.push(key, apart(n)));
                    }
                    Step::Take => match queues.take() {
                        Some((key, n)) => {
                            n_ready -= 1;
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
                            n_ready += usize::from(queues.finished(key));
                        }
                    }
                }
                prop_assert_eq!(n_ready, queues.ready.len());
            }
        }
    }
}
