use super::*;

#[test]
fn a_stable_group_shows_metadata_and_assignments() {
    let mut group = TestGroup::new();
    let a = group.join(JoinRequest { can_rejoin_with_id: false, ..request("a") }).unwrap().member_id;
    group.sync(&a, 1, &[(&a, "p0")]).unwrap();
    let shown = group.classic().describe();
    assert_eq!((shown.state, &*shown.protocol_type, &*shown.protocol), (ClassicState::Stable, "consumer", "range"));
    let member = &shown.members[0];
    assert_eq!((&*member.member_id, &*member.client_id, &*member.client_host), (&*a, "a", "/127.0.0.1"));
    assert_eq!((&member.metadata[..], &member.assignment[..]), (&b"range"[..], &b"p0"[..]));
}

#[test]
fn a_rebalancing_group_shows_who_but_not_what() {
    let mut group = TestGroup::stable(&["a"]);
    let leader = group.leader();
    group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("b") });
    let shown = group.classic().describe();
    assert_eq!((shown.state, &*shown.protocol, shown.members.len()), (ClassicState::PreparingRebalance, "", 2));
    assert!(shown.members.iter().all(|member| member.metadata.is_empty() && member.assignment.is_empty()));
    group.start_join(rejoin(&leader));
    assert_eq!(group.classic().describe().state, ClassicState::CompletingRebalance);
}

#[test]
fn an_emptied_group_keeps_its_type() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    group.leave(&a).unwrap();
    let shown = group.classic().describe();
    assert_eq!((shown.state, &*shown.protocol_type, &*shown.protocol), (ClassicState::Empty, "consumer", ""));
    assert_eq!(TestGroup::new().classic().describe().protocol_type, "".into());
}
