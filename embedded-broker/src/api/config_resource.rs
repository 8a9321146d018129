//! The resources that config requests name, shared by describing and altering.

use super::answer::{count, invalid_request, outcome};
use crate::cluster::Cluster;
use crate::config::layers::Configs;
use crate::error::Error;
use crate::protocol::StrBytes;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

/// A resource that has configs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConfigResource {
    Topic(String),
    /// A broker by its node id, or the default of all.
    Broker(Option<i32>),
    /// The loggers of the broker that was asked.
    BrokerLogger,
    ClientMetrics(String),
    Group(String),
}

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

impl ConfigResource {
    /// What ACLs are asked about before configs are described or altered.
    pub(super) fn guarded(kind: i8, name: &str) -> Resource<'_> {
        match kind {
            TOPIC => Resource::Topic(name),
            GROUP => Resource::Group(name),
            _ => Resource::Cluster,
        }
    }

    /// Reads what a request names; `node` is the broker that was asked.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` for what is malformed or another broker's, with Kafka's words.
    pub(super) fn parse(kind: i8, name: &str, verb: Verb, node: i32) -> Result<Self, Error> {
        let described = verb == Verb::Describe;
        let some = |what: &str| match name {
            "" if described => Err(invalid_request(format!("{what} must not be empty"))),
            _ => Ok(name.to_owned()),
        };
        match kind {
            TOPIC => Ok(Self::Topic(name.to_owned())),
            BROKER if name.is_empty() => Ok(Self::Broker(None)),
            BROKER => {
                let id = own_id(verb, name, node, |id| match verb {
                    Verb::Describe => {
                        format!("Unexpected broker id, expected {node} or empty string, but received {id}")
                    }
                    Verb::Alter => format!("Unexpected broker id, expected {node}, but received {id}"),
                })?;
                Ok(Self::Broker(Some(id)))
            }
            BROKER_LOGGER => {
                let name = some("Broker id")?;
                own_id(verb, &name, node, |id| match verb {
                    Verb::Describe => format!("Unexpected broker id, expected {node} but received {id}"),
                    Verb::Alter => format!("Unexpected node id. Expected {node}, but received {id}"),
                })?;
                Ok(Self::BrokerLogger)
            }
            CLIENT_METRICS => some("Client metrics subscription name").map(Self::ClientMetrics),
            GROUP => some("Group name").map(Self::Group),
            _ => Err(unknown_kind(verb, kind)),
        }
    }
}

/// Reads a node id that must be the one of the broker that was asked.
fn own_id(verb: Verb, name: &str, node: i32, other: impl Fn(i32) -> String) -> Result<i32, Error> {
    let id: i32 = name.parse().map_err(|_| invalid_request(not_a_node(verb, name)))?;
    if id == node { Ok(id) } else { Err(invalid_request(other(id))) }
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

/// Answers a request that alters configs: each resource by itself, and one that is named twice not at all. What it alters
/// of topics is one change of them; `alter` is given them for a topic, and nothing for what is none.
pub(super) fn answer_each<'a, T>(
    cluster: &Cluster,
    resources: &'a [T],
    name: impl Fn(&'a T) -> (i8, &'a StrBytes),
    alter: impl Fn(&'a T, Option<&mut Topics>) -> Result<(), Error>,
) -> Vec<Altered> {
    let named = count(resources.iter().map(&name));
    let alter = |resource: &'a T, topics: Option<&mut Topics>| {
        if named.get(&name(resource)) == Some(&1) {
            alter(resource, topics)
        } else {
            Err(invalid_request("Each resource must appear at most once."))
        }
    };
    let (of_topics, of_others): (Vec<_>, Vec<_>) =
        resources.iter().enumerate().partition(|(_, resource)| name(resource).0 == TOPIC);
    let topics_altered = cluster.change_each_topic(&of_topics, |topics, (_, resource)| alter(resource, Some(topics)));
    let others_altered = of_others.iter().map(|(_, resource)| alter(resource, None));
    let mut altered: Vec<_> =
        of_topics.iter().zip(topics_altered).chain(of_others.iter().zip(others_altered)).collect();
    altered.sort_by_key(|((place, _), _)| *place);
    let answers = altered.into_iter().map(|((_, resource), altered)| {
        let (kind, name) = name(resource);
        let (code, text) = outcome(&altered);
        Altered { kind, name: name.clone(), code, text }
    });
    answers.collect()
}

/// What became of one resource.
pub(super) struct Altered {
    pub(super) kind: i8,
    pub(super) name: StrBytes,
    pub(super) code: i16,
    pub(super) text: Option<StrBytes>,
}

/// Checks what is the same for every resource: a config is named once, and has a value where it needs one.
///
/// # Errors
///
/// `INVALID_REQUEST`, with Kafka's words.
pub(super) fn check_named<'a>(configs: impl Iterator<Item = (&'a str, bool)> + Clone) -> Result<(), Error> {
    if count(configs.clone().map(|(name, _)| name)).values().any(|times| *times > 1) {
        return Err(invalid_request("Error due to duplicate config keys"));
    }
    let nulls: Vec<&str> = configs.filter(|(_, has_value)| !has_value).map(|(name, _)| name).collect();
    if nulls.is_empty() {
        return Ok(());
    }
    Err(invalid_request(format!("Null value not supported for : {}", nulls.join(","))))
}

/// Changes a resource's configs by `change`, which is given the present ones. Loggers have no configs that could all be
/// given anew: they are changed by [`Loggers`](crate::loggers::Loggers) alone.
///
/// # Errors
///
/// What the cluster says of the change.
pub(super) fn alter(
    cluster: &Cluster,
    resource: &ConfigResource,
    topics: Option<&mut Topics>,
    validate_only: bool,
    change: impl Fn(&Configs) -> Result<Configs, Error>,
) -> Result<(), Error> {
    match resource {
        ConfigResource::Topic(name) => match topics {
            Some(topics) => cluster.alter_topic_configs(topics, name, validate_only, change),
            None => Err(unknown_kind(Verb::Alter, TOPIC)),
        },
        ConfigResource::Broker(node) => cluster.alter_broker_configs(*node, validate_only, change),
        ConfigResource::Group(name) => cluster.alter_group_configs(name, validate_only, change),
        ConfigResource::ClientMetrics(name) => cluster.alter_client_metrics(name, validate_only, change),
        ConfigResource::BrokerLogger => Err(unknown_kind(Verb::Alter, BROKER_LOGGER)),
    }
}
