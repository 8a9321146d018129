//! The resources that config requests name, shared by describing and altering.

use super::answer::invalid_request;
use crate::cluster::Cluster;
use crate::error::Error;

/// A resource that has configs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConfigResource {
    Topic(String),
    /// A broker by its node id, or the default of all.
    Broker(Option<i32>),
}

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

impl ConfigResource {
    /// Reads what a request names; `node` is the broker that was asked.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` for what is malformed or another broker's, with Kafka's words, and for resources that
    /// this broker keeps no configs of.
    pub(super) fn parse(kind: i8, name: &str, verb: Verb, node: i32) -> Result<Self, Error> {
        match kind {
            TOPIC => Ok(Self::Topic(name.to_owned())),
            BROKER if name.is_empty() => Ok(Self::Broker(None)),
            BROKER => {
                let id: i32 = name.parse().map_err(|_| invalid_request(not_a_node(verb, name)))?;
                if id != node {
                    return Err(invalid_request(match verb {
                        Verb::Describe => {
                            format!("Unexpected broker id, expected {node} or empty string, but received {name}")
                        }
                        Verb::Alter => format!("Unexpected broker id, expected {node}, but received {name}"),
                    }));
                }
                Ok(Self::Broker(Some(id)))
            }
            BROKER_LOGGER | CLIENT_METRICS | GROUP => {
                let what = match kind {
                    BROKER_LOGGER => "broker loggers",
                    CLIENT_METRICS => "client metrics",
                    _ => "groups",
                };
                Err(invalid_request(format!("the embedded broker keeps no configs of {what}")))
            }
            _ => Err(unknown_kind(verb, kind)),
        }
    }
}

/// What is done with a resource's configs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Describe,
    Alter,
}

fn not_a_node(verb: Verb, name: &str) -> String {
    match verb {
        Verb::Describe => format!("Broker id must be an integer, but it is: {name}"),
        Verb::Alter => format!("Node id must be an integer, but it is: {name}"),
    }
}

fn unknown_kind(verb: Verb, kind: i8) -> Error {
    invalid_request(match verb {
        Verb::Describe => {
            "This most likely occurs because of a request being malformed by the client library or the message was sent to \
             an incompatible broker. See the broker logs for more details."
                .to_owned()
        }
        Verb::Alter => format!("Unknown resource type {kind}"),
    })
}

/// Changes a resource's configs.
///
/// # Errors
///
/// What the cluster says of the change.
pub(super) fn alter(
    cluster: &Cluster,
    resource: &ConfigResource,
    validate_only: bool,
    change: impl Fn(&crate::config::layers::Configs) -> Result<crate::config::layers::Configs, Error>,
) -> Result<(), Error> {
    match resource {
        ConfigResource::Topic(name) => cluster.alter_topic_configs(name, validate_only, change),
        ConfigResource::Broker(node) => cluster.alter_broker_configs(*node, validate_only, change),
    }
}
