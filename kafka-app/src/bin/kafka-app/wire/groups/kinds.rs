//! [`GroupType`] and [`GroupState`], by Kafka's names.

use std::fmt;

/// The protocol of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GroupType {
    /// The clients assign.
    Classic,
    /// The broker assigns (KIP-848).
    Consumer,
    Share,
    Streams,
    /// One that this program does not know.
    Unknown,
}

/// What a group does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GroupState {
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    Dead,
    Empty,
    Assigning,
    Reconciling,
    NotReady,
    /// One that this program does not know.
    Unknown,
}

impl GroupType {
    const ALL: [Self; 4] = [Self::Classic, Self::Consumer, Self::Share, Self::Streams];

    /// The type of a name, without regard to case.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Unknown)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Classic => "Classic",
            Self::Consumer => "Consumer",
            Self::Share => "Share",
            Self::Streams => "Streams",
            Self::Unknown => "Unknown",
        }
    }
}

impl GroupState {
    const ALL: [Self; 8] = [
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Stable,
        Self::Dead,
        Self::Empty,
        Self::Assigning,
        Self::Reconciling,
        Self::NotReady,
    ];

    /// The state of a name, without regard to case.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Unknown)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::NotReady => "NotReady",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_regard_to_case() {
        assert_eq!(GroupType::named("cLASSIC"), GroupType::Classic);
        assert_eq!(GroupState::named("preparingrebalance"), GroupState::PreparingRebalance);
    }

    #[test]
    fn every_name_is_read_back() {
        assert!(GroupType::ALL.into_iter().all(|kind| GroupType::named(kind.name()) == kind));
        assert!(GroupState::ALL.into_iter().all(|state| GroupState::named(state.name()) == state));
    }

    #[test]
    fn what_is_not_known_is_said_to_be_unknown() {
        assert_eq!(GroupType::named("nope"), GroupType::Unknown);
        assert_eq!(GroupState::named(""), GroupState::Unknown);
    }
}
