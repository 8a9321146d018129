//! [`NewTopic`]: topics declared by the application, created or grown at start.
//!
//! What is to be done is a pure function of what is declared and what the cluster has; the shell around it asks the
//! cluster, does it, and reports each step.

mod companions;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub(crate) use companions::{companions, make_companions};

use crate::{
    client::{Admin, Refusal},
    config::AdminProperties,
    error::{Error, ErrorKind, Result},
};

/// A topic the application needs: created at start if it is missing, given more partitions if it has fewer.
///
/// Partitions are never taken away. Configs of a topic that exists are compared and reported, and changed only with
/// `kafka.admin.modify-topic-configs`.
///
/// ```
/// use kafka_app::NewTopic;
///
/// let orders = NewTopic::new("orders").partitions(12).replicas(3).config("retention.ms", 604_800_000);
/// assert_eq!(orders.name(), "orders");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it is declared with KafkaApp::topics"]
pub struct NewTopic {
    name: String,
    cluster: Option<String>,
    n_partitions: Option<u32>,
    n_replicas: Option<u16>,
    configs: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic with the broker's default number of partitions and replicas.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cluster: None, n_partitions: None, n_replicas: None, configs: BTreeMap::new() }
    }

    /// On this cluster of `kafka.clusters`; default is that of `kafka.*` itself.
    pub fn on_cluster(self, name: impl Into<String>) -> Self {
        Self { cluster: Some(name.into()), ..self }
    }

    /// At least this many partitions; default is the broker's `num.partitions`.
    pub fn partitions(self, n_partitions: u32) -> Self {
        Self { n_partitions: Some(n_partitions), ..self }
    }

    /// This many replicas when it is created; default is the broker's `default.replication.factor`.
    pub fn replicas(self, n_replicas: u16) -> Self {
        Self { n_replicas: Some(n_replicas), ..self }
    }

    /// With a topic config, by Kafka's name: `retention.ms`, `cleanup.policy`, …
    #[expect(clippy::needless_pass_by_value, reason = "numbers and literals read best by value")]
    pub fn config(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.configs.insert(key.into(), value.to_string());
        self
    }

    /// Keeps the last record of each key (`cleanup.policy=compact`).
    pub fn compact(self) -> Self {
        self.config("cleanup.policy", "compact")
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    pub(crate) fn n_partitions(&self) -> Option<u32> {
        self.n_partitions
    }

    pub(crate) fn n_replicas(&self) -> Option<u16> {
        self.n_replicas
    }

    pub(crate) fn configs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.configs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

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
fn if_fatal(made: Result<Vec<TopicChange>>, properties: &AdminProperties, what: &str) -> Result<Vec<TopicChange>> {
    match made {
        Err(error) if !properties.fail_fast => {
            tracing::error!(%error, "{what} could not be made; `kafka.admin.fail-fast` would stop the start");
            Ok(Vec::new())
        }
        other => other,
    }
}

async fn try_make_topics(
    connection: &BTreeMap<String, String>,
    properties: &AdminProperties,
    declared: &[NewTopic],
) -> Result<Vec<TopicChange>> {
    refuse_contradictions(declared)?;
    let admin = Admin::create(connection, properties.operation_timeout)?;
    let plan = Plan::of(declared, &admin.topics().await?);
    let mut outcome = Outcome { changes: plan.notes.clone(), refusals: Vec::new() };
    create(&admin, &plan, &mut outcome).await?;
    grow(&admin, &plan, &mut outcome).await?;
    configure(&admin, &plan, properties.modify_topic_configs, &mut outcome).await?;
    outcome.into_result()
}

/// The topics of these that the cluster does not have; none is created by asking.
///
/// # Errors
/// No broker answered in time.
pub(crate) async fn missing_topics<'t>(
    connection: &BTreeMap<String, String>,
    properties: &AdminProperties,
    topics: &'t [String],
) -> Result<Vec<&'t str>> {
    let existing = Admin::create(connection, properties.operation_timeout)?.topics().await?;
    Ok(topics.iter().map(String::as_str).filter(|topic| !existing.contains_key(*topic)).collect())
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
        for topic in declared.iter().filter(|topic| seen.insert(&topic.name)) {
            match existing.get(&topic.name) {
                None => plan.create.push(topic),
                Some(n_actual) => plan.adapt(topic, *n_actual),
            }
        }
        plan
    }

    fn adapt(&mut self, topic: &'d NewTopic, actual: usize) {
        let declared = topic.n_partitions.and_then(|n| usize::try_from(n).ok()).unwrap_or(actual);
        if declared > actual {
            self.grow.push(Growth { topic: &topic.name, from: actual, to: declared });
        }
        if declared < actual {
            self.notes.push(TopicChange::KeptLarger { topic: topic.name.clone(), declared, actual });
        }
        if !topic.configs.is_empty() {
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
        if *first.entry(&topic.name).or_insert(topic) != topic {
            mistakes.push(format!("topic `{}` is declared twice, in different ways", topic.name));
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Error::config_list(&mistakes)) }
}

async fn create(admin: &Admin, plan: &Plan<'_>, outcome: &mut Outcome) -> Result<()> {
    if plan.create.is_empty() {
        return Ok(());
    }
    for (topic, refusal) in admin.create_topics(&plan.create).await? {
        match refusal {
            None => outcome.changes.push(TopicChange::Created { topic }),
            // Another instance of the application was faster.
            Some(Refusal::AlreadyExists) => {}
            Some(Refusal::Other(reason)) => {
                outcome.refusals.push(format!("topic `{topic}` could not be created: {reason}"));
            }
        }
    }
    Ok(())
}

async fn grow(admin: &Admin, plan: &Plan<'_>, outcome: &mut Outcome) -> Result<()> {
    if plan.grow.is_empty() {
        return Ok(());
    }
    let growths: Vec<_> = plan.grow.iter().map(|growth| (growth.topic, growth.to)).collect();
    for (topic, refusal) in admin.create_partitions(&growths).await? {
        let Some(&Growth { from, to, .. }) = plan.grow.iter().find(|growth| growth.topic == topic) else { continue };
        match refusal {
            None => outcome.changes.push(TopicChange::Grown { topic, from, to }),
            Some(refusal) => {
                let reason = match refusal {
                    Refusal::AlreadyExists => "it changed meanwhile".to_owned(),
                    Refusal::Other(reason) => reason,
                };
                outcome
                    .refusals
                    .push(format!("topic `{topic}` could not be grown from {from} to {to} partitions: {reason}"));
            }
        }
    }
    Ok(())
}

async fn configure(admin: &Admin, plan: &Plan<'_>, is_modifying: bool, outcome: &mut Outcome) -> Result<()> {
    if plan.compare.is_empty() {
        return Ok(());
    }
    let topics: Vec<_> = plan.compare.iter().map(|topic| topic.name()).collect();
    let differences = differences(&plan.compare, &admin.configs(&topics).await?);
    if differences.is_empty() {
        return Ok(());
    }
    if !is_modifying {
        outcome.changes.extend(differences.into_iter().map(TopicChange::ConfigDiffers));
        return Ok(());
    }
    let refusals = admin.set_configs(&differences).await?;
    for (topic, reason) in &refusals {
        outcome.refusals.push(format!("the configs of topic `{topic}` could not be changed: {reason}"));
    }
    let is_refused = |topic: &str| refusals.iter().any(|(refused, _)| refused == topic);
    let changed = differences.into_iter().filter(|difference| !is_refused(&difference.topic));
    outcome.changes.extend(changed.map(TopicChange::ConfigChanged));
    Ok(())
}

fn differences(declared: &[&NewTopic], actual: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<ConfigDifference> {
    let of_topic = |topic: &NewTopic| {
        let actual = actual.get(&topic.name).cloned().unwrap_or_default();
        let name = topic.name.clone();
        let differs = move |(key, declared): (&String, &String)| {
            let actual = actual.get(key).cloned();
            (actual.as_ref() != Some(declared)).then(|| ConfigDifference {
                topic: name.clone(),
                key: key.clone(),
                declared: declared.clone(),
                actual,
            })
        };
        topic.configs.iter().filter_map(differs).collect::<Vec<_>>()
    };
    declared.iter().flat_map(|topic| of_topic(topic)).collect()
}

#[cfg(test)]
mod tests;
