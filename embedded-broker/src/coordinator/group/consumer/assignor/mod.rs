//! Who gets which partitions: the assignors of the consumer protocol, on the broker's side.

mod range;
mod uniform;

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::member::TopicPartitions;

/// An assignor, by the name clients ask for it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Assignor {
    /// Everybody gets as many as everybody else, and keeps what it has where that is possible.
    Uniform,
    /// Each topic is cut into ranges, so that equal partitions of equal topics meet in one member.
    Range,
}

/// What an assignor knows of a member.
#[derive(Debug)]
pub(crate) struct AssignedMember {
    /// The topics it subscribes to that exist, with their numbers of partitions.
    pub(crate) topics: BTreeMap<Uuid, i32>,
    /// Its target so far.
    pub(crate) target: TopicPartitions,
}

/// Partitions by member; everybody is in it, with nothing if there is nothing.
pub(crate) type Assignment = BTreeMap<Arc<str>, TopicPartitions>;

impl Assignor {
    /// The one whose name this is.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Uniform, Self::Range].into_iter().find(|assignor| assignor.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    pub(crate) fn assign(self, members: &BTreeMap<Arc<str>, AssignedMember>) -> Assignment {
        match self {
            Self::Uniform => uniform::assign(members),
            Self::Range => range::assign(members),
        }
    }
}

/// Every topic that somebody subscribes to, with its partitions and its subscribers.
fn subscribers(members: &BTreeMap<Arc<str>, AssignedMember>) -> BTreeMap<Uuid, (i32, Vec<&Arc<str>>)> {
    let mut topics: BTreeMap<Uuid, (i32, Vec<&Arc<str>>)> = BTreeMap::new();
    for (id, member) in members {
        for (&topic, &partitions) in &member.topics {
            topics.entry(topic).or_insert((partitions, Vec::new())).1.push(id);
        }
    }
    topics
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn topic(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn member(topics: &[(u128, i32)], target: &[(u128, i32)]) -> AssignedMember {
        AssignedMember {
            topics: topics.iter().map(|&(n, partitions)| (topic(n), partitions)).collect(),
            target: target.iter().map(|&(n, partition)| (topic(n), partition)).collect(),
        }
    }

    fn members<const N: usize>(members: [AssignedMember; N]) -> BTreeMap<Arc<str>, AssignedMember> {
        members.into_iter().zip('a'..).map(|(member, name)| (name.to_string().into(), member)).collect()
    }

    fn shown(assignment: &Assignment) -> Vec<Vec<(u128, i32)>> {
        assignment.values().map(|p| p.iter().map(|(id, partition)| (id.as_u128(), *partition)).collect()).collect()
    }

    #[test]
    fn range_cuts_each_topic_into_ranges() {
        let three = members([member(&[(1, 5), (2, 2)], &[]), member(&[(1, 5), (2, 2)], &[]), member(&[(2, 2)], &[])]);
        let expected = [vec![(1, 0), (1, 1), (1, 2), (2, 0)], vec![(1, 3), (1, 4), (2, 1)], vec![]];
        assert_eq!(shown(&Assignor::Range.assign(&three)), expected);
    }

    #[test]
    fn uniform_keeps_what_members_have() {
        let one_comes = members([member(&[(1, 4)], &[(1, 0), (1, 1), (1, 2), (1, 3)]), member(&[(1, 4)], &[])]);
        let assigned = shown(&Assignor::Uniform.assign(&one_comes));
        assert_eq!((assigned[0].len(), assigned[1].len()), (2, 2));
        let one_goes = members([member(&[(1, 4)], &[(1, 1), (1, 2)])]);
        assert_eq!(shown(&Assignor::Uniform.assign(&one_goes))[0].len(), 4);
    }

    #[test]
    fn uniform_gives_way_to_members_that_can_read_nothing_else() {
        let picky = members([member(&[(1, 2), (2, 2)], &[(1, 0), (1, 1)]), member(&[(1, 2)], &[])]);
        let assigned = shown(&Assignor::Uniform.assign(&picky));
        assert_eq!((assigned[0].len(), assigned[1].len()), (2, 2), "{assigned:?}");
        assert!(assigned[1].iter().all(|(topic, _)| *topic == 1));
    }

    fn anybody() -> impl Strategy<Value = BTreeMap<Arc<str>, AssignedMember>> {
        let partitions = [3, 1, 7, 4];
        let wishes = prop::collection::vec(prop::collection::btree_set(0..4_usize, 0..4), 1..6);
        let before = prop::collection::vec(prop::option::of(0..6_usize), 15);
        (wishes, before).prop_map(move |(wishes, before)| {
            let of = |topic: usize| (topic as u128, partitions[topic]);
            let mut all: Vec<AssignedMember> =
                wishes.iter().map(|w| member(&w.iter().map(|&t| of(t)).collect::<Vec<_>>(), &[])).collect();
            let every = (0..4_u128).flat_map(|t| (0..partitions[usize::try_from(t).unwrap()]).map(move |p| (t, p)));
            for ((t, partition), owner) in every.zip(before) {
                if let Some(member) = owner.and_then(|owner| all.get_mut(owner)) {
                    member.target.insert((topic(t), partition));
                }
            }
            all.into_iter().enumerate().map(|(n, member)| (n.to_string().into(), member)).collect()
        })
    }

    proptest! {
        #[test]
        fn every_partition_somebody_wants_has_one_owner_who_wants_it(members in anybody()) {
            for assignor in [Assignor::Uniform, Assignor::Range] {
                let assignment = assignor.assign(&members);
                prop_assert!(assignment.keys().eq(members.keys()));
                let mut given: Vec<_> = assignment.values().flatten().copied().collect();
                given.sort_unstable();
                let wanted = subscribers(&members).into_iter().flat_map(|(id, (n, _))| (0..n).map(move |p| (id, p)));
                prop_assert_eq!(given, wanted.collect::<Vec<_>>());
                for (id, partitions) in &assignment {
                    prop_assert!(partitions.iter().all(|(topic, _)| members[id].topics.contains_key(topic)));
                }
            }
        }

        #[test]
        fn uniform_leaves_nobody_two_behind_for_no_reason(members in anybody()) {
            let assignment = Assignor::Uniform.assign(&members);
            for (poor, has) in &assignment {
                for rich in assignment.values() {
                    let could_have = rich.iter().any(|(topic, _)| members[poor].topics.contains_key(topic));
                    prop_assert!(!could_have || rich.len() <= has.len() + 1);
                }
            }
        }

        #[test]
        fn uniform_changes_nothing_when_nothing_has_changed(mut members in anybody()) {
            let first = Assignor::Uniform.assign(&members);
            for (id, member) in &mut members {
                member.target.clone_from(&first[id]);
            }
            prop_assert_eq!(Assignor::Uniform.assign(&members), first);
        }
    }
}
