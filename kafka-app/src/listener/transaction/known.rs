//! [`KnownPositions`]: which positions of its group a consumer has seen: pure.
//!
//! A position that is committed stays, while the group has members. The group coordinator of Kafka 4.1 may say otherwise
//! for some seconds: when it gives the log of a group up and gets it back while it still reads it (its session with the
//! controller is over, say), the end of the first reading opens the group to everybody with the state of the second,
//! which is empty. Who asks then is told of no position. Who believes that handles everything again, with
//! `auto-offset-reset = "latest"` nothing of what there is. So it is asked again, for a while.

use std::collections::{HashMap, hash_map::Entry};

use crate::record::TopicPartition;

/// How many answers in a row are doubted of a partition. They are asked for every half second, and the coordinator finds out as soon as
/// anything of the group is to be written; a topic that was made anew has lost its positions for good.
const DOUBTS: u32 = 20;

/// What a consumer knows to be committed.
#[derive(Debug, Default)]
pub(crate) struct KnownPositions {
    /// Those that have a position, each with how often in a row it was said to have none.
    n_doubted: HashMap<TopicPartition, u32>,
}

impl KnownPositions {
    /// The group has a position there.
    pub(crate) fn saw(&mut self, partition: &TopicPartition) {
        match self.n_doubted.get_mut(partition) {
            Some(n_doubted) => *n_doubted = 0,
            None => drop(self.n_doubted.insert(partition.clone(), 0)),
        }
    }

    /// Whether an answer may be true. If not, all of it is to be asked again: who has forgotten one has forgotten all.
    pub(crate) fn believes(&mut self, without_position: &[TopicPartition]) -> bool {
        let mut is_doubted = false;
        for partition in without_position {
            let Entry::Occupied(mut n_doubted) = self.n_doubted.entry(partition.clone()) else { continue };
            *n_doubted.get_mut() += 1;
            if *n_doubted.get() > DOUBTS {
                n_doubted.remove();
            } else {
                is_doubted = true;
            }
        }
        !is_doubted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(partition: i32) -> TopicPartition {
        TopicPartition::new("orders", partition)
    }

    fn believes(known: &mut KnownPositions, without_position: &[i32]) -> bool {
        let partitions: Vec<_> = without_position.iter().map(|partition| orders(*partition)).collect();
        known.believes(&partitions)
    }

    #[test]
    fn that_there_is_no_position_where_none_was_seen_is_believed() {
        let mut known = KnownPositions::default();
        known.saw(&orders(0));
        assert!(believes(&mut known, &[1, 2]) && believes(&mut known, &[]));
    }

    #[test]
    fn that_a_position_is_gone_is_believed_in_the_end_and_then_at_once() {
        let mut known = KnownPositions::default();
        known.saw(&orders(0));
        assert!((0..DOUBTS).all(|_| !believes(&mut known, &[1, 0])));
        assert!(believes(&mut known, &[1, 0]), "it does not come back");
        assert!(believes(&mut known, &[0]), "it is known to be gone");
        known.saw(&orders(0));
        assert!(!believes(&mut known, &[0]), "there is another one");
    }

    #[test]
    fn doubts_are_counted_in_a_row_for_each_partition() {
        let mut known = KnownPositions::default();
        known.saw(&orders(0));
        known.saw(&orders(1));
        for _ in 0..DOUBTS {
            assert!(!believes(&mut known, &[0]));
            assert!(believes(&mut known, &[]) && believes(&mut known, &[2]), "that says nothing of the other");
        }
        assert!(!believes(&mut known, &[0, 1]), "of another one there is doubt");
        assert!(believes(&mut known, &[0]), "its position is not there any more");
        known.saw(&orders(1));
        assert!((0..DOUBTS).all(|_| !believes(&mut known, &[1])), "it was seen between");
        assert!(believes(&mut known, &[1]));
    }
}
