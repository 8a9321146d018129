//! A cluster that starts as a whole, with logs that are what they were or less.

use proptest::prelude::*;

use super::super::*;

fn found(node: i32, newest_epoch: i32, end: i64) -> Found {
    Found { node, newest_epoch, end }
}

fn remembered(leader: Option<i32>, in_sync: &[i32], eligible: &[i32], last_leader: Option<i32>) -> Remembered {
    let assignment = Assignment::of(vec![1, 2, 3, 4]);
    Remembered {
        assignment,
        leader,
        leader_epoch: 3,
        in_sync: in_sync.to_vec(),
        eligible: eligible.to_vec(),
        last_leader,
    }
}

#[test]
fn whoever_led_leads_on_unless_another_in_sync_has_more_of_the_log() {
    let past = remembered(Some(2), &[1, 2, 3], &[], None);
    let leader = |logs: [Found; 3]| past.choose(&logs).leader;
    assert_eq!(leader([found(1, 2, 9), found(2, 2, 9), found(3, 2, 9)]), Some(2));
    assert_eq!(leader([found(1, 2, 8), found(2, 2, 7), found(3, 2, 7)]), Some(1));
    assert_eq!(leader([found(1, 1, 99), found(2, 2, 7), found(3, 2, 7)]), Some(2), "an older epoch is less");
}

#[test]
fn nobody_leads_who_was_not_in_sync_unless_nothing_is_acknowledged_that_it_lacks() {
    let logs = [found(1, 2, 9), found(2, 2, 5)];
    assert_eq!(remembered(Some(2), &[2], &[], None).choose(&logs).leader, Some(2));
    assert_eq!(remembered(None, &[3], &[2], None).choose(&logs).leader, Some(2));
    assert_eq!(remembered(None, &[], &[], Some(1)).choose(&logs).leader, Some(1));
    let nobody = remembered(None, &[3], &[], None).choose(&logs);
    assert_eq!((nobody.leader, nobody.log_of), (None, Some(1)), "there is a log, and it is for an unclean election");
}

#[test]
fn who_has_less_than_the_leader_is_not_in_sync_any_more() {
    let next = remembered(Some(1), &[1, 2, 3], &[], None).next(Some(1), 4, |id| id != 3);
    assert_eq!(next, Remembered { leader_epoch: 4, ..remembered(Some(1), &[1, 2], &[], None) });
    let next = remembered(None, &[], &[2], Some(1)).next(Some(2), 4, |_| true);
    assert_eq!(next, Remembered { leader_epoch: 4, ..remembered(Some(2), &[2], &[], None) });
}

proptest! {
    /// Replicas in sync have all that is acknowledged, whatever each has more; and of one of them everything is left.
    #[test]
    fn what_is_acknowledged_is_there_as_long_as_one_replica_in_sync_has_it_whole(
        acknowledged in 0..20_i64,
        more in proptest::collection::vec(0..5_i64, 4),
        left in proptest::collection::vec(0..25_i64, 4),
        in_sync in proptest::sample::subsequence(vec![1, 2, 3, 4], 1..=4),
        leader in 0..4_usize,
        whole in 0..4_usize,
    ) {
        let leader = in_sync[leader % in_sync.len()];
        let whole = in_sync[whole % in_sync.len()];
        let logs: Vec<Found> = (1..=4).zip(more.iter().zip(&left)).map(|(node, (more, left))| {
            let had = if in_sync.contains(&node) { acknowledged + more } else { acknowledged / 2 };
            found(node, 1, if node == whole { had } else { had.min(*left) })
        }).collect();
        let chosen = remembered(Some(leader), &in_sync, &[], None).choose(&logs);
        let id = chosen.leader.expect("one in sync is there");
        prop_assert!(in_sync.contains(&id) && chosen.log_of == Some(id));
        let end = logs.iter().find(|log| log.node == id).expect("one of them").end;
        prop_assert!(end >= acknowledged, "{end} of {acknowledged}");
    }
}
