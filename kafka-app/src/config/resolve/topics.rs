//! Which topics are read and written.

use super::{Place, Resolver};
use crate::config::{ListenerSettings, Subscription};

impl Resolver<'_> {
    /// The topics or the pattern of the last place that says either.
    pub(super) fn subscription(&self) -> Subscription {
        let said = self.said(|s| match (&s.topics, &s.topic_pattern) {
            (None, None) => None,
            (topics, pattern) => Some((topics.clone(), pattern.clone())),
        });
        if let (None, Some(of)) = (&said, self.listener_of_dead_letters()) {
            return Subscription::Topics(of.dead_letter_topics());
        }
        if said.is_none() && self.is_dlt_handler() {
            return Subscription::Topics(Vec::new());
        }
        match said {
            Some((_, (Some(topics), None))) if !topics.is_empty() => self.topics(topics),
            Some((_, (None, Some(pattern)))) if !pattern.trim().is_empty() => {
                Subscription::Pattern(anchored(pattern.trim()))
            }
            Some((place, (Some(_), Some(_)))) => {
                self.mistake(place, "topics", "says topic-pattern too; keep one of them");
                Subscription::Topics(Vec::new())
            }
            _ => {
                self.mistake_of_listener(
                    "has no topic; name one in the attribute, or as topics or topic-pattern of its configuration",
                );
                Subscription::Topics(Vec::new())
            }
        }
    }

    fn topics(&self, topics: Vec<String>) -> Subscription {
        let place = self.said(|s| s.topics.as_ref().map(|_| ())).map_or(Place::Declaration, |(place, ())| place);
        for topic in &topics {
            if let Err(text) = check_topic(topic) {
                self.mistake(place, "topics", text);
            }
        }
        Subscription::Topics(topics)
    }

    pub(super) fn topic_name(
        &self,
        key: &str,
        setting: impl Fn(&ListenerSettings) -> Option<String>,
    ) -> Option<String> {
        let (place, topic) = self.said(setting)?;
        if let Err(text) = check_topic(&topic) {
            self.mistake(place, key, text);
        }
        Some(topic)
    }
}

/// A pattern that matches whole names: librdkafka's is found anywhere, and only what begins with `^` is a pattern to it.
fn anchored(pattern: &str) -> String {
    let is_anchored = pattern.starts_with('^') && pattern.ends_with('$') && !pattern.ends_with("\\$");
    match pattern.contains('|') {
        false if is_anchored => pattern.to_owned(),
        false => format!("^{}$", pattern.trim_start_matches('^')),
        true => format!("^({pattern})$"),
    }
}

/// Kafka's rule for names of topics.
pub(crate) fn check_topic(topic: &str) -> Result<(), String> {
    let fits = (1..=249).contains(&topic.len())
        && topic != "."
        && topic != ".."
        && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    match fits {
        true => Ok(()),
        false => Err(format!("`{topic}` cannot be a topic: 1 to 249 letters, digits, dots, dashes and underscores")),
    }
}
