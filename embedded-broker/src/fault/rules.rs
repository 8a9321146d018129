//! Which request meets which fault: rules in the order they were set, and chance. No sockets, no clock.

use std::ops::RangeInclusive;

use super::outcome::{Effect, Happening};
use super::random::Random;
use super::target::{Part, Target, TopicNames};

/// A request as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) key: i16,
    pub(crate) version: i16,
    pub(crate) client_id: &'a str,
    pub(crate) node_id: i32,
    /// What it asks about; empty while no rule [looks](Rules::look_at_parts).
    pub(crate) parts: &'a [Part],
}

/// What a rule does to a request, and to which of its parts.
#[derive(Debug, Clone)]
pub(crate) struct Met {
    pub(crate) rule: RuleId,
    pub(crate) happening: Happening,
    pub(crate) target: Target,
}

/// Which requests a rule is for: those that everything which was said fits.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) keys: Vec<i16>,
    pub(super) versions: Option<RangeInclusive<i16>>,
    pub(super) client_id: Option<String>,
    pub(super) node_id: Option<i32>,
    /// What of the request; a request that asks about nothing of it does not fit.
    pub(super) target: Target,
}

impl Filter {
    fn fits(&self, asked: &Asked<'_>, names: &TopicNames<'_>) -> bool {
        (self.keys.is_empty() || self.keys.contains(&asked.key))
            && self.versions.as_ref().is_none_or(|versions| versions.contains(&asked.version))
            && self.client_id.as_deref().is_none_or(|id| id == asked.client_id)
            && self.node_id.is_none_or(|id| id == asked.node_id)
            && (self.target.is_everything() || asked.parts.iter().any(|part| self.target.hits(part, names)))
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
    pub(super) effect: Effect,
}

/// A rule, as long as it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RuleId(u64);

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

    /// Whether any rule asks what a request is about.
    pub(super) fn look_at_parts(&self) -> bool {
        self.set.iter().any(|set| !set.rule.filter.target.is_everything())
    }

    /// The fault of the first rule behind `after` that fits and happens; later ones do not see the request then.
    pub(super) fn meet(&mut self, asked: &Asked<'_>, after: Option<RuleId>, names: &TopicNames<'_>) -> Option<Met> {
        let later = self.set.iter_mut().filter(|set| after.is_none_or(|after| set.id > after));
        later.filter(|set| set.rule.filter.fits(asked, names)).find_map(SetRule::meet)
    }
}

impl SetRule {
    fn is_spent(&self) -> bool {
        self.rule.times.is_some_and(|times| self.happened >= times) || self.rule.effect.is_spent()
    }

    fn meet(&mut self) -> Option<Met> {
        if self.is_spent() {
            return None;
        }
        if self.rule.skipped > 0 {
            self.rule.skipped -= 1;
            return None;
        }
        if !self.random.happens(self.rule.probability) {
            return None;
        }
        let happening = self.rule.effect.next()?;
        self.happened = self.happened.saturating_add(1);
        Some(Met { rule: self.id, happening, target: self.rule.filter.target.clone() })
    }
}
