//! What reads the topic of replies, as a listener that nobody declared.

use crate::config::{KafkaProperties, ResolvedListener, client_map::shared_client_id};

impl KafkaProperties {
    /// The reader of `kafka.template.reply-topic`, if that is set; `unique` tells instances of the application apart.
    pub(crate) fn reply_reader(&self, unique: &str) -> Option<ResolvedListener> {
        let template = &self.template;
        let topic = template.reply_topic.as_deref()?;
        let group_id =
            template.reply_group_id.clone().unwrap_or_else(|| format!("{}-replies-{unique}", shared_client_id(self)));
        let shutdown_timeout = self.listener.shutdown_timeout;
        Some(ResolvedListener { shutdown_timeout, ..ResolvedListener::new("replies", topic, group_id) })
    }
}
