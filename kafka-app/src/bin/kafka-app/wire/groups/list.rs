//! Every group of a cluster, asked of every node.

use kafka_protocol::{
    messages::{ListGroupsRequest, ListGroupsResponse, list_groups_response::ListedGroup},
    protocol::StrBytes,
};

use super::{GroupState, GroupType};
use crate::wire::{Cluster, KafkaError, Node, Target, WireError};

/// The first version of ListGroups whose brokers know groups by type.
const KNOWS_TYPES: i16 = 5;
/// The first version that knows states.
const KNOWS_STATES: i16 = 4;

/// A group as its coordinator lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupListing {
    pub(crate) group: String,
    /// `None` from a broker that is too old to say it.
    pub(crate) kind: Option<GroupType>,
    /// `consumer` for those of consumers, `""` for one without members.
    pub(crate) protocol_type: String,
    /// `None` from a broker that is too old to say it.
    pub(crate) state: Option<GroupState>,
}

impl Cluster {
    /// Every group that has one of the types and one of the states, by name; an empty list stands for all of them.
    ///
    /// # Errors
    /// A node does not answer, or refuses to.
    pub(crate) async fn list_groups(
        &self,
        types: &[GroupType],
        states: &[GroupState],
    ) -> Result<Vec<GroupListing>, WireError> {
        let mut groups = Vec::new();
        for Node { id, .. } in self.nodes().await {
            let listed = self.retrying("listGroups", async || self.list_groups_of(id, types, states).await).await?;
            groups.extend(listed);
        }
        groups.sort();
        groups.dedup();
        Ok(groups)
    }

    async fn list_groups_of(
        &self,
        node: i32,
        types: &[GroupType],
        states: &[GroupState],
    ) -> Result<Vec<GroupListing>, WireError> {
        let answer = self.send(Target::Node(node), |version| request(version, types, states)).await?;
        KafkaError::check(answer.error_code, None)?;
        Ok(listings(&answer))
    }
}

fn request(version: i16, types: &[GroupType], states: &[GroupState]) -> ListGroupsRequest {
    let mut request = ListGroupsRequest::default();
    // An older broker has classic groups only, and need not be told.
    if version >= KNOWS_TYPES {
        request.types_filter = types.iter().map(|kind| StrBytes::from_static_str(kind.name())).collect();
    }
    if version >= KNOWS_STATES {
        request.states_filter = states.iter().map(|state| StrBytes::from_static_str(state.name())).collect();
    }
    request
}

fn listings(answer: &ListGroupsResponse) -> Vec<GroupListing> {
    let said = |text: &StrBytes| (!text.is_empty()).then(|| text.as_str().to_owned());
    let listing = |group: &ListedGroup| GroupListing {
        group: group.group_id.as_str().to_owned(),
        kind: said(&group.group_type).map(|kind| GroupType::named(&kind)),
        protocol_type: group.protocol_type.as_str().to_owned(),
        state: said(&group.group_state).map(|state| GroupState::named(&state)),
    };
    answer.groups.iter().map(listing).collect()
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::GroupId;

    use super::*;

    #[test]
    fn an_old_broker_is_asked_for_nothing_it_does_not_know() {
        let types = [GroupType::Classic, GroupType::Consumer];
        let asked = request(3, &types, &[GroupState::Empty]);
        assert_eq!((asked.types_filter.len(), asked.states_filter.len()), (0, 0));
        let asked = request(5, &types, &[GroupState::Empty]);
        assert_eq!((asked.types_filter.len(), asked.states_filter.len()), (2, 1));
    }

    #[test]
    fn what_an_old_broker_does_not_say_is_not_known() {
        let group = ListedGroup::default().with_group_id(GroupId(StrBytes::from_static_str("g")));
        let listed = listings(&ListGroupsResponse::default().with_groups(vec![group]));
        assert_eq!((listed[0].kind, listed[0].state), (None, None));
    }
}
