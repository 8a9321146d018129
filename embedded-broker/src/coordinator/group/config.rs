//! The group coordinator's settings, by Kafka's names.

use std::time::Duration;

/// What an operator may set of the group coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupConfig {
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members once the
    /// first has come. Kafka waits 3 s; here nothing, because tests would only ever wait for it.
    pub(crate) initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`: the shortest session a member may ask for.
    pub(crate) min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`: the longest session a member may ask for.
    pub(crate) max_session_timeout: Duration,
    /// `group.consumer.session.timeout.ms`: how long a member of a consumer group may be silent.
    pub(crate) consumer_session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`: how often members of consumer groups are told to send heartbeats.
    pub(crate) consumer_heartbeat_interval: Duration,
    /// `offset.metadata.max.bytes`: the longest note that may be committed with an offset.
    pub(crate) offset_metadata_max_bytes: usize,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_secs(30 * 60),
            consumer_session_timeout: Duration::from_secs(45),
            consumer_heartbeat_interval: Duration::from_secs(5),
            offset_metadata_max_bytes: 4096,
        }
    }
}

/// How long a member that has just come may wait for its first generation before it counts as gone.
/// Kafka fixes it at five minutes: such a member sends no heartbeats while its JoinGroup is held.
pub(crate) const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(5 * 60);
