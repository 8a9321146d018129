//! What of a request a fault is for: some of its topics or partitions, its group, its transactional id. Pure.

use std::sync::Arc;

use uuid::Uuid;

use crate::error::ErrorCode;

/// One thing that a request asks about. What it does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// Empty where topics go by id.
    pub(crate) topic: String,
    pub(crate) topic_id: Uuid,
    pub(crate) partition: Option<i32>,
    pub(crate) group: Option<String>,
    pub(crate) transactional_id: Option<String>,
}

/// What a part has to be to be met by a fault: everything that is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) topic: Option<String>,
    pub(crate) partition: Option<i32>,
    pub(crate) group: Option<String>,
    pub(crate) transactional_id: Option<String>,
}

/// What topics are called that go by id.
pub(crate) type TopicNames<'a> = dyn Fn(Uuid) -> Option<Arc<str>> + 'a;

impl Target {
    /// Whether every request is meant, whatever it asks about.
    pub(crate) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it matters which topic or partition is asked about, and not only whose request it is.
    pub(crate) fn is_of_topics(&self) -> bool {
        self.topic.is_some() || self.partition.is_some()
    }

    /// Whether this part is meant.
    pub(crate) fn hits(&self, part: &Part, names: &TopicNames<'_>) -> bool {
        fn says<T: PartialEq + ?Sized>(wanted: Option<&T>, said: Option<&T>) -> bool {
            wanted.is_none_or(|wanted| said == Some(wanted))
        }
        says(self.group.as_deref(), part.group.as_deref())
            && says(self.transactional_id.as_deref(), part.transactional_id.as_deref())
            && says(self.partition.as_ref(), part.partition.as_ref())
            && self.topic.as_deref().is_none_or(|topic| part.is_of(topic, names))
    }
}

impl Part {
    fn is_of(&self, topic: &str, names: &TopicNames<'_>) -> bool {
        if self.topic_id.is_nil() {
            return self.topic == topic;
        }
        names(self.topic_id).is_some_and(|name| *name == *topic)
    }
}

/// An error for a part of a request; the rest of it is served.
#[derive(Debug, Clone)]
pub(crate) struct Struck {
    pub(crate) target: Target,
    pub(crate) code: ErrorCode,
    /// Whether the part is served as well, and only its answer says that it was not.
    pub(crate) applied: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(target: &Target, part: &Part) -> bool {
        target.hits(part, &|id| (id == Uuid::from_u128(1)).then(|| "one".into()))
    }

    #[test]
    fn everything_that_is_said_must_be_so() {
        let part = Part { topic: "t".to_owned(), partition: Some(1), group: Some("g".to_owned()), ..Part::default() };
        let mut target = Target { topic: Some("t".to_owned()), ..Target::default() };
        assert!(hits(&target, &part) && hits(&Target::default(), &part));
        target.partition = Some(0);
        assert!(!hits(&target, &part));
        target.partition = Some(1);
        target.group = Some("g".to_owned());
        assert!(hits(&target, &part));
        target.transactional_id = Some("x".to_owned());
        assert!(!hits(&target, &part), "what a part does not say is not what is wanted");
    }

    #[test]
    fn topics_that_go_by_id_are_known_by_name() {
        let target = Target { topic: Some("one".to_owned()), ..Target::default() };
        let part = |id| Part { topic_id: Uuid::from_u128(id), ..Part::default() };
        assert!(hits(&target, &part(1)) && !hits(&target, &part(2)));
    }
}
