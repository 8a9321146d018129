use super::*;

#[test]
fn who_is_held_by_a_group_that_dies_is_told_to_look_again_and_nothing_is_left() {
    let mut group = TestGroup::new();
    let first = group.classic_member();
    group.commit("t", &first, 1).unwrap();
    let held = group.start_join(&joining_classic("", &[]));
    assert!(group.joined(held).is_none(), "the first has not joined again");
    group.turn(Group::die);
    let refused = group.joined(held).expect("it is not held any more").unwrap_err();
    assert_eq!(refused.error, ErrorCode::CoordinatorNotAvailable);
    assert_eq!((group.group.state(), group.group.exists()), (GroupState::Dead, false));
    assert!(group.group.facts().is_empty());
    let late = group.join(&joining_classic("", &[])).unwrap_err();
    assert_eq!(late.error, ErrorCode::CoordinatorNotAvailable, "who had found it before looks again");
}

#[test]
fn a_consumer_group_dies_with_its_members() {
    let mut group = TestGroup::new();
    group.send(&joining("a")).unwrap();
    group.turn(Group::die);
    assert_eq!((group.group.state(), group.group.exists()), (GroupState::Dead, false));
    assert!(group.group.facts().is_empty());
}
