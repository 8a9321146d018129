use super::*;
use crate::coordinator::group::config::MigrationPolicy;

/// A classic member with all partitions, and a member of the new protocol that has just come.
fn upgraded() -> (TestGroup, Arc<str>) {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    let heard = group.send(&joining("b")).unwrap();
    assert_eq!((heard.epoch, heard.assignment), (2, Some(t(&[]))));
    assert_eq!(group.group.kind(), "consumer");
    (group, me)
}

#[test]
fn an_upgrade_needs_the_policy_consumers_and_room() {
    let refused = |config: GroupConfig, protocol_type: &str| {
        let mut group = TestGroup::with(config);
        let join = JoinRequest { protocol_type: protocol_type.into(), ..joining_classic("", &[]) };
        group.join(&join).unwrap();
        let refused = group.send(&joining("b")).expect_err("upgraded");
        assert_eq!(group.group.kind(), "classic");
        (refused.error, refused.message)
    };
    let because = |why: &str| {
        let message = format!("Cannot upgrade classic group g to consumer group because {why}.");
        (ErrorCode::GroupIdNotFound, message)
    };
    let config = GroupConfig::default();
    assert_eq!(refused(config.clone(), "connect"), because("the group does not use the consumer embedded protocol"));
    for migration in [MigrationPolicy::Disabled, MigrationPolicy::Downgrade] {
        let config = GroupConfig { migration, ..config.clone() };
        assert_eq!(refused(config, "consumer"), because("online upgrade is disabled"));
    }
    let full = refused(GroupConfig { consumer_max_size: 1, ..config }, "consumer");
    assert_eq!(full.0, ErrorCode::GroupMaxSizeReached);
}

#[test]
fn a_heartbeat_that_is_refused_upgrades_nothing() {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    let broken = ConsumerHeartbeat { regex: Some("t(".into()), ..joining("b") };
    assert_eq!(group.send(&broken).unwrap_err().error, ErrorCode::InvalidRegularExpression);
    assert_eq!((group.group.kind(), group.heartbeat(&me, 1)), ("classic", Ok(())));
}

#[test]
fn a_join_that_is_held_is_told_of_the_upgrade() {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    let held = group.start_join(&joining_classic("", &[]));
    assert!(group.joined(held).is_none());
    group.send(&joining("b")).unwrap();
    assert_eq!(group.joined(held).unwrap().unwrap_err().error, ErrorCode::RebalanceInProgress);
    assert_eq!(group.heartbeat(&me, 1), Err(ErrorCode::RebalanceInProgress));
    assert_eq!(group.group.consumer().describe(&group.config).members.len(), 3);
}

#[test]
fn a_classic_member_gives_up_and_takes_over_by_joining() {
    let (mut group, me) = upgraded();
    assert_eq!(group.heartbeat(&me, 1), Err(ErrorCode::RebalanceInProgress));
    assert_eq!(group.join(&joining_classic(&me, &[0, 1, 2, 3, 4, 5])).unwrap().generation, 1);
    let kept = group.sync(&me, 1, &[]).unwrap();
    assert_eq!(kept.len(), 3);
    assert_eq!(group.heartbeat(&me, 1), Err(ErrorCode::RebalanceInProgress), "it has to say that it gave them up");
    let joined = group.join(&joining_classic(&me, &kept)).unwrap();
    assert_eq!((joined.generation, &*joined.leader, joined.members.len()), (2, "", 0));
    assert_eq!(group.sync(&me, 2, &[]).unwrap(), kept);
    assert_eq!(group.heartbeat(&me, 2), Ok(()));
    assert_eq!(group.send(&beating("b", 2)).unwrap().assignment.map(|assigned| assigned.len()), Some(3));

    group.send(&beating("b", -1)).unwrap();
    assert_eq!((group.group.kind(), group.group.state()), ("classic", GroupState::PreparingRebalance));
    assert_eq!(group.join(&joining_classic(&me, &kept)).unwrap().generation, 3);
}

/// Lets the classic member send heartbeats and nothing else for longer than a rebalance may take.
fn outlast(group: &mut TestGroup, me: &str) {
    let mut epoch = 2;
    for _ in 0..9 {
        group.sleep(Duration::from_secs(9));
        epoch = group.send(&beating("b", epoch)).unwrap().epoch;
        let _ = group.heartbeat(me, 1);
    }
}

#[test]
fn a_classic_member_that_does_not_join_again_in_time_is_out() {
    let (mut group, me) = upgraded();
    outlast(&mut group, &me);
    assert_eq!(group.heartbeat(&me, 1), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_classic_member_that_does_not_ask_for_its_share_in_time_is_out() {
    let (mut group, me) = upgraded();
    group.join(&joining_classic(&me, &[0, 1, 2, 3, 4, 5])).unwrap();
    outlast(&mut group, &me);
    assert_eq!(group.heartbeat(&me, 1), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_session_that_ends_turns_the_group_back() {
    let (mut group, me) = upgraded();
    let start = group.now;
    while group.now < start + Duration::from_secs(45) {
        group.sleep(Duration::from_secs(5));
        let generation = group.group.describe_consumer(&group.config).map_or(1, |group| group.members[0].member.epoch);
        if group.heartbeat(&me, generation.min(1)) == Err(ErrorCode::RebalanceInProgress)
            && let Ok(joined) = group.join(&joining_classic(&me, &[0, 1, 2, 3, 4, 5]))
        {
            let _ = group.sync(&me, joined.generation, &[]);
        }
    }
    assert_eq!(group.group.kind(), "classic", "b was silent for its session");
}

#[test]
fn without_the_policy_a_group_of_classic_members_stays_a_consumer_group() {
    let mut group = TestGroup::with(GroupConfig { migration: MigrationPolicy::Upgrade, ..GroupConfig::default() });
    let me = group.classic_member();
    group.send(&joining("b")).unwrap();
    group.send(&beating("b", -1)).unwrap();
    assert_eq!(group.group.kind(), "consumer");
    let joined = group.join(&joining_classic(&me, &[0, 1, 2, 3, 4, 5])).unwrap();
    assert_eq!(group.sync(&me, joined.generation, &[]).unwrap().len(), 6);
}

#[test]
fn a_recovered_group_waits_for_its_members_and_no_longer() {
    let (mut group, me) = upgraded();
    group.group = std::mem::replace(&mut group.recovered, Group::new());
    group.recovered = Group::new();
    let copies = [ConsumerRecord::Removed].map(GroupRecord::Consumer);
    copies.iter().for_each(|record| group.recovered.replay(record));
    let mut alone = Group::new();
    std::mem::swap(&mut alone, &mut group.group);
    let wall_ms = 0;
    let world = World { group_id: "g", now: group.now, wall_ms, config: &group.config, topics: &group.topics };
    let mut turn = Turn::new(world);
    alone.loaded(&mut turn);
    assert_eq!(alone.next_deadline(), Some(group.now + group.config.consumer_session_timeout));
    assert_eq!(
        alone.heartbeat(Identity { member_id: &me, instance_id: None, generation: 1 }, &mut turn),
        Err(ErrorCode::RebalanceInProgress)
    );

    let mut classic = TestGroup::new();
    classic.classic_member();
    let mut recovered = std::mem::replace(&mut classic.recovered, Group::new());
    let mut turn =
        Turn::new(World { group_id: "g", now: group.now, wall_ms, config: &group.config, topics: &group.topics });
    recovered.loaded(&mut turn);
    assert_eq!(recovered.next_deadline(), Some(group.now + Duration::from_secs(10)));
    assert_eq!(recovered.state(), GroupState::Stable);
}
