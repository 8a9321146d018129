//! Offsets in transactions: staged, superseded, deleted, and never expired under a transaction's feet.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const NOBODY: Identity<'_> = Identity { member_id: "", instance_id: None, generation: -1 };

fn to_commit(topic: &str, offset: i64) -> OffsetToCommit<'_> {
    OffsetToCommit { topic, partition: 0, offset, leader_epoch: -1, metadata: "", retention: None }
}

impl TestGroup {
    fn stage(&mut self, producer_id: i64, topic: &str, offset: i64) {
        self.turn(|group, turn| group.stage_offset(producer_id, &to_commit(topic, offset), turn)).unwrap();
    }

    fn end(&mut self, producer_id: i64, committed: bool) {
        self.turn(|group, turn| group.end_transaction(producer_id, committed, turn));
    }

    fn plainly(&mut self, topic: &str, offset: i64) {
        self.turn(|group, turn| group.commit_offset(&to_commit(topic, offset), turn)).unwrap();
    }

    fn committed_in(&self, topic: &str) -> Option<i64> {
        self.group.offsets.get(topic, 0).map(|committed| committed.offset)
    }

    fn may_stage(&mut self, identity: Identity<'_>) -> Result<(), ErrorCode> {
        self.turn(|group, turn| group.validate_transactional_commit(identity, turn))
    }
}

#[test]
fn a_staged_offset_counts_when_its_transaction_is_committed_and_never_when_it_is_aborted() {
    let mut group = TestGroup::new();
    group.stage(1, "t", 5);
    assert_eq!((group.committed_in("t"), group.group.offsets.pending().contains("t", 0)), (None, true));
    group.end(2, true);
    assert_eq!(group.committed_in("t"), None, "another producer's transaction");
    group.end(1, true);
    assert_eq!((group.committed_in("t"), group.group.offsets.pending().is_empty()), (Some(5), true));
    group.stage(1, "t", 6);
    group.end(1, false);
    assert_eq!((group.committed_in("t"), group.group.offsets.pending().is_empty()), (Some(5), true));
}

#[test]
fn who_says_that_it_is_a_member_must_be_one_of_this_generation() {
    let mut group = TestGroup::new();
    assert_eq!(group.may_stage(NOBODY), Ok(()));
    let me = group.classic_member();
    assert_eq!(group.may_stage(NOBODY), Ok(()), "clients from before KIP-447 say nothing");
    let member = |member_id, generation| Identity { member_id, instance_id: None, generation };
    assert_eq!(group.may_stage(member(&me, 1)), Ok(()));
    assert_eq!(group.may_stage(member(&me, 0)), Err(ErrorCode::IllegalGeneration));
    assert_eq!(group.may_stage(member("nobody", 1)), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn what_a_transaction_is_about_to_replace_does_not_expire_nor_does_its_group() {
    let mut group = TestGroup::new();
    group.plainly("t", 1);
    group.plainly("other", 1);
    group.stage(1, "t", 2);
    group.sleep(RETENTION);
    let is_gone = group.turn(|group, turn| group.expire_offsets(turn));
    assert_eq!((is_gone, group.committed_in("t"), group.committed_in("other")), (false, Some(1), None));
    group.turn(|group, turn| group.forget_topics(&HashSet::from(["t"]), turn));
    assert!(group.group.offsets.pending().is_empty(), "a deleted topic takes what is staged along");
    assert!(group.turn(|group, turn| group.expire_offsets(turn)));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Stage(i64),
    End(i64, bool),
    Plainly,
    Delete,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_i64).prop_map(Step::Stage),
        3 => (0..3_i64, any::<bool>()).prop_map(|(producer, commit)| Step::End(producer, commit)),
        2 => Just(Step::Plainly),
        1 => Just(Step::Delete),
    ]
}

proptest! {
    /// Each commit has the number of its step for an offset, so the highest of those that count is the latest.
    #[test]
    fn of_all_commits_that_count_the_latest_is_the_groups(steps in prop::collection::vec(step(), 1..40)) {
        let mut group = TestGroup::new();
        let mut staged: BTreeMap<i64, i64> = BTreeMap::new();
        let mut latest = None;
        for (step, offset) in steps.into_iter().zip(1..) {
            match step {
                Step::Stage(producer) => {
                    group.stage(producer, "t", offset);
                    staged.insert(producer, offset);
                }
                Step::End(producer, commit) => {
                    group.end(producer, commit);
                    let ended = staged.remove(&producer).filter(|_| commit);
                    latest = latest.max(ended);
                }
                Step::Plainly => {
                    group.plainly("t", offset);
                    latest = Some(offset);
                }
                Step::Delete => {
                    group.turn(|group, turn| group.delete_offset("t", 0, turn)).unwrap();
                    staged.clear();
                    latest = None;
                }
            }
            prop_assert_eq!(group.committed_in("t"), latest);
            prop_assert_eq!(group.group.offsets.pending().contains("t", 0), !staged.is_empty());
        }
    }
}
