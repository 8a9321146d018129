//! The typed view of a topic's configs that its logs act on.

use super::check::{InvalidConfig, elements};
use super::def::ConfigDef;
use super::layers::{BrokerLayers, Configs};
use super::topic_defs;
use crate::error::{Error, ErrorCode};
use crate::log::{Compression, LogConfig, TimestampType};

/// Resolves what the logs of a topic act on, as the given node sees it.
///
/// # Errors
///
/// When a value is not legal. Configs are checked before they are taken, so a client never meets this.
pub(crate) fn log_config(layers: &BrokerLayers, node: i32, topic: &Configs) -> Result<LogConfig, Error> {
    let values = Values { layers, node, topic };
    let policy = values.text("cleanup.policy")?;
    let segment_bytes = match topic.contains_key("internal.segment.bytes") {
        true => "internal.segment.bytes",
        false => "segment.bytes",
    };
    Ok(LogConfig {
        max_message_bytes: values.size("max.message.bytes")?,
        segment_bytes: values.size(segment_bytes)?,
        segment_ms: values.long("segment.ms")?,
        segment_jitter_ms: values.long("segment.jitter.ms")?,
        segment_index_bytes: values.size("segment.index.bytes")?,
        index_interval_bytes: values.size("index.interval.bytes")?,
        compression: Compression::of_config(&values.text("compression.type")?),
        gzip_level: i32::try_from(values.long("compression.gzip.level")?).unwrap_or(-1),
        timestamp_type: match values.text("message.timestamp.type")?.as_str() {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        timestamp_before_max_ms: values.long("message.timestamp.before.max.ms")?,
        timestamp_after_max_ms: values.long("message.timestamp.after.max.ms")?,
        compacted: elements(&policy).contains(&"compact"),
        deletes: elements(&policy).contains(&"delete"),
        retention_ms: values.long("retention.ms")?,
        retention_bytes: values.long("retention.bytes")?,
        delete_retention_ms: values.long("delete.retention.ms")?,
        min_compaction_lag_ms: values.long("min.compaction.lag.ms")?,
        max_compaction_lag_ms: values.long("max.compaction.lag.ms")?,
        flush_messages: values.long("flush.messages")?,
        flush_ms: values.long("flush.ms")?,
        min_cleanable_dirty_ratio: values.number("min.cleanable.dirty.ratio")?,
        min_in_sync: values.size("min.insync.replicas")?,
        elects_unclean: values.text("unclean.leader.election.enable")?.eq_ignore_ascii_case("true"),
    })
}

struct Values<'a> {
    layers: &'a BrokerLayers,
    node: i32,
    topic: &'a Configs,
}

impl Values<'_> {
    fn text(&self, name: &str) -> Result<String, Error> {
        let refused = |why: String| Error::with_code(ErrorCode::InvalidConfig, why);
        let def: &'static ConfigDef =
            topic_defs::find(name).ok_or_else(|| refused(format!("Unknown topic config name: {name}")))?;
        let value = self.layers.topic_value(self.node, def, self.topic).map_err(|InvalidConfig(why)| refused(why))?;
        Ok(value.unwrap_or_default())
    }

    fn long(&self, name: &str) -> Result<i64, Error> {
        self.number(name)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, Error> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|_| Error::with_code(ErrorCode::InvalidConfig, format!("{name} is {text:?}, not a number")))
    }

    /// A number of bytes; a negative one has no meaning and is none at all.
    fn size(&self, name: &str) -> Result<usize, Error> {
        Ok(usize::try_from(self.long(name)?).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_topic_without_configs_has_kafkas_defaults() {
        let resolved = log_config(&BrokerLayers::default(), 1, &Configs::new()).expect("legal values");
        assert_eq!(resolved, LogConfig::default());
    }

    #[test]
    fn a_topics_own_values_win_over_the_brokers() {
        let layers = BrokerLayers {
            file: configs(&[("message.max.bytes", "500"), ("log.message.timestamp.type", "LogAppendTime")]),
            ..BrokerLayers::default()
        };
        let topic = configs(&[("max.message.bytes", "700"), ("cleanup.policy", "delete, compact")]);
        let resolved = log_config(&layers, 1, &topic).expect("legal values");
        assert_eq!(resolved.max_message_bytes, 700);
        assert_eq!(resolved.timestamp_type, TimestampType::LogAppendTime);
        assert!(resolved.compacted);
    }

    #[test]
    fn segments_smaller_than_kafka_allows_take_the_internal_config() {
        let topic = configs(&[("internal.segment.bytes", "1000")]);
        let resolved = log_config(&BrokerLayers::default(), 1, &topic).expect("legal values");
        assert_eq!(resolved.segment_bytes, 1000);
    }
}
