//! [`AdminProperties`] and [`TemplateProperties`]: `kafka.admin.*` and `kafka.template.*`.

use std::time::Duration;

use crate::config::{ClientProperties, section::Section};

/// `kafka.admin.*`: creation of declared topics at start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminProperties {
    /// Settings of the connection that differ from `kafka.*`.
    pub client: ClientProperties,
    /// Whether declared topics are created at start; default true.
    pub auto_create: bool,
    /// Whether a start fails if topics cannot be created; default false: it is logged.
    pub fail_fast: bool,
    /// Longest time for one request; default 30 s.
    pub operation_timeout: Duration,
    /// Whether the configuration of topics that exist is changed to the declared one; default false.
    pub modify_topic_configs: bool,
}

impl Default for AdminProperties {
    fn default() -> Self {
        Self {
            client: ClientProperties::default(),
            auto_create: true,
            fail_fast: false,
            operation_timeout: Duration::from_secs(30),
            modify_topic_configs: false,
        }
    }
}

impl AdminProperties {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let read = Self {
            client: ClientProperties::read(section),
            auto_create: section.get("auto-create").unwrap_or(default.auto_create),
            fail_fast: section.get("fail-fast").unwrap_or(default.fail_fast),
            operation_timeout: section.get("operation-timeout").unwrap_or(default.operation_timeout),
            modify_topic_configs: section.get("modify-topic-configs").unwrap_or(default.modify_topic_configs),
        };
        section
            .finish(&[("close-timeout", "not supported: nothing waits for the admin client to close; remove the key")]);
        read
    }
}

/// `kafka.template.*`: what every `KafkaTemplate` shares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateProperties {
    /// Where `send_default` sends.
    pub default_topic: Option<String>,
    /// Longest time for the last records to be acknowledged at a stop; default 5 s.
    pub close_timeout: Duration,
}

impl Default for TemplateProperties {
    fn default() -> Self {
        Self { default_topic: None, close_timeout: Duration::from_secs(5) }
    }
}

impl TemplateProperties {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            default_topic: section.get("default-topic"),
            close_timeout: section.get("close-timeout").unwrap_or(Self::default().close_timeout),
        };
        section.finish(&[
            ("transaction-id-prefix", "transactions do not exist yet"),
            ("allow-non-transactional", "not needed: a template sends into a transaction inside of in_transaction, and in a listener that delivers exactly once"),
            ("observation-enabled", "not needed: spans are there for whoever subscribes to `tracing`"),
        ]);
        read
    }
}
