//! Which request meets which fault: rules in the order they were set, and chance. No sockets, no clock.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::random::Random;
use crate::error::ErrorCode;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not served; answered with the code.
    Error(ErrorCode),
    /// Served; answered with the code all the same.
    ApplyThenError(ErrorCode),
    /// Served after this time.
    Delay(Duration),
    /// Not served; the connection is closed.
    DisconnectBefore,
    /// Served; the connection is closed before the answer.
    DisconnectAfter,
    /// Not served; the connection stays open, and nothing is answered on it any more.
    Silence,
    /// Served; the connection stays open, and nothing is answered on it any more.
    SilenceAfter,
    /// Served; the answer says that the client is held up, and it is.
    Throttle(Duration),
    /// Served; record batches of the answer do not match their checksums.
    CorruptCrc,
}

/// A request as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) key: i16,
    pub(crate) version: i16,
    pub(crate) client_id: &'a str,
    pub(crate) node_id: i32,
}

/// Which requests a rule is for: those that everything which was said fits.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) keys: Vec<i16>,
    pub(super) versions: Option<RangeInclusive<i16>>,
    pub(super) client_id: Option<String>,
    pub(super) node_id: Option<i32>,
}

impl Filter {
    fn fits(&self, asked: &Asked<'_>) -> bool {
        (self.keys.is_empty() || self.keys.contains(&asked.key))
            && self.versions.as_ref().is_none_or(|versions| versions.contains(&asked.version))
            && self.client_id.as_deref().is_none_or(|id| id == asked.client_id)
            && self.node_id.is_none_or(|id| id == asked.node_id)
    }
}

/// One fault.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) filter: Filter,
    /// How many requests that fit go through first.
    pub(super) skipped: u32,
    /// How often it happens at most.
    pub(super) times: Option<u32>,
    /// How probably it happens to a request that fits; 1 is always.
    pub(super) probability: f64,
    pub(super) outcome: Outcome,
}

/// A rule, as long as it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RuleId(u64);

/// All rules, in the order they were set.
#[derive(Debug)]
pub(super) struct Rules {
    seed: u64,
    /// How many there have been.
    added: u64,
    set: Vec<SetRule>,
}

#[derive(Debug)]
struct SetRule {
    id: RuleId,
    rule: Rule,
    random: Random,
    happened: u32,
}

impl Rules {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, added: 0, set: Vec::new() }
    }

    pub(super) fn add(&mut self, rule: Rule) -> RuleId {
        let id = RuleId(self.added);
        self.added += 1;
        self.set.push(SetRule { id, rule, random: Random::of_rule(self.seed, id.0), happened: 0 });
        id
    }

    pub(super) fn remove(&mut self, id: RuleId) {
        self.set.retain(|set| set.id != id);
    }

    pub(super) fn times_happened(&self, id: RuleId) -> u32 {
        self.set.iter().find(|set| set.id == id).map_or(0, |set| set.happened)
    }

    /// Whether any rule can still happen.
    pub(super) fn is_armed(&self) -> bool {
        self.set.iter().any(|set| !set.is_spent())
    }

    /// The fault of the first rule that fits and happens; later ones do not see the request then.
    pub(super) fn meet(&mut self, asked: &Asked<'_>) -> Option<Outcome> {
        self.set.iter_mut().find_map(|set| set.meet(asked))
    }
}

impl SetRule {
    fn is_spent(&self) -> bool {
        self.rule.times.is_some_and(|times| self.happened >= times)
    }

    fn meet(&mut self, asked: &Asked<'_>) -> Option<Outcome> {
        if self.is_spent() || !self.rule.filter.fits(asked) {
            return None;
        }
        if self.rule.skipped > 0 {
            self.rule.skipped -= 1;
            return None;
        }
        if !self.random.happens(self.rule.probability) {
            return None;
        }
        self.happened = self.happened.saturating_add(1);
        Some(self.rule.outcome)
    }
}
