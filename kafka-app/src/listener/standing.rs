//! [`Standing`]: how the position that is stored of a partition stands to the one that is committed: pure.
//!
//! The client commits by itself what is stored if it lies after what is committed, and leaves it out without a word if it
//! does not: after a seek back, and where a topic was made anew. Then it must be committed by name. Within one assignment
//! such a step back is seen; what was committed before it the client alone knows, and shows only by what its first commit
//! takes along.

use std::time::{Duration, Instant};

/// Of one partition, from its assignment to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No commit is known that took it along.
    New {
        /// When its first position was stored.
        stored_at: Option<Instant>,
        /// The commit under way that should take it along.
        token: Option<u64>,
    },
    /// The client commits what goes forward.
    Forward,
    /// What is stored may lie before what is committed.
    Back {
        /// The commit by name that is under way.
        token: Option<u64>,
    },
}

/// What the end of a commit is for a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// What was stored when it started is committed.
    Committed,
    /// It is committed by its name, which other partitions were left out of.
    ByName,
    /// The client left it out: it is to be committed by its name.
    LeftOut,
}

impl Standing {
    pub(crate) fn new() -> Self {
        Self::New { stored_at: None, token: None }
    }

    pub(crate) fn is_back(self) -> bool {
        matches!(self, Self::Back { .. })
    }

    /// A position was stored that lies after the one stored before, if there was one.
    pub(crate) fn stored(&mut self, now: Instant) {
        if let Self::New { stored_at, .. } = self {
            stored_at.get_or_insert(now);
        }
    }

    /// A position was stored that may lie before the last.
    pub(crate) fn went_back(&mut self) {
        *self = Self::Back { token: None };
    }

    /// A commit starts that is for it.
    pub(crate) fn start(&mut self, started: u64) {
        match self {
            Self::New { stored_at: Some(_), token } | Self::Back { token } => *token = Some(started),
            Self::New { .. } | Self::Forward => {}
        }
    }

    /// A commit was seen to take it along.
    pub(crate) fn taken_along(&mut self) {
        if matches!(self, Self::New { .. }) {
            *self = Self::Forward;
        }
    }

    /// A commit of ours ended well.
    pub(crate) fn end(&mut self, ended: u64) -> Ended {
        match self {
            Self::New { token, .. } if *token == Some(ended) => {
                self.went_back();
                Ended::LeftOut
            }
            Self::Back { token } if *token == Some(ended) => {
                *self = Self::Forward;
                Ended::ByName
            }
            _ => Ended::Committed,
        }
    }

    /// When to have a commit of our own show where it stands, if the client's own commits do not before: they come every
    /// `interval`.
    pub(crate) fn due_at(self, interval: Duration) -> Option<Instant> {
        match self {
            Self::New { stored_at: Some(at), token: None } => at.checked_add(interval),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    fn stored(now: Instant) -> Standing {
        let mut standing = Standing::new();
        standing.stored(now);
        standing
    }

    #[test]
    fn a_partition_that_the_client_takes_along_is_never_committed_by_name() {
        let now = Instant::now();
        let mut standing = stored(now);
        assert_eq!(standing.due_at(INTERVAL), Some(now + INTERVAL));
        standing.start(1);
        assert_eq!(standing.due_at(INTERVAL), None, "its commit is under way");
        standing.taken_along();
        assert_eq!((standing.end(1), standing), (Ended::Committed, Standing::Forward));
        standing.stored(now);
        standing.start(2);
        assert_eq!((standing.end(2), standing.due_at(INTERVAL)), (Ended::Committed, None));
    }

    #[test]
    fn what_the_client_leaves_out_of_its_first_commit_is_committed_by_name() {
        let mut standing = stored(Instant::now());
        standing.start(1);
        assert_eq!(standing.end(1), Ended::LeftOut);
        assert!(standing.is_back());
        standing.start(2);
        assert_eq!(standing.end(2), Ended::ByName);
        assert_eq!(standing, Standing::Forward);
    }

    #[test]
    fn a_commit_that_started_before_anything_was_stored_says_nothing() {
        let mut standing = Standing::new();
        standing.start(1);
        standing.stored(Instant::now());
        assert_eq!(standing.end(1), Ended::Committed);
        assert!(!standing.is_back());
    }

    #[test]
    fn a_step_back_while_a_commit_by_name_is_under_way_needs_another() {
        let mut standing = Standing::Forward;
        standing.went_back();
        standing.start(1);
        standing.went_back();
        assert_eq!(standing.end(1), Ended::Committed);
        assert!(standing.is_back());
    }

    #[test]
    fn a_commit_by_name_that_failed_is_followed_by_another() {
        let mut standing = Standing::Forward;
        standing.went_back();
        standing.start(1);
        standing.start(2);
        assert_eq!(standing.end(2), Ended::ByName);
    }
}
