//! The classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.

use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest, SyncGroupResponse,
};

use super::bytes::{Partitions, assignment, read_assignment, subscription};
use super::ground::PARTITIONS;
use super::step::{Join, Sync};
use super::world::{Held, World};
use crate::topics::text;

const UNKNOWN_MEMBER_ID: i16 = 25;
const MEMBER_ID_REQUIRED: i16 = 79;
const FENCED_INSTANCE_ID: i16 = 82;

impl World {
    pub(super) fn join(&mut self, join: &Join, request: usize) -> Option<String> {
        let client = join.client;
        if self.members[client].held.is_some() {
            return None;
        }
        if join.forgets {
            // Its former self is still in the group, unless it is the same instance.
            if Self::instance(client).is_none() && self.classic_members_beside(&[]) > 1 {
                return None;
            }
            self.forget(client);
        }
        // Kafka loses an empty consumer group when somebody joins it who has an id.
        if !self.members[client].id.is_empty() && self.is_empty_consumer_group() {
            return None;
        }
        let topics: Vec<_> = join.topics.iter().map(|topic| self.topics[*topic].0.clone()).collect();
        let member = &self.members[client];
        let metadata = subscription(join.subscription, &topics, &member.owned);
        let protocol =
            |name: &&str| JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(metadata.clone());
        let wire = JoinGroupRequest::default()
            .with_group_id(self.group_id())
            .with_session_timeout_ms(join.session_ms)
            .with_rebalance_timeout_ms(300_000)
            .with_member_id(text(&member.id))
            .with_group_instance_id(Self::instance(client).filter(|_| join.version >= 5))
            .with_protocol_type(text(join.protocol_type))
            .with_protocols(join.protocols.iter().map(protocol).collect());
        let member = &mut self.members[client];
        member.client.send(join.version, &wire);
        member.held = Some(Held { request, version: join.version, is_join: true });
        None
    }

    pub(super) fn learn_of_join(&mut self, client: usize, answer: &JoinGroupResponse) {
        match answer.error_code {
            0 | MEMBER_ID_REQUIRED => self.learn_id(client, &answer.member_id),
            UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID => self.forget(client),
            _ => {}
        }
    }

    pub(super) fn joined(&mut self, client: usize, mut answer: JoinGroupResponse) -> String {
        if answer.error_code == 0 {
            let member = &mut self.members[client];
            member.epoch = answer.generation_id;
            member.leads = answer.leader == answer.member_id;
            member.protocol.clone_from(&answer.protocol_name);
            member.others = answer.members.iter().map(|other| other.member_id.clone()).collect();
        }
        answer.members.sort_by_key(|member| self.names.meaning(&member.member_id));
        // A subscription says which partitions somebody had.
        for member in &mut answer.members {
            member.metadata = format!("{} bytes", member.metadata.len().min(4)).into();
        }
        format!("{answer:?}")
    }

    pub(super) fn sync(&mut self, sync: &Sync, request: usize) -> Option<String> {
        let member = &self.members[sync.client];
        if member.held.is_some() || member.id.is_empty() {
            return None;
        }
        let names = sync.version >= 5;
        let wire = SyncGroupRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id(member.epoch + sync.generation)
            .with_member_id(text(&member.id))
            .with_group_instance_id(Self::instance(sync.client).filter(|_| sync.version >= 3))
            .with_protocol_type(sync.protocol_type.filter(|_| names).map(text))
            .with_protocol_name(member.protocol.clone().filter(|_| names && sync.names_protocol))
            .with_assignments(self.shares(sync));
        let member = &mut self.members[sync.client];
        member.client.send(sync.version, &wire);
        member.held = Some(Held { request, version: sync.version, is_join: false });
        None
    }

    /// A leader gives each member an equal part of the first topic, in the order of what their ids stand for.
    fn shares(&self, sync: &Sync) -> Vec<SyncGroupRequestAssignment> {
        let member = &self.members[sync.client];
        if !member.leads {
            return Vec::new();
        }
        let mut ids = member.others.clone();
        ids.sort_by_key(|id| self.names.meaning(id));
        let n_members = i32::try_from(ids.len().max(1)).expect("a few members");
        let share = |(position, id): (i32, _)| {
            let partitions = (0..PARTITIONS).filter(|partition| partition % n_members == position).collect();
            let partitions = Partitions::from([(self.topics[0].0.clone(), partitions)]);
            SyncGroupRequestAssignment::default()
                .with_member_id(id)
                .with_assignment(assignment(&partitions, sync.user_data))
        };
        (0..).zip(ids).map(share).collect()
    }

    pub(super) fn synced(&mut self, client: usize, mut answer: SyncGroupResponse) -> String {
        match answer.error_code {
            0 => {
                let owned = read_assignment(&answer.assignment).map(|(partitions, _)| partitions);
                self.members[client].owned = owned.unwrap_or_default();
            }
            UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID => self.forget(client),
            _ => {}
        }
        answer.assignment = Self::share(&answer.assignment);
        format!("{answer:?}")
    }

    pub(super) fn heartbeat(&mut self, client: usize, version: i16, generation: i32, as_instance: bool) -> String {
        let member = &self.members[client];
        let request = HeartbeatRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id(member.epoch + generation)
            .with_member_id(text(&member.id))
            .with_group_instance_id(Self::instance(client).filter(|_| as_instance && version >= 3));
        let answer = self.call(version, &request);
        format!("{answer:?}")
    }

    pub(super) fn leave(&mut self, clients: &[usize], version: i16, by_instance: bool) -> Option<String> {
        let leaving = if version < 3 { &clients[..1] } else { clients };
        // A SyncGroup that is held for a member that leaves is never answered by Kafka.
        let holds_sync = |client: &usize| self.members[*client].held.is_some_and(|held| !held.is_join);
        if self.classic_members_beside(leaving) > 1 || leaving.iter().any(holds_sync) {
            return None;
        }
        let identity = |&client: &usize| {
            let instance = Self::instance(client);
            let id = if by_instance && instance.is_some() { "" } else { &self.members[client].id };
            MemberIdentity::default().with_member_id(text(id)).with_group_instance_id(instance)
        };
        let members: Vec<_> = leaving.iter().map(identity).collect();
        let request = LeaveGroupRequest::default().with_group_id(self.group_id());
        let request = if version < 3 {
            request.with_member_id(text(&self.members[leaving[0]].id))
        } else {
            request.with_members(members)
        };
        let answer = self.call(version, &request);
        let text = format!("{answer:?}");
        for client in leaving {
            // A static member of old clients leaves without its instance, and is not found then.
            if self.members[*client].held.is_none() {
                self.forget(*client);
            }
        }
        Some(text)
    }
}
