//! Handlers of another listener's dead letters: what they read, in which group, and what is done when they fail.

use std::time::Duration;

use super::{Place, Resolver};
use crate::config::{
    DeadLetter, Declared, OnDltFailure, ResolvedListener, RetryTopics, Stage,
    layer::listener_key,
    mistake::{Mistakes, did_you_mean},
};

/// After which a dead letter comes again whose handler failed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Resolver<'_> {
    pub(super) fn is_dlt_handler(&self) -> bool {
        self.declaration.dead_letters_of.is_some()
    }

    /// The listener whose dead letters it handles; `None` if there is none, which [`Self::check_dead_letters_of`] tells.
    pub(super) fn listener_of_dead_letters(&self) -> Option<ResolvedListener> {
        let id = listener_key(self.declaration.dead_letters_of.as_deref()?);
        let of = self.all.iter().find(|other| listener_key(other.id) == id)?;
        // Its mistakes are told where it is resolved itself.
        let told_elsewhere = Mistakes::default();
        let is_one_itself = of.settings.dead_letters_of.is_some();
        (!is_one_itself).then(|| Resolver::new(self.all_properties, self.all, *of, &told_elsewhere).resolve())
    }

    /// Whether what it fails to handle goes to the end of the topic it reads.
    pub(super) fn goes_to_the_end(&self) -> bool {
        let on_failure = self.said(|s| s.on_failure).map(|(_, on_failure)| on_failure).unwrap_or_default();
        self.is_dlt_handler()
            && on_failure == OnDltFailure::Retry
            && !self.is_at_most_once()
            && self.own_dead_letter().is_none()
    }

    pub(super) fn to_the_end(&self) -> Option<RetryTopics> {
        self.goes_to_the_end().then(|| RetryTopics {
            attempts: u32::MAX,
            stages: vec![Stage { suffix: String::new(), from: 1, delay: AGAIN_AFTER }],
            jitter: 0.0,
            auto_create: false,
            replication_factor: None,
            concurrency: 1,
        })
    }

    /// Where it gives up to without a `dead-letter` of its own. A letter that is skipped is not lost: its topic keeps it.
    pub(super) fn given_up_dead_letter(&self) -> DeadLetter {
        match self.said(|s| s.on_failure) {
            Some((_, OnDltFailure::Stop)) => DeadLetter::Stop,
            _ => DeadLetter::Off,
        }
    }

    /// What is said of all listeners is not meant for those of dead letters.
    fn own_dead_letter(&self) -> Option<(Place, DeadLetter)> {
        self.said(|s| s.dead_letter.clone()).filter(|(place, _)| *place > Place::Default)
    }

    pub(super) fn check_dead_letters_of(&self) {
        let Some(of) = &self.declaration.dead_letters_of else {
            if let Some((place, _)) = self.said(|s| s.on_failure).filter(|(place, _)| *place > Place::Default) {
                self.mistake(place, "on-failure", "is for handlers of dead letters: say retry and dead-letter");
            }
            return;
        };
        match self.listener_of_dead_letters() {
            Some(listener) if listener.dead_letter_topics().is_empty() => self.mistake_of_listener(format!(
                "handles the dead letters of `{of}`, which has no dead letter topic: give it one with `dead_letter` or `retry_topics`"
            )),
            Some(listener) => self.check_cluster_of_dead_letters(of, &listener),
            None => {
                let ids = self.all.iter().filter(|other| other.settings.dead_letters_of.is_none()).map(|other| other.id);
                let hint = did_you_mean(of, ids);
                self.mistake_of_listener(format!(
                    "handles the dead letters of `{of}`, but no listener with dead letters of its own has this id{hint}"
                ));
            }
        }
        if let Some((place, _)) =
            self.said(|s| s.retry_topics.enabled).filter(|(place, on)| *on && *place > Place::Default)
        {
            self.mistake(place, "retry-topics", "a handler of dead letters has none: see on-failure");
        }
        if let (Some((place, _)), Some(_)) = (self.said(|s| s.on_failure), self.own_dead_letter()) {
            self.mistake(place, "on-failure", "says dead-letter too, which is where it gives up to: keep one of them");
        }
        if self.said(|s| s.topics.clone()).is_some() || self.said(|s| s.topic_pattern.clone()).is_some() {
            self.mistake_of_listener("says topics and whose dead letters it handles: keep one of them");
        }
    }
}

/// Two listeners of one topic with a suffix give up to one topic, though a handler says whose dead letters it handles. A
/// topic that both of them name is shared on purpose.
pub(super) fn check_shared(declared: &[Declared<'_>], resolved: &[ResolvedListener], mistakes: &Mistakes) {
    let by_suffix = |one: &&ResolvedListener| matches!(one.dead_letter, DeadLetter::Suffix(_));
    for (handler, letters) in declared.iter().zip(resolved) {
        let Some(of) = handler.settings.dead_letters_of.as_deref().map(listener_key) else { continue };
        let Some(of) = resolved.iter().filter(by_suffix).find(|one| listener_key(&one.id) == of) else { continue };
        let topics = of.dead_letter_topics();
        let others = resolved.iter().filter(by_suffix).filter(|one| one.id != of.id && one.cluster == letters.cluster);
        for other in others {
            let Some(topic) = other.dead_letter_topics().into_iter().find(|topic| topics.contains(topic)) else {
                continue;
            };
            let text = format!(
                "handles the dead letters of `{}`, and `{topic}` has those of listener `{}` too: give one of them another \
                 suffix, as in `dead_letter = \"*-{}-dlt\"`, or read the topic with a listener of its own",
                of.id, other.id, other.id
            );
            mistakes.add(handler.location.unwrap_or("code"), format!("listener `{}`", handler.id), text);
        }
    }
}
