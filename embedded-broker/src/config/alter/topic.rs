//! Whether a topic may have these configs.

use super::invalid;
use crate::config::check::{InvalidConfig, canonical};
use crate::config::layers::{BrokerLayers, Configs};
use crate::config::topic_defs;
use crate::error::Error;

/// Checks all configs a topic would have, by themselves and against each other.
///
/// # Errors
///
/// `INVALID_CONFIG`, with Kafka's words.
pub(crate) fn check(layers: &BrokerLayers, node: i32, topic: &Configs) -> Result<(), Error> {
    let stranger = topic.keys().find(|name| topic_defs::find(name).is_none());
    if let Some(name) = stranger {
        return Err(invalid(format!("Unknown topic config name: {name}")));
    }
    for (name, value) in topic {
        if let Some(def) = topic_defs::find(name) {
            canonical(def, value).map_err(|InvalidConfig(why)| invalid(why))?;
        }
    }
    let number = |name: &str| -> Option<i64> {
        let value = layers.topic_value(node, topic_defs::find(name)?, topic).ok().flatten()?;
        value.parse().ok()
    };
    let lags = number("min.compaction.lag.ms").zip(number("max.compaction.lag.ms"));
    if let Some((min, max)) = lags.filter(|(min, max)| min > max) {
        let why =
            format!("conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})");
        return Err(invalid(why));
    }
    let remote = topic.get("remote.storage.enable").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    if remote {
        let why = "Tiered Storage functionality is disabled in the broker. \
                   Topic cannot be configured with remote log storage.";
        return Err(invalid(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn configs(pairs: &[(&str, &str)]) -> Configs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn error_of(pairs: &[(&str, &str)]) -> (Option<ErrorCode>, String) {
        let error = check(&BrokerLayers::default(), 1, &configs(pairs)).expect_err("refused");
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn unknown_topic_configs_are_named() {
        let refused = (Some(ErrorCode::InvalidConfig), "Unknown topic config name: nope".to_owned());
        assert_eq!(error_of(&[("nope", "2"), ("delete.retention.ms", "-1")]), refused);
    }

    #[test]
    fn compaction_lags_must_not_cross() {
        let (_, why) = error_of(&[("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")]);
        assert_eq!(why, "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)");
    }
}
