//! A classic group as tools see it.

use std::sync::Arc;

use bytes::Bytes;

use super::{ClassicGroup, ClassicState};

/// What DescribeGroups tells of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupDescription {
    pub(crate) state: ClassicState,
    pub(crate) protocol_type: Arc<str>,
    /// The chosen protocol; empty unless the group is stable.
    pub(crate) protocol: Arc<str>,
    pub(crate) members: Vec<MemberDescription>,
}

/// One member of it. Metadata is empty unless the group is stable; the assignment is the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberDescription {
    pub(crate) member_id: Arc<str>,
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) metadata: Bytes,
    pub(crate) assignment: Bytes,
}

impl ClassicGroup {
    pub(crate) fn protocol_type(&self) -> Arc<str> {
        self.protocol_type.clone().unwrap_or_default()
    }

    pub(crate) fn describe(&self) -> GroupDescription {
        let stable = self.state == ClassicState::Stable;
        let protocol = self.protocol.clone().filter(|_| stable).unwrap_or_default();
        let members = self.members.values().map(|member| MemberDescription {
            member_id: Arc::clone(&member.id),
            instance_id: member.instance_id.clone(),
            client_id: Arc::clone(&member.client_id),
            client_host: Arc::clone(&member.client_host),
            metadata: if stable { member.metadata(Some(&protocol)) } else { Bytes::new() },
            assignment: member.assignment.clone(),
        });
        let members = members.collect();
        GroupDescription { state: self.state, protocol_type: self.protocol_type(), protocol, members }
    }
}
