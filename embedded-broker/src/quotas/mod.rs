//! Quotas of users and client ids: kept by entity, found by Kafka's precedence, and measured for each client.
//!
//! As long as none is set nothing is measured, and a request pays one load for that.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::clock::Timestamp;
use crate::error::Error;
use entity::{Entity, EntityType, Name, Ops, Values};
use rate::{Rate, TokenBucket, Windows};

pub(crate) mod entity;
pub(crate) mod rate;

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Bytes of produce requests in a second.
    Produce,
    /// Bytes of fetch responses in a second.
    Fetch,
    /// Of the time of one thread, in per cent.
    Request,
    /// Partitions that are made and deleted in a second.
    ControllerMutation,
}

impl Kind {
    const fn key(self) -> &'static str {
        match self {
            Self::Produce => "producer_byte_rate",
            Self::Fetch => "consumer_byte_rate",
            Self::Request => "request_percentage",
            Self::ControllerMutation => "controller_mutation_rate",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    pub(crate) user: &'a str,
    pub(crate) client_id: &'a str,
}

/// Those who share a quota are measured together: a user's clients, or a client id whoever the users are.
type Measured = (Kind, Option<String>, Option<String>);

#[derive(Debug, Default)]
struct Sensor {
    rate: Rate,
    tokens: TokenBucket,
    used: Timestamp,
}

/// What became of a wish to make or delete partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mutated {
    pub(crate) refused: bool,
    /// How long its client is to be held up.
    pub(crate) throttle: Duration,
}

/// How many connections an address may open in a second.
#[derive(Debug, Default)]
struct IpRates {
    of_others: Option<f64>,
    /// By host, with the address that it had when this was set, as in Kafka.
    own: BTreeMap<String, (Option<IpAddr>, f64)>,
}

/// Sensors that were not used for so long are forgotten.
const INACTIVE: Duration = Duration::from_secs(3600);

/// All quotas, and what was measured.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    windows: Windows,
    controller_windows: Windows,
    is_set: AtomicBool,
    by_entity: RwLock<BTreeMap<Entity, Values>>,
    /// What of these is about addresses: asked for each connection that comes.
    ip_rates: RwLock<IpRates>,
    sensors: Mutex<HashMap<Measured, Sensor>>,
}

impl Quotas {
    pub(crate) fn new(windows: Windows, controller_windows: Windows) -> Self {
        Self { windows, controller_windows, ..Self::default() }
    }

    /// Whether there is any quota at all.
    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
    }

    /// Every entity that has quotas, and what they are.
    pub(crate) fn all(&self) -> BTreeMap<Entity, Values> {
        self.by_entity.read().clone()
    }

    /// What the quotas of an entity will be after these changes.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, with Kafka's words.
    pub(crate) fn altered(&self, entity: &Entity, ops: &Ops) -> Result<Values, Error> {
        let none = Values::new();
        entity::apply(entity, self.by_entity.read().get(entity).unwrap_or(&none), ops)
    }

    /// Sets all quotas of one entity; none takes them away.
    pub(crate) fn set(&self, entity: Entity, values: Values) {
        if let Some(name) = entity.get(&EntityType::Ip) {
            self.set_ip_rate(name, values.get(entity::CONNECTION_CREATION_RATE).copied());
        }
        let mut by_entity = self.by_entity.write();
        if values.is_empty() {
            by_entity.remove(&entity);
        } else {
            by_entity.insert(entity, values);
        }
        self.is_set.store(!by_entity.is_empty(), Ordering::Relaxed);
    }

    /// What a client may use of something, and with whom it shares that.
    fn find(&self, kind: Kind, who: Who<'_>) -> Option<(f64, Measured)> {
        let by_entity = self.by_entity.read();
        let exact = |name: &str| Name::Exact(name.to_owned());
        let (user, client) = (exact(who.user), exact(who.client_id));
        let lookups = [
            (Some(&user), Some(&client)),
            (Some(&user), Some(&Name::Default)),
            (Some(&user), None),
            (Some(&Name::Default), Some(&client)),
            (Some(&Name::Default), Some(&Name::Default)),
            (Some(&Name::Default), None),
            (None, Some(&client)),
            (None, Some(&Name::Default)),
        ];
        lookups.into_iter().find_map(|(user, client)| {
            let names = [(EntityType::User, user), (EntityType::ClientId, client)];
            let entity: Entity = names.into_iter().filter_map(|(kind, name)| Some((kind, name?.clone()))).collect();
            let limit = *by_entity.get(&entity)?.get(kind.key())?;
            let measured = (kind, user.map(|_| who.user.to_owned()), client.map(|_| who.client_id.to_owned()));
            Some((limit, measured))
        })
    }

    /// How many connections an address may open in a second, if that is bounded.
    pub(crate) fn connection_rate(&self, ip: IpAddr) -> Option<f64> {
        if !self.is_set() {
            return None;
        }
        let rates = self.ip_rates.read();
        let own = rates.own.values().find(|(address, _)| *address == Some(ip)).map(|(_, rate)| *rate);
        own.or(rates.of_others)
    }

    fn set_ip_rate(&self, name: &Name, rate: Option<f64>) {
        match name {
            Name::Default => self.ip_rates.write().of_others = rate,
            Name::Exact(host) => {
                // Nobody is held up while it is asked for.
                let own = rate.map(|rate| (entity::address_of(host), rate));
                let mut rates = self.ip_rates.write();
                match own {
                    Some(own) => _ = rates.own.insert(host.clone(), own),
                    None => _ = rates.own.remove(host),
                }
            }
        }
    }

    /// What may be used of a kind in a second, if it is bounded for this client.
    pub(crate) fn limit(&self, kind: Kind, who: Who<'_>) -> Option<f64> {
        self.is_set().then(|| self.find(kind, who).map(|(limit, _)| limit)).flatten()
    }

    /// The most bytes that one fetch may hold: more would always be held up.
    pub(crate) fn max_fetch(&self, who: Who<'_>) -> usize {
        let full_windows = self.windows.size * self.windows.samples.saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "limits are positive; `as` saturates"
        )]
        let bytes = |limit: f64| (limit * full_windows.as_secs_f64()) as usize;
        self.limit(Kind::Fetch, who).map_or(usize::MAX, bytes)
    }

    /// Counts an amount, and says how long its client is to be held up.
    pub(crate) fn record(&self, kind: Kind, who: Who<'_>, value: f64, now: Timestamp) -> Duration {
        let Some((limit, measured)) = self.find(kind, who) else { return Duration::ZERO };
        self.with_sensor(measured, now, |sensor| {
            sensor.rate.record(self.windows, value, now);
            sensor.rate.excess(self.windows, limit, now)
        })
    }

    /// Takes back what was counted: the client does not get it.
    pub(crate) fn unrecord(&self, kind: Kind, who: Who<'_>, value: f64, now: Timestamp) {
        if let Some((_, measured)) = self.find(kind, who) {
            self.with_sensor(measured, now, |sensor| sensor.rate.record(self.windows, -value, now));
        }
    }

    /// Counts partitions that are to be made or deleted. When it is strict they are all taken or all refused, by what was
    /// there before, and only who is refused is held up; else they are taken, and held up is who has used up the quota.
    pub(crate) fn mutate(&self, who: Who<'_>, partitions: usize, strict: bool, now: Timestamp) -> Mutated {
        let taken = Mutated { refused: false, throttle: Duration::ZERO };
        let Some((rate, measured)) = self.find(Kind::ControllerMutation, who) else { return taken };
        let windows = self.controller_windows;
        let partitions = f64::from(u32::try_from(partitions).unwrap_or(u32::MAX));
        self.with_sensor(measured, now, |sensor| {
            let debt = sensor.tokens.debt(windows, rate, now);
            if strict && debt > Duration::ZERO {
                return Mutated { refused: true, throttle: debt };
            }
            sensor.tokens.take(windows, rate, partitions, now);
            let throttle = if strict { Duration::ZERO } else { sensor.tokens.debt(windows, rate, now) };
            Mutated { throttle, ..taken }
        })
    }

    /// Of requests: as in Kafka, nobody is held up for longer than a window at once.
    pub(crate) fn record_time(&self, who: Who<'_>, busy: Duration, now: Timestamp) -> Duration {
        self.record(Kind::Request, who, busy.as_secs_f64() * 100.0, now).min(self.windows.size)
    }

    fn with_sensor<T>(&self, measured: Measured, now: Timestamp, act: impl FnOnce(&mut Sensor) -> T) -> T {
        let mut sensors = self.sensors.lock();
        if sensors.len() >= 1024 && !sensors.contains_key(&measured) {
            sensors.retain(|_, sensor| now.saturating_sub(sensor.used) < INACTIVE);
        }
        let sensor = sensors.entry(measured).or_default();
        sensor.used = now;
        act(sensor)
    }
}

#[cfg(test)]
mod tests;
