//! Which nodes hold a partition, and which of them it is moving to and from.

use serde::{Deserialize, Serialize};

/// The replicas of a partition. While it moves these are the old ones and the new ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(crate) struct Assignment {
    /// The preferred leader first, and at the end those that are to go.
    pub(crate) replicas: Vec<i32>,
    /// Those that have to be in sync before the move is complete.
    pub(crate) adding: Vec<i32>,
    /// Those that go once it is complete.
    pub(crate) removing: Vec<i32>,
}

impl Assignment {
    /// That of a partition which stays where it is.
    pub(crate) fn of(replicas: Vec<i32>) -> Self {
        Self { replicas, adding: Vec::new(), removing: Vec::new() }
    }

    /// Whether the partition is on its way from some nodes to others.
    pub(crate) fn is_moving(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// How many replicas there are once the move is complete.
    pub(crate) fn len_at_the_end(&self) -> usize {
        self.replicas.iter().filter(|id| !self.removing.contains(id)).count()
    }

    /// On its way to these replicas. As Kafka, which looks only at the replicas there are now: a move that adds nothing to them
    /// leaves those of the move before to be added, and one that removes nothing leaves those to be removed.
    pub(super) fn toward(&self, target: &[i32]) -> Self {
        let adding = difference(target, &self.replicas);
        let removing = difference(&self.replicas, target);
        Self {
            replicas: [target, &removing].concat(),
            adding: if adding.is_empty() { self.adding.clone() } else { adding },
            removing: if removing.is_empty() { self.removing.clone() } else { removing },
        }
    }

    /// As it was before the move: whoever was to go stays.
    pub(super) fn reverted(&self) -> Self {
        Self::of(without(&self.replicas, &self.adding))
    }

    /// What a move comes to when these are in sync, and who of them stays so; `None` as long as it is not complete, or if there
    /// is none.
    pub(super) fn completed(&self, in_sync: &[i32]) -> Option<(Self, Vec<i32>)> {
        let (replicas, staying) = (without(&self.replicas, &self.removing), without(in_sync, &self.removing));
        let is_complete = self.is_moving() && !replicas.is_empty() && replicas.iter().all(|id| staying.contains(id));
        is_complete.then(|| (Self::of(replicas), staying))
    }
}

/// In order, as Kafka tells them.
fn difference(all: &[i32], others: &[i32]) -> Vec<i32> {
    let mut left = without(all, others);
    left.sort_unstable();
    left
}

fn without(all: &[i32], others: &[i32]) -> Vec<i32> {
    all.iter().copied().filter(|id| !others.contains(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moving(replicas: &[i32], adding: &[i32], removing: &[i32]) -> Assignment {
        Assignment { replicas: replicas.to_vec(), adding: adding.to_vec(), removing: removing.to_vec() }
    }

    #[test]
    fn a_move_has_the_new_replicas_first_and_those_that_go_in_order_behind_them() {
        let before = Assignment::of(vec![3, 1, 2]);
        assert_eq!(before.toward(&[5, 1, 4]), moving(&[5, 1, 4, 2, 3], &[4, 5], &[2, 3]));
        assert_eq!(before.toward(&[5, 1, 4]).len_at_the_end(), 3);
        assert_eq!(before.toward(&[1, 2, 3]), Assignment::of(vec![1, 2, 3]), "another order is no move");
    }

    #[test]
    fn it_is_complete_when_all_that_stay_are_in_sync() {
        let way = Assignment::of(vec![1, 2]).toward(&[3, 1]);
        assert_eq!(way.completed(&[1, 2]), None);
        assert_eq!(way.completed(&[2, 3]), None);
        assert_eq!(way.completed(&[2, 1, 3]), Some((Assignment::of(vec![3, 1]), vec![1, 3])));
        assert_eq!(Assignment::of(vec![1]).completed(&[1]), None, "nothing moves");
    }

    #[test]
    fn what_is_cancelled_is_as_it_was_but_for_the_order() {
        let way = Assignment::of(vec![1, 2]).toward(&[3, 2]);
        assert_eq!(way, moving(&[3, 2, 1], &[3], &[1]));
        assert_eq!(way.reverted(), Assignment::of(vec![2, 1]));
    }

    #[test]
    fn a_move_in_mid_move_goes_by_the_replicas_there_are() {
        let way = Assignment::of(vec![1]).toward(&[2]);
        assert_eq!(way.toward(&[3]), moving(&[3, 1, 2], &[3], &[1, 2]));
        assert_eq!(way.toward(&[1]), moving(&[1, 2], &[2], &[2]));
        assert_eq!(
            way.toward(&[1, 2]),
            moving(&[1, 2], &[2], &[1]),
            "nothing is new, and nothing goes but what was to"
        );
    }
}
