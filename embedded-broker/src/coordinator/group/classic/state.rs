//! The states of a classic group and the ways between them.

/// Where a classic group is between two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ClassicState {
    /// No members; the group lives on for its committed offsets.
    ///
    /// JoinGroup of a new member starts the initial rebalance; of a known one: UNKNOWN_MEMBER_ID, as
    /// for SyncGroup, Heartbeat and LeaveGroup. Commits without a member are taken.
    /// Exits: a member comes → PreparingRebalance; deleted → Dead.
    Empty,
    /// Members are asked to join again; their JoinGroups are held.
    ///
    /// JoinGroup is held; SyncGroup and Heartbeat: REBALANCE_IN_PROGRESS (the heartbeat counts);
    /// LeaveGroup removes the member; commits of the last generation are taken.
    /// Exits: all have joined, or the rebalance timeout has passed → CompletingRebalance, or Empty
    /// when nobody is left; deleted → Dead.
    PreparingRebalance,
    /// The generation is made; the leader's assignment is awaited.
    ///
    /// JoinGroup with unchanged metadata is answered with the generation, with changed metadata or of a
    /// new member it starts a rebalance; SyncGroup is held until the leader's; Heartbeat is answered;
    /// commits: REBALANCE_IN_PROGRESS.
    /// Exits: the leader's SyncGroup → Stable; a member comes, leaves, expires or never syncs →
    /// PreparingRebalance; deleted → Dead.
    CompletingRebalance,
    /// Everybody may have its assignment.
    ///
    /// JoinGroup of the leader or with changed metadata starts a rebalance, of another is answered with
    /// the generation; SyncGroup, Heartbeat and commits are answered.
    /// Exits: a member comes, leaves, expires or never syncs → PreparingRebalance; deleted → Dead.
    Stable,
    /// The group was deleted while somebody still held it.
    ///
    /// Everything is answered COORDINATOR_NOT_AVAILABLE: the client looks again and finds the successor.
    /// Exits: none.
    Dead,
}

impl ClassicState {
    /// Kafka's name of the state, as DescribeGroups and ListGroups show it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }

    /// The states from which this one may be entered.
    pub(crate) const fn predecessors(self) -> &'static [Self] {
        match self {
            Self::Empty | Self::CompletingRebalance => &[Self::PreparingRebalance],
            Self::PreparingRebalance => &[Self::Empty, Self::CompletingRebalance, Self::Stable],
            Self::Stable => &[Self::CompletingRebalance],
            Self::Dead => &[Self::Empty, Self::PreparingRebalance, Self::CompletingRebalance, Self::Stable],
        }
    }

    /// Whether a rebalance may start here.
    pub(crate) fn can_rebalance(self) -> bool {
        Self::PreparingRebalance.predecessors().contains(&self)
    }

    /// The next state, when the way there exists.
    ///
    /// # Errors
    /// The sentence that says which way does not exist.
    pub(crate) fn to(self, next: Self) -> Result<Self, String> {
        if next.predecessors().contains(&self) {
            Ok(next)
        } else {
            Err(format!("a group cannot go from {} to {}", self.name(), next.name()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClassicState::{self, CompletingRebalance, Dead, Empty, PreparingRebalance, Stable};

    const ALL: [ClassicState; 5] = [Empty, PreparingRebalance, CompletingRebalance, Stable, Dead];

    fn check(from: ClassicState, legal: &[ClassicState]) {
        for next in ALL {
            assert_eq!(from.to(next).is_ok(), legal.contains(&next), "{} to {}", from.name(), next.name());
        }
    }

    #[test]
    fn an_empty_group_only_prepares_or_dies() {
        check(Empty, &[PreparingRebalance, Dead]);
    }

    #[test]
    fn a_preparing_group_completes_empties_or_dies() {
        check(PreparingRebalance, &[CompletingRebalance, Empty, Dead]);
    }

    #[test]
    fn a_completing_group_becomes_stable_prepares_again_or_dies() {
        check(CompletingRebalance, &[Stable, PreparingRebalance, Dead]);
    }

    #[test]
    fn a_stable_group_prepares_or_dies() {
        check(Stable, &[PreparingRebalance, Dead]);
    }

    #[test]
    fn a_dead_group_stays_dead() {
        check(Dead, &[]);
    }
}
