use super::*;
use crate::coordinator::group::consumer::assignor::Assignor;

#[test]
fn a_full_classic_group_takes_its_members_and_nobody_else() {
    let mut group = TestGroup::with(GroupConfig { max_size: 1, ..GroupConfig::default() });
    let me = group.classic_member();
    let refused = group.join(&joining_classic("", &[])).unwrap_err();
    assert_eq!((refused.error, &*refused.member_id), (ErrorCode::GroupMaxSizeReached, ""));
    assert_eq!(group.heartbeat(&me, 1), Ok(()), "nobody noticed");
    assert_eq!(group.join(&joining_classic(&me, &[])).unwrap().generation, 2);
}

#[test]
fn an_id_that_was_handed_out_is_lost_when_the_group_is_full_by_then() {
    let mut group = TestGroup::with(GroupConfig { max_size: 1, ..GroupConfig::default() });
    let ask = JoinRequest { can_rejoin_with_id: true, ..joining_classic("", &[]) };
    let promised = group.join(&ask).unwrap_err();
    assert_eq!(promised.error, ErrorCode::MemberIdRequired);
    let held = group.start_join(&joining_classic("", &[]));
    assert!(group.joined(held).is_some(), "with no delay the first generation waits for nobody");
    let late = JoinRequest { member_id: promised.member_id, ..ask };
    assert_eq!(group.join(&late).unwrap_err().error, ErrorCode::GroupMaxSizeReached);
}

#[test]
fn while_members_join_those_count_that_have() {
    let mut group = TestGroup::new();
    let first = group.classic_member();
    let second = group.start_join(&joining_classic("", &[]));
    group.config.max_size = 1;
    let refused = group.join(&joining_classic(&first, &[])).unwrap_err();
    assert_eq!(refused.error, ErrorCode::GroupMaxSizeReached, "the limit was lowered, and it came last");
    group.sleep(Duration::from_secs(60));
    assert_eq!(group.joined(second).expect("the time to join is over").unwrap().generation, 2);
}

#[test]
fn a_full_consumer_group_takes_its_members_and_nobody_else() {
    let mut group = TestGroup::with(GroupConfig { consumer_max_size: 1, ..GroupConfig::default() });
    group.send(&joining("a")).unwrap();
    let refused = group.send(&joining("b")).unwrap_err();
    assert_eq!(refused.error, ErrorCode::GroupMaxSizeReached);
    assert_eq!(refused.message, "The consumer group has reached its maximum capacity of 1 members.");
    assert_eq!(group.join(&joining_classic("", &[])).unwrap_err().error, ErrorCode::GroupMaxSizeReached);
    assert!(group.send(&beating("a", 1)).is_ok());
}

#[test]
fn only_assignors_that_are_configured_may_be_asked_for_and_the_first_is_the_default() {
    let consumer_assignors = vec![Assignor::Range];
    let mut group = TestGroup::with(GroupConfig { consumer_assignors, ..GroupConfig::default() });
    let asking = ConsumerHeartbeat { assignor: Some("uniform".into()), ..joining("a") };
    let refused = group.send(&asking).unwrap_err();
    assert_eq!(refused.error, ErrorCode::UnsupportedAssignor);
    assert_eq!(refused.message, "ServerAssignor uniform is not supported. Supported assignors: range.");
    group.send(&joining("a")).unwrap();
    assert_eq!(group.group.describe_consumer(&group.config).unwrap().assignor, "range");
}

#[test]
fn an_administrator_may_take_members_out_and_have_partitions_assigned_anew() {
    let mut group = TestGroup::new();
    assert!(!group.turn(|group, turn| group.rebalance(turn) || group.evict("nobody", turn)));
    let me = group.classic_member();
    assert!(group.turn(|group, turn| group.rebalance(turn)));
    assert_eq!(group.heartbeat(&me, 1), Err(ErrorCode::RebalanceInProgress));
    assert!(group.turn(|group, turn| group.evict(&me, turn)));
    assert_eq!(group.group.state(), GroupState::Empty);

    let mut group = TestGroup::new();
    let one = ConsumerHeartbeat { instance_id: Some("one".into()), ..joining("a") };
    group.send(&one).unwrap();
    assert!(group.turn(|group, turn| group.rebalance(turn)));
    assert_eq!(group.send(&beating("a", 1)).unwrap().epoch, 2);
    assert!(group.turn(|group, turn| group.evict("a", turn)), "a static member as well");
    assert_eq!(group.group.state(), GroupState::Empty);
}
