//! A group whose coordinator is another from one request to the next.

use super::*;

const SESSION: Duration = Duration::from_secs(10);

impl TestGroup {
    /// Another node takes the group over, and has read it at once.
    pub(super) fn hand_over(&mut self) {
        self.turn(|group, turn| group.unload(turn));
        self.turn(|group, turn| group.loaded(turn));
    }

    fn member_ids(&self) -> Vec<String> {
        let members = self.group.describe_classic().expect("a classic group").members;
        members.into_iter().map(|member| member.member_id.to_string()).collect()
    }
}

#[test]
fn members_of_a_stable_group_go_on_in_their_generation_with_sessions_that_begin_anew() {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    group.sleep(SESSION - Duration::from_millis(1));
    group.hand_over();
    group.sleep(SESSION - Duration::from_millis(1));
    assert_eq!(group.heartbeat(&me, 1), Ok(()));
    group.hand_over();
    group.sleep(SESSION);
    assert_eq!(group.heartbeat(&me, 1), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn who_waits_for_others_to_join_is_sent_to_the_other_coordinator_which_knows_the_generation_before() {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    let waiting = group.start_join(&joining_classic("", &[]));
    assert_eq!(group.group.state(), GroupState::PreparingRebalance);
    group.hand_over();
    let refused = group.joined(waiting).expect("an answer").expect_err("it is not in");
    assert_eq!(refused.error, ErrorCode::NotCoordinator);
    assert!(!refused.member_id.is_empty(), "it is told the id that the old coordinator gave it");
    assert_eq!((group.group.state(), group.member_ids()), (GroupState::Stable, vec![me.to_string()]));
    assert_eq!(group.heartbeat(&me, 1), Ok(()));
    let stranger = group.join(&joining_classic(&refused.member_id, &[])).expect_err("nobody knows the id any more");
    assert_eq!(stranger.error, ErrorCode::UnknownMemberId);
}

#[test]
fn who_waits_for_its_share_is_sent_to_the_other_coordinator_which_knows_the_generation_before() {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    let other = group.start_join(&joining_classic("", &[]));
    let leads = group.join(&joining_classic(&me, &[])).expect("both are there");
    let other = group.joined(other).expect("both are there").expect("it is in").member_id;
    assert_eq!((leads.leader, leads.generation), (Arc::clone(&me), 2));
    let waiting = group.start_sync(&other, 2, &[]);
    group.hand_over();
    assert_eq!(group.synced(waiting).expect("an answer").unwrap_err(), ErrorCode::NotCoordinator);
    assert_eq!((group.group.state(), group.member_ids()), (GroupState::Stable, vec![me.to_string()]));
    assert_eq!(group.heartbeat(&me, 2), Err(ErrorCode::IllegalGeneration), "it has never heard of it");
    assert_eq!(group.heartbeat(&other, 2), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn ids_that_were_handed_out_and_not_used_are_forgotten() {
    let mut group = TestGroup::new();
    let first = JoinRequest { can_rejoin_with_id: true, ..joining_classic("", &[]) };
    let told = group.join(&first).expect_err("it is told an id");
    assert_eq!(told.error, ErrorCode::MemberIdRequired);
    group.hand_over();
    let late = group.join(&joining_classic(&told.member_id, &[])).expect_err("nobody knows the id any more");
    assert_eq!(late.error, ErrorCode::UnknownMemberId);
}

#[test]
fn members_of_a_consumer_group_keep_their_epochs_and_partitions() {
    let mut group = TestGroup::new();
    let heard = group.send(&joining("m")).expect("it is in");
    let before = group.group.describe_consumer(&group.config);
    group.sleep(group.config.consumer_session_timeout - Duration::from_millis(1));
    group.hand_over();
    assert_eq!(group.group.describe_consumer(&group.config), before);
    group.sleep(group.config.consumer_session_timeout - Duration::from_millis(1));
    assert_eq!(group.send(&beating("m", heard.epoch)).expect("it is in").epoch, heard.epoch);
    group.hand_over();
    group.sleep(group.config.consumer_session_timeout);
    assert_eq!(group.send(&beating("m", heard.epoch)).unwrap_err().error, ErrorCode::UnknownMemberId);
}

#[test]
fn offsets_stay_those_of_open_transactions_as_well() {
    let mut group = TestGroup::new();
    group.commit("t", "", -1).expect("anybody may");
    let staged =
        OffsetToCommit { topic: "u", partition: 0, offset: 7, leader_epoch: -1, metadata: "", retention: None };
    group.turn(|group, turn| group.stage_offset(3, &staged, turn)).expect("anybody may");
    let before = group.group.offsets.clone();
    group.hand_over();
    assert_eq!(group.group.offsets, before);
    group.turn(|group, turn| group.end_transaction(3, true, turn));
    assert_eq!(group.group.offsets.get("u", 0).map(|committed| committed.offset), Some(7));
}

#[test]
fn nothing_happens_in_a_group_that_nobody_coordinates() {
    let mut group = TestGroup::new();
    let me = group.classic_member();
    group.start_join(&joining_classic("", &[]));
    group.turn(|group, turn| group.unload(turn));
    assert_eq!(group.group.next_deadline(), None);
    group.sleep(Duration::from_secs(3600));
    group.turn(|group, turn| group.loaded(turn));
    assert_eq!(group.heartbeat(&me, 1), Ok(()));
}
