//! What becomes of logs because time passes, on the timer thread: at every look, what is old or too much goes, and the
//! cleaner compacts.
//!
//! As Kafka's one cleaner thread, a look of the cleaner goes on until nothing is left to compact; here it compacts one log
//! at a time, so that other deadlines are served in between.

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
    /// `log.cleaner.enable`.
    pub(crate) cleans: bool,
}

impl Default for UpkeepConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self { initial_delay: Duration::from_secs(30), retention_interval: Duration::from_secs(300), cleans: true }
    }
}

/// Sets the first looks.
pub(crate) fn start(cluster: &Cluster) {
    cluster.timers.schedule(TimerKey::LogRetention, cluster.clock.now() + cluster.settings.upkeep.initial_delay);
    if cluster.settings.upkeep.cleans {
        cluster.timers.schedule(TimerKey::LogCleaner, cluster.clock.now() + cluster.dynamic.cleaner_backoff());
    }
}

/// Has the cleaner look at once, where there is one.
pub(crate) fn look_for_dirt(cluster: &Cluster) {
    if cluster.settings.upkeep.cleans {
        cluster.timers.schedule(TimerKey::LogCleaner, cluster.clock.now());
    }
}

/// Compacts one log that is worth it, and comes back at once; if there is none, later.
pub(crate) fn clean(cluster: &Cluster) {
    let began = cluster.clock.now();
    let has_more = compact_one(cluster);
    let rest = if has_more { Duration::ZERO } else { cluster.dynamic.cleaner_backoff() };
    cluster.timers.schedule(TimerKey::LogCleaner, began + rest);
}

fn compact_one(cluster: &Cluster) -> bool {
    let now_ms = cluster.clock.wall_ms();
    let topics = cluster.topics();
    for topic in topics.iter() {
        for (partition, index) in topic.partitions.iter().zip(0..) {
            match partition.compact(now_ms, false) {
                Ok(false) => {}
                Ok(true) => {
                    tracing::debug!(topic = &*topic.name, partition = index, "a log was compacted");
                    return true;
                }
                Err(error) => {
                    tracing::warn!(topic = &*topic.name, partition = index, %error, "a log cannot be compacted");
                }
            }
        }
    }
    false
}

/// Has every partition drop what its topic does not keep. The next look is counted from when this one began, as Kafka's are:
/// who sees what it did and then moves the clock by hand meets it.
pub(crate) fn check_retention(cluster: &Cluster) {
    let next = cluster.clock.now() + cluster.settings.upkeep.retention_interval;
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
    if let Err(error) = cluster.state.compact_if_long() {
        tracing::error!(%error, "the state log cannot be compacted: it goes on growing");
    }
    cluster.timers.schedule(TimerKey::LogRetention, next);
}
