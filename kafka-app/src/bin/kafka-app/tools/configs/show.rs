//! What `kafka-configs --describe` shows. Pure.

use embedded_broker::client_side::java_double;

use super::entity::EntityType;
use crate::{
    tools::java_order::by_hash,
    wire::{Config, Credential, QuotaEntity, Quotas, Synonym},
};

/// The line above the configs of an entity; an empty name stands for the default.
pub(super) fn head(kind: EntityType, name: &str, all: bool) -> String {
    match name {
        "" => format!("Default configs for {} in the cluster are:", kind.name()),
        name => format!("{} configs for {} {name} are:", if all { "All" } else { "Dynamic" }, kind.singular()),
    }
}

pub(super) fn not_there(kind: EntityType, name: &str) -> String {
    format!("The {} '{name}' doesn't exist and doesn't have dynamic config.", kind.singular())
}

/// The line of a config.
pub(super) fn config(config: &Config) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let synonym = |of: &Synonym| format!("{}:{}={}", of.source.name(), of.name, value(&of.value));
    let synonyms: Vec<String> = config.synonyms.iter().map(synonym).collect();
    format!(
        "  {}={} sensitive={} synonyms={{{}}}",
        config.name,
        value(&config.value),
        config.is_sensitive,
        synonyms.join(", ")
    )
}

/// The line of the quotas of an entity.
pub(super) fn quotas(entity: &QuotaEntity, quotas: &Quotas) -> String {
    let kinds = [("user", "user-principal"), ("client-id", "client-id"), ("ip", "ip")];
    let of = kinds.iter().filter_map(|(kind, told)| {
        Some(match entity.get(kind)? {
            Some(name) => format!("{told} '{name}'"),
            None => format!("the default {told}"),
        })
    });
    let of: Vec<String> = of.collect();
    let mut quotas = quotas.clone();
    let capacity = quotas.len();
    by_hash(&mut quotas, capacity, |(name, _)| name);
    let quotas: Vec<String> =
        quotas.into_iter().map(|(name, value)| format!("{name}={}", java_double(value))).collect();
    format!("Quota configs for {} are {}", of.join(", "), quotas.join(", "))
}

/// The line of a user's passwords.
pub(super) fn credentials(user: &str, credentials: &[Credential]) -> String {
    let told = credentials.iter().map(|(mechanism, iterations)| {
        format!("{}=iterations={iterations}", mechanism.map_or("UNKNOWN", |mechanism| mechanism.name()))
    });
    let told: Vec<String> = told.collect();
    format!("SCRAM credential configs for user-principal '{user}' are {}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Mechanism, Source};

    #[test]
    fn a_config_has_every_place_that_sets_it() {
        let synonym =
            |name: &str, value: &str, source| Synonym { name: name.to_owned(), value: Some(value.to_owned()), source };
        let shown = Config {
            name: "cleanup.policy".to_owned(),
            value: Some("compact".to_owned()),
            source: Source::DYNAMIC_TOPIC,
            is_sensitive: false,
            synonyms: vec![
                synonym("cleanup.policy", "compact", Source::DYNAMIC_TOPIC),
                synonym("log.cleanup.policy", "delete", Source::DEFAULT),
            ],
        };
        assert_eq!(
            config(&shown),
            "  cleanup.policy=compact sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact, \
             DEFAULT_CONFIG:log.cleanup.policy=delete}"
        );
        let secret = Config { value: None, is_sensitive: true, synonyms: Vec::new(), ..shown };
        assert_eq!(config(&secret), "  cleanup.policy=null sensitive=true synonyms={}");
    }

    #[test]
    fn heads_say_whose_configs_they_are() {
        assert_eq!(head(EntityType::Topics, "cfg", false), "Dynamic configs for topic cfg are:");
        assert_eq!(head(EntityType::Brokers, "1", true), "All configs for broker 1 are:");
        assert_eq!(head(EntityType::Brokers, "", false), "Default configs for brokers in the cluster are:");
        assert_eq!(
            not_there(EntityType::Groups, "g1"),
            "The group 'g1' doesn't exist and doesn't have dynamic config."
        );
    }

    #[test]
    fn quotas_and_passwords_have_a_line_an_entity() {
        let entity = QuotaEntity::from([("client-id", Some("c1".to_owned())), ("user", None)]);
        assert_eq!(
            quotas(&entity, &vec![("producer_byte_rate".to_owned(), 1024.0)]),
            "Quota configs for the default user-principal, client-id 'c1' are producer_byte_rate=1024.0"
        );
        assert_eq!(
            credentials("u1", &[(Some(Mechanism::Sha256), 4096), (Some(Mechanism::Sha512), 8192)]),
            "SCRAM credential configs for user-principal 'u1' are SCRAM-SHA-256=iterations=4096, \
             SCRAM-SHA-512=iterations=8192"
        );
    }
}
