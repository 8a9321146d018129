//! What becomes of logs because time passes, on the timer thread: at every look, what is old or too much goes.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::coordinator::TimerKey;

/// How often logs are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpkeepConfig {
    /// `log.initial.task.delay.ms`: the first look after the start.
    pub(crate) initial_delay: Duration,
    /// `log.retention.check.interval.ms`, or the same in another unit.
    pub(crate) retention_interval: Duration,
}

impl Default for UpkeepConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self { initial_delay: Duration::from_secs(30), retention_interval: Duration::from_secs(300) }
    }
}

/// Sets the first looks.
pub(crate) fn start(cluster: &Cluster) {
    cluster.timers.schedule(TimerKey::LogRetention, cluster.clock.now() + cluster.settings.upkeep.initial_delay);
}

/// Has every partition drop what its topic does not keep.
pub(crate) fn check_retention(cluster: &Cluster) {
    let now_ms = cluster.clock.wall_ms();
    let topics = cluster.topics();
    for topic in topics.iter() {
        for (partition, index) in topic.partitions.iter().zip(0..) {
            if partition.expire(now_ms) {
                let (topic, start) = (&*topic.name, partition.offsets().log_start);
                tracing::debug!(topic, partition = index, start, "retention has moved the start of a log");
            }
        }
    }
    let next = cluster.clock.now() + cluster.settings.upkeep.retention_interval;
    cluster.timers.schedule(TimerKey::LogRetention, next);
}
