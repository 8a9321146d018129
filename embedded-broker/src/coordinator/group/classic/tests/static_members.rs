use super::*;

fn known(instance: &str, member_id: &str) -> JoinRequest {
    JoinRequest { member_id: member_id.into(), ..static_request(instance) }
}

fn group_of(instances: &[&str]) -> TestGroup {
    let mut group = TestGroup::new();
    group.add_stable(instances.iter().map(|instance| static_request(instance)).collect());
    group
}

#[test]
fn a_static_member_is_taken_in_without_a_second_request() {
    let joined = TestGroup::new().join(static_request("one")).unwrap();
    assert!(joined.member_id.starts_with("one-"));
    assert_eq!(joined.members[0].instance_id.as_deref(), Some("one"));
}

#[test]
fn a_restarted_follower_is_not_noticed() {
    let mut group = group_of(&["one", "two"]);
    let (leader, old) = (group.member("one"), group.member("two"));
    assert_eq!(group.leader(), leader);
    let joined = group.join(static_request("two")).unwrap();
    assert_eq!((group.state(), joined.generation, joined.skip_assignment), (ClassicState::Stable, 2, false));
    assert_eq!((&*joined.leader, joined.members.len()), (&*leader, 0));
    assert_ne!(&*joined.member_id, &*old);
    assert!(group.sync(&joined.member_id, 2, &[]).is_ok());
    assert_eq!(group.heartbeat(&old, 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(group.heartbeat(&leader, 2), Ok(()));
}

#[test]
fn a_restarted_leader_is_told_to_keep_the_assignment() {
    let mut group = group_of(&["one", "two"]);
    let joined = group.join(static_request("one")).unwrap();
    assert!(joined.skip_assignment);
    assert_eq!((&joined.leader, joined.members.len()), (&joined.member_id, 2));
    assert_eq!(group.state(), ClassicState::Stable);
}

#[test]
fn a_restarted_leader_that_cannot_skip_is_told_that_its_former_self_leads() {
    let mut group = group_of(&["one", "two"]);
    let old = group.member("one");
    let joined = group.join(JoinRequest { can_skip_assignment: false, ..static_request("one") }).unwrap();
    assert_eq!((&*joined.leader, joined.skip_assignment, joined.members.len()), (&*old, false, 0));
}

#[test]
fn the_assignment_outlives_the_restart() {
    let mut group = TestGroup::new();
    let joined = group.join(static_request("one")).unwrap();
    group.sync(&joined.member_id, 1, &[(&joined.member_id, "p0")]).unwrap();
    let restarted = group.join(static_request("one")).unwrap();
    assert_eq!(group.sync(&restarted.member_id, 1, &[]).unwrap(), "p0");
}

#[test]
fn a_restart_that_changes_the_protocol_starts_a_rebalance() {
    let both = |instance| JoinRequest { protocols: protocols(&["range", "rr"]), ..static_request(instance) };
    let mut group = TestGroup::new();
    group.add_stable(vec![both("one"), both("two")]);
    let held = group.start_join(JoinRequest { protocols: protocols(&["rr"]), ..static_request("two") });
    assert_eq!((group.state(), group.joined(held)), (ClassicState::PreparingRebalance, None));
}

#[test]
fn a_restart_while_the_assignment_is_awaited_starts_over() {
    let mut group = TestGroup::new();
    let first = group.join(static_request("one")).unwrap();
    assert_eq!(group.state(), ClassicState::CompletingRebalance);
    let second = group.join(static_request("one")).unwrap();
    assert_eq!((second.generation, &second.leader), (2, &second.member_id));
    assert_ne!(first.member_id, second.member_id);
}

#[test]
fn held_requests_of_the_former_self_are_fenced() {
    let mut group = group_of(&["one", "two"]);
    let (one, two) = (group.member("one"), group.member("two"));
    let held = group.start_join(known("one", &one));
    let newer = group.start_join(static_request("one"));
    assert_eq!(group.joined(held).unwrap().unwrap_err().error, ErrorCode::FencedInstanceId);
    group.start_join(known("two", &two));
    assert_eq!(group.joined(newer).unwrap().unwrap().generation, 3);

    let held = group.start_sync(&two, 3, &[]);
    group.start_join(static_request("two"));
    assert_eq!(group.synced(held).unwrap(), Err(ErrorCode::FencedInstanceId));
}

#[test]
fn the_former_self_is_fenced_when_it_names_its_instance() {
    let mut group = group_of(&["one"]);
    let old = group.member("one");
    group.join(static_request("one")).unwrap();
    let former = Identity { member_id: &old, instance_id: Some("one"), generation: 1 };
    let beat = group.turn(|group, turn| group.heartbeat(former, turn));
    assert_eq!(beat, Err(ErrorCode::FencedInstanceId));
    assert_eq!(group.commit(former, 1), Err(ErrorCode::FencedInstanceId));
    assert_eq!(group.join(known("one", &old)).unwrap_err().error, ErrorCode::FencedInstanceId);
    let stranger = Identity { instance_id: Some("nobody"), ..former };
    let beat = group.turn(|group, turn| group.heartbeat(stranger, turn));
    assert_eq!(beat, Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_static_member_keeps_its_place_through_a_rebalance_it_missed() {
    let mut group = group_of(&["one", "two"]);
    let (one, two) = (group.member("one"), group.member("two"));
    let held = group.start_join(known("one", &one));
    for _ in 0..8 {
        let identity = Identity { member_id: &two, instance_id: Some("two"), generation: 2 };
        let _ = group.turn(|group, turn| group.heartbeat(identity, turn));
        group.sleep(REBALANCE / 8);
    }
    let joined = group.joined(held).unwrap().unwrap();
    assert_eq!((joined.generation, joined.members.len()), (3, 2));
}

#[test]
fn a_group_of_absent_static_members_waits_for_one() {
    let mut group = group_of(&["one", "two"]);
    let (one, two) = (group.member("one"), group.member("two"));
    let three = group.start_join(static_request("three"));
    let three_id = group.member("three");
    group.leave_static("three");
    assert_eq!(group.joined(three).unwrap().unwrap_err().error, ErrorCode::UnknownMemberId);
    assert!(!group.members().contains(&three_id.as_str().into()));
    for _ in 0..9 {
        for (member_id, instance) in [(&one, "one"), (&two, "two")] {
            let identity = Identity { member_id, instance_id: Some(instance), generation: 2 };
            let _ = group.turn(|group, turn| group.heartbeat(identity, turn));
        }
        group.sleep(REBALANCE / 8);
    }
    assert_eq!((group.state(), group.generation()), (ClassicState::PreparingRebalance, 2));
    group.start_join(known("one", &one));
    assert_eq!(group.join(known("two", &two)).unwrap().generation, 3);
}

#[test]
fn a_static_member_that_stays_away_for_its_session_is_out() {
    let mut group = group_of(&["one"]);
    group.sleep(SESSION);
    assert_eq!((group.state(), group.members().len()), (ClassicState::Empty, 0));
    let joined = group.join(static_request("one")).unwrap();
    assert_eq!(joined.generation, 3);
}

impl TestGroup {
    fn leave_static(&mut self, instance: &str) {
        let leaving = [LeavingMember { member_id: "", instance_id: Some(instance) }];
        assert_eq!(self.turn(|group, turn| group.leave(&leaving, turn)), Ok(vec![Ok(())]));
    }
}
