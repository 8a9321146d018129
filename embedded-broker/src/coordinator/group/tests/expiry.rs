use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl TestGroup {
    fn expire(&mut self) -> bool {
        self.turn(|group, turn| group.expire_offsets(turn))
    }

    fn has(&self, topic: &str) -> bool {
        self.group.offsets.get(topic, 0).is_some()
    }
}

#[test]
fn a_simple_consumers_offsets_expire_one_by_one_and_the_group_with_the_last() {
    let mut group = TestGroup::new();
    group.commit("old", "", -1).unwrap();
    group.sleep(HOUR);
    group.commit("new", "", -1).unwrap();
    group.sleep(RETENTION - HOUR - Duration::from_millis(1));
    assert!(!group.expire() && group.has("old"));
    group.sleep(Duration::from_millis(1));
    assert!(!group.expire() && !group.has("old") && group.has("new"));
    group.sleep(HOUR);
    assert!(group.expire(), "nothing keeps the group");
}

#[test]
fn the_offsets_of_a_group_expire_together_after_its_last_member_has_gone() {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    group.commit("other", &me, 1).unwrap();
    group.sleep(Duration::from_secs(9));
    group.leave(&me).unwrap();
    group.sleep(RETENTION - Duration::from_secs(1));
    assert!(!group.expire() && group.has("other"), "it counts from when the group was left");
    group.sleep(Duration::from_secs(1));
    assert!(group.expire() && !group.has("other"));
}

#[test]
fn a_group_that_works_loses_only_offsets_of_topics_it_does_not_read() {
    let config = GroupConfig { max_session_timeout: Duration::MAX, ..GroupConfig::default() };
    let long = JoinRequest { session_timeout: 2 * RETENTION, ..joining_classic("", &[]) };
    let mut group = TestGroup::with(config);
    let me = group.join(&long).unwrap().member_id;
    group.sync(&me, 1, &[]).unwrap();
    for topic in ["t", "other"] {
        group.commit(topic, &me, 1).unwrap();
    }
    group.sleep(RETENTION);
    assert!(!group.expire());
    assert!(group.has("t") && !group.has("other"));
}

#[test]
fn a_rebalance_and_another_protocol_keep_all_offsets() {
    let config = GroupConfig { max_session_timeout: Duration::MAX, ..GroupConfig::default() };
    for (protocol_type, syncs) in [("consumer", false), ("connect", true)] {
        let mut group = TestGroup::with(config.clone());
        let plain = joining_classic("", &[]);
        let join = JoinRequest { protocol_type: protocol_type.into(), session_timeout: 2 * RETENTION, ..plain };
        let me = group.join(&JoinRequest { rebalance_timeout: 2 * RETENTION, ..join }).unwrap().member_id;
        group.sync(&me, 1, &[]).unwrap();
        group.commit("other", &me, 1).unwrap();
        if !syncs {
            group.turn(|group, turn| assert!(group.rebalance(turn)));
        }
        group.sleep(RETENTION);
        assert!(!group.expire() && group.has("other"), "{protocol_type}");
    }
}

#[test]
fn a_consumer_groups_offsets_expire_by_their_commits_unless_the_topic_is_read() {
    let config = GroupConfig { consumer_session_timeout: Duration::MAX / 2, ..GroupConfig::default() };
    let mut group = TestGroup::with(config);
    group.send(&joining("a")).unwrap();
    for topic in ["t", "other"] {
        group.commit(topic, "a", 1).unwrap();
    }
    group.sleep(RETENTION);
    assert!(!group.expire() && group.has("t") && !group.has("other"));
    group.send(&beating("a", -1)).unwrap();
    assert!(group.expire() && !group.has("t"), "nobody reads it any more, and its commit is old");
}

#[test]
fn a_commit_may_bring_its_own_time() {
    let mut group = TestGroup::new();
    let retention = Some(HOUR);
    let offset = OffsetToCommit { topic: "t", partition: 0, offset: 1, leader_epoch: -1, metadata: "", retention };
    group.turn(|group, turn| group.commit_offset(&offset, turn)).unwrap();
    group.sleep(HOUR - Duration::from_millis(1));
    assert!(!group.expire());
    group.sleep(Duration::from_millis(1));
    assert!(group.expire());
}

#[test]
fn an_empty_group_without_offsets_goes_at_the_next_look() {
    let mut group = TestGroup::new();
    let ask = JoinRequest { can_rejoin_with_id: true, ..joining_classic("", &[]) };
    assert_eq!(group.join(&ask).unwrap_err().error, ErrorCode::MemberIdRequired);
    assert!(group.group.exists());
    assert!(group.expire());
    let mut group = TestGroup::new();
    group.classic_member();
    assert!(!group.expire(), "members keep it");
}
