//! Assignments by hand, and what holds for all of them.

use proptest::prelude::*;

use super::*;

fn topic(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn member(topics: &[(u128, i32)], target: &[(u128, i32)]) -> AssignedMember {
    AssignedMember {
        instance_id: None,
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
    assert_eq!(shown(&Assignor::Range.assign(&three, false)), expected);
}

#[test]
fn uniform_keeps_what_members_have() {
    let one_comes = members([member(&[(1, 4)], &[(1, 0), (1, 1), (1, 2), (1, 3)]), member(&[(1, 4)], &[])]);
    let assigned = shown(&Assignor::Uniform.assign(&one_comes, true));
    assert_eq!((assigned[0].len(), assigned[1].len()), (2, 2));
    let one_goes = members([member(&[(1, 4)], &[(1, 1), (1, 2)])]);
    assert_eq!(shown(&Assignor::Uniform.assign(&one_goes, true))[0].len(), 4);
}

#[test]
fn uniform_gives_way_to_members_that_can_read_nothing_else() {
    let picky = members([member(&[(1, 2), (2, 2)], &[(1, 0), (1, 1)]), member(&[(1, 2)], &[])]);
    let assigned = shown(&Assignor::Uniform.assign(&picky, false));
    assert_eq!((assigned[0].len(), assigned[1].len()), (2, 2), "{assigned:?}");
    assert!(assigned[1].iter().all(|(topic, _)| *topic == 1));
}

fn homogeneous(members: &BTreeMap<Arc<str>, AssignedMember>) -> bool {
    let mut topics = members.values().map(|member| &member.topics);
    let first = topics.next();
    topics.all(|other| Some(other) == first)
}

#[test]
fn range_puts_static_members_first_by_their_instances() {
    let as_instance =
        |instance: Option<&str>| AssignedMember { instance_id: instance.map(Into::into), ..member(&[(1, 3)], &[]) };
    let three = members([as_instance(None), as_instance(Some("two")), as_instance(Some("one"))]);
    assert_eq!(shown(&Assignor::Range.assign(&three, true)), [vec![(1, 2)], vec![(1, 1)], vec![(1, 0)]]);
}

#[test]
fn uniform_leaves_one_more_to_a_member_that_has_one_more() {
    let three = members([member(&[(1, 5)], &[(1, 0)]), member(&[(1, 5)], &[(1, 1), (1, 2)]), member(&[(1, 5)], &[])]);
    assert_eq!(
        shown(&Assignor::Uniform.assign(&three, true)),
        [vec![(1, 0)], vec![(1, 1), (1, 2)], vec![(1, 3), (1, 4)]]
    );
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
            let assignment = assignor.assign(&members, homogeneous(&members));
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
        let assignment = Assignor::Uniform.assign(&members, homogeneous(&members));
        for (poor, has) in &assignment {
            for rich in assignment.values() {
                let could_have = rich.iter().any(|(topic, _)| members[poor].topics.contains_key(topic));
                prop_assert!(!could_have || rich.len() <= has.len() + 1);
            }
        }
    }

    #[test]
    fn uniform_changes_nothing_when_nothing_has_changed(mut members in anybody()) {
        let first = Assignor::Uniform.assign(&members, homogeneous(&members));
        for (id, member) in &mut members {
            member.target.clone_from(&first[id]);
        }
        prop_assert_eq!(Assignor::Uniform.assign(&members, homogeneous(&members)), first);
    }
}
