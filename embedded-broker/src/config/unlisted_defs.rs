//! Broker configs that Kafka (4.1) takes and does not list: shown only where they are set.

use super::def::{ConfigDef, ConfigType, boolean, double, int, long, string, unset};

/// Those that Kafka keeps to itself, and the rates that can only be set while it runs; by name.
#[rustfmt::skip]
static ALL: &[ConfigDef] = &[
    long("controller.performance.always.log.threshold.ms", "2000").at_least(0).read_only(),
    long("controller.performance.sample.period.ms", "60000").at_least(100).read_only(),
    long("follower.replication.throttled.rate", "9223372036854775807").at_least(0),
    int("group.consumer.regex.refresh.interval.ms", "600000").at_least(10000).read_only(),
    boolean("group.share.enable", "false").read_only(),
    string("group.share.persister.class.name", "org.apache.kafka.server.share.persister.DefaultStatePersister").read_only(),
    long("internal.metadata.delete.delay.millis", "60000").read_only(),
    unset("internal.metadata.log.segment.bytes", ConfigType::Int).read_only(),
    int("internal.metadata.max.batch.size.in.bytes", "8388608").read_only(),
    int("internal.metadata.max.fetch.size.in.bytes", "8388608").read_only(),
    long("leader.replication.throttled.rate", "9223372036854775807").at_least(0),
    long("log.initial.task.delay.ms", "30000").at_least(0).read_only(),
    int("producer.id.expiration.check.interval.ms", "600000").at_least(1).read_only(),
    long("remote.log.manager.task.retry.backoff.max.ms", "30000").at_least(1).read_only(),
    long("remote.log.manager.task.retry.backoff.ms", "500").at_least(1).read_only(),
    double("remote.log.manager.task.retry.jitter", "0.2").between(0, 1).read_only(),
    long("replica.alter.log.dirs.io.max.bytes.per.second", "9223372036854775807").at_least(0),
    long("server.max.startup.time.ms", "9223372036854775807").at_least(0).read_only(),
    int("share.coordinator.cold.partition.snapshot.interval.ms", "300000").at_least(1).read_only(),
    int("share.coordinator.state.topic.prune.interval.ms", "300000").at_least(1).read_only(),
    long("unclean.leader.election.interval.ms", "300000").at_least(1).read_only(),
    boolean("unstable.api.versions.enable", "false").read_only(),
    boolean("unstable.feature.versions.enable", "false").read_only(),
];

/// The definition of a config by its name.
pub(crate) fn find(name: &str) -> Option<&'static ConfigDef> {
    ALL.iter().find(|def| def.name == name)
}

/// All names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|def| def.name)
}
