//! From what was said of a listener to a [`ResolvedListener`]: layers, defaults, contradictions.

mod by_hand;
mod circuit_breaker;
mod cluster;
mod consuming;
mod dead_letter_brake;
mod dead_letters;
mod exactly_once;
mod failures;
mod life;
mod placeholders;
mod retry_topics;
mod rules;
mod topics;

pub(crate) use topics::check_topic;

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Error, Result,
    config::{
        AckMode, Delivery, KafkaProperties, ListenerSettings, Properties, ResolvedListener,
        client_map::{Client, said_for_listener},
        client_rules::{self, last},
        layer::listener_key,
        librdkafka_keys::Role,
        mistake::{Mistake, Mistakes, did_you_mean},
        property_rules::{self, check_property},
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
    /// The function is known to return nothing.
    pub(crate) returns_nothing: bool,
    /// The type of a payload that the function returns, which names no topic by itself.
    pub(crate) returns: Option<&'static str>,
}

impl KafkaProperties {
    /// Decides everything about all listeners of an application. `also` finds more mistakes in what was decided: they are
    /// reported in the same list.
    ///
    /// # Errors
    ///
    /// All mistakes together: those of the reading, those of each listener, ids that stand twice, and
    /// `kafka.listeners.<id>` for an id that nobody declared.
    pub(crate) fn resolve_listeners(
        &self,
        declared: &[Declared<'_>],
        also: impl FnOnce(&[ResolvedListener]) -> Vec<Mistake>,
    ) -> Result<Vec<ResolvedListener>> {
        let mistakes = Mistakes::default();
        for mistake in self.mistakes() {
            mistakes.add(&mistake.source, &mistake.key, &mistake.text);
        }
        property_rules::check(self, &mistakes);
        check_ids(self, declared, &mistakes);
        let resolved: Vec<_> =
            declared.iter().map(|one| Resolver::new(self, declared, *one, &mistakes).resolve()).collect();
        let placed = resolved.iter().zip(declared).map(|(listener, declared)| (listener, declared.location));
        let placed = placed.collect::<Vec<_>>();
        life::check_instances(&placed, &mistakes);
        life::check_sequence(&placed, &mistakes);
        by_hand::check_groups(&placed, &mistakes);
        exactly_once::check_ids(self, &placed, &mistakes);
        dead_letters::check_shared(declared, &resolved, &mistakes);
        for Mistake { source, key, text } in also(&resolved) {
            mistakes.add(source, key, text);
        }
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
enum Place {
    Default,
    Declaration,
    Override,
}

struct Resolver<'r> {
    all_properties: &'r KafkaProperties,
    /// Those of the listener's cluster.
    properties: &'r KafkaProperties,
    cluster: Option<String>,
    /// All that are declared, for what one says of another.
    all: &'r [Declared<'r>],
    declared: Declared<'r>,
    /// What was declared, its placeholders replaced.
    declaration: ListenerSettings,
    overriding: Option<(&'r String, &'r ListenerSettings)>,
    mistakes: &'r Mistakes,
}

impl<'r> Resolver<'r> {
    fn new(
        properties: &'r KafkaProperties,
        all: &'r [Declared<'r>],
        declared: Declared<'r>,
        mistakes: &'r Mistakes,
    ) -> Self {
        let key = listener_key(declared.id);
        let overriding = properties.listeners.iter().find(|(id, _)| listener_key(id) == key);
        let declaration = declared.settings.clone();
        let mut resolver = Self {
            all_properties: properties,
            properties,
            cluster: None,
            all,
            declared,
            declaration,
            overriding,
            mistakes,
        };
        resolver.expand_placeholders();
        resolver.cluster = resolver.cluster();
        resolver.properties = properties.of_cluster(resolver.cluster.as_deref());
        resolver
    }

    fn resolve(&self) -> ResolvedListener {
        let delivery = self.said(|s| s.delivery).map_or_else(Delivery::default, |(_, delivery)| delivery);
        let (ordering, workers) = self.lanes();
        let subscription = self.subscription();
        let retry = self.retry();
        let retry_topics = self.retry_topics(&subscription).or_else(|| self.to_the_end());
        let mut resolved = ResolvedListener {
            id: self.declared.id.to_owned(),
            cluster: self.cluster.clone(),
            subscription,
            by_hand: self.by_hand(),
            group_id: self.group_id(),
            delivery,
            ack_mode: if delivery == Delivery::ExactlyOnce { AckMode::default() } else { self.ack_mode() },
            ack_time: self.ack_time(),
            ack_count: self.positive("ack-count", |s| s.ack_count, 1),
            concurrency: self.positive("concurrency", |s| s.concurrency, 1),
            ordering,
            workers,
            batch: self.batch(),
            transaction: self.transaction(delivery),
            send_to: self.topic_name("send-to", |s| s.send_to.clone()),
            reply: self.said(|s| s.reply).is_some_and(|(_, reply)| reply),
            retry,
            dead_letter_brake: self.dead_letter_brake(),
            circuit_breaker: self.circuit_breaker(&retry, retry_topics.as_ref()),
            stage: self.goes_to_the_end().then_some(0),
            retry_topics,
            dead_letter: self.dead_letter(),
            timeout: self.timeout(),
            rate_limit: self.rate_limit(),
            auto_startup: self.said(|s| s.auto_startup).is_none_or(|(_, auto_startup)| auto_startup),
            start_after: self.said(|s| s.start_after.clone()).map(|(_, id)| id),
            until_end: self.said(|s| s.until_end).is_some_and(|(_, until_end)| until_end),
            on_revoke: self.said(|s| s.on_revoke).map(|(_, on_revoke)| on_revoke).unwrap_or_default(),
            group_instance_id: self.group_instance_id(),
            restart: self.restart(),
            idle_event_interval: self.interval("idle-event-interval", |s| s.idle_event_interval),
            idle_partition_event_interval: self
                .interval("idle-partition-event-interval", |s| s.idle_partition_event_interval),
            shutdown_timeout: self.properties.listener.shutdown_timeout,
            missing_topics_fatal: self.properties.listener.missing_topics_fatal,
            topic_blacklist: Vec::new(),
            properties: self.own_properties(),
        };
        self.check_ack(&resolved);
        self.check_at_most_once(&resolved);
        self.check_exactly_once(&resolved);
        self.check_dead_letter_loop(&resolved);
        self.check_retry_topics(&resolved);
        self.check_returned(&resolved);
        self.check_dead_letters_of();
        self.check_group_instance_id(&resolved);
        self.check_until_end(&resolved);
        self.check_by_hand(&resolved);
        let said = said_for_listener(self.properties, &resolved);
        client_rules::check(Client::Consumer, &said, |path| self.property_place(path), self.mistakes);
        let patterns = last(&said, "topic.blacklist").map(|said| said.value.split(',').map(str::to_owned).collect());
        resolved.topic_blacklist = patterns.unwrap_or_default();
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
    fn said<T>(&self, setting: impl Fn(&ListenerSettings) -> Option<T>) -> Option<(Place, T)> {
        self.layers().into_iter().rev().find_map(|(place, settings)| Some((place, setting(settings?)?)))
    }

    fn mistake(&self, place: Place, key: &str, text: impl Into<String>) {
        let (source, key) = self.source(place, key);
        self.mistakes.add(source, key, text);
    }

    fn source(&self, place: Place, key: &str) -> (&'r str, String) {
        let path = match (place, self.overriding) {
            (Place::Default, _) => self.default_path(key),
            (Place::Override, Some((id, _))) => format!("kafka.listeners.{id}.{key}"),
            (Place::Declaration | Place::Override, _) => {
                return (self.declared.location.unwrap_or("code"), self.named(key));
            }
        };
        (self.properties.origin(&path), path)
    }

    /// Spring Boot has some of the defaults elsewhere.
    fn default_path(&self, key: &str) -> String {
        let path = format!("kafka.listener.{key}");
        match key.strip_prefix("retry-topics.") {
            Some(name) if !self.properties.is_said(&path) => {
                let name = match name {
                    "backoff" => "backoff.delay",
                    "max-backoff" => "backoff.max-delay",
                    "multiplier" => "backoff.multiplier",
                    "jitter" => "backoff.jitter",
                    name => name,
                };
                format!("kafka.retry.topic.{name}")
            }
            _ => path,
        }
    }

    fn named(&self, key: &str) -> String {
        format!("listener `{}`: {key}", self.declared.id)
    }

    /// A mistake of the listener as a whole.
    fn mistake_of_listener(&self, text: impl Into<String>) {
        let key = format!("listener `{}`", self.declared.id);
        self.mistakes.add(self.declared.location.unwrap_or("code"), key, text);
    }

    /// A number that must not be 0.
    fn positive(&self, key: &str, setting: impl Fn(&ListenerSettings) -> Option<u32>, default: u32) -> u32 {
        let Some((place, number)) = self.said(setting) else { return default };
        if number == 0 {
            self.mistake(place, key, "must be at least 1");
        }
        number
    }

    /// A time that must be more than 0.
    fn interval(&self, key: &str, setting: impl Fn(&ListenerSettings) -> Option<Duration>) -> Option<Duration> {
        let (place, interval) = self.said(setting)?;
        if interval.is_zero() {
            self.mistake(place, key, "must be more than 0; leave it out for none");
        }
        Some(interval)
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
