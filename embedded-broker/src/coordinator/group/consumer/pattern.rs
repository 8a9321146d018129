//! Subscriptions by pattern: each is looked up among all topics after the heartbeat that brings it was answered, and again
//! when topics have changed.
//!
//! Kafka leaves ten seconds between two looks at the topics; here there is always time for one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use regex_lite::Regex;

use super::heartbeat::{HeartbeatRefused, refused};
use super::{ConsumerGroup, ConsumerMember, ConsumerRecord};
use crate::coordinator::ErrorCode;
use crate::coordinator::group::turn::Turn;
use crate::whole_pattern::compile;

/// Patterns that were compiled once: each look at the topics asks them again.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    compiled: HashMap<Arc<str>, Regex>,
}

impl Patterns {
    fn compiled(&mut self, pattern: &Arc<str>) -> Option<&Regex> {
        if !self.compiled.contains_key(pattern) {
            self.compiled.insert(Arc::clone(pattern), compile(pattern).ok()?);
        }
        self.compiled.get(pattern)
    }

    pub(super) fn forget(&mut self, pattern: &str) {
        self.compiled.remove(pattern);
    }
}

impl ConsumerGroup {
    /// Checks a pattern that is new to the group.
    ///
    /// # Errors
    /// It is no pattern.
    pub(super) fn check_pattern(&self, pattern: Option<&str>) -> Result<(), HeartbeatRefused> {
        let Some(pattern) = pattern.filter(|pattern| self.subscribers_of(pattern) == 0) else { return Ok(()) };
        compile(pattern).map(drop).map_err(|why| {
            let message = format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression: {why}.");
            refused(ErrorCode::InvalidRegularExpression, message)
        })
    }

    /// Forgets what the member's former pattern stands for if nobody else subscribes to it. Whether its new one is known
    /// already, so that the group has to move on at once.
    pub(super) fn pattern_changed(
        &mut self,
        before: &ConsumerMember,
        after: Option<&Arc<str>>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let before = before.subscription.regex.as_ref();
        if before == after {
            return false;
        }
        self.forget_unused_patterns(turn);
        after.is_some_and(|pattern| self.resolved.contains_key(pattern))
    }

    pub(super) fn forget_unused_patterns(&mut self, turn: &mut Turn<'_>) {
        let unused: Vec<_> = self.resolved.keys().filter(|p| self.subscribers_of(p) == 0).cloned().collect();
        for pattern in unused {
            self.commit(ConsumerRecord::PatternRemoved(pattern), turn);
        }
    }

    /// Looks up all patterns if one of them never was, or topics have changed; the group moves on if that changes what it
    /// subscribes to.
    pub(super) fn resolve_patterns(&mut self, turn: &mut Turn<'_>) {
        let patterns: BTreeSet<_> = self.members.values().filter_map(|m| m.subscription.regex.clone()).collect();
        let all_resolved = patterns.iter().all(|pattern| self.resolved.contains_key(pattern));
        let version = turn.topics.version();
        if all_resolved && (patterns.is_empty() || self.patterns_seen == Some(version)) {
            return;
        }
        self.patterns_seen = Some(version);
        let names = turn.topics.names();
        let mut changed = false;
        for pattern in patterns {
            let Some(regex) = self.patterns.compiled(&pattern) else { continue };
            let topics: BTreeSet<_> = names.iter().filter(|name| regex.is_match(name)).cloned().collect();
            let before = self.resolved.get(&pattern);
            if before != Some(&topics) {
                changed |= !topics.is_empty() || before.is_some();
                self.commit(ConsumerRecord::Pattern { pattern, topics }, turn);
            }
        }
        self.move_on(changed, turn);
    }

    fn subscribers_of(&self, pattern: &str) -> usize {
        self.members.values().filter(|member| member.subscription.regex.as_deref() == Some(pattern)).count()
    }
}
