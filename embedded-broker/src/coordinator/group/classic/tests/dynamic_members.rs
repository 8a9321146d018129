use super::*;

#[test]
fn a_first_member_gets_an_id_before_it_is_taken_in() {
    let mut group = TestGroup::new();
    let refused = group.join(request("app")).unwrap_err();
    assert_eq!(refused.error, ErrorCode::MemberIdRequired);
    assert!(refused.member_id.starts_with("app-"), "{}", refused.member_id);
    assert_eq!(group.state(), ClassicState::Empty);

    let joined = group.join(rejoin(&refused.member_id)).unwrap();
    assert_eq!((joined.generation, &*joined.leader), (1, &*refused.member_id));
    assert_eq!(joined.protocol.as_deref(), Some("range"));
    assert_eq!(joined.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(member_ids(&joined), [&*refused.member_id]);
    assert_eq!(group.state(), ClassicState::CompletingRebalance);
}

#[test]
fn an_old_client_is_taken_in_at_once() {
    let mut group = TestGroup::new();
    let joined = group.join(JoinRequest { can_rejoin_with_id: false, ..request("old") }).unwrap();
    assert_eq!(joined.generation, 1);
    assert!(joined.member_id.starts_with("old-"));
}

#[test]
fn an_id_nobody_handed_out_is_unknown() {
    let mut group = TestGroup::new();
    let refused = group.join(rejoin("forged")).unwrap_err();
    assert_eq!((refused.error, &*refused.member_id), (ErrorCode::UnknownMemberId, "forged"));
}

#[test]
fn an_id_that_is_not_used_within_a_session_is_forgotten() {
    let mut group = TestGroup::new();
    let handed_out = group.join(request("app")).unwrap_err().member_id;
    group.sleep(SESSION);
    assert_eq!(group.join(rejoin(&handed_out)).unwrap_err().error, ErrorCode::UnknownMemberId);
}

#[test]
fn a_rebalance_waits_for_an_id_that_was_handed_out() {
    let mut group = TestGroup::stable(&["a", "b"]);
    let (a, b) = (group.member("a"), group.member("b"));
    let new = group.join(request("c")).unwrap_err().member_id;
    let leader = group.leader();
    let follower = if leader == a { b } else { a };
    let first = group.start_join(rejoin(&leader));
    let second = group.start_join(rejoin(&follower));
    assert_eq!(group.joined(first), None, "the third may still come");
    let third = group.start_join(rejoin(&new));
    for ticket in [first, second, third] {
        assert_eq!(group.joined(ticket).unwrap().unwrap().generation, 3);
    }
}

#[test]
fn a_rebalance_no_longer_waits_for_a_handed_out_id_that_expired() {
    let mut group = TestGroup::stable(&["a"]);
    group.join(request("b")).unwrap_err();
    let leader = group.leader();
    let held = group.start_join(rejoin(&leader));
    assert_eq!(group.joined(held), None);
    group.sleep(SESSION);
    assert_eq!(group.joined(held).unwrap().unwrap().generation, 2);
}

#[test]
fn sessions_outside_the_limits_are_refused() {
    for (session, taken) in [(5_999, false), (6_000, true), (1_800_000, true), (1_800_001, false)] {
        let session_timeout = Duration::from_millis(session);
        let refused = TestGroup::new().join(JoinRequest { session_timeout, ..request("app") }).unwrap_err();
        let expected = if taken { ErrorCode::MemberIdRequired } else { ErrorCode::InvalidSessionTimeout };
        assert_eq!(refused.error, expected, "{session} ms");
    }
}

#[test]
fn a_member_without_a_common_protocol_or_type_is_refused() {
    let mut group = TestGroup::stable(&["a"]);
    let stranger = JoinRequest { protocols: protocols(&["sticky"]), ..request("b") };
    let worker = JoinRequest { protocol_type: "connect".into(), ..request("b") };
    let mute = JoinRequest { protocols: Vec::new(), ..request("b") };
    let nameless = JoinRequest { protocol_type: "".into(), ..request("b") };
    for request in [stranger, worker, mute.clone(), nameless.clone()] {
        assert_eq!(group.join(request).unwrap_err().error, ErrorCode::InconsistentGroupProtocol);
    }
    for request in [mute, nameless] {
        assert_eq!(TestGroup::new().join(request).unwrap_err().error, ErrorCode::InconsistentGroupProtocol);
    }
}

#[test]
fn an_empty_group_takes_another_protocol_type() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    group.leave(&a).unwrap();
    let worker = JoinRequest { protocol_type: "connect".into(), can_rejoin_with_id: false, ..request("w") };
    assert_eq!(group.join(worker).unwrap().protocol_type.as_deref(), Some("connect"));
}
