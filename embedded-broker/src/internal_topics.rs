//! The topics that Kafka's coordinators write to. They are made when Kafka makes them, by the first client that looks for
//! a coordinator, and are described as there; what coordinators know is not in them, so they hold no records.

use crate::config::layers::Configs;

/// Of the group coordinator. Groups with offsets in a transaction are told by its partitions.
pub(crate) const OFFSETS: &str = "__consumer_offsets";
/// Of the transaction coordinator.
pub(crate) const TRANSACTIONS: &str = "__transaction_state";
/// Of the coordinator of share groups; nobody makes it here.
const SHARE_GROUPS: &str = "__share_group_state";

/// Whether a topic is one of the coordinators': clients are told so, and may not write to it.
pub(crate) fn is_internal(topic: &str) -> bool {
    [OFFSETS, TRANSACTIONS, SHARE_GROUPS].contains(&topic)
}

/// What an internal topic is made of, by the broker configs `offsets.topic.*` or `transaction.state.log.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InternalTopic {
    /// `num.partitions`: keys are spread over so many.
    pub(crate) partitions: i32,
    /// `replication.factor`.
    pub(crate) replicas: i16,
    /// `segment.bytes`.
    pub(crate) segment_bytes: i32,
    /// `min.isr`; the topic of the groups has none of its own.
    pub(crate) min_isr: i32,
}

impl Default for InternalTopic {
    fn default() -> Self {
        Self { partitions: 50, replicas: 3, segment_bytes: 104_857_600, min_isr: 1 }
    }
}

impl InternalTopic {
    /// The configs that Kafka gives a topic of this name.
    pub(crate) fn configs(&self, name: &str) -> Configs {
        let segment_bytes = self.segment_bytes.to_string();
        let min_isr = self.min_isr.to_string();
        let mut configs = vec![("cleanup.policy", "compact"), ("segment.bytes", &segment_bytes)];
        match name {
            TRANSACTIONS => configs.extend([
                ("compression.type", "uncompressed"),
                ("min.insync.replicas", &min_isr),
                ("unclean.leader.election.enable", "false"),
            ]),
            _ => configs.push(("compression.type", "producer")),
        }
        configs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// Which of its partitions a group or transactional id belongs to: Java's hash of the string, without its sign.
    pub(crate) fn partition_of(&self, key: &str) -> i32 {
        let hash = key.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        i32::try_from(hash & 0x7fff_ffff).unwrap_or(0) % self.partitions.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spread_as_kafka_spreads_them() {
        // "abc".hashCode() is 96354 in Java.
        let topic = InternalTopic::default();
        assert_eq!(topic.partition_of("abc"), 96_354 % 50);
        assert_eq!(topic.partition_of(""), 0);
        assert_eq!(InternalTopic { partitions: 7, ..topic }.partition_of("abc"), 96_354 % 7);
    }
}
