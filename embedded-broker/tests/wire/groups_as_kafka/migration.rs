//! Groups that change their protocol while members are in them.

use super::*;

/// Error, member id, generation, leader and protocol of an answer to JoinGroup.
fn told(response: &JoinGroupResponse) -> (i16, i32, &str, Option<&str>, usize) {
    let protocol = response.protocol_name.as_deref();
    (response.error_code, response.generation_id, response.leader.as_str(), protocol, response.members.len())
}

impl Case<'_> {
    /// Member id, epoch, type and number of assigned partitions of each member; the group's state and epochs.
    fn described(&mut self) -> (String, i32, i32, Vec<(i32, i8, usize)>) {
        self.settle();
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![self.group_id()]);
        let group = self.client.call(1, &request).groups.remove(0);
        let count = |member: &kafka_protocol::messages::consumer_group_describe_response::Member| {
            member.assignment.topic_partitions.iter().map(|topic| topic.partitions.len()).sum()
        };
        let mut members: Vec<_> = group.members.iter().map(|m| (m.member_epoch, m.member_type, count(m))).collect();
        members.sort_unstable();
        (group.group_state.to_string(), group.group_epoch, group.assignment_epoch, members)
    }

    fn join_with(&mut self, me: &StrBytes, owned: &[i32]) -> JoinGroupResponse {
        let request = self.join_owning(me, None, owned);
        self.client.call(9, &request)
    }

    /// A classic member that has both partitions.
    fn classic_member(&mut self) -> StrBytes {
        let joined = self.join(9, None);
        assert_eq!(joined.error_code, 0);
        let share = self.assignment(&[0, 1]);
        assert_eq!(self.sync_sharing(&joined.member_id, 1, share).0, 0);
        joined.member_id
    }

    fn join_beat(&mut self, id: &str) -> Beat {
        let join = self.joining(ConsumerGroupHeartbeatRequest::default());
        let id = text(id);
        self.beat(|request| {
            request
                .with_member_id(id)
                .with_rebalance_timeout_ms(join.rebalance_timeout_ms)
                .with_subscribed_topic_names(join.subscribed_topic_names)
                .with_topic_partitions(join.topic_partitions)
        })
    }
}

const REBALANCE: i16 = 27;

#[test]
fn a_group_is_upgraded_and_downgraded_while_its_members_work() {
    on_each(|case| {
        let me = case.classic_member();
        assert_eq!(case.join_beat("b"), (0, 2, Some(vec![])));
        assert_eq!(case.listed(), Some(("consumer".into(), "Reconciling".into(), "consumer".into())));
        assert_eq!(case.described(), ("Reconciling".into(), 2, 2, vec![(1, 0, 2), (2, 1, 0)]));

        assert_eq!(case.heartbeat(&me, 1, None), REBALANCE);
        let share = case.assignment(&[0, 1]);
        assert_eq!(case.sync_sharing(&me, 1, share).0, REBALANCE);
        assert_eq!(case.heartbeat(&me, 2, None), ErrorCode::IllegalGeneration.code());
        assert_eq!(case.commit(8, 1, &me, 0), 0, "members of the classic protocol commit as before");
        assert_eq!(case.commit(9, 2, &me, 0), ErrorCode::IllegalGeneration.code());

        let joined = case.join_with(&me, &[0, 1]);
        assert_eq!(told(&joined), (0, 1, "", Some("range"), 0));
        let kept = [case.assignment(&[0]), case.assignment(&[1])];
        let (error, share) = case.sync(&me, 1);
        assert_eq!(error, 0);
        let kept =
            i32::try_from(kept.iter().position(|one| *one == share).expect("one partition is kept")).unwrap_or(-1);
        assert_eq!(case.heartbeat(&me, 1, None), REBALANCE, "it is to say that it has given up the other");
        let joined = case.join_with(&me, &[kept]);
        assert_eq!(told(&joined), (0, 2, "", Some("range"), 0));
        assert_eq!(case.sync(&me, 2), (0, share));
        assert_eq!(case.heartbeat(&me, 2, None), 0);
        let beat = case.beat(|request| request.with_member_id(text("b")).with_member_epoch(2));
        assert_eq!(beat, (0, 2, Some(vec![1 - kept])));
        assert_eq!(case.described(), ("Stable".into(), 2, 2, vec![(2, 0, 1), (2, 1, 1)]));

        assert_eq!(case.beat(|request| request.with_member_id(text("b")).with_member_epoch(-1)), (0, -1, None));
        assert_eq!(case.listed(), Some(("consumer".into(), "PreparingRebalance".into(), "classic".into())));
        assert_eq!(case.heartbeat(&me, 2, None), REBALANCE);
        let joined = case.join_with(&me, &[kept]);
        assert_eq!(told(&joined), (0, 3, me.as_str(), Some("range"), 1));
        let all = case.assignment(&[0, 1]);
        assert_eq!(case.sync_sharing(&me, 3, all.clone()), (0, all));
        assert_eq!(case.listed(), Some(("consumer".into(), "Stable".into(), "classic".into())));
        assert_eq!(case.leave(&me), (0, vec![0]));
    });
}

#[test]
fn a_classic_member_comes_into_a_consumer_group() {
    on_each(|case| {
        assert_eq!(case.join_beat("a"), (0, 1, Some(vec![0, 1])));
        let asked = case.join_request(&text(""), None);
        let asked = case.client.call(9, &asked);
        assert_eq!(asked.error_code, ErrorCode::MemberIdRequired.code());
        assert!(!asked.member_id.is_empty());
        let me = asked.member_id;
        let joined = case.join_with(&me, &[]);
        assert_eq!(told(&joined), (0, 2, "", Some("range"), 0));
        assert_eq!(joined.member_id, me);
        let nothing = Bytes::from_static(&[0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(case.sync(&me, 2), (0, nothing), "the other has not given up anything yet");
        assert_eq!(case.heartbeat(&me, 2, None), 0, "nor has it now");

        let other_type = case.join_request(&me, None).with_protocol_type(text("connect"));
        let inconsistent = ErrorCode::InconsistentGroupProtocol.code();
        assert_eq!(case.client.call(9, &other_type).error_code, inconsistent);
        let unknown = ErrorCode::UnknownMemberId.code();
        assert_eq!(case.heartbeat(&text("a"), 1, None), unknown, "a does not speak this protocol");
        assert_eq!(case.sync(&text("nobody"), 2).0, unknown);

        assert_eq!(case.leave(&me), (0, vec![0]));
        assert_eq!(case.leave(&text("a")), (0, vec![0]), "LeaveGroup takes out members of both protocols");
        assert_eq!(case.listed(), Some(("consumer".into(), "Empty".into(), "consumer".into())));
    });
}

#[test]
fn a_static_member_changes_its_protocol_both_ways() {
    on_each(|case| {
        let first = case.join(9, Some("one"));
        let share = case.assignment(&[0, 1]);
        let request = SyncGroupRequest::default()
            .with_group_id(case.group_id())
            .with_generation_id(1)
            .with_member_id(first.member_id.clone())
            .with_group_instance_id(Some(text("one")))
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range")))
            .with_assignments(vec![
                SyncGroupRequestAssignment::default().with_member_id(first.member_id).with_assignment(share.clone()),
            ]);
        assert_eq!(case.client.call(5, &request).error_code, 0);
        let join = case.joining(ConsumerGroupHeartbeatRequest::default());
        let beat = case.beat(|request| {
            request
                .with_member_id(text("b"))
                .with_instance_id(Some(text("one")))
                .with_rebalance_timeout_ms(join.rebalance_timeout_ms)
                .with_subscribed_topic_names(join.subscribed_topic_names)
                .with_topic_partitions(join.topic_partitions)
        });
        assert_eq!(beat, (0, 1, Some(vec![0, 1])), "it has what its former self had");
        assert_eq!(case.described(), ("Stable".into(), 1, 1, vec![(1, 1, 2)]));

        let back = case.join(9, Some("one"));
        assert_eq!(told(&back), (0, 1, "", Some("range"), 0));
        assert_eq!(case.listed(), Some(("consumer".into(), "Stable".into(), "classic".into())));
        assert_eq!(case.heartbeat(&back.member_id, 1, Some("one")), 0);
        let request = request.with_member_id(back.member_id.clone());
        assert_eq!(case.client.call(5, &request).assignment, share);
        assert_eq!(case.leave(&back.member_id), (0, vec![0]));
    });
}
