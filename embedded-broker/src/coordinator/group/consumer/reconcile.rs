//! The next step of one member towards its target: revoke before assign, and never two owners.

use super::member::{ConsumerMember, MemberState, TopicPartitions};

/// Where a member is to go.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) epoch: i32,
    pub(super) partitions: &'a TopicPartitions,
}

/// The member after one step. `owned` is what it says it still has, `is_free` whether nobody holds a partition.
pub(super) fn reconcile(
    member: &ConsumerMember,
    target: &Target<'_>,
    owned: Option<&TopicPartitions>,
    is_free: impl Fn(&(uuid::Uuid, i32)) -> bool,
) -> ConsumerMember {
    match member.state {
        MemberState::Stable if member.epoch == target.epoch => member.clone(),
        MemberState::UnrevokedPartitions if still_owns(owned, &member.pending_revocation) => member.clone(),
        // It has given up what its epoch asked for, so whatever comes next is another epoch.
        MemberState::UnrevokedPartitions => step(member, member.epoch + 1, target, owned, is_free),
        MemberState::Stable | MemberState::UnreleasedPartitions => step(member, member.epoch, target, owned, is_free),
    }
}

fn step(
    member: &ConsumerMember,
    epoch: i32,
    target: &Target<'_>,
    owned: Option<&TopicPartitions>,
    is_free: impl Fn(&(uuid::Uuid, i32)) -> bool,
) -> ConsumerMember {
    let kept: TopicPartitions = member.assigned.intersection(target.partitions).copied().collect();
    let revoked: TopicPartitions = member.assigned.difference(target.partitions).copied().collect();
    let mut next = ConsumerMember { previous_epoch: member.epoch, epoch, ..member.clone() };
    if !revoked.is_empty() && still_owns(owned, &revoked) {
        next.state = MemberState::UnrevokedPartitions;
        next.assigned = kept;
        next.pending_revocation = revoked;
        return next;
    }
    let wanted = target.partitions.difference(&kept).copied();
    let (free, unreleased): (Vec<_>, Vec<_>) = wanted.partition(is_free);
    next.state = if unreleased.is_empty() { MemberState::Stable } else { MemberState::UnreleasedPartitions };
    next.assigned = kept;
    next.assigned.extend(free);
    next.pending_revocation.clear();
    next.epoch = target.epoch;
    next
}

/// A member that does not say what it has is taken to have everything.
fn still_owns(owned: Option<&TopicPartitions>, revoked: &TopicPartitions) -> bool {
    owned.is_none_or(|owned| !owned.is_disjoint(revoked))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn set(partitions: &[i32]) -> TopicPartitions {
        partitions.iter().map(|&partition| (Uuid::nil(), partition)).collect()
    }

    fn member(state: MemberState, assigned: &[i32], pending: &[i32]) -> ConsumerMember {
        ConsumerMember {
            epoch: 5,
            previous_epoch: 4,
            state,
            assigned: set(assigned),
            pending_revocation: set(pending),
            ..ConsumerMember::new(&"m".into())
        }
    }

    /// Epoch, state, assigned and pending partitions after a step towards epoch 6.
    fn check(
        member: &ConsumerMember,
        target: &[i32],
        owned: Option<&[i32]>,
        held_by_others: &[i32],
        expected: (i32, MemberState, &[i32], &[i32]),
    ) {
        let (partitions, owned) = (set(target), owned.map(set));
        let target = Target { epoch: 6, partitions: &partitions };
        let next = reconcile(member, &target, owned.as_ref(), |p| !held_by_others.contains(&p.1));
        let (epoch, state, assigned, pending) = expected;
        assert_eq!((next.epoch, next.state), (epoch, state));
        assert_eq!((next.assigned, next.pending_revocation), (set(assigned), set(pending)));
    }

    use MemberState::{Stable, UnreleasedPartitions, UnrevokedPartitions};

    #[test]
    fn a_member_at_its_target_stays() {
        let there = ConsumerMember { epoch: 6, ..member(Stable, &[1], &[]) };
        check(&there, &[1, 2], None, &[], (6, Stable, &[1], &[]));
    }

    #[test]
    fn free_partitions_are_taken_at_once() {
        check(&member(Stable, &[1], &[]), &[1, 2], None, &[], (6, Stable, &[1, 2], &[]));
    }

    #[test]
    fn partitions_are_given_up_before_the_epoch_moves() {
        check(&member(Stable, &[1, 2], &[]), &[1, 3], None, &[], (5, UnrevokedPartitions, &[1], &[2]));
        check(&member(Stable, &[1, 2], &[]), &[1, 3], Some(&[1, 2]), &[], (5, UnrevokedPartitions, &[1], &[2]));
    }

    #[test]
    fn what_the_member_no_longer_has_needs_no_revocation() {
        check(&member(Stable, &[1, 2], &[]), &[1, 3], Some(&[1]), &[], (6, Stable, &[1, 3], &[]));
    }

    #[test]
    fn a_revocation_is_waited_for() {
        let revoking = member(UnrevokedPartitions, &[1], &[2]);
        check(&revoking, &[1, 3], None, &[], (5, UnrevokedPartitions, &[1], &[2]));
        check(&revoking, &[1, 3], Some(&[1, 2]), &[], (5, UnrevokedPartitions, &[1], &[2]));
        check(&revoking, &[1, 3], Some(&[1]), &[], (6, Stable, &[1, 3], &[]));
    }

    #[test]
    fn what_others_hold_is_waited_for() {
        check(&member(Stable, &[1], &[]), &[1, 2, 3], None, &[3], (6, UnreleasedPartitions, &[1, 2], &[]));
        let waiting = ConsumerMember { epoch: 6, ..member(UnreleasedPartitions, &[1, 2], &[]) };
        check(&waiting, &[1, 2, 3], None, &[3], (6, UnreleasedPartitions, &[1, 2], &[]));
        check(&waiting, &[1, 2, 3], None, &[], (6, Stable, &[1, 2, 3], &[]));
    }

    #[test]
    fn a_target_that_moves_on_is_followed_from_any_state() {
        check(&member(UnreleasedPartitions, &[1], &[]), &[2], None, &[], (5, UnrevokedPartitions, &[], &[1]));
        check(&member(UnrevokedPartitions, &[1], &[2]), &[2], Some(&[1]), &[], (6, UnrevokedPartitions, &[], &[1]));
    }
}
