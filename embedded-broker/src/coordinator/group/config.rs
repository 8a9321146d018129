//! The group coordinator's settings, by Kafka's names.

use std::time::Duration;

use super::consumer::assignor::Assignor;

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
    /// `group.max.size`: the most members a classic group takes.
    pub(crate) max_size: usize,
    /// Whether `group.coordinator.rebalance.protocols` has `consumer`.
    pub(crate) consumer_protocol: bool,
    /// `group.consumer.session.timeout.ms`: how long a member of a consumer group may be silent.
    pub(crate) consumer_session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`: how often members of consumer groups are told to send heartbeats.
    pub(crate) consumer_heartbeat_interval: Duration,
    /// `group.consumer.max.size`: the most members a consumer group takes.
    pub(crate) consumer_max_size: usize,
    /// `group.consumer.assignors`: those that may be asked for; the first is for groups that ask for none.
    pub(crate) consumer_assignors: Vec<Assignor>,
    /// `group.consumer.migration.policy`.
    pub(crate) migration: MigrationPolicy,
    /// `offset.metadata.max.bytes`: the longest note that may be committed with an offset.
    pub(crate) offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`: how long committed offsets outlive their last use.
    pub(crate) offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`: how often offsets and empty groups are looked through.
    pub(crate) offsets_retention_check_interval: Duration,
}

/// Which ways a group may change its protocol while members are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MigrationPolicy {
    Disabled,
    Upgrade,
    Downgrade,
    Bidirectional,
}

impl Default for GroupConfig {
    fn default() -> Self {
        /// `Integer.MAX_VALUE`, Kafka's way to say that there is no bound.
        const NO_BOUND: usize = 0x7fff_ffff;
        Self {
            initial_rebalance_delay: Duration::ZERO,
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_secs(30 * 60),
            max_size: NO_BOUND,
            consumer_protocol: true,
            consumer_session_timeout: Duration::from_secs(45),
            consumer_heartbeat_interval: Duration::from_secs(5),
            consumer_max_size: NO_BOUND,
            consumer_assignors: vec![Assignor::Uniform, Assignor::Range],
            migration: MigrationPolicy::Bidirectional,
            offset_metadata_max_bytes: 4096,
            offsets_retention: Duration::from_secs(7 * 24 * 60 * 60),
            offsets_retention_check_interval: Duration::from_secs(10 * 60),
        }
    }
}

impl MigrationPolicy {
    /// The one whose name this is, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "disabled" => Some(Self::Disabled),
            "upgrade" => Some(Self::Upgrade),
            "downgrade" => Some(Self::Downgrade),
            "bidirectional" => Some(Self::Bidirectional),
            _ => None,
        }
    }

    pub(crate) fn allows_upgrade(self) -> bool {
        matches!(self, Self::Upgrade | Self::Bidirectional)
    }

    pub(crate) fn allows_downgrade(self) -> bool {
        matches!(self, Self::Downgrade | Self::Bidirectional)
    }
}

/// How long a member that has just come may wait for its first generation before it counts as gone.
/// Kafka fixes it at five minutes: such a member sends no heartbeats while its JoinGroup is held.
pub(crate) const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::from_secs(5 * 60);
