//! What Kafka would act on and this broker does not: it is kept and shown, and whoever sets it is told.

use super::check::elements;
use super::layers::Configs;
use super::topic_defs;

/// Topic configs that change what clients of Kafka see in time, and nothing here.
const WITHOUT_EFFECT: &[&str] = &["retention.bytes", "retention.ms"];

/// Those of these topic or broker configs that have no effect yet, by name.
pub(crate) fn without_effect(configs: &Configs) -> Vec<&str> {
    let has_none = |name: &str, value: &str| {
        let policy = is_or_gives(name, "cleanup.policy") && elements(value).contains(&"compact");
        policy || WITHOUT_EFFECT.iter().any(|topic_config| is_or_gives(name, topic_config))
    };
    configs.iter().filter(|(name, value)| has_none(name, value)).map(|(name, _)| name.as_str()).collect()
}

/// Logs a warning if some of these configs have no effect yet; `of` says whose they are.
pub(crate) fn warn(of: &str, configs: &Configs) {
    let names = without_effect(configs);
    if !names.is_empty() {
        let names = names.join(", ");
        tracing::warn!("{of}: {names} will be kept and shown, but the embedded broker does not act on it yet");
    }
}

fn is_or_gives(name: &str, topic_config: &str) -> bool {
    name == topic_config || topic_defs::find(topic_config).is_some_and(|def| def.broker_names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_and_compaction_are_named_and_harmless_configs_are_not() {
        let pairs = [
            ("cleanup.policy", "delete,compact"),
            ("flush.ms", "1"),
            ("log.retention.hours", "1"),
            ("max.message.bytes", "1000"),
            ("retention.ms", "1000"),
        ];
        let configs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(without_effect(&configs), ["cleanup.policy", "log.retention.hours", "retention.ms"]);
    }
}
