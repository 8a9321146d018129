//! Whose quota it is, and what a quota may be: pure, but that the addresses of hosts are asked for.

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};

/// Which of all users, client ids or addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Name {
    /// Those that have no quota of their own.
    Default,
    Exact(String),
}

/// What kinds of names there are; as in Kafka, in the order of their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum EntityType {
    ClientId,
    Ip,
    User,
}

impl EntityType {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClientId => "client-id",
            Self::Ip => "ip",
            Self::User => "user",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::ClientId, Self::Ip, Self::User].into_iter().find(|kind| kind.name() == name)
    }
}

/// An entity: a user, a client id, both, or an address.
pub(crate) type Entity = BTreeMap<EntityType, Name>;

/// The quotas of one entity, by their names.
pub(crate) type Values = BTreeMap<String, f64>;

/// An entity as a request names it.
pub(crate) type NamedEntity = BTreeMap<String, Option<String>>;

/// One change; `None` takes the quota away.
pub(crate) type Ops = Vec<(String, Option<f64>)>;

/// What may be set for users and client ids, and whether it is a whole number.
const OF_CLIENTS: &[(&str, bool)] = &[
    ("consumer_byte_rate", true),
    ("controller_mutation_rate", false),
    ("producer_byte_rate", true),
    ("request_percentage", false),
];

/// Of addresses.
pub(super) const CONNECTION_CREATION_RATE: &str = "connection_creation_rate";

/// Reads what a request names.
///
/// # Errors
///
/// `INVALID_REQUEST`, with Kafka's words.
pub(crate) fn read(named: &NamedEntity) -> Result<Entity, Error> {
    if named.is_empty() {
        return Err(refused("Invalid empty client quota entity"));
    }
    let mut entity = Entity::new();
    for (kind, name) in named {
        if name.as_deref() == Some("") {
            return Err(refused(format!("Empty {kind} not supported")));
        }
        let unhandled = || refused(format!("Unhandled client quota entity type: {kind}"));
        let name = name.clone().map_or(Name::Default, Name::Exact);
        entity.insert(EntityType::parse(kind).ok_or_else(unhandled)?, name);
    }
    if let Some(ip) = entity.get(&EntityType::Ip) {
        if entity.len() > 1 {
            // The words are Kafka's, letter by letter.
            let why = "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId";
            return Err(refused(why));
        }
        if let Name::Exact(host) = ip
            && (host.as_str(), 0).to_socket_addrs().is_err()
        {
            return Err(refused(format!("{host} is not a valid IP or resolvable host.")));
        }
    }
    Ok(entity)
}

/// The quotas of an entity after the changes.
///
/// # Errors
///
/// `INVALID_REQUEST`, with Kafka's words.
pub(crate) fn apply(entity: &Entity, current: &Values, ops: &Ops) -> Result<Values, Error> {
    let mut values = current.clone();
    for (key, value) in ops {
        match value {
            None => drop(values.remove(key)),
            Some(value) => {
                check(entity, key, *value)?;
                values.insert(key.clone(), *value);
            }
        }
    }
    Ok(values)
}

/// The address of a host, which is a name or an address; nothing if the name has none now.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    // As Java, the first address counts, of IPv4 if there is one.
    let all: Vec<_> = (host, 0).to_socket_addrs().ok()?.map(|address| address.ip()).collect();
    all.iter().find(|address| address.is_ipv4()).or(all.first()).copied()
}

fn check(entity: &Entity, key: &str, value: f64) -> Result<(), Error> {
    let of_ip = entity.contains_key(&EntityType::Ip);
    let known = OF_CLIENTS.iter().find(|(known, _)| *known == key && !of_ip).map(|(_, whole)| *whole);
    let known = known.or((of_ip && key == CONNECTION_CREATION_RATE).then_some(true));
    let whole = known.ok_or_else(|| refused(format!("Invalid configuration key {key}")))?;
    if value <= 0.0 {
        return Err(refused(format!("Quota {key} must be greater than 0")));
    }
    if !whole {
        return Ok(());
    }
    let (max, kind) = if of_ip { (f64::from(i32::MAX), "an INT") } else { (2_f64.powi(63), "a LONG") };
    if value > max {
        return Err(refused(format!("Proposed value for {key} is too large for {kind}.")));
    }
    if (value % 1.0).abs() > 1e-6 {
        return Err(refused(format!("{key} cannot be a fractional value.")));
    }
    Ok(())
}

/// Which entities a description is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    Exact(Name),
    /// Any name, the default too.
    Any,
}

/// All conditions of a description: whether an entity meets them, and has no other names when `strict`.
pub(crate) fn matches(entity: &Entity, filter: &BTreeMap<EntityType, Match>, strict: bool) -> bool {
    let meets = filter.iter().all(|(kind, wanted)| match (entity.get(kind), wanted) {
        (Some(_), Match::Any) => true,
        (Some(name), Match::Exact(wanted)) => name == wanted,
        (None, _) => false,
    });
    meets && (!strict || entity.len() == filter.len())
}

pub(crate) fn refused(why: impl Into<String>) -> Error {
    Error::with_code(ErrorCode::InvalidRequest, why)
}

/// An entity as Kafka's messages print it.
pub(crate) fn print(named: &NamedEntity) -> String {
    let pair = |(kind, name): (&String, &Option<String>)| format!("{kind}={}", name.as_deref().unwrap_or("null"));
    format!("ClientQuotaEntity(entries={{{}}})", named.iter().map(pair).collect::<Vec<_>>().join(", "))
}
