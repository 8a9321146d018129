use super::*;

fn joining_as(instance: &str, member: &str) -> ConsumerHeartbeat {
    ConsumerHeartbeat { instance_id: Some(instance.into()), ..joining(member) }
}

fn beating_as(instance: &str, member: &str, epoch: i32) -> ConsumerHeartbeat {
    ConsumerHeartbeat { instance_id: Some(instance.into()), ..heartbeat(member, epoch) }
}

#[test]
fn a_static_member_that_comes_back_has_what_it_had() {
    let mut group = TestGroup::new();
    group.send(&joining_as("one", "a")).unwrap();
    assert_eq!(group.send(&beating_as("one", "a", -2)).unwrap().epoch, -2);
    assert_eq!(group.members(), ["a".into()], "its place is kept");
    group.sleep(SESSION / 2);
    let back = group.send(&joining_as("one", "a2")).unwrap();
    assert_eq!((back.epoch, back.assignment), (1, Some(t(&[0, 1, 2, 3, 4, 5]))));
    assert_eq!((group.members(), group.state()), (vec!["a2".into()], ConsumerState::Stable));
}

#[test]
fn others_do_not_get_what_is_kept_for_a_static_member() {
    let mut group = TestGroup::new();
    group.send(&joining_as("one", "a")).unwrap();
    group.send(&beating_as("one", "a", -2)).unwrap();
    assert_eq!(group.join("b").assignment, Some(t(&[])));
    group.sleep(SESSION / 2);
    group.beat("b", 2);
    group.sleep(SESSION / 2);
    assert_eq!(group.beat("b", 2).assignment, Some(t(&[0, 1, 2, 3, 4, 5])), "its session is over");
}

#[test]
fn an_instance_that_is_there_cannot_be_taken_over() {
    let mut group = TestGroup::new();
    group.send(&joining_as("one", "a")).unwrap();
    assert_eq!(group.refused(&joining_as("one", "b")), ErrorCode::UnreleasedInstanceId);
    assert_eq!(group.members(), ["a".into()]);
}

#[test]
fn the_former_self_is_fenced() {
    let mut group = TestGroup::new();
    group.send(&joining_as("one", "a")).unwrap();
    group.send(&beating_as("one", "a", -2)).unwrap();
    group.send(&joining_as("one", "a2")).unwrap();
    assert_eq!(group.refused(&beating_as("one", "a", 1)), ErrorCode::FencedInstanceId);
    assert_eq!(group.refused(&beating_as("one", "a", -1)), ErrorCode::FencedInstanceId);
    assert_eq!(group.refused(&beating_as("two", "a", 1)), ErrorCode::UnknownMemberId);
}

#[test]
fn a_static_member_can_leave_for_good() {
    let mut group = TestGroup::new();
    group.send(&joining_as("one", "a")).unwrap();
    assert_eq!(group.send(&beating_as("one", "a", -1)).unwrap().epoch, -1);
    assert_eq!(group.state(), ConsumerState::Empty);
}
