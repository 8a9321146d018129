use super::*;

#[test]
fn heartbeats_keep_a_member_and_silence_ends_it() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    for _ in 0..5 {
        group.sleep(SESSION - Duration::from_millis(1));
        assert_eq!(group.heartbeat(&a, 1), Ok(()));
    }
    group.sleep(SESSION);
    assert_eq!((group.state(), group.members().len()), (ClassicState::Empty, 0));
    assert_eq!(group.generation(), 2, "the empty group is a generation of its own");
    assert_eq!(group.heartbeat(&a, 1), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_heartbeat_needs_the_right_member_and_generation() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    assert_eq!(group.heartbeat("b", 1), Err(ErrorCode::UnknownMemberId));
    assert_eq!(group.heartbeat(&a, 0), Err(ErrorCode::IllegalGeneration));
    assert_eq!(group.heartbeat(&a, 2), Err(ErrorCode::IllegalGeneration));
}

#[test]
fn an_expired_member_starts_a_rebalance_for_the_others() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let (a, b) = (group.member("a"), group.member("b"));
    group.sleep(SESSION / 2);
    group.heartbeat(&a, 2).unwrap();
    group.sleep(SESSION / 2);
    assert_eq!((group.state(), group.members()), (ClassicState::PreparingRebalance, vec![a.as_str().into()]));
    assert_eq!(group.heartbeat(&b, 2), Err(ErrorCode::UnknownMemberId));
    let joined = group.join(rejoin(&a)).unwrap();
    assert_eq!((joined.generation, &*joined.leader), (3, &*a));
}

#[test]
fn members_that_do_not_join_in_time_are_out() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let (a, b) = (group.member("a"), group.member("b"));
    let newcomer = group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("c") });
    let held = group.start_join(rejoin(&a));
    for _ in 0..8 {
        assert_eq!(group.heartbeat(&b, 2), Err(ErrorCode::RebalanceInProgress), "alive but late");
        group.sleep(REBALANCE / 8);
    }
    assert_eq!(group.heartbeat(&b, 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(group.joined(held).unwrap().unwrap().generation, 3);
    assert_eq!(group.joined(newcomer).unwrap().unwrap().generation, 3);
    assert_eq!(group.members().len(), 2);
}

#[test]
fn the_longest_rebalance_timeout_counts() {
    let mut group = TestGroup::new();
    let patient = JoinRequest { rebalance_timeout: REBALANCE * 2, ..request("patient") };
    group.add_stable(vec![patient, request("b")]);
    let (patient, b) = (group.member("patient"), group.member("b"));
    let leader_of = |group: &TestGroup| group.leader();
    assert_eq!(leader_of(&group), patient);
    let changed = JoinRequest { protocols: protocols(&["range", "rr"]), ..rejoin(&b) };
    let held = group.start_join(changed);
    for _ in 0..16 {
        assert_eq!(group.joined(held), None);
        let _ = group.heartbeat(&patient, 2);
        group.sleep(REBALANCE / 8);
    }
    assert_eq!(group.joined(held).unwrap().unwrap().generation, 3);
    assert_eq!(group.members(), [b.as_str().into()]);
}

#[test]
fn a_held_join_needs_no_heartbeats() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let (a, b) = (group.member("a"), group.member("b"));
    let leader = group.leader();
    let follower = if leader == a { b } else { a };
    let held = group.start_join(rejoin(&leader));
    for _ in 0..5 {
        assert_eq!(group.heartbeat(&follower, 2), Err(ErrorCode::RebalanceInProgress));
        group.sleep(SESSION / 2);
    }
    group.start_join(rejoin(&follower));
    assert_eq!(group.joined(held).unwrap().unwrap().generation, 3);
    group.sleep(SESSION);
    assert!(!group.members().contains(&leader.as_str().into()), "its session goes on from the answer");
}

#[test]
fn a_newcomer_whose_join_is_held_too_long_is_given_up() {
    let mut group = TestGroup::new();
    let patient = JoinRequest { rebalance_timeout: Duration::from_secs(3600), ..request("a") };
    group.add_stable(vec![patient]);
    let a = group.member("a");
    let held = group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("b") });
    for _ in 0..60 {
        let _ = group.heartbeat(&a, 1);
        group.sleep(Duration::from_secs(5));
    }
    assert_eq!(group.joined(held).unwrap().unwrap_err().error, ErrorCode::UnknownMemberId);
    assert_eq!(group.members(), [a.as_str().into()]);
}

#[test]
fn members_that_never_sync_are_out() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    group.start_join(rejoin(&leader));
    group.start_join(rejoin(&follower));
    let held = group.start_sync(&follower, 3, &[]);
    for _ in 0..8 {
        let _ = group.heartbeat(&leader, 3);
        group.sleep(REBALANCE / 8);
    }
    assert_eq!(group.synced(held).unwrap(), Err(ErrorCode::RebalanceInProgress));
    assert_eq!(group.state(), ClassicState::PreparingRebalance);
    assert_eq!(group.heartbeat(&leader, 3), Err(ErrorCode::UnknownMemberId));
    let joined = group.join(rejoin(&follower)).unwrap();
    assert_eq!((joined.generation, &*joined.leader), (4, &*follower));
}

#[test]
fn a_follower_that_never_syncs_is_out_of_a_stable_group_too() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    group.start_join(rejoin(&leader));
    group.start_join(rejoin(&follower));
    group.sync(&leader, 3, &[]).unwrap();
    assert_eq!(group.state(), ClassicState::Stable);
    for _ in 0..8 {
        let _ = (group.heartbeat(&leader, 3), group.heartbeat(&follower, 3));
        group.sleep(REBALANCE / 8);
    }
    assert_eq!((group.state(), group.members()), (ClassicState::PreparingRebalance, vec![leader.as_str().into()]));
}

#[test]
fn an_empty_group_needs_no_timers() {
    let mut group = TestGroup::stable(&["a"]);
    assert!(group.group.next_deadline().is_some());
    let a = group.member("a");
    group.leave(&a).unwrap();
    assert_eq!(group.group.next_deadline(), None);
}
