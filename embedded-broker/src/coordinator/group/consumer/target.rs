//! What everybody shall have: the topics that are subscribed to, and their assignment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::assignor::{AssignedMember, Assignor};
use super::{ConsumerGroup, ConsumerMember, SubscribedTopics};
use crate::coordinator::group::catalog::Catalog;
use crate::coordinator::group::config::GroupConfig;
use crate::coordinator::group::hash_order::most_voted;

impl ConsumerGroup {
    /// The topics somebody subscribes to that exist.
    pub(super) fn subscribed_topics(&self, catalog: &dyn Catalog) -> SubscribedTopics {
        let by_name = self.members.values().flat_map(|member| &member.subscription.names);
        let by_pattern = self.resolved.values().flatten();
        by_name.chain(by_pattern).filter_map(|name| Some((Arc::clone(name), catalog.topic(name)?))).collect()
    }

    pub(super) fn assigned_members(&self) -> BTreeMap<Arc<str>, AssignedMember> {
        let describe = |member: &ConsumerMember| {
            let wanted = self.topics.iter().filter(|(name, _)| self.subscribes(member, name));
            AssignedMember {
                instance_id: member.instance_id.clone(),
                topics: wanted.map(|(_, &topic)| topic).collect(),
                target: self.target.get(&member.id).cloned().unwrap_or_default(),
            }
        };
        self.members.iter().map(|(id, member)| (Arc::clone(id), describe(member))).collect()
    }

    /// Whether all members subscribe to the same: to the same names, or to one pattern and no names.
    pub(super) fn is_homogeneous(&self) -> bool {
        let mut subscriptions = self.members.values().map(|member| &member.subscription);
        let Some(first) = subscriptions.next() else { return true };
        let mixed = first.regex.is_some() && !first.names.is_empty();
        !mixed && subscriptions.all(|other| other == first)
    }

    /// Whether a member subscribes to the topic, by name or by pattern.
    fn subscribes(&self, member: &ConsumerMember, topic: &str) -> bool {
        let subscription = &member.subscription;
        let by_pattern = subscription.regex.as_ref().and_then(|pattern| self.resolved.get(pattern));
        subscription.names.contains(topic) || by_pattern.is_some_and(|topics| topics.contains(topic))
    }

    /// Whether anybody subscribes to the topic.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.values().any(|member| self.subscribes(member, topic))
    }

    /// The assignor for a target that a request of this member needs. As in Kafka, where it is the only one that asks for its
    /// assignor and others ask for another one as seldom, it has its way.
    pub(super) fn assignor_for(&self, id: &str, config: &GroupConfig) -> Assignor {
        let preferred = self.preferred_assignor(config);
        let own = self.members.get(id).and_then(|member| member.assignor);
        own.filter(|own| self.votes(*own) == 1 && self.votes(preferred) <= 1).unwrap_or(preferred)
    }

    /// The assignor most members ask for; when nobody asks, the first there is.
    pub(super) fn preferred_assignor(&self, config: &GroupConfig) -> Assignor {
        let votes = |assignor| self.votes(assignor);
        let voted =
            Assignor::ALL.into_iter().map(|assignor| (assignor, votes(assignor))).filter(|(_, votes)| *votes > 0);
        most_voted(voted).or(config.consumer_assignors.first().copied()).unwrap_or(Assignor::Uniform)
    }

    fn votes(&self, assignor: Assignor) -> usize {
        self.members.values().filter(|member| member.assignor == Some(assignor)).count()
    }
}
