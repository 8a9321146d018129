use super::*;

fn leaving<'a>(member_id: &'a str, instance_id: Option<&'a str>) -> LeavingMember<'a> {
    LeavingMember { member_id, instance_id }
}

#[test]
fn the_last_member_leaves_an_empty_group() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    assert_eq!(group.leave(&a), Ok(()));
    assert_eq!(group.state(), ClassicState::Empty);
    assert_eq!(group.leave(&a), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_leaver_starts_a_rebalance() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let (a, b) = (group.member("a"), group.member("b"));
    group.leave(&a).unwrap();
    assert_eq!(group.state(), ClassicState::PreparingRebalance);
    assert_eq!(group.join(rejoin(&b)).unwrap().generation, 3);
}

#[test]
fn a_leaver_completes_the_rebalance_that_waited_for_it() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    let held = group.start_join(rejoin(&leader));
    group.leave(&follower).unwrap();
    assert_eq!(group.joined(held).unwrap().unwrap().generation, 3);
}

#[test]
fn a_leaver_whose_join_is_held_is_answered() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let held = group.start_join(rejoin(&leader));
    group.leave(&leader).unwrap();
    assert_eq!(group.joined(held).unwrap().unwrap_err().error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_leaver_whose_sync_is_held_is_answered() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    group.start_join(rejoin(&leader));
    group.start_join(rejoin(&follower));
    let held = group.start_sync(&follower, 3, &[]);
    group.leave(&follower).unwrap();
    assert_eq!(group.synced(held).unwrap(), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn an_id_that_was_handed_out_can_be_given_back() {
    let mut group = TestGroup::stable(&["a"]);
    let leader = group.leader();
    let pending = group.join(request("b")).unwrap_err().member_id;
    let held = group.start_join(rejoin(&leader));
    assert_eq!(group.joined(held), None);
    group.leave(&pending).unwrap();
    assert_eq!(group.joined(held).unwrap().unwrap().generation, 2);
}

#[test]
fn many_leave_with_one_rebalance_and_a_result_each() {
    let mut group = TestGroup::new();
    group.add_stable(vec![static_request("one"), static_request("two"), request("a"), request("b")]);
    let (one, a, b) = (group.member("one"), group.member("a"), group.member("b"));
    let generation = group.generation();
    let leavers = [
        leaving(&a, None),
        leaving("", Some("two")),
        leaving("other", Some("one")),
        leaving("", Some("three")),
        leaving("nobody", None),
    ];
    let results = group.turn(|group, turn| group.leave(&leavers, turn)).unwrap();
    let expected = [
        Ok(()),
        Ok(()),
        Err(ErrorCode::FencedInstanceId),
        Err(ErrorCode::UnknownMemberId),
        Err(ErrorCode::UnknownMemberId),
    ];
    assert_eq!(results, expected);
    assert_eq!(group.state(), ClassicState::PreparingRebalance);
    let held = group.start_join(rejoin(&b));
    group.start_join(JoinRequest { member_id: one.as_str().into(), ..static_request("one") });
    assert_eq!(group.joined(held).unwrap().unwrap().generation, generation + 1);
}

#[test]
fn nobody_leaving_changes_nothing() {
    let mut group = TestGroup::stable(&["a"]);
    assert_eq!(group.leave("nobody"), Err(ErrorCode::UnknownMemberId));
    assert_eq!(group.state(), ClassicState::Stable);
}

#[test]
fn a_leaving_leader_hands_over() {
    let mut group = TestGroup::stable(&["a", "b", "c"]);
    let leader = group.leader();
    group.leave(&leader).unwrap();
    let tickets: Vec<_> = group.members().iter().map(|id| rejoin(id)).map(|r| group.start_join(r)).collect();
    let joined: Vec<_> = tickets.iter().map(|ticket| group.joined(*ticket).unwrap().unwrap()).collect();
    assert_ne!(&*joined[0].leader, &*leader);
    assert_eq!(joined.iter().map(|joined| joined.members.len()).sum::<usize>(), 2);
}
