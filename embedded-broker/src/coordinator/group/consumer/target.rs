//! What everybody shall have: the topics that are subscribed to, and their assignment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::assignor::{AssignedMember, Assignor};
use super::{Catalog, ConsumerGroup, ConsumerMember, ConsumerRecord, SubscribedTopics};
use crate::coordinator::group::turn::Turn;

impl ConsumerGroup {
    /// The group has changed if `member_changed`, or if the topics have since the last heartbeat; then a new target is
    /// made.
    pub(super) fn update_target(&mut self, member_changed: bool, catalog: &dyn Catalog, turn: &mut Turn<'_>) {
        let topics = self.subscribed_topics(catalog);
        if member_changed || topics != self.topics {
            self.commit(ConsumerRecord::Epoch { epoch: self.epoch.saturating_add(1), topics }, turn);
        }
        if self.epoch > self.assignment_epoch {
            let target = self.preferred_assignor().assign(&self.assigned_members());
            self.commit(ConsumerRecord::Target { epoch: self.epoch, target }, turn);
        }
    }

    fn subscribed_topics(&self, catalog: &dyn Catalog) -> SubscribedTopics {
        let mut topics = SubscribedTopics::new();
        let mut all_names = None;
        for subscription in self.members.values().map(|member| &member.subscription) {
            for name in &subscription.names {
                topics.extend(catalog.topic(name).map(|topic| (Arc::clone(name), topic)));
            }
            if let Some(pattern) = &subscription.regex {
                let names = all_names.get_or_insert_with(|| catalog.names());
                let fitting = names.iter().filter(|name| self.patterns.fits(pattern, name));
                topics.extend(fitting.filter_map(|name| Some((Arc::clone(name), catalog.topic(name)?))));
            }
        }
        topics
    }

    fn assigned_members(&self) -> BTreeMap<Arc<str>, AssignedMember> {
        let describe = |member: &ConsumerMember| {
            let wanted = self.topics.iter().filter(|(name, _)| self.subscribes(member, name));
            AssignedMember {
                topics: wanted.map(|(_, &topic)| topic).collect(),
                target: self.target.get(&member.id).cloned().unwrap_or_default(),
            }
        };
        self.members.iter().map(|(id, member)| (Arc::clone(id), describe(member))).collect()
    }

    /// Whether a member subscribes to the topic, by name or by pattern.
    pub(super) fn subscribes(&self, member: &ConsumerMember, topic: &str) -> bool {
        let subscription = &member.subscription;
        subscription.names.contains(topic) || subscription.regex.as_ref().is_some_and(|p| self.patterns.fits(p, topic))
    }

    /// The assignor most members ask for; among equals, and when nobody asks, the first there is.
    pub(super) fn preferred_assignor(&self) -> Assignor {
        let votes = |assignor| self.members.values().filter(|member| member.assignor == Some(assignor)).count();
        if votes(Assignor::Range) > votes(Assignor::Uniform) { Assignor::Range } else { Assignor::Uniform }
    }
}
