//! Which assignor a group uses.

use super::*;

/// The assignor a group tells of, and how many partitions each member shall have, when `a` subscribes to two topics of two
/// partitions and then `b` to one of them, each asking for an assignor.
fn assigned(case: &mut Case<'_>, other: &str, a: &str, b: &str) -> (String, Vec<usize>) {
    case.group = unique("g");
    let both = vec![TopicName(text(&case.topic)), TopicName(text(other))];
    for (id, assignor, topics) in [("a", a, both.clone()), ("b", b, both[..1].to_vec())] {
        let join = case.joining(ConsumerGroupHeartbeatRequest::default());
        let (error, _, _) = case.beat(|request| {
            request
                .with_member_id(text(id))
                .with_rebalance_timeout_ms(join.rebalance_timeout_ms)
                .with_subscribed_topic_names(Some(topics))
                .with_server_assignor(Some(text(assignor)))
                .with_topic_partitions(join.topic_partitions)
        });
        assert_eq!(error, 0);
    }
    case.settle();
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![case.group_id()]);
    let mut group = case.client.call(1, &request).groups.remove(0);
    group.members.sort_by_key(|member| member.member_id.clone());
    let counts = group
        .members
        .iter()
        .map(|member| member.target_assignment.topic_partitions.iter().map(|topic| topic.partitions.len()).sum());
    (group.assignor_name.to_string(), counts.collect())
}

#[test]
fn among_equals_the_newcomers_assignor_is_used_and_kafkas_first_is_told() {
    on_each(|case| {
        let first = case.topic.clone();
        let other = unique("groups");
        case.topic.clone_from(&other);
        case.create_topic();
        case.await_topic();
        case.topic = first;
        let shown = |assignor: &str, counts: [usize; 2]| (assignor.to_owned(), counts.to_vec());
        assert_eq!(assigned(case, &other, "uniform", "range"), shown("uniform", [3, 1]));
        assert_eq!(assigned(case, &other, "range", "uniform"), shown("uniform", [2, 2]));
        assert_eq!(assigned(case, &other, "uniform", "uniform"), shown("uniform", [2, 2]));
        assert_eq!(assigned(case, &other, "range", "range"), shown("range", [3, 1]));
    });
}
