//! The listener of the controller, which nothing is bound for: only where it would be is told.

use super::{CONTROLLERS, LISTENERS, csv};
use crate::config::layers::Configs;

const VOTERS: &str = "controller.quorum.voters";

/// Where a node's controller is, by the configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControllerListener {
    /// In upper case.
    pub(crate) name: String,
    /// Absent if nothing says it.
    pub(crate) address: Option<(String, u16)>,
}

impl Default for ControllerListener {
    fn default() -> Self {
        Self { name: "CONTROLLER".to_owned(), address: None }
    }
}

impl ControllerListener {
    /// As the voters have it, else as it is bound in Kafka.
    pub(crate) fn resolve(configs: &Configs, node_id: i32) -> Self {
        let list = |key: &str| csv(configs.get(key).map_or("", String::as_str));
        let name = list(CONTROLLERS).first().map_or_else(|| Self::default().name, |name| name.to_uppercase());
        let voter = list(VOTERS).into_iter().find_map(|voter| {
            let (id, address) = voter.split_once('@')?;
            (id.parse() == Ok(node_id)).then(|| host_and_port(address))?
        });
        let bound = list(LISTENERS).into_iter().find_map(|listener| {
            let (of, address) = listener.split_once("://")?;
            of.eq_ignore_ascii_case(&name).then(|| host_and_port(address))?
        });
        Self { name, address: voter.or(bound) }
    }
}

fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?)).filter(|(host, port)| !host.is_empty() && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(pairs: &[(&str, &str)]) -> (String, String) {
        let configs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let ControllerListener { name, address } = ControllerListener::resolve(&configs, 2);
        (name, address.map_or_else(String::new, |(host, port)| format!("{host}:{port}")))
    }

    fn told(name: &str, address: &str) -> (String, String) {
        (name.to_owned(), address.to_owned())
    }

    #[test]
    fn it_is_where_the_voters_have_it_else_where_it_would_be_bound() {
        let listeners = ("listeners", "PLAINTEXT://:9092,Inner://localhost:9093");
        let names = ("controller.listener.names", "inner");
        assert_eq!(resolve(&[listeners, names]), told("INNER", "localhost:9093"));
        let voters = ("controller.quorum.voters", "1@a:1, 2@b:2");
        assert_eq!(resolve(&[listeners, names, voters]), told("INNER", "b:2"));
        assert_eq!(resolve(&[("controller.quorum.voters", "1@a:1")]), told("CONTROLLER", ""));
        assert_eq!(resolve(&[]), told("CONTROLLER", ""));
    }
}
