//! [`Release`]: when a request for several replies has enough of them.

use std::{fmt, num::NonZeroUsize};

use super::reply::Reply;

/// When a request for several replies has enough of them; Spring's release strategy.
///
/// A responder that is delivered a request again, as may happen at least once, also answers it again: where that matters, a
/// rule looks at what the replies are and does not only count them.
///
/// ```
/// use kafka_app::{Release, Reply};
///
/// let both = Release::count(2);
/// let any_accepts = Release::when(|replies: &[Reply]| {
///     replies.iter().any(|reply| reply.record().payload() == Some(b"accept"))
/// });
/// // What there is at the timeout is better than an error.
/// let who_is_there = Release::count(10).or_what_there_is();
/// ```
#[must_use = "a request is released by it"]
pub struct Release {
    rule: Rule,
    is_partial: bool,
}

enum Rule {
    Count(NonZeroUsize),
    When(IsEnough),
}

type IsEnough = Box<dyn Fn(&[Reply]) -> bool + Send + Sync>;

impl Release {
    /// This many replies; at least one.
    pub fn count(n_replies: usize) -> Self {
        Self { rule: Rule::Count(NonZeroUsize::new(n_replies).unwrap_or(NonZeroUsize::MIN)), is_partial: false }
    }

    /// When this is true of all replies so far; asked after each.
    pub fn when(is_enough: impl Fn(&[Reply]) -> bool + Send + Sync + 'static) -> Self {
        Self { rule: Rule::When(Box::new(is_enough)), is_partial: false }
    }

    /// Has the replies there are at the timeout returned, if there are any; Spring's `returnPartialOnTimeout`.
    pub fn or_what_there_is(self) -> Self {
        Self { is_partial: true, ..self }
    }

    pub(super) fn is_partial(&self) -> bool {
        self.is_partial
    }

    pub(super) fn n_expected(&self) -> Option<NonZeroUsize> {
        match &self.rule {
            Rule::Count(n_replies) => Some(*n_replies),
            Rule::When(_) => None,
        }
    }

    pub(super) fn is_met(&self, replies: &[Reply]) -> bool {
        match &self.rule {
            Rule::Count(n_replies) => replies.len() >= n_replies.get(),
            Rule::When(is_enough) => is_enough(replies),
        }
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release")
            .field("count", &self.n_expected())
            .field("or_what_there_is", &self.is_partial)
            .finish_non_exhaustive()
    }
}
