//! What the configs say of connections.

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use crate::config::check::elements;
use crate::config::layers::BrokerLayers;

const MAX: &str = "max.connections";
const MAX_PER_IP: &str = "max.connections.per.ip";
const OVERRIDES: &str = "max.connections.per.ip.overrides";
const RATE: &str = "max.connection.creation.rate";

/// Whether a config is about connections; each may be changed while the broker runs.
pub(crate) fn is_ours(key: &str) -> bool {
    match key.strip_prefix("listener.name.").and_then(|rest| rest.split_once('.')) {
        Some((_, key)) => [MAX, RATE].contains(&key),
        None => [MAX, MAX_PER_IP, OVERRIDES, RATE].contains(&key),
    }
}

/// How many connections there may be, and how many may come in a second.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConnectionLimits {
    of_broker: Limit,
    of_listeners: BTreeMap<Arc<str>, Limit>,
    /// The listener by which brokers would talk to each other: what bounds the broker as a whole does not shut it.
    protected: Arc<str>,
    max_per_ip: usize,
    overrides: BTreeMap<IpAddr, usize>,
}

/// Connections at once, and new ones in a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limit {
    pub(super) max: usize,
    pub(super) rate: f64,
}

impl ConnectionLimits {
    /// Reads what is in force on a node. Values were checked before they were taken.
    pub(crate) fn read<'a>(
        layers: &BrokerLayers,
        node: i32,
        listeners: impl IntoIterator<Item = &'a Arc<str>>,
    ) -> Self {
        let said = |name: &str| layers.value(node, name).ok().flatten();
        let number = |name: &str| said(name)?.trim().parse::<i32>().ok();
        let limit = |prefix: &str| {
            let own = |name: &str| number(&format!("{prefix}{name}")).or_else(|| number(name)).unwrap_or(i32::MAX);
            Limit { max: count(own(MAX)), rate: f64::from(own(RATE)) }
        };
        let of_listener =
            |name: &'a Arc<str>| (Arc::clone(name), limit(&format!("listener.name.{}.", name.to_lowercase())));
        let inter_broker = said("inter.broker.listener.name").or_else(|| said("security.inter.broker.protocol"));
        Self {
            of_broker: limit(""),
            of_listeners: listeners.into_iter().map(of_listener).collect(),
            protected: Arc::from(inter_broker.unwrap_or_default().to_uppercase()),
            max_per_ip: count(number(MAX_PER_IP).unwrap_or(i32::MAX)),
            overrides: overrides(&said(OVERRIDES).unwrap_or_default()),
        }
    }

    pub(super) fn of_listener(&self, listener: &str) -> Limit {
        self.of_listeners.get(listener).copied().unwrap_or(self.of_broker)
    }

    /// What bounds the broker as a whole, for a listener that it bounds.
    pub(super) fn of_broker(&self, listener: &str) -> Option<Limit> {
        let is_protected = self.of_listeners.len() > 1 && *self.protected == *listener;
        (!is_protected).then_some(self.of_broker)
    }

    pub(super) fn max_of(&self, ip: IpAddr) -> usize {
        self.overrides.get(&ip).copied().unwrap_or(self.max_per_ip)
    }
}

fn count(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// `host:count` pairs; a host that has no address now bounds nobody.
fn overrides(text: &str) -> BTreeMap<IpAddr, usize> {
    let pair = |pair: &str| {
        let (host, max) = pair.rsplit_once(':')?;
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let address = (host, 0).to_socket_addrs().ok()?.next()?;
        Some((address.ip().to_canonical(), max.trim().parse().ok()?))
    };
    elements(text).into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Configs;

    fn limits(pairs: &[(&str, &str)]) -> ConnectionLimits {
        let file: Configs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let layers = BrokerLayers { file, ..BrokerLayers::default() };
        ConnectionLimits::read(&layers, 1, &[Arc::from("PLAINTEXT"), Arc::from("OUT")])
    }

    #[test]
    fn what_is_not_said_bounds_nobody() {
        let limits = limits(&[]);
        let unbounded = Limit { max: 2_147_483_647, rate: 2_147_483_647.0 };
        assert_eq!((limits.of_listener("OUT"), limits.of_broker("OUT")), (unbounded, Some(unbounded)));
        assert_eq!(limits.max_of([127, 0, 0, 1].into()), 2_147_483_647);
    }

    #[test]
    fn a_listener_has_what_is_said_for_it_or_for_all() {
        let limits = limits(&[
            ("max.connections", "7"),
            ("listener.name.out.max.connections", "3"),
            ("max.connection.creation.rate", "9"),
        ]);
        assert_eq!(limits.of_listener("OUT"), Limit { max: 3, rate: 9.0 });
        assert_eq!(limits.of_listener("PLAINTEXT"), Limit { max: 7, rate: 9.0 });
        assert_eq!(limits.of_broker("PLAINTEXT"), None, "brokers would talk by it");
        assert_eq!(limits.of_broker("OUT").map(|limit| limit.max), Some(7));
    }

    #[test]
    fn single_addresses_have_other_limits() {
        let limits =
            limits(&[("max.connections.per.ip", "5"), ("max.connections.per.ip.overrides", "127.0.0.1:2, ::1:3")]);
        let max = |ip: &str| limits.max_of(ip.parse().unwrap());
        assert_eq!((max("127.0.0.1"), max("::1"), max("10.0.0.1")), (2, 3, 5));
    }

    #[test]
    fn configs_of_connections_are_known_by_their_end() {
        for ours in ["max.connections", "listener.name.out.max.connections", "max.connections.per.ip"] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in ["listener.name.out.max.connections.per.ip", "connections.max.idle.ms"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
