//! A consumer group on its way from or to the classic protocol.

use std::collections::HashMap;
use std::sync::Arc;

use super::classic::{as_assignment, partitions};
use super::{ClassicMember, ConsumerGroup, ConsumerMember, ConsumerRecord, Subscription, TopicPartitions};
use crate::coordinator::group::classic::{CONSUMER_PROTOCOL_TYPE, ConvertedMember, Protocol, select_protocol};
use crate::coordinator::group::consumer_protocol::version_of;
use crate::coordinator::group::record::{GroupMetadata, MemberMetadata};
use crate::coordinator::group::timers::TimerKey;
use crate::coordinator::group::turn::Turn;

/// A consumer group as a classic one.
#[derive(Debug)]
pub(crate) struct AsClassic {
    pub(crate) record: GroupMetadata,
    /// All that each member speaks; the record has the chosen one.
    pub(crate) protocols: HashMap<Arc<str>, Vec<Protocol>>,
}

impl ConsumerGroup {
    /// The group in the epoch of the generation it was in, everybody with what it had and its session begun.
    pub(crate) fn from_classic(generation: i32, members: Vec<ConvertedMember>, turn: &mut Turn<'_>) -> Self {
        let mut group = Self::default();
        for member in members {
            let session = turn.now + member.session_timeout;
            group.timers.set(TimerKey::Session(Arc::clone(&member.id)), session);
            let member = Box::new(from_classic(member, generation, turn));
            group.commit(ConsumerRecord::Member(member), turn);
        }
        let topics = group.subscribed_topics(turn.topics);
        group.commit(ConsumerRecord::Epoch { epoch: generation, topics }, turn);
        let target = group.members.values().map(|member| (Arc::clone(&member.id), member.assigned.clone())).collect();
        group.commit(ConsumerRecord::Target { epoch: generation, target }, turn);
        group
    }

    /// The group as a classic one without these members: the generation is the group's epoch, everybody has its target.
    pub(crate) fn as_classic(&self, gone: &[Arc<str>], turn: &Turn<'_>) -> AsClassic {
        let staying = self.members.values().filter(|member| !gone.contains(&member.id));
        let staying: Vec<(&ConsumerMember, &ClassicMember)> =
            staying.filter_map(|member| Some((member, member.classic.as_ref()?))).collect();
        let protocols = staying.iter().map(|(_, classic)| &*classic.protocols);
        let protocol = select_protocol(&protocols.collect::<Vec<_>>());
        let members = staying.iter().map(|(member, classic)| {
            let chosen = classic.protocols.iter().find(|p| Some(&p.name) == protocol.as_ref());
            let subscription = chosen.map(|p| p.metadata.clone()).unwrap_or_default();
            let nothing = TopicPartitions::new();
            let target = self.target.get(&member.id).unwrap_or(&nothing);
            MemberMetadata {
                member_id: Arc::clone(&member.id),
                instance_id: member.instance_id.clone(),
                client_id: Arc::clone(&member.client_id),
                client_host: Arc::clone(&member.client_host),
                rebalance_timeout: member.rebalance_timeout,
                session_timeout: classic.session_timeout,
                assignment: as_assignment(version_of(&subscription).unwrap_or_default(), target, turn.topics),
                subscription,
            }
        });
        let record = GroupMetadata {
            generation: self.epoch,
            protocol_type: Some(CONSUMER_PROTOCOL_TYPE.into()),
            leader: staying.first().map(|(member, _)| Arc::clone(&member.id)),
            state_since_ms: turn.wall_ms,
            members: members.collect(),
            protocol,
        };
        let protocols = staying.iter().map(|(member, classic)| (Arc::clone(&member.id), classic.protocols.clone()));
        AsClassic { record, protocols: protocols.collect() }
    }

    /// Writes the end of everything there is of the group, except its offsets.
    pub(crate) fn end(&mut self, turn: &mut Turn<'_>) {
        let members = self.members.keys().cloned().map(ConsumerRecord::MemberRemoved);
        let patterns = self.resolved.keys().cloned().map(ConsumerRecord::PatternRemoved);
        let all: Vec<_> = members.chain(patterns).chain([ConsumerRecord::Removed]).collect();
        all.into_iter().for_each(|record| self.commit(record, turn));
    }
}

fn from_classic(member: ConvertedMember, generation: i32, turn: &Turn<'_>) -> ConsumerMember {
    ConsumerMember {
        instance_id: member.instance_id,
        rack_id: member.subscription.rack,
        client_id: member.client_id,
        client_host: member.client_host,
        rebalance_timeout: member.rebalance_timeout,
        subscription: Subscription { names: member.subscription.topics, regex: None },
        epoch: generation,
        previous_epoch: generation,
        assigned: partitions(&member.assigned, turn.topics),
        classic: Some(ClassicMember { session_timeout: member.session_timeout, protocols: member.protocols }),
        ..ConsumerMember::new(&member.id)
    }
}
