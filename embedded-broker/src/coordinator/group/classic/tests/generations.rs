use super::*;

#[test]
fn all_members_of_a_generation_are_answered_together_and_alike() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    let b = group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("b") });
    assert_eq!(group.state(), ClassicState::PreparingRebalance);
    assert_eq!(group.joined(b), None);
    assert_eq!(group.heartbeat(&a, 1), Err(ErrorCode::RebalanceInProgress));

    let first = group.join(rejoin(&a)).unwrap();
    let second = group.joined(b).unwrap().unwrap();
    assert_eq!((first.generation, second.generation), (2, 2));
    assert_eq!((&*first.leader, &*second.leader), (&*a, &*a), "the old leader stays");
    assert_eq!(member_ids(&first).len(), 2);
    assert_eq!(member_ids(&second).len(), 0);
}

#[test]
fn followers_wait_for_the_leaders_assignment() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("b") });
    group.join(rejoin(&a)).unwrap();
    let b = group.member("b");

    let held = group.start_sync(&b, 2, &[]);
    assert_eq!(group.synced(held), None);
    assert_eq!(group.heartbeat(&a, 2), Ok(()), "a heartbeat between join and sync");
    assert_eq!(group.sync(&a, 2, &[(&a, "p0"), (&b, "p1")]).unwrap(), "p0");
    let synced = group.synced(held).unwrap().unwrap();
    assert_eq!(synced.assignment, "p1");
    assert_eq!(synced.protocol.as_deref(), Some("range"));
    assert_eq!(synced.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(group.state(), ClassicState::Stable);
    assert_eq!(group.sync(&b, 2, &[]).unwrap(), "p1", "a lost answer can be fetched again");
}

#[test]
fn a_member_the_leader_forgot_gets_nothing() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    assert_eq!(group.sync(&follower, 2, &[]).unwrap(), "");
}

#[test]
fn only_the_current_generation_and_protocol_may_sync() {
    let mut group = TestGroup::new();
    let joined = group.join(JoinRequest { can_rejoin_with_id: false, ..request("a") }).unwrap();
    let a = &*joined.member_id;
    assert_eq!(group.sync(a, 0, &[]), Err(ErrorCode::IllegalGeneration));
    assert_eq!(group.sync(a, 2, &[]), Err(ErrorCode::IllegalGeneration));
    assert_eq!(group.sync("b", 1, &[]), Err(ErrorCode::UnknownMemberId));
    for (protocol_type, protocol) in [(Some("connect"), None), (None, Some("sticky"))] {
        let request = SyncRequest { identity: id(a, 1), protocol_type, protocol, assignments: HashMap::new() };
        let ticket = group.ticket();
        group.turn(|group, turn| group.sync(&request, ticket, turn));
        assert_eq!(group.synced(ticket).unwrap(), Err(ErrorCode::InconsistentGroupProtocol));
    }
    assert!(group.sync(a, 1, &[]).is_ok());
}

#[test]
fn a_sync_during_a_rebalance_asks_to_join_again() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("b") });
    assert_eq!(group.sync(&a, 1, &[]), Err(ErrorCode::RebalanceInProgress));
}

#[test]
fn held_syncs_are_answered_when_somebody_comes() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    group.start_join(rejoin(&leader));
    group.start_join(rejoin(&follower));
    assert_eq!(group.state(), ClassicState::CompletingRebalance);
    let held = group.start_sync(&follower, 3, &[]);
    group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("c") });
    assert_eq!(group.synced(held).unwrap(), Err(ErrorCode::RebalanceInProgress));
    assert_eq!(group.state(), ClassicState::PreparingRebalance);
}

#[test]
fn a_repeated_join_is_answered_with_the_generation_that_stands() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    let again = group.join(rejoin(&follower)).unwrap();
    assert_eq!((again.generation, again.members.len()), (2, 0));
    assert_eq!(group.state(), ClassicState::Stable);
}

#[test]
fn a_repeated_join_of_the_leader_gets_the_members_while_its_assignment_is_awaited() {
    let mut group = TestGroup::new();
    let joined = group.join(JoinRequest { can_rejoin_with_id: false, ..request("a") }).unwrap();
    let again = group.join(rejoin(&joined.member_id)).unwrap();
    assert_eq!(again, joined);
}

#[test]
fn changed_metadata_starts_a_rebalance() {
    let changed = |id: &str| JoinRequest { protocols: protocols(&["range", "sticky"]), ..rejoin(id) };
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    let held = group.start_join(changed(&follower));
    assert_eq!((group.state(), group.joined(held)), (ClassicState::PreparingRebalance, None));
    group.join(rejoin(&leader)).unwrap();
    assert_eq!(group.state(), ClassicState::CompletingRebalance);

    let held = group.start_join(JoinRequest { protocols: protocols(&["sticky", "range"]), ..rejoin(&follower) });
    assert_eq!((group.state(), group.joined(held)), (ClassicState::PreparingRebalance, None));
}

#[test]
fn a_leader_that_joins_again_starts_a_rebalance() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let held = group.start_join(rejoin(&leader));
    assert_eq!((group.state(), group.joined(held)), (ClassicState::PreparingRebalance, None));
}

#[test]
fn a_second_join_takes_the_place_of_one_that_is_held() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let first = group.start_join(rejoin(&leader));
    let second = group.start_join(rejoin(&leader));
    assert_eq!(group.joined(first).unwrap().unwrap_err().error, ErrorCode::RebalanceInProgress);
    assert_eq!(group.joined(second), None);
}

#[test]
fn a_second_sync_takes_the_place_of_one_that_is_held() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let leader = group.leader();
    let follower = group.members().into_iter().find(|id| **id != *leader).unwrap();
    group.start_join(rejoin(&leader));
    group.start_join(rejoin(&follower));
    let first = group.start_sync(&follower, 3, &[]);
    let second = group.start_sync(&follower, 3, &[]);
    assert_eq!(group.synced(first).unwrap(), Err(ErrorCode::RebalanceInProgress));
    group.sync(&leader, 3, &[(&follower, "p")]).unwrap();
    assert_eq!(group.synced(second).unwrap().unwrap().assignment, "p");
}

#[test]
fn the_protocol_with_most_first_votes_wins() {
    fn chosen(wishes: &[&[&str]]) -> Arc<str> {
        let mut group = TestGroup::new();
        let wish = |names: &&[&str]| JoinRequest { protocols: protocols(names), ..request("m") };
        group.add_stable(wishes.iter().map(wish).collect());
        group.classic().protocol.clone().unwrap()
    }
    assert_eq!(&*chosen(&[&["range", "rr"], &["rr", "range"], &["rr", "range"]]), "rr");
    assert_eq!(&*chosen(&[&["range", "rr"], &["rr", "range"]]), "rr", "Kafka's order among equals");
    assert_eq!(&*chosen(&[&["only-a", "rr"], &["rr"]]), "rr", "one that not all speak is no candidate");
}

#[test]
fn newcomers_put_the_initial_rebalance_off() {
    let delay = Duration::from_secs(3);
    let mut group = TestGroup::with(GroupConfig { initial_rebalance_delay: delay, ..GroupConfig::default() });
    let newcomer = |name| JoinRequest { can_rejoin_with_id: false, ..request(name) };
    let a = group.start_join(newcomer("a"));
    group.sleep(Duration::from_secs(2));
    let b = group.start_join(newcomer("b"));
    group.sleep(Duration::from_secs(1));
    assert_eq!(group.joined(a), None, "b came, so the group waits once more");
    group.sleep(delay);
    let (a, b) = (group.joined(a).unwrap().unwrap(), group.joined(b).unwrap().unwrap());
    assert_eq!((a.generation, b.generation), (1, 1));
    assert_eq!(a.members.len() + b.members.len(), 2);
}

#[test]
fn the_initial_rebalance_is_put_off_no_longer_than_the_rebalance_timeout() {
    let delay = Duration::from_secs(3);
    let mut group = TestGroup::with(GroupConfig { initial_rebalance_delay: delay, ..GroupConfig::default() });
    let newcomer = |name: String| JoinRequest {
        can_rejoin_with_id: false,
        rebalance_timeout: Duration::from_secs(7),
        ..request(&name)
    };
    let first = group.start_join(newcomer("first".into()));
    for second in 1..7 {
        group.sleep(Duration::from_secs(1));
        group.start_join(newcomer(format!("m{second}")));
        assert_eq!(group.joined(first), None, "after {second} s");
    }
    group.sleep(Duration::from_secs(1));
    assert!(group.joined(first).is_some());
}

#[test]
fn a_dead_group_sends_everybody_away() {
    let mut group = TestGroup::new();
    group.turn(|group, turn| group.delete(turn)).unwrap();
    assert_eq!(group.state(), ClassicState::Dead);
    assert_eq!(group.join(request("a")).unwrap_err().error, ErrorCode::CoordinatorNotAvailable);
    assert_eq!(group.sync("a", 1, &[]), Err(ErrorCode::CoordinatorNotAvailable));
    assert_eq!(group.heartbeat("a", 1), Err(ErrorCode::CoordinatorNotAvailable));
    assert_eq!(group.leave("a"), Err(ErrorCode::CoordinatorNotAvailable));
    assert_eq!(group.commit(id("", -1), 1), Err(ErrorCode::CoordinatorNotAvailable));
    assert_eq!(group.turn(|group, turn| group.delete(turn)), Err(ErrorCode::GroupIdNotFound));
}
