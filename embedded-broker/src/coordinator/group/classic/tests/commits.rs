use std::collections::HashSet;

use super::*;

fn commit_note(group: &mut TestGroup, metadata: &str) -> Result<(), ErrorCode> {
    let commit = OffsetToCommit { topic: "t", partition: 1, offset: 7, leader_epoch: -1, metadata, retention: None };
    group.commit_one(id("", -1), &commit)
}

#[test]
fn nobody_in_particular_may_commit_to_an_empty_group() {
    let mut group = TestGroup::new();
    assert_eq!(group.commit(id("", -1), 42), Ok(()));
    let stored = group.group.offsets.get("t", 0).unwrap();
    assert_eq!((stored.offset, stored.leader_epoch, &*stored.metadata), (42, 3, ""));
    assert_eq!(group.commit(id("", -1), 41), Ok(()), "back as well");
    assert_eq!(group.group.offsets.get("t", 0).unwrap().offset, 41);
    assert_eq!(group.group.offsets.get("t", 1), None);
    assert_eq!(group.state(), ClassicState::Empty);
}

#[test]
fn nobody_in_particular_may_commit_to_a_group_with_members() {
    let mut group = TestGroup::stable(&["a"]);
    assert_eq!(group.commit(id("", -1), 1), Err(ErrorCode::UnknownMemberId));
    assert_eq!(group.group.offsets.get("t", 0), None);
}

#[test]
fn a_member_commits_in_its_own_generation_only() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    assert_eq!(group.commit(id(&a, 1), 1), Ok(()));
    assert_eq!(group.commit(id(&a, 0), 2), Err(ErrorCode::IllegalGeneration));
    assert_eq!(group.commit(id(&a, 2), 2), Err(ErrorCode::IllegalGeneration));
    assert_eq!(group.commit(id("b", 1), 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(group.group.offsets.get("t", 0).unwrap().offset, 1);
}

#[test]
fn a_generation_of_an_empty_group_is_over() {
    let mut group = TestGroup::new();
    assert_eq!(group.commit(id("a", 1), 1), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_commit_before_the_assignment_is_refused() {
    let mut group = TestGroup::new();
    let a = group.join(JoinRequest { can_rejoin_with_id: false, ..request("a") }).unwrap().member_id;
    assert_eq!(group.commit(id(&a, 1), 1), Err(ErrorCode::RebalanceInProgress));
}

#[test]
fn a_commit_on_the_way_out_of_a_generation_is_taken() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    group.start_join(JoinRequest { can_rejoin_with_id: false, ..request("b") });
    assert_eq!(group.state(), ClassicState::PreparingRebalance);
    assert_eq!(group.commit(id(&a, 1), 5), Ok(()));
}

#[test]
fn a_commit_counts_as_a_heartbeat() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    group.sleep(SESSION / 2);
    group.commit(id(&a, 1), 1).unwrap();
    group.sleep(SESSION / 2);
    assert_eq!(group.heartbeat(&a, 1), Ok(()));
}

#[test]
fn a_note_is_kept_up_to_its_limit() {
    let mut group = TestGroup::new();
    assert_eq!(commit_note(&mut group, &"ä".repeat(2048)), Ok(()));
    assert_eq!(&*group.group.offsets.get("t", 1).unwrap().metadata, "ä".repeat(2048));
    assert_eq!(commit_note(&mut group, &"x".repeat(4097)), Err(ErrorCode::OffsetMetadataTooLarge));
    assert_eq!(&*group.group.offsets.get("t", 1).unwrap().metadata, "ä".repeat(2048));
}

#[test]
fn offsets_of_a_subscribed_topic_stay() {
    let subscription = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff");
    let subscribed = vec![Protocol { name: "range".into(), metadata: subscription }];
    let mut group = TestGroup::new();
    group.add_stable(vec![JoinRequest { protocols: subscribed, ..request("a") }]);
    let a = group.member("a");
    for topic in ["t", "u"] {
        let commit = OffsetToCommit { topic, partition: 0, offset: 1, leader_epoch: -1, metadata: "", retention: None };
        group.commit_one(id(&a, 1), &commit).unwrap();
    }
    let delete = |group: &mut TestGroup, topic: &str| group.turn(|group, turn| group.delete_offset(topic, 0, turn));
    assert_eq!(delete(&mut group, "t"), Err(ErrorCode::GroupSubscribedToTopic));
    assert_eq!(delete(&mut group, "u"), Ok(()));
    assert_eq!(delete(&mut group, "u"), Ok(()), "what is gone is gone");
    assert_eq!(group.group.offsets.get("u", 0), None);
    group.leave(&a).unwrap();
    assert_eq!(delete(&mut group, "t"), Ok(()));
    assert_eq!(group.group.offsets.topics().count(), 0);
}

#[test]
fn a_consumer_whose_subscription_cannot_be_read_keeps_all_offsets() {
    let mut group = TestGroup::stable(&["a"]);
    assert_eq!(group.turn(|group, turn| group.delete_offset("t", 0, turn)), Err(ErrorCode::GroupSubscribedToTopic));
}

#[test]
fn offsets_of_another_kind_of_group_stay_while_it_lives() {
    let mut group = TestGroup::new();
    assert_eq!(group.group.validate_offset_delete(), Ok(()));
    group.add_stable(vec![JoinRequest { protocol_type: "connect".into(), ..request("w") }]);
    assert_eq!(group.group.validate_offset_delete(), Err(ErrorCode::NonEmptyGroup));
    let consumers = TestGroup::stable(&["a"]);
    assert_eq!(consumers.group.validate_offset_delete(), Ok(()));
}

#[test]
fn a_deleted_topic_takes_its_offsets_along() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    group.commit(id(&a, 1), 9).unwrap();
    group.turn(|group, turn| group.forget_topics(&HashSet::from(["t"]), turn));
    assert_eq!(group.group.offsets.get("t", 0), None);
    assert_eq!(group.state(), ClassicState::Stable);
}

#[test]
fn a_group_with_members_cannot_be_deleted() {
    let mut group = TestGroup::stable(&["a"]);
    let a = group.member("a");
    assert_eq!(group.turn(|group, turn| group.delete(turn)), Err(ErrorCode::NonEmptyGroup));
    group.leave(&a).unwrap();
    group.commit(id("", -1), 1).unwrap();
    assert_eq!(group.turn(|group, turn| group.delete(turn)), Ok(()));
    assert_eq!(group.group.offsets.topics().count(), 0);
    assert_eq!(group.records.last(), Some(&GroupRecord::Deleted));
}

#[test]
fn an_id_handed_out_by_a_deleted_group_leaves_no_timer() {
    let mut group = TestGroup::new();
    group.join(request("a")).unwrap_err();
    group.turn(|group, turn| group.delete(turn)).unwrap();
    assert_eq!(group.group.next_deadline(), None);
}
