//! The configs of a topic (Apache Kafka 4.1).

use super::def::{ConfigDef, ConfigType, boolean, double, int, list, long, string, unset};

/// In the order in which Kafka lists them.
#[rustfmt::skip]
pub(crate) static ALL: &[ConfigDef] = &[
    string("compression.type", "producer").one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]).or_broker(&["compression.type"]),
    boolean("remote.log.delete.on.disable", "false"),
    list("leader.replication.throttled.replicas", "").throttled_replicas(),
    boolean("remote.storage.enable", "false"),
    int("min.insync.replicas", "1").at_least(1).or_broker(&["min.insync.replicas"]),
    long("segment.jitter.ms", "0").at_least(0).or_broker(&["log.roll.jitter.ms", "log.roll.jitter.hours"]),
    boolean("remote.log.copy.disable", "false"),
    long("local.retention.ms", "-2").at_least(-2).or_broker(&["log.local.retention.ms"]),
    list("cleanup.policy", "delete").list_of(&["compact", "delete"]).or_broker(&["log.cleanup.policy"]),
    long("flush.ms", "9223372036854775807").at_least(0).or_broker(&["log.flush.interval.ms", "log.flush.scheduler.interval.ms"]),
    list("follower.replication.throttled.replicas", "").throttled_replicas(),
    int("compression.lz4.level", "9").between(1, 17).or_broker(&["compression.lz4.level"]),
    int("segment.bytes", "1073741824").at_least(1048576).or_broker(&["log.segment.bytes"]),
    long("retention.ms", "604800000").at_least(-1).or_broker(&["log.retention.ms", "log.retention.minutes", "log.retention.hours"]),
    int("compression.gzip.level", "-1").gzip_level().or_broker(&["compression.gzip.level"]),
    long("flush.messages", "9223372036854775807").at_least(1).or_broker(&["log.flush.interval.messages"]),
    int("compression.zstd.level", "3").between(-131072, 22).or_broker(&["compression.zstd.level"]),
    long("max.compaction.lag.ms", "9223372036854775807").at_least(1).or_broker(&["log.cleaner.max.compaction.lag.ms"]),
    long("file.delete.delay.ms", "60000").at_least(0).or_broker(&["log.segment.delete.delay.ms"]),
    int("max.message.bytes", "1048588").at_least(0).or_broker(&["message.max.bytes"]),
    long("min.compaction.lag.ms", "0").at_least(0).or_broker(&["log.cleaner.min.compaction.lag.ms"]),
    string("message.timestamp.type", "CreateTime").one_of(&["CreateTime", "LogAppendTime"]).or_broker(&["log.message.timestamp.type"]),
    long("local.retention.bytes", "-2").at_least(-2).or_broker(&["log.local.retention.bytes"]),
    boolean("preallocate", "false").or_broker(&["log.preallocate"]),
    double("min.cleanable.dirty.ratio", "0.5").between(0, 1).or_broker(&["log.cleaner.min.cleanable.ratio"]),
    int("index.interval.bytes", "4096").at_least(0).or_broker(&["log.index.interval.bytes"]),
    boolean("unclean.leader.election.enable", "false").or_broker(&["unclean.leader.election.enable"]),
    long("retention.bytes", "-1").or_broker(&["log.retention.bytes"]),
    long("delete.retention.ms", "86400000").at_least(0).or_broker(&["log.cleaner.delete.retention.ms"]),
    long("message.timestamp.after.max.ms", "3600000").at_least(0).or_broker(&["log.message.timestamp.after.max.ms"]),
    long("message.timestamp.before.max.ms", "9223372036854775807").at_least(0).or_broker(&["log.message.timestamp.before.max.ms"]),
    long("segment.ms", "604800000").at_least(1).or_broker(&["log.roll.ms", "log.roll.hours"]),
    int("segment.index.bytes", "10485760").at_least(4).or_broker(&["log.index.size.max.bytes"]),
];

/// Kafka's own tests set it to get segments below the least size of `segment.bytes`; it is never shown.
static INTERNAL_SEGMENT_BYTES: ConfigDef = unset("internal.segment.bytes", ConfigType::Int).at_least(1);

/// The definition of a config by its name.
pub(crate) fn find(name: &str) -> Option<&'static ConfigDef> {
    ALL.iter().chain([&INTERNAL_SEGMENT_BYTES]).find(|def| def.name == name)
}

/// Taken and shown, and nothing here goes by them; DESIGN.md says why.
const WITHOUT_EFFECT: &[&str] = &[
    "compression.lz4.level",
    "compression.zstd.level",
    "file.delete.delay.ms",
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "preallocate",
    "remote.log.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
];

/// Whether logs go by what topics take from this broker config.
pub(crate) fn logs_go_by(broker_config: &str) -> bool {
    let takers = ALL.iter().filter(|def| def.broker_names.contains(&broker_config));
    takers.map(|def| def.name).any(|name| !WITHOUT_EFFECT.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::canonical;
    use crate::config::layers::{BrokerLayers, Configs};
    use crate::config::topic_config::log_config;

    #[test]
    fn logs_go_by_every_config_but_those_that_are_known_to_have_no_effect() {
        let values = ["true", "5000000", "7", "0.25", "compact", "LogAppendTime", "gzip", "*"];
        let of = |configs: &Configs| log_config(&BrokerLayers::default(), 1, configs).unwrap();
        for def in ALL {
            let other = values.iter().find(|value| canonical(def, value).is_ok() && def.default != Some(**value));
            let other = other.unwrap_or_else(|| panic!("a value for {}", def.name));
            let changed = of(&Configs::from([(def.name.to_owned(), (*other).to_owned())])) != of(&Configs::new());
            assert_eq!(changed, !WITHOUT_EFFECT.contains(&def.name), "{} = {other}", def.name);
        }
    }
}
