//! Topics declared by the application, created or grown at start.
//!
//! What is to be done is a pure function of what is declared and what the cluster has; the shell around it asks the
//! cluster, does it, and reports each step.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{AdminClient, AlterConfigOp, ConfigEntry, ConfigResource, NewTopic};
use crate::{
    config::AdminProperties,
    error::{Error, ErrorKind, Result},
};

/// What was found and done for one declared topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TopicChange {
    /// It was missing.
    Created { topic: String },
    /// It had fewer partitions.
    Grown { topic: String, from: usize, to: usize },
    /// It has more partitions than declared, and keeps them.
    KeptLarger { topic: String, declared: usize, actual: usize },
    /// A config is not as declared and was left so.
    ConfigDiffers(ConfigDifference),
    /// A config was not as declared and was changed.
    ConfigChanged(ConfigDifference),
}

/// A config of a topic that exists and is not as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigDifference {
    pub(crate) topic: String,
    pub(crate) key: String,
    pub(crate) declared: String,
    /// `None`: the broker told no value.
    pub(crate) actual: Option<String>,
}

impl fmt::Display for TopicChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { topic } => write!(f, "topic `{topic}` created"),
            Self::Grown { topic, from, to } => write!(f, "topic `{topic}` grown from {from} to {to} partitions"),
            Self::KeptLarger { topic, declared, actual } => {
                write!(
                    f,
                    "topic `{topic}` has {actual} partitions, {declared} are declared; partitions are never taken away"
                )
            }
            Self::ConfigDiffers(difference) => {
                write!(f, "{difference}; it is left so (`kafka.admin.modify-topic-configs` is off)")
            }
            Self::ConfigChanged(difference) => write!(f, "{difference}; changed"),
        }
    }
}

impl fmt::Display for ConfigDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actual = self.actual.as_deref().unwrap_or("unknown");
        write!(f, "config `{}` of topic `{}` is {actual}, {} is declared", self.key, self.topic, self.declared)
    }
}

/// Creates, grows and configures declared topics as `kafka.admin.*` says. Without `fail-fast`, what cannot be done is
/// logged, and the application starts all the same.
///
/// # Errors
/// With `fail-fast`: no broker answered, or topics could not be made as declared; all of them are told.
pub(crate) async fn make_topics(
    connection: &BTreeMap<String, String>,
    properties: &AdminProperties,
    declared: &[NewTopic],
) -> Result<Vec<TopicChange>> {
    if declared.is_empty() || !properties.auto_create {
        return Ok(Vec::new());
    }
    if_fatal(try_make_topics(connection, properties, declared).await, properties, "declared topics")
}

/// Without `fail-fast` an error is logged, and the application starts all the same.
pub(super) fn if_fatal(
    made: Result<Vec<TopicChange>>,
    properties: &AdminProperties,
    what: &str,
) -> Result<Vec<TopicChange>> {
    match made {
        Err(error) if !properties.fail_fast => {
            tracing::error!(%error, "{what} could not be made; `kafka.admin.fail-fast` would stop the start");
            Ok(Vec::new())
        }
        other => other,
    }
}

pub(super) async fn try_make_topics(
    connection: &BTreeMap<String, String>,
    properties: &AdminProperties,
    declared: &[NewTopic],
) -> Result<Vec<TopicChange>> {
    refuse_contradictions(declared)?;
    let admin = AdminClient::open(connection, properties.operation_timeout)?;
    let plan = Plan::of(declared, &sizes(&admin).await?);
    let mut outcome = Outcome { changes: plan.notes.clone(), refusals: Vec::new() };
    create(&admin, &plan, &mut outcome).await?;
    grow(&admin, &plan, &mut outcome).await?;
    configure(&admin, &plan, properties.modify_topic_configs, &mut outcome).await?;
    outcome.into_result()
}

/// How many partitions each topic has.
pub(super) async fn sizes(admin: &AdminClient) -> Result<BTreeMap<String, usize>> {
    Ok(admin.list_topics().await?.into_iter().map(|topic| (topic.name, topic.n_partitions)).collect())
}

/// What is to be done for the declared topics.
#[derive(Debug, PartialEq, Eq)]
struct Plan<'d> {
    create: Vec<&'d NewTopic>,
    grow: Vec<Growth<'d>>,
    /// Topics that exist and declare configs.
    compare: Vec<&'d NewTopic>,
    notes: Vec<TopicChange>,
}

#[derive(Debug, PartialEq, Eq)]
struct Growth<'d> {
    topic: &'d str,
    from: usize,
    to: usize,
}

impl<'d> Plan<'d> {
    fn of(declared: &'d [NewTopic], existing: &BTreeMap<String, usize>) -> Self {
        let mut plan = Self { create: Vec::new(), grow: Vec::new(), compare: Vec::new(), notes: Vec::new() };
        let mut seen = BTreeSet::new();
        for topic in declared.iter().filter(|topic| seen.insert(topic.name())) {
            match existing.get(topic.name()) {
                None => plan.create.push(topic),
                Some(n_actual) => plan.adapt(topic, *n_actual),
            }
        }
        plan
    }

    fn adapt(&mut self, topic: &'d NewTopic, actual: usize) {
        let declared = topic.n_partitions().and_then(|n| usize::try_from(n).ok()).unwrap_or(actual);
        if declared > actual {
            self.grow.push(Growth { topic: topic.name(), from: actual, to: declared });
        }
        if declared < actual {
            self.notes.push(TopicChange::KeptLarger { topic: topic.name().to_owned(), declared, actual });
        }
        if topic.configs().next().is_some() {
            self.compare.push(topic);
        }
    }
}

/// What was done, and what a broker refused.
struct Outcome {
    changes: Vec<TopicChange>,
    refusals: Vec<String>,
}

impl Outcome {
    fn into_result(self) -> Result<Vec<TopicChange>> {
        for change in &self.changes {
            match change {
                TopicChange::KeptLarger { .. } | TopicChange::ConfigDiffers(_) => tracing::warn!("{change}"),
                _ => tracing::info!("{change}"),
            }
        }
        match self.refusals.as_slice() {
            [] => Ok(self.changes),
            refusals => Err(Error::new(ErrorKind::Refused, refusals.join("; "))),
        }
    }
}

/// A topic declared twice in different ways: which one is meant cannot be known.
fn refuse_contradictions(declared: &[NewTopic]) -> Result<()> {
    let mut first: BTreeMap<&str, &NewTopic> = BTreeMap::new();
    let mut mistakes: Vec<String> = Vec::new();
    for topic in declared {
        if *first.entry(topic.name()).or_insert(topic) != topic {
            mistakes.push(format!("topic `{}` is declared twice, in different ways", topic.name()));
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Error::config_list(&mistakes)) }
}

/// Another instance of the application was faster.
const TOPIC_ALREADY_EXISTS: &str = "TOPIC_ALREADY_EXISTS";

async fn create(admin: &AdminClient, plan: &Plan<'_>, outcome: &mut Outcome) -> Result<()> {
    let topics: Vec<_> = plan.create.iter().copied().cloned().collect();
    for (topic, created) in admin.create_topics(&topics).await? {
        match created {
            Ok(()) => outcome.changes.push(TopicChange::Created { topic }),
            Err(error) if error.name() == TOPIC_ALREADY_EXISTS => {}
            Err(error) => outcome.refusals.push(format!("topic `{topic}` could not be created: {error}")),
        }
    }
    Ok(())
}

async fn grow(admin: &AdminClient, plan: &Plan<'_>, outcome: &mut Outcome) -> Result<()> {
    let totals = plan.grow.iter().map(|growth| (growth.topic, u32::try_from(growth.to).unwrap_or(u32::MAX)));
    for (topic, grown) in admin.create_partitions(totals).await? {
        let Some(&Growth { from, to, .. }) = plan.grow.iter().find(|growth| growth.topic == topic) else { continue };
        match grown {
            Ok(()) => outcome.changes.push(TopicChange::Grown { topic, from, to }),
            Err(error) => outcome
                .refusals
                .push(format!("topic `{topic}` could not be grown from {from} to {to} partitions: {error}")),
        }
    }
    Ok(())
}

async fn configure(admin: &AdminClient, plan: &Plan<'_>, is_modifying: bool, outcome: &mut Outcome) -> Result<()> {
    let resources = plan.compare.iter().map(|topic| ConfigResource::topic(topic.name()));
    let mut actual = BTreeMap::new();
    for (resource, configs) in admin.describe_configs(resources).await? {
        match (resource, configs) {
            (ConfigResource::Topic(topic), Ok(configs)) => {
                actual.insert(topic, configs);
            }
            (resource, Err(error)) => {
                outcome.refusals.push(format!("the configs of {resource} could not be read: {error}"));
            }
            _ => {}
        }
    }
    let differences = differences(&plan.compare, &actual);
    if !is_modifying {
        outcome.changes.extend(differences.into_iter().map(TopicChange::ConfigDiffers));
        return Ok(());
    }
    let changed = admin.alter_configs_incrementally(changes(&differences)).await?;
    for (resource, changed) in &changed {
        if let Err(error) = changed {
            outcome.refusals.push(format!("the configs of {resource} could not be changed: {error}"));
        }
    }
    let is_changed = |one: &ConfigDifference| matches!(changed.get(&ConfigResource::topic(&one.topic)), Some(Ok(())));
    outcome.changes.extend(differences.into_iter().filter(is_changed).map(TopicChange::ConfigChanged));
    Ok(())
}

fn changes(differences: &[ConfigDifference]) -> BTreeMap<ConfigResource, Vec<(String, AlterConfigOp)>> {
    let mut changes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for ConfigDifference { topic, key, declared, .. } in differences {
        let change = (key.clone(), AlterConfigOp::set(declared));
        changes.entry(ConfigResource::topic(topic)).or_default().push(change);
    }
    changes
}

/// Of topics whose configs are known.
fn differences(
    declared: &[&NewTopic],
    actual: &BTreeMap<String, BTreeMap<String, ConfigEntry>>,
) -> Vec<ConfigDifference> {
    let of_topic = |topic: &NewTopic| {
        let Some(actual) = actual.get(topic.name()) else { return Vec::new() };
        let differs = |(key, declared): (&str, &str)| {
            let actual = actual.get(key).and_then(|entry| entry.value.clone());
            (actual.as_deref() != Some(declared)).then(|| ConfigDifference {
                topic: topic.name().to_owned(),
                key: key.to_owned(),
                declared: declared.to_owned(),
                actual,
            })
        };
        topic.configs().filter_map(differs).collect()
    };
    declared.iter().flat_map(|topic| of_topic(topic)).collect()
}

#[cfg(test)]
#[path = "declared_tests.rs"]
mod tests;
