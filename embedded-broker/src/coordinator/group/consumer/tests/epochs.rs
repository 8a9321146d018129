use super::*;
use crate::coordinator::group::OffsetToCommit;
use crate::coordinator::group::classic::Identity;

/// `a` with partitions 0 to 2 and `b` with the rest, both in epoch 2.
fn two() -> TestGroup {
    let mut group = TestGroup::new();
    group.join("a");
    group.join("b");
    let kept = group.beat("a", 1).assignment.unwrap();
    let owned: Vec<i32> = kept.iter().map(|(_, partition)| *partition).collect();
    group.own("a", 1, &owned);
    group.beat("b", 2);
    assert_eq!(group.state(), ConsumerState::Stable);
    group
}

#[test]
fn a_member_ahead_of_the_group_is_fenced() {
    let mut group = two();
    assert_eq!(group.refused(&heartbeat("a", 3)), ErrorCode::FencedMemberEpoch);
}

#[test]
fn a_member_whose_answer_was_lost_may_repeat_its_last_epoch() {
    let mut group = two();
    let owned: Vec<i32> = group.group.consumer().members["a"].assigned.iter().map(|p| p.1).collect();
    assert_eq!(group.own("a", 1, &owned).epoch, 2);
    assert_eq!(group.refused(&heartbeat("a", 1)), ErrorCode::FencedMemberEpoch, "it does not say what it has");
    let greedy = ConsumerHeartbeat { owned: Some(t(&[0, 1, 2, 3, 4, 5])), ..heartbeat("a", 1) };
    assert_eq!(group.refused(&greedy), ErrorCode::FencedMemberEpoch, "it has more than it was given");
}

#[test]
fn a_member_comes_back_with_epoch_zero_only_from_its_first_epoch() {
    let mut group = TestGroup::new();
    group.join("a");
    assert_eq!(group.join("a").epoch, 1, "the answer to its first heartbeat may have been lost");
    let mut group = two();
    assert_eq!(group.refused(&joining("a")), ErrorCode::FencedMemberEpoch, "as Kafka: its session has to end first");
}

#[test]
fn a_member_that_says_everything_is_told_everything() {
    let mut group = two();
    let full = ConsumerHeartbeat { epoch: 2, owned: Some(t(&[0])), ..joining("a") };
    assert_eq!(group.send(&full).unwrap().assignment.unwrap().len(), 3);
}

#[test]
fn nobody_beats_in_a_group_that_is_not_there() {
    let mut group = TestGroup::new();
    assert_eq!(group.refused(&heartbeat("a", 1)), ErrorCode::GroupIdNotFound);
    group.join("a");
    assert_eq!(group.refused(&heartbeat("b", 1)), ErrorCode::UnknownMemberId);
}

#[test]
fn commits_need_the_members_epoch() {
    let mut group = two();
    let mut commit = |member_id: &str, generation: i32, version: i16| {
        let identity = Identity { member_id, instance_id: None, generation };
        let offset =
            OffsetToCommit { topic: "t", partition: 0, offset: 1, leader_epoch: -1, metadata: "", retention: None };
        group.turn(|group, turn| {
            group.validate_commit(identity, version, turn)?;
            group.commit_offset(&offset, turn)
        })
    };
    assert_eq!(commit("a", 2, 9), Ok(()));
    assert_eq!(commit("a", 1, 9), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(commit("a", 2, 8), Err(ErrorCode::UnsupportedVersion));
    assert_eq!(commit("c", 2, 9), Err(ErrorCode::UnknownMemberId));
    assert_eq!(commit("", -1, 9), Err(ErrorCode::UnknownMemberId));
    for member in ["a", "b"] {
        group.send(&heartbeat(member, -1)).unwrap();
    }
    let nobody = Identity { member_id: "", instance_id: None, generation: -1 };
    assert_eq!(group.turn(|group, turn| group.validate_commit(nobody, 9, turn)), Ok(()));
}

#[test]
fn a_look_at_commits_needs_the_members_epoch_if_it_names_a_member() {
    let group = two();
    let fetch = |member, epoch| group.group.validate_fetch(member, epoch);
    assert_eq!(fetch(None, -1), Ok(()));
    assert_eq!(fetch(Some(""), -1), Err(ErrorCode::UnknownMemberId));
    assert_eq!(fetch(Some("a"), 2), Ok(()));
    assert_eq!(fetch(Some("a"), 1), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(fetch(Some("c"), 2), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_group_with_members_cannot_be_deleted_nor_its_offsets_of_a_subscribed_topic() {
    let mut group = two();
    assert_eq!(group.turn(|group, turn| group.delete(turn)), Err(ErrorCode::NonEmptyGroup));
    let deleted = group.turn(|group, turn| group.delete_offset("t", 0, turn));
    assert_eq!(deleted, Err(ErrorCode::GroupSubscribedToTopic));
    assert_eq!(group.turn(|group, turn| group.delete_offset("u", 0, turn)), Ok(()));
}
