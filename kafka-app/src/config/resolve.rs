//! From what was said of a listener to a [`ResolvedListener`]: layers, defaults, contradictions.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Error, Result,
    config::{
        AckMode, BatchLimits, DeadLetter, Delivery, KafkaProperties, ListenerSettings, Ordering, Properties,
        ResolvedListener, Retry, Subscription,
        client_map::{Client, said_for_listener},
        client_rules,
        layer::listener_key,
        librdkafka_keys::Role,
        mistake::{Mistake, Mistakes, did_you_mean},
        property_rules::{self, check_property},
        resolve_rules::check_topic,
        section::split_list,
    },
};

/// A listener as declared, by the attribute or the builder, with what its function says of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared<'d> {
    pub(crate) id: &'d str,
    pub(crate) settings: &'d ListenerSettings,
    /// `file:line` of the declaration.
    pub(crate) location: Option<&'d str>,
    /// The function takes many records at a time.
    pub(crate) is_batch: bool,
    /// The function takes an `Ack`.
    pub(crate) takes_ack: bool,
}

impl KafkaProperties {
    /// Decides everything about all listeners of an application. `found` are mistakes that others found in the same
    /// declarations: they are reported in the same list.
    ///
    /// # Errors
    ///
    /// All mistakes together: those of the reading, those of each listener, ids that stand twice, and
    /// `kafka.listeners.<id>` for an id that nobody declared.
    pub(crate) fn resolve_listeners(
        &self,
        declared: &[Declared<'_>],
        found: &[Mistake],
    ) -> Result<Vec<ResolvedListener>> {
        let mistakes = Mistakes::default();
        for mistake in self.mistakes().iter().chain(found) {
            mistakes.add(&mistake.source, &mistake.key, &mistake.text);
        }
        property_rules::check(self, &mistakes);
        check_ids(self, declared, &mistakes);
        let resolved = declared.iter().map(|declared| Resolver::new(self, *declared, &mistakes).resolve()).collect();
        match mistakes.into_vec().as_slice() {
            [] => Ok(resolved),
            list => Err(Error::config_list(&list.iter().map(ToString::to_string).collect::<Vec<_>>())),
        }
    }
}

fn check_ids(properties: &KafkaProperties, declared: &[Declared<'_>], mistakes: &Mistakes) {
    let mut seen: BTreeMap<String, Declared<'_>> = BTreeMap::new();
    for listener in declared {
        if let Some(other) = seen.insert(listener_key(listener.id), *listener) {
            let place = other.location.map(|place| format!(" at {place}")).unwrap_or_default();
            let text = match other.id == listener.id {
                true => format!("is declared twice, also{place}; give one of them another id"),
                false => format!("cannot be told from `{}`{place} in the configuration; give it another id", other.id),
            };
            mistakes.add(listener.location.unwrap_or("code"), format!("listener `{}`", listener.id), text);
        }
    }
    for id in properties.listeners.keys().filter(|id| !seen.contains_key(&listener_key(id))) {
        let hint = did_you_mean(id, declared.iter().map(|declared| declared.id));
        let path = format!("kafka.listeners.{id}");
        mistakes.add(properties.origin(&path), path, format!("no listener has this id{hint}"));
    }
}

/// Where something was said, in the order in which the later wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Default,
    Declaration,
    Override,
}

pub(super) struct Resolver<'r> {
    properties: &'r KafkaProperties,
    pub(super) declared: Declared<'r>,
    /// What was declared, its placeholders replaced.
    declaration: ListenerSettings,
    overriding: Option<(&'r String, &'r ListenerSettings)>,
    mistakes: &'r Mistakes,
}

impl<'r> Resolver<'r> {
    fn new(properties: &'r KafkaProperties, declared: Declared<'r>, mistakes: &'r Mistakes) -> Self {
        let key = listener_key(declared.id);
        let overriding = properties.listeners.iter().find(|(id, _)| listener_key(id) == key);
        let declaration = declared.settings.clone();
        let mut resolver = Self { properties, declared, declaration, overriding, mistakes };
        resolver.expand_placeholders();
        resolver
    }

    fn resolve(&self) -> ResolvedListener {
        let delivery = self.said(|s| s.delivery).map_or_else(Delivery::default, |(_, delivery)| delivery);
        let (ordering, workers) = self.lanes();
        let resolved = ResolvedListener {
            id: self.declared.id.to_owned(),
            subscription: self.subscription(),
            group_id: self.group_id(),
            delivery,
            ack_mode: self.ack_mode(),
            ack_time: self.ack_time(),
            ack_count: self.positive("ack-count", |s| s.ack_count, 1),
            concurrency: self.positive("concurrency", |s| s.concurrency, 1),
            ordering,
            workers,
            batch: self.batch(),
            send_to: self.topic_name("send-to", |s| s.send_to.clone()),
            retry: self.retry(),
            dead_letter: self.dead_letter(),
            timeout: self.timeout(),
            auto_startup: self.said(|s| s.auto_startup).is_none_or(|(_, auto_startup)| auto_startup),
            on_revoke: self.said(|s| s.on_revoke).map(|(_, on_revoke)| on_revoke).unwrap_or_default(),
            shutdown_timeout: self.properties.listener.shutdown_timeout,
            missing_topics_fatal: self.properties.listener.missing_topics_fatal,
            properties: self.own_properties(),
        };
        self.check_ack(&resolved);
        self.check_at_most_once(&resolved);
        self.check_dead_letter_loop(&resolved);
        let said = said_for_listener(self.properties, &resolved);
        client_rules::check(Client::Consumer, &said, |path| self.property_place(path), self.mistakes);
        resolved
    }

    fn layers(&self) -> [(Place, Option<&ListenerSettings>); 3] {
        [
            (Place::Default, Some(&self.properties.listener.settings)),
            (Place::Declaration, Some(&self.declaration)),
            (Place::Override, self.overriding.map(|(_, settings)| settings)),
        ]
    }

    /// The last that was said of a setting, and where.
    pub(super) fn said<T>(&self, setting: impl Fn(&ListenerSettings) -> Option<T>) -> Option<(Place, T)> {
        self.layers().into_iter().rev().find_map(|(place, settings)| Some((place, setting(settings?)?)))
    }

    pub(super) fn mistake(&self, place: Place, key: &str, text: impl Into<String>) {
        let (source, key) = self.source(place, key);
        self.mistakes.add(source, key, text);
    }

    fn source(&self, place: Place, key: &str) -> (&'r str, String) {
        let path = match (place, self.overriding) {
            (Place::Default, _) => format!("kafka.listener.{key}"),
            (Place::Override, Some((id, _))) => format!("kafka.listeners.{id}.{key}"),
            (Place::Declaration | Place::Override, _) => {
                return (self.declared.location.unwrap_or("code"), self.named(key));
            }
        };
        (self.properties.origin(&path), path)
    }

    fn named(&self, key: &str) -> String {
        format!("listener `{}`: {key}", self.declared.id)
    }

    /// A mistake of the listener as a whole.
    pub(super) fn mistake_of_listener(&self, text: impl Into<String>) {
        let key = format!("listener `{}`", self.declared.id);
        self.mistakes.add(self.declared.location.unwrap_or("code"), key, text);
    }

    fn expand_placeholders(&mut self) {
        let mut declaration = self.declaration.clone();
        let expand = |key: &str, text: &mut String| match self.properties.expand(text) {
            Ok(expanded) => *text = expanded,
            Err(error) => self.mistake(Place::Declaration, key, error),
        };
        for topic in declaration.topics.iter_mut().flatten() {
            expand("topics", topic);
        }
        let texts = [
            ("topic-pattern", &mut declaration.topic_pattern),
            ("group-id", &mut declaration.group_id),
            ("send-to", &mut declaration.send_to),
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
            declaration.dead_letter = crate::config::from_text::FromText::from_text(topic).ok();
        }
        if let Some(topics) = &mut declaration.topics {
            *topics = topics.iter().flat_map(|topic| split_list(topic)).collect();
        }
        self.declaration = declaration;
    }

    /// The topics or the pattern of the last place that says either.
    fn subscription(&self) -> Subscription {
        let said = self.said(|s| match (&s.topics, &s.topic_pattern) {
            (None, None) => None,
            (topics, pattern) => Some((topics.clone(), pattern.clone())),
        });
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

    fn group_id(&self) -> String {
        let own = self.said(|s| s.group_id.clone()).map(|(_, group_id)| group_id);
        let group_id = own.or_else(|| self.properties.consumer.group_id.clone()).unwrap_or_default();
        if group_id.trim().is_empty() {
            self.mistake_of_listener(
                "has no group; name one in the attribute, or for all listeners as kafka.consumer.group-id",
            );
        }
        group_id
    }

    fn ack_mode(&self) -> AckMode {
        self.said(|s| s.ack_mode).map(|(_, mode)| mode).unwrap_or_default()
    }

    fn ack_time(&self) -> Duration {
        const LIMITS: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(86_400);
        let text = "expected an interval from 1ms to 24h";
        if let Some((place, interval)) = self.said(|s| s.ack_time) {
            if !LIMITS.contains(&interval) {
                self.mistake(place, "ack-time", text);
            }
            return interval;
        }
        let shared = self.properties.consumer.auto_commit_interval;
        if shared.is_some_and(|interval| !LIMITS.contains(&interval)) {
            let path = "kafka.consumer.auto-commit-interval";
            self.mistakes.add(self.properties.origin(path), path, text);
        }
        shared.unwrap_or(Duration::from_secs(1))
    }

    /// A number that must not be 0.
    fn positive(&self, key: &str, setting: impl Fn(&ListenerSettings) -> Option<u32>, default: u32) -> u32 {
        let Some((place, number)) = self.said(setting) else { return default };
        if number == 0 {
            self.mistake(place, key, "must be at least 1");
        }
        number
    }

    fn lanes(&self) -> (Ordering, u32) {
        let workers = self.positive("workers", |s| s.workers, 16);
        let ordering = self.said(|s| s.ordering);
        let workers_said = self.said(|s| s.workers).map(|(place, _)| place);
        let by_partition = ordering.is_none_or(|(_, ordering)| ordering == Ordering::Partition);
        let ordering_place = ordering.map_or(Place::Default, |(place, _)| place);
        if let Some(place) =
            workers_said.filter(|place| by_partition && *place > Place::Default && *place >= ordering_place)
        {
            self.mistake(
                place,
                "workers",
                "needs ordering \"key\" or \"none\": by partition there is one lane for each",
            );
        }
        (ordering.map(|(_, ordering)| ordering).unwrap_or_default(), workers)
    }

    fn batch(&self) -> BatchLimits {
        let default = BatchLimits::default();
        let max_bytes = self.said(|s| s.batch_max_bytes);
        if let Some((place, 0)) = max_bytes {
            self.mistake(place, "batch.max-bytes", "must be at least 1");
        }
        if !self.declared.is_batch {
            self.check_no_batch();
        }
        BatchLimits {
            max_records: self.positive("batch.max-records", |s| s.batch_max_records, default.max_records),
            max_wait: self.said(|s| s.batch_max_wait).map_or(default.max_wait, |(_, wait)| wait),
            max_bytes: max_bytes.map_or(default.max_bytes, |(_, n_bytes)| n_bytes),
        }
    }

    fn check_no_batch(&self) {
        let said = [
            ("batch.max-records", self.said(|s| s.batch_max_records.map(|_| ()))),
            ("batch.max-wait", self.said(|s| s.batch_max_wait.map(|_| ()))),
            ("batch.max-bytes", self.said(|s| s.batch_max_bytes.map(|_| ()))),
        ];
        for (key, place) in said {
            if let Some((place, ())) = place.filter(|(place, ())| *place > Place::Default) {
                self.mistake(place, key, "the handler takes one record at a time; let it take a Batch<T>");
            }
        }
    }

    fn retry(&self) -> Retry {
        let default = Retry::default();
        let multiplier = self.said(|s| s.retry.multiplier);
        let max_backoff = self.said(|s| s.retry.max_backoff);
        let jitter = self.said(|s| s.retry.jitter);
        let backoff = self.said(|s| s.retry.backoff).map_or(default.backoff, |(_, backoff)| backoff);
        if let Some((place, factor)) = multiplier
            && !(factor.is_finite() && factor >= 1.0)
        {
            self.mistake(place, "retry.multiplier", "must be at least 1");
        }
        if let Some((place, share)) = jitter
            && !(0.0..=1.0).contains(&share)
        {
            self.mistake(place, "retry.jitter", "must be from 0 to 1");
        }
        if let Some((place, most)) = max_backoff
            && most < backoff
        {
            self.mistake(place, "retry.max-backoff", "is less than retry.backoff");
        }
        let shaping = [
            ("retry.multiplier", multiplier.map(|(place, _)| place)),
            ("retry.max-backoff", max_backoff.map(|(place, _)| place)),
            ("retry.jitter", jitter.map(|(place, _)| place)),
        ];
        for (key, place) in shaping.into_iter().filter(|_| backoff.is_zero()) {
            if let Some(place) = place.filter(|place| *place > Place::Default) {
                self.mistake(place, key, "has no effect without retry.backoff");
            }
        }
        Retry {
            attempts: self.attempts(default.attempts),
            backoff,
            multiplier: multiplier.map_or(default.multiplier, |(_, factor)| factor),
            max_backoff: max_backoff.map_or(default.max_backoff, |(_, most)| most),
            jitter: jitter.map_or(default.jitter, |(_, share)| share),
        }
    }

    fn attempts(&self, default: u32) -> u32 {
        let attempts = self.positive("retry.attempts", |s| s.retry.attempts, default);
        if self.is_at_most_once() { 1 } else { attempts }
    }

    /// At-most-once has nothing to keep a spent record for.
    fn dead_letter(&self) -> DeadLetter {
        let said = self.said(|s| s.dead_letter.clone());
        if let Some((place, DeadLetter::Topic(topic))) = &said
            && let Err(text) = check_topic(topic)
        {
            self.mistake(*place, "dead-letter", text);
        }
        if self.is_at_most_once() { DeadLetter::Off } else { said.map(|(_, said)| said).unwrap_or_default() }
    }

    fn timeout(&self) -> Option<Duration> {
        let (place, timeout) = self.said(|s| s.timeout)?;
        if timeout.is_zero() {
            self.mistake(place, "timeout", "must be more than 0; leave it out for no limit");
        }
        Some(timeout)
    }

    fn topic_name(&self, key: &str, setting: impl Fn(&ListenerSettings) -> Option<String>) -> Option<String> {
        let (place, topic) = self.said(setting)?;
        if let Err(text) = check_topic(&topic) {
            self.mistake(place, key, text);
        }
        Some(topic)
    }

    fn own_properties(&self) -> Properties {
        for (name, value) in &self.declaration.properties {
            let (source, path) = self.source(Place::Declaration, &format!("properties.{name}"));
            check_property(&path, Some(Role::Consumer), name, value, source, self.mistakes);
        }
        let layers = self.layers().into_iter().filter_map(|(_, settings)| settings);
        layers.flat_map(|settings| settings.properties.clone()).collect()
    }

    /// Source and path of a property of this listener, by the path it has in the configuration.
    fn property_place(&self, path: &str) -> (&'r str, String) {
        let Some(name) = path.strip_prefix(&format!("kafka.listeners.{}.properties.", self.declared.id)) else {
            return (self.properties.origin(path), path.to_owned());
        };
        let has = |(place, settings): (Place, Option<&ListenerSettings>)| {
            settings.is_some_and(|settings| settings.properties.contains_key(name)).then_some(place)
        };
        let place = self.layers().into_iter().rev().find_map(has).unwrap_or(Place::Declaration);
        self.source(place, &format!("properties.{name}"))
    }

    fn is_at_most_once(&self) -> bool {
        self.said(|s| s.delivery).is_some_and(|(_, delivery)| delivery == Delivery::AtMostOnce)
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
