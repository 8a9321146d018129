use super::*;

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut group = TestGroup::new();
    let heard = group.join("a");
    assert_eq!((heard.epoch, heard.interval), (1, Duration::from_secs(5)));
    assert_eq!(heard.assignment, Some(t(&[0, 1, 2, 3, 4, 5])));
    assert_eq!(group.state(), ConsumerState::Stable);
    assert_eq!(group.beat("a", 1).assignment, None, "nothing is new");
    assert_eq!(group.beat("a", 1).epoch, 1);
}

#[test]
fn a_second_member_gets_what_the_first_gives_up_and_not_before() {
    let mut group = TestGroup::new();
    group.join("a");
    let b = group.join("b");
    assert_eq!((b.epoch, b.assignment), (2, Some(t(&[]))));
    assert_eq!(group.state(), ConsumerState::Reconciling);

    let a = group.beat("a", 1);
    let kept: Vec<i32> = a.assignment.clone().unwrap().iter().map(|(_, partition)| *partition).collect();
    assert_eq!((a.epoch, kept.len()), (1, 3), "the epoch stays until the rest is given up");
    assert_eq!(group.beat("b", 2).assignment, None);
    let a = group.own("a", 1, &kept);
    assert_eq!((a.epoch, a.assignment), (2, None));

    let b = group.beat("b", 2);
    assert_eq!(b.assignment.unwrap().len(), 3);
    assert_eq!(group.state(), ConsumerState::Stable);
}

#[test]
fn who_leaves_frees_partitions_for_the_next_heartbeat() {
    let mut group = TestGroup::new();
    group.join("a");
    group.join("b");
    let heard = group.send(&heartbeat("a", -1)).unwrap();
    assert_eq!((heard.epoch, heard.assignment), (-1, None));
    assert_eq!(group.state(), ConsumerState::Assigning);
    let b = group.beat("b", 2);
    assert_eq!((b.epoch, b.assignment), (3, Some(t(&[0, 1, 2, 3, 4, 5]))));
    assert_eq!(group.refused(&heartbeat("a", -1)), ErrorCode::UnknownMemberId);
}

#[test]
fn the_last_member_leaves_an_empty_group_that_takes_any_protocol() {
    let mut group = TestGroup::new();
    group.join("a");
    group.send(&heartbeat("a", -1)).unwrap();
    assert_eq!(group.state(), ConsumerState::Empty);
    assert_eq!(group.group.next_deadline(), None);
    assert_eq!(group.group.kind(), "consumer");
    group.join("b");
    assert_eq!(group.members(), ["b".into()]);
}

#[test]
fn a_silent_member_is_out_after_its_session() {
    let mut group = TestGroup::new();
    group.join("a");
    group.sleep(SESSION - Duration::from_millis(1));
    group.beat("a", 1);
    group.sleep(SESSION);
    assert_eq!(group.state(), ConsumerState::Empty);
    assert_eq!(group.refused(&heartbeat("a", 1)), ErrorCode::UnknownMemberId);
}

#[test]
fn a_member_that_does_not_give_up_partitions_in_time_is_out() {
    let mut group = TestGroup::new();
    group.join("a");
    group.join("b");
    group.beat("a", 1);
    for _ in 0..4 {
        group.sleep(REBALANCE / 4 - Duration::from_millis(1));
        group.own("a", 1, &[0, 1, 2, 3, 4, 5]);
        group.beat("b", 2);
    }
    group.sleep(Duration::from_millis(4));
    assert_eq!(group.members(), ["b".into()]);
    assert_eq!(group.beat("b", 2).assignment, Some(t(&[0, 1, 2, 3, 4, 5])));
}

#[test]
fn a_change_of_subscription_moves_the_group_on() {
    let mut group = TestGroup::new();
    group.topics.0.insert("u".into(), 2);
    group.join("a");
    let both = ConsumerHeartbeat { names: Some(["t".into(), "u".into()].into()), ..heartbeat("a", 1) };
    let heard = group.send(&both).unwrap();
    assert_eq!((heard.epoch, heard.assignment.unwrap().len()), (2, 8));
    assert_eq!(group.send(&ConsumerHeartbeat { epoch: 2, ..both }).unwrap().epoch, 2, "the same again is no change");
}

#[test]
fn new_partitions_and_new_topics_are_noticed() {
    let mut group = TestGroup::new();
    let waiting = ConsumerHeartbeat { names: Some(["t".into(), "later".into()].into()), ..joining("a") };
    group.send(&waiting).unwrap();
    group.topics.0.insert("t".into(), 8);
    let heard = group.beat("a", 1);
    assert_eq!((heard.epoch, heard.assignment.unwrap().len()), (2, 8));
    group.topics.0.insert("later".into(), 1);
    assert_eq!(group.beat("a", 2).assignment.unwrap().len(), 9);
    group.topics.0.remove("t");
    group.own("a", 3, &[]);
    assert_eq!(group.beat("a", 4).epoch, 4);
    assert_eq!(group.describe().members[0].member.assigned.len(), 1);
}

#[test]
fn a_pattern_must_fit_the_whole_name() {
    let mut group = TestGroup::new();
    for (name, partitions) in [("orders", 1), ("orders-retry", 1), ("my-orders", 1)] {
        group.topics.0.insert(name.into(), partitions);
    }
    let by_pattern = ConsumerHeartbeat { names: None, regex: Some("orders.*".into()), ..joining("a") };
    let heard = group.send(&by_pattern).unwrap();
    assert_eq!((heard.epoch, heard.assignment), (1, Some(t(&[]))), "it is looked up when this is answered");
    let heard = group.beat("a", 1);
    let expected = [(topic_id("orders"), 0), (topic_id("orders-retry"), 0)];
    assert_eq!(heard.assignment.unwrap(), expected.into());
    group.topics.0.insert("orders-new".into(), 1);
    assert_eq!(group.beat("a", 2).assignment, None);
    assert_eq!(group.beat("a", 2).assignment.unwrap().len(), 3);

    let broken = ConsumerHeartbeat { regex: Some("orders(".into()), ..heartbeat("a", 3) };
    assert_eq!(group.refused(&broken), ErrorCode::InvalidRegularExpression);
}

#[test]
fn most_members_choose_the_assignor() {
    let mut group = TestGroup::new();
    let asking =
        |member: &str, assignor: &str| ConsumerHeartbeat { assignor: Some(assignor.into()), ..joining(member) };
    group.send(&asking("a", "range")).unwrap();
    assert_eq!(group.describe().assignor, "range");
    group.send(&asking("b", "uniform")).unwrap();
    assert_eq!(group.describe().assignor, "uniform");
    assert_eq!(group.refused(&asking("c", "sticky")), ErrorCode::UnsupportedAssignor);
    assert_eq!(group.members().len(), 2);
}

#[test]
fn what_a_first_heartbeat_must_say_is_checked() {
    let mut group = TestGroup::new();
    let whole = joining("a");
    for incomplete in [
        ConsumerHeartbeat { member_id: "".into(), ..whole.clone() },
        ConsumerHeartbeat { rebalance_timeout: None, ..whole.clone() },
        ConsumerHeartbeat { owned: None, ..whole.clone() },
        ConsumerHeartbeat { owned: Some(t(&[1])), ..whole.clone() },
        ConsumerHeartbeat { names: None, ..whole.clone() },
        ConsumerHeartbeat { instance_id: Some("".into()), ..whole.clone() },
        ConsumerHeartbeat { epoch: -2, ..whole.clone() },
        ConsumerHeartbeat { epoch: -3, ..whole },
    ] {
        assert_eq!(group.refused(&incomplete), ErrorCode::InvalidRequest, "{incomplete:?}");
    }
    assert_eq!(group.group.kind(), "classic", "nothing of this made a consumer group");
}
