//! Committed offsets that nobody has used for `offsets.retention.minutes` go; a group that is left with nothing goes too.

use super::classic::{ClassicGroup, ClassicState};
use super::machine::{Group, Members};
use super::offsets::CommittedOffset;
use super::record::GroupRecord;
use super::turn::Turn;

/// Since when an offset counts as not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unused {
    /// Offsets do not expire while the group is like this.
    Never,
    SinceCommit,
    /// Since the group was left by its last member, in milliseconds since 1970.
    Since(i64),
}

impl Group {
    /// Drops the offsets whose time is over. Whether nothing keeps the group then: it has neither offsets, nor any in an
    /// open transaction, nor members.
    pub(crate) fn expire_offsets(&mut self, turn: &mut Turn<'_>) -> bool {
        let unused = match &self.members {
            Members::Classic(group) => unused(group),
            Members::Consumer(_) => Unused::SinceCommit,
        };
        let mut expired = Vec::new();
        for (topic, partitions) in self.offsets.topics() {
            if unused == Unused::Never || self.is_subscribed_to(topic) {
                continue;
            }
            for (&partition, offset) in partitions {
                // What a transaction is about to replace is in use.
                if is_expired(offset, unused, turn) && !self.offsets.pending().contains(topic, partition) {
                    expired.push(GroupRecord::OffsetDeleted { topic: topic.clone(), partition });
                }
            }
        }
        for record in expired {
            self.apply(record, turn);
        }
        self.offsets.is_empty() && self.is_empty()
    }
}

/// Offsets of a consumer that only stores them here expire each by itself; of a group when it was left; of a group of
/// consumers that works, those of topics nobody reads any more.
fn unused(group: &ClassicGroup) -> Unused {
    match group.state() {
        _ if group.is_simple() => Unused::SinceCommit,
        ClassicState::Empty => group.state_since_ms().map_or(Unused::SinceCommit, Unused::Since),
        ClassicState::Stable if group.subscribed_topics().is_some() => Unused::SinceCommit,
        _ => Unused::Never,
    }
}

fn is_expired(offset: &CommittedOffset, unused: Unused, turn: &Turn<'_>) -> bool {
    let base = if let Unused::Since(since) = unused { since } else { offset.committed_ms };
    offset.is_expired(turn.wall_ms, base, turn.config.offsets_retention)
}
