//! Coordinators as pure state machines: state, request and time in; response, records and timers out.
//!
//! Nothing in here sees a socket, a clock or a thread. The shell (`cluster/` and the request files) holds the lock,
//! passes the time in, hands the responses to whoever waits for them and sets the timers that came out.

pub(crate) mod group;
pub(crate) mod transaction;

use std::sync::Arc;

/// The protocol's error codes, as the coordinators answer them.
pub(crate) use crate::error::ErrorCode;

/// The partitions over which Kafka spreads what its coordinators know: `offsets.topic.num.partitions` and
/// `transaction.state.log.num.partitions`.
pub(crate) const VIRTUAL_PARTITIONS: i32 = 50;

/// The topic that Kafka's group coordinators write to. Here it is a name only: groups with offsets in a transaction are
/// told by its partitions.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Which of Kafka's partitions a group or transactional id belongs to: Java's hash of the string, without its sign.
pub(crate) fn virtual_partition(key: &str) -> i32 {
    let hash = key.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    i32::try_from(hash & 0x7fff_ffff).unwrap_or(0) % VIRTUAL_PARTITIONS
}

/// What a deadline of the broker's heap is for. A new deadline for the same key takes the place of the old one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimerKey {
    /// The earliest deadline of a group, which keeps its own and is asked again when this one is served.
    Group(Arc<str>),
    /// Committed offsets are looked through for those whose time is over.
    OffsetExpiry,
    /// The next look at transactions that are open for too long.
    TransactionTimeouts,
    /// The next look at transactional ids that nobody uses.
    TransactionalIds,
    /// The next look at producers that are silent.
    ProducerIds,
    /// The next look at what logs need not keep.
    LogRetention,
    /// The next look at logs that may be worth compacting.
    LogCleaner,
    /// A test helper that gives up.
    Await(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spread_as_kafka_spreads_them() {
        // "abc".hashCode() is 96354 in Java.
        assert_eq!(virtual_partition("abc"), 96_354 % 50);
        assert_eq!(virtual_partition(""), 0);
    }
}
