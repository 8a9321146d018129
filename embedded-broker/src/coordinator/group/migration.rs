//! Groups change their protocol: an empty group for whoever comes, a group with members while they work (KIP-848).
//!
//! A member of the new protocol turns a classic group of consumers into a consumer group, in which the others go on
//! speaking the classic protocol; when the last member of the new protocol goes, the group turns back. Each conversion is
//! written as the end of the one group and the records of the other, so that recovery finds what live requests made.

use std::sync::Arc;

use super::classic::{ClassicGroup, ClassicState, CommonProtocol};
use super::consumer::{ConsumerGroup, ConsumerHeartbeat, Heard, HeartbeatRefused, refused};
use super::machine::{Group, Members};
use super::record::GroupRecord;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

impl Group {
    /// The first heartbeat of a member in a group that is not, or not yet, a consumer group. The group changes only if the
    /// heartbeat is taken.
    pub(super) fn upgrade(
        &mut self,
        request: &ConsumerHeartbeat,
        turn: &mut Turn<'_>,
    ) -> Result<Heard, HeartbeatRefused> {
        let Members::Classic(classic) = &mut self.members else { return Err(not_a_consumer_group(turn.group_id)) };
        let mut trial = Turn::new(turn.world);
        let mut consumer = match classic.state() {
            ClassicState::Dead => {
                return Err(refused(ErrorCode::CoordinatorNotAvailable, "The coordinator is not available."));
            }
            ClassicState::Empty => ConsumerGroup::default(),
            _ => {
                check_upgrade(classic, turn)?;
                // As in Kafka, they have to join again even when the heartbeat is refused after all.
                classic.send_away(ErrorCode::RebalanceInProgress, turn);
                upgraded(classic, &mut trial)?
            }
        };
        let heard = consumer.heartbeat(request, &mut trial)?;
        if self.exists {
            turn.records.push(GroupRecord::MetadataDeleted);
        }
        turn.records.append(&mut trial.records);
        self.members = Members::Consumer(consumer);
        self.exists = true;
        Ok(heard)
    }

    /// Takes members out of a consumer group, which turns into a classic one if only members of that protocol are left.
    pub(super) fn fence(&mut self, ids: &[Arc<str>], turn: &mut Turn<'_>) {
        let Members::Consumer(group) = &mut self.members else { return };
        if ids.is_empty() {
            return;
        }
        if !group.leaves_only_classic(ids, turn.config) {
            group.remove_members(ids, turn);
            return;
        }
        self.downgrade(ids, true, turn);
    }

    /// Turns a consumer group into a classic one, without these members.
    pub(super) fn downgrade(&mut self, gone: &[Arc<str>], rebalance: bool, turn: &mut Turn<'_>) {
        let Members::Consumer(group) = &mut self.members else { return };
        let metadata = group.as_classic(gone, turn);
        group.end(turn);
        let mut classic = ClassicGroup::from_record(&metadata.record, metadata.protocols);
        turn.records.push(GroupRecord::Metadata(metadata.record));
        classic.loaded(turn);
        if rebalance && classic.state() == ClassicState::Stable {
            classic.prepare_rebalance(turn);
        }
        self.members = Members::Classic(classic);
    }
}

fn cannot_upgrade(group_id: &str, why: &str) -> HeartbeatRefused {
    let message = format!("Cannot upgrade classic group {group_id} to consumer group because {why}.");
    refused(ErrorCode::GroupIdNotFound, message)
}

/// Whether a classic group with members may turn into a consumer group at all.
fn check_upgrade(classic: &ClassicGroup, turn: &Turn<'_>) -> Result<(), HeartbeatRefused> {
    let cannot = |why| Err(cannot_upgrade(turn.group_id, why));
    if !turn.config.migration.allows_upgrade() {
        return cannot("online upgrade is disabled");
    }
    if !classic.speaks_consumer_protocol() {
        return cannot("the group does not use the consumer embedded protocol");
    }
    if classic.len() > turn.config.consumer_max_size {
        return cannot("the group size exceeds the consumer group maximum size");
    }
    Ok(())
}

/// The consumer group that a classic one with members turns into, with its records.
fn upgraded(classic: &ClassicGroup, trial: &mut Turn<'_>) -> Result<ConsumerGroup, HeartbeatRefused> {
    let cannot = |why| Err(cannot_upgrade(trial.group_id, why));
    match classic.common_protocol() {
        // Kafka fails without a word, and the client tries again.
        CommonProtocol::NotChosen => Err(refused(ErrorCode::UnknownServerError, "")),
        CommonProtocol::Malformed => cannot("the embedded consumer protocol is malformed"),
        CommonProtocol::OfAnotherAssignor => cannot(
            "an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor \
             before re-attempting the upgrade",
        ),
        CommonProtocol::Consumers(members) => Ok(ConsumerGroup::from_classic(classic.generation(), members, trial)),
    }
}

pub(super) fn not_a_consumer_group(group_id: &str) -> HeartbeatRefused {
    refused(ErrorCode::GroupIdNotFound, format!("Group {group_id} is not a consumer group."))
}
