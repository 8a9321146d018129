//! Who leads a partition, by Kafka's rules.

use super::moment::{Rules, Standing};

/// How a leader is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Election {
    /// Whoever leads stays; else the first replica in sync.
    Clean,
    /// As `Clean`, and if there is none, the first replica that is there at all.
    Unclean,
    /// The first of all replicas, if it is in sync.
    Preferred,
    /// This one, if it is in sync.
    Of(i32),
}

impl Election {
    /// The one that is held when nobody asks for it.
    pub(super) fn by_itself(rules: &Rules) -> Self {
        if rules.elects_unclean { Self::Unclean } else { Self::Clean }
    }
}

/// What an election is held among.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidates<'a> {
    /// The replicas, the preferred one first.
    pub(super) assignment: &'a [i32],
    pub(super) in_sync: &'a [i32],
    /// Not in sync, but nothing is acknowledged that they lack.
    pub(super) eligible: &'a [i32],
    /// Who led when the last of them went.
    pub(super) last_leader: Option<i32>,
    pub(super) leader: Option<i32>,
}

/// Who leads from now on, and whether it may lack what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Winner {
    pub(super) leader: Option<i32>,
    pub(super) unclean: bool,
}

impl Candidates<'_> {
    pub(super) fn elect(&self, election: Election, nodes: &dyn Standing) -> Winner {
        let clean = |leader| Winner { leader: Some(leader), unclean: false };
        let wanted = match election {
            Election::Preferred => self.assignment.first().copied(),
            Election::Of(id) => Some(id),
            Election::Clean | Election::Unclean => None,
        };
        let may_lead = |id: &i32| self.is_complete(*id) && nodes.is_electable(*id);
        let found = wanted.filter(may_lead).or_else(|| self.leader.filter(may_lead));
        if let Some(leader) = found.or_else(|| self.assignment.iter().copied().find(|id| may_lead(id))) {
            return clean(leader);
        }
        let mut rest = self.last_resort(nodes);
        if election == Election::Unclean {
            rest = rest.or_else(|| self.assignment.iter().copied().find(|id| nodes.is_electable(*id)));
        }
        Winner { leader: rest, unclean: rest.is_some() }
    }

    /// Whether a replica has everything that was acknowledged.
    fn is_complete(&self, id: i32) -> bool {
        self.in_sync.contains(&id) || self.eligible.contains(&id)
    }

    /// When no replica is known to have everything, whoever led last is trusted.
    fn last_resort(&self, nodes: &dyn Standing) -> Option<i32> {
        let none_left = self.in_sync.is_empty() && self.eligible.is_empty();
        self.last_leader.filter(|id| none_left && nodes.is_electable(*id))
    }
}
