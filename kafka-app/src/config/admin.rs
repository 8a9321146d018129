//! [`AdminProperties`] and [`TemplateProperties`]: `kafka.admin.*` and `kafka.template.*`.

use std::time::Duration;

use crate::config::{ClientProperties, check_topic, section::Section};

/// `kafka.admin.*`: the [admin client](crate::admin::AdminClient), and what it does of declared topics at start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminProperties {
    /// Settings of the connection that differ from `kafka.*`.
    pub client: ClientProperties,
    /// Whether declared topics are created at start; default true.
    pub auto_create: bool,
    /// Whether a start fails if topics cannot be created; default false: it is logged.
    pub fail_fast: bool,
    /// Longest time for one call; default 30 s.
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
    /// Where replies to requests arrive; without it no template can ask.
    pub reply_topic: Option<String>,
    /// The one partition of it that this application reads, and asks replies to be sent to; default all.
    pub reply_partition: Option<u32>,
    /// `group.id` of the client that reads it: it joins no group and commits nothing, but rights may be bound to the name.
    /// By default a name of this instance's own.
    pub reply_group_id: Option<String>,
}

impl Default for TemplateProperties {
    fn default() -> Self {
        Self {
            default_topic: None,
            close_timeout: Duration::from_secs(5),
            reply_topic: None,
            reply_partition: None,
            reply_group_id: None,
        }
    }
}

impl TemplateProperties {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            default_topic: section.get("default-topic"),
            close_timeout: section.get("close-timeout").unwrap_or(Self::default().close_timeout),
            reply_topic: section.get("reply-topic"),
            reply_partition: section.get("reply-partition"),
            reply_group_id: section.get("reply-group-id"),
        };
        read.check_reply_topic(section);
        section.finish(&[
            ("transaction-id-prefix", "say kafka.producer.transaction-id-prefix: templates and listeners share it"),
            ("allow-non-transactional", "not needed: a template sends into a transaction inside of in_transaction, and in a listener that delivers exactly once"),
            ("observation-enabled", "there are no spans: a producer interceptor sees all that is sent, and may write trace headers"),
        ]);
        read
    }
    fn check_reply_topic(&self, section: &Section<'_>) {
        match &self.reply_topic {
            Some(topic) => {
                if let Err(text) = check_topic(topic) {
                    section.mistake("reply-topic", text);
                }
            }
            None => {
                let said = [
                    ("reply-partition", self.reply_partition.is_some()),
                    ("reply-group-id", self.reply_group_id.is_some()),
                ];
                for (key, _) in said.into_iter().filter(|(_, is_said)| *is_said) {
                    section.mistake(key, "has no use without reply-topic");
                }
            }
        }
    }
}
