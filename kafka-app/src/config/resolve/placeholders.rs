//! Placeholders in what was declared.

use super::{Place, Resolver};
use crate::config::{DeadLetter, from_text::FromText, section::split_list};

impl Resolver<'_> {
    pub(super) fn expand_placeholders(&mut self) {
        let mut declaration = self.declaration.clone();
        let expand = |key: &str, text: &mut String| match self.properties.expand(text) {
            Ok(expanded) => *text = expanded,
            Err(error) => self.mistake(Place::Declaration, key, error),
        };
        for topic in declaration.topics.iter_mut().flatten() {
            expand("topics", topic);
        }
        let retry_topics = &mut declaration.retry_topics;
        let texts = [
            ("retry-topics.suffix", &mut retry_topics.suffix),
            ("retry-topics.dlt-suffix", &mut retry_topics.dlt_suffix),
            ("cluster", &mut declaration.cluster),
            ("topic-pattern", &mut declaration.topic_pattern),
            ("group-id", &mut declaration.group_id),
            ("send-to", &mut declaration.send_to),
            ("group-instance-id", &mut declaration.group_instance_id),
        ];
        for (key, text) in texts {
            text.iter_mut().for_each(|text| expand(key, text));
        }
        if let Some(DeadLetter::Topic(topic)) = &mut declaration.dead_letter {
            expand("dead-letter", topic);
        }
        for (name, value) in &mut declaration.properties {
            expand(&format!("properties.{name}"), value);
        }
        // A placeholder may stand for `off` or `stop`, or for several topics.
        if let Some(DeadLetter::Topic(topic)) = &declaration.dead_letter {
            declaration.dead_letter = FromText::from_text(topic).ok();
        }
        if let Some(topics) = &mut declaration.topics {
            *topics = topics.iter().flat_map(|topic| split_list(topic)).collect();
        }
        self.declaration = declaration;
    }
}
