//! Listeners in Kafka's spelling: `listeners`, `advertised.listeners`, `listener.security.protocol.map`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::protocol::SecurityProtocol;
use crate::config::layers::Configs;

pub(crate) mod builder;
pub(crate) mod controller;

const PREFIX: &str = "listener.name.";
const LISTENERS: &str = "listeners";
const ADVERTISED: &str = "advertised.listeners";
const PROTOCOL_MAP: &str = "listener.security.protocol.map";
/// Kafka's controllers talk by these; there are none here, so nothing is bound for them.
const CONTROLLERS: &str = "controller.listener.names";
/// How brokers talk to each other: checked as far as the names go, otherwise without a meaning in one process.
const INTER_BROKER: &str = "inter.broker.listener.name";
const INTER_BROKER_PROTOCOL: &str = "security.inter.broker.protocol";

/// Whether these configs say how the broker listens.
pub(crate) fn is_ours(key: &str) -> bool {
    [LISTENERS, ADVERTISED, PROTOCOL_MAP, CONTROLLERS, INTER_BROKER, INTER_BROKER_PROTOCOL].contains(&key)
}

/// The configs as one listener sees them: what is said for it alone comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListenerConfigs<'a> {
    listener: &'a str,
    configs: &'a Configs,
}

impl<'a> ListenerConfigs<'a> {
    pub(crate) fn new(listener: &'a str, configs: &'a Configs) -> Self {
        Self { listener, configs }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.get_own(key).or_else(|| self.configs.get(key).map(String::as_str))
    }

    /// What is said for this listener alone.
    pub(crate) fn get_own(&self, key: &str) -> Option<&'a str> {
        self.configs.get(&format!("{PREFIX}{}.{key}", self.listener.to_lowercase())).map(String::as_str)
    }
}

/// A config of one listener: the name of the listener, in lower case, and that of the config.
pub(crate) fn of_listener(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix(PREFIX)?.split_once('.')
}

/// A listener that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenerSpec {
    /// In upper case.
    pub(crate) name: Arc<str>,
    pub(crate) protocol: SecurityProtocol,
    /// Empty for every address of the machine.
    pub(crate) host: String,
    /// 0 for one that the system chooses.
    pub(crate) port: u16,
    /// What clients are told; absent when they are told nothing of this listener.
    pub(crate) advertised: Option<Advertised>,
}

/// The address that clients are told to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Advertised {
    /// Empty for the address a client has reached.
    pub(crate) host: String,
    /// 0 for the port that is bound.
    pub(crate) port: u16,
}

impl ListenerSpec {
    /// The one listener of a broker that is told nothing else: `PLAINTEXT`, on loopback.
    pub(crate) fn on_loopback(port: u16) -> Self {
        let host = "127.0.0.1".to_owned();
        Self {
            name: Arc::from("PLAINTEXT"),
            protocol: SecurityProtocol::Plaintext,
            advertised: Some(Advertised { host: host.clone(), port: 0 }),
            host,
            port,
        }
    }
}

/// All listeners that the configs ask for, or every mistake in them.
pub(crate) fn resolve(configs: &Configs) -> Result<Vec<ListenerSpec>, Vec<String>> {
    let said = |key: &str| configs.get(key).map(String::as_str);
    let controllers = csv(said(CONTROLLERS).unwrap_or_default());
    let protocols = protocols(said(PROTOCOL_MAP), &controllers).map_err(|why| vec![why])?;
    let bound = match said(LISTENERS) {
        Some(text) => endpoints(LISTENERS, text, &protocols).map_err(|why| vec![why])?,
        None => vec![Endpoint::of(&ListenerSpec::on_loopback(0))],
    };
    let advertised = said(ADVERTISED).map(|text| endpoints(ADVERTISED, text, &protocols)).transpose();
    let advertised = advertised.map_err(|why| vec![why])?;
    let mut mistakes = conflicts(&bound);
    mistakes.extend(advertised.iter().flatten().filter_map(|told| not_bound(told, &bound)));
    let is_controller = |one: &Endpoint| controllers.iter().any(|name| name.eq_ignore_ascii_case(&one.name));
    let specs: Vec<_> =
        bound.into_iter().filter(|one| !is_controller(one)).map(|one| one.told(advertised.as_deref())).collect();
    mistakes.extend(specs.is_empty().then(|| format!("{LISTENERS} must name a listener that is no controller's")));
    mistakes.extend(unknown_inter_broker(said(INTER_BROKER), &specs));
    let nonroutable = specs.iter().any(|spec| spec.advertised.as_ref().is_some_and(|told| told.host == "0.0.0.0"));
    if nonroutable {
        mistakes
            .push(format!("{ADVERTISED} cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address."));
    }
    if mistakes.is_empty() { Ok(specs) } else { Err(mistakes) }
}

/// A name, an address and a protocol, as one entry of a list has them.
#[derive(Debug, Clone)]
struct Endpoint {
    name: String,
    protocol: SecurityProtocol,
    host: String,
    port: u16,
}

impl Endpoint {
    fn of(spec: &ListenerSpec) -> Self {
        Self { name: spec.name.to_string(), protocol: spec.protocol, host: spec.host.clone(), port: spec.port }
    }

    /// As Kafka: without `advertised.listeners` clients are told what is bound; with it, of those in it only.
    fn told(self, advertised: Option<&[Self]>) -> ListenerSpec {
        let advertised = match advertised {
            None => Some(Advertised { host: self.host.clone(), port: self.port }),
            Some(list) => list
                .iter()
                .find(|told| told.name == self.name)
                .map(|told| Advertised { host: told.host.clone(), port: told.port }),
        };
        let Self { name, protocol, host, port } = self;
        ListenerSpec { name: Arc::from(name), protocol, host, port, advertised }
    }
}

fn endpoints(key: &str, text: &str, protocols: &BTreeMap<String, SecurityProtocol>) -> Result<Vec<Endpoint>, String> {
    let wrong = |why: String| format!("Error creating broker listeners from '{text}' ({key}): {why}");
    csv(text).into_iter().map(|entry| endpoint(entry, protocols).map_err(wrong)).collect()
}

/// `NAME://HOST:PORT`, where the host may be empty or an IPv6 address in brackets.
fn endpoint(entry: &str, protocols: &BTreeMap<String, SecurityProtocol>) -> Result<Endpoint, String> {
    let unreadable = || format!("Unable to parse {entry} to a broker endpoint");
    let (name, address) = entry.split_once("://").ok_or_else(unreadable)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(unreadable)?;
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-%._:".contains(&byte);
    if name.trim().is_empty() || !host.bytes().all(is_of_host) {
        return Err(unreadable());
    }
    let port = port.parse().map_err(|_| unreadable())?;
    let name = name.to_uppercase();
    let protocol =
        protocols.get(&name).copied().ok_or_else(|| format!("No security protocol defined for listener {name}"))?;
    Ok(Endpoint { name, protocol, host: host.to_owned(), port })
}

/// Which protocol each name of a listener stands for. What is not said is Kafka's: each protocol under its own name, and
/// controllers in plain text as long as no one else uses anything better.
fn protocols(said: Option<&str>, controllers: &[&str]) -> Result<BTreeMap<String, SecurityProtocol>, String> {
    let Some(text) = said else {
        let own = SecurityProtocol::ALL.map(|protocol| (protocol.name().to_owned(), protocol));
        let mut map = BTreeMap::from(own);
        for name in controllers {
            map.entry(name.to_uppercase()).or_insert(SecurityProtocol::Plaintext);
        }
        return Ok(map);
    };
    let pair = |entry: &str| {
        let (name, protocol) = entry
            .rsplit_once(':')
            .ok_or_else(|| format!("Error parsing configuration property '{PROTOCOL_MAP}': {entry}"))?;
        let protocol = protocol.trim();
        let known = protocol
            .parse()
            .map_err(|()| format!("Invalid security protocol `{protocol}` defined in {PROTOCOL_MAP}"))?;
        Ok((name.trim().to_uppercase(), known))
    };
    csv(text).into_iter().map(pair).collect()
}

fn conflicts(bound: &[Endpoint]) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (index, one) in bound.iter().enumerate() {
        for other in &bound[..index] {
            if other.name == one.name {
                mistakes.push(format!("Each listener must have a different name, listeners: {} twice", one.name));
            }
            let families =
                [&one.host, &other.host].map(|host| host.parse().ok().map(|ip: std::net::IpAddr| ip.is_ipv4()));
            let differ = matches!(families, [Some(one), Some(other)] if one != other);
            if one.port != 0 && one.port == other.port && !differ {
                let Endpoint { port, .. } = one;
                mistakes.push(format!("Each listener must have a different port, listeners: {port} twice"));
            }
        }
    }
    mistakes
}

fn not_bound(told: &Endpoint, bound: &[Endpoint]) -> Option<String> {
    let is_bound = bound.iter().any(|one| one.name == told.name);
    (!is_bound).then(|| {
        let names: Vec<_> = bound.iter().map(|one| one.name.as_str()).collect();
        format!(
            "{ADVERTISED} listener names must be equal to or a subset of the ones defined in {LISTENERS}. Found {}. \
             The valid options based on the current configuration are {}",
            told.name,
            names.join(",")
        )
    })
}

fn unknown_inter_broker(name: Option<&str>, specs: &[ListenerSpec]) -> Option<String> {
    let name = name?.to_uppercase();
    let is_told = specs.iter().any(|spec| *spec.name == *name && spec.advertised.is_some());
    (!is_told).then(|| {
        let names: Vec<_> = specs.iter().filter(|spec| spec.advertised.is_some()).map(|spec| &*spec.name).collect();
        format!(
            "{INTER_BROKER} must be a listener name defined in {ADVERTISED}. The valid options based on currently \
             configured listeners are {}",
            names.join(",")
        )
    })
}

/// The elements of a list, with whatever blanks are around them.
fn csv(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|element| !element.is_empty()).collect()
}

#[cfg(test)]
mod tests;
