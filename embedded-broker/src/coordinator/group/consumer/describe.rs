//! A consumer group as tools see it.

use super::{ConsumerGroup, ConsumerMember, ConsumerState, TopicPartitions};
use crate::coordinator::group::config::GroupConfig;

/// What ConsumerGroupDescribe tells of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerGroupDescription {
    pub(crate) state: ConsumerState,
    pub(crate) epoch: i32,
    pub(crate) assignment_epoch: i32,
    pub(crate) assignor: &'static str,
    pub(crate) members: Vec<ConsumerMemberDescription>,
}

/// One member of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerMemberDescription {
    pub(crate) member: ConsumerMember,
    pub(crate) target: TopicPartitions,
}

impl ConsumerGroup {
    pub(crate) fn describe(&self, config: &GroupConfig) -> ConsumerGroupDescription {
        let members = self.members.values().map(|member| ConsumerMemberDescription {
            member: member.clone(),
            target: self.target.get(&member.id).cloned().unwrap_or_default(),
        });
        ConsumerGroupDescription {
            state: self.state(),
            epoch: self.epoch,
            assignment_epoch: self.assignment_epoch,
            assignor: self.preferred_assignor(config).name(),
            members: members.collect(),
        }
    }
}
