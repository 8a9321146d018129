//! The state of a group of either protocol, as tools and tests see it.

use super::classic::ClassicState;
use super::consumer::ConsumerState;

/// Where a group is, by Kafka's names. Which states there are depends on the group's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupState {
    /// There is no such group, or it was deleted.
    Dead,
    /// No members; the group lives on for its committed offsets.
    Empty,
    /// Everybody has its assignment.
    Stable,
    /// Classic protocol: members are asked to join again.
    PreparingRebalance,
    /// Classic protocol: the leader's assignment is awaited.
    CompletingRebalance,
    /// Consumer protocol: a new assignment is due.
    Assigning,
    /// Consumer protocol: some member has still to give up or take up partitions.
    Reconciling,
}

impl GroupState {
    /// Kafka's name of the state, as DescribeGroups and ListGroups show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dead => "Dead",
            Self::Empty => "Empty",
            Self::Stable => "Stable",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
        }
    }
}

impl From<ClassicState> for GroupState {
    fn from(state: ClassicState) -> Self {
        match state {
            ClassicState::Empty => Self::Empty,
            ClassicState::PreparingRebalance => Self::PreparingRebalance,
            ClassicState::CompletingRebalance => Self::CompletingRebalance,
            ClassicState::Stable => Self::Stable,
            ClassicState::Dead => Self::Dead,
        }
    }
}

impl From<ConsumerState> for GroupState {
    fn from(state: ConsumerState) -> Self {
        match state {
            ConsumerState::Empty => Self::Empty,
            ConsumerState::Assigning => Self::Assigning,
            ConsumerState::Reconciling => Self::Reconciling,
            ConsumerState::Stable => Self::Stable,
            ConsumerState::Dead => Self::Dead,
        }
    }
}
