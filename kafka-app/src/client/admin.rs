//! The admin client: what creating and growing topics needs of a cluster.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{
    admin::{self, AdminClient, AdminOptions, NewPartitions, ResourceSpecifier, TopicReplication, TopicResult},
    config::ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{
    client_log::ClientLog,
    ffi::incremental_alter_configs,
    metadata::{all_topics, unreachable_broker},
    producer::blocking,
};
use crate::{
    admin::{ConfigDifference, NewTopic},
    error::{Error, ErrorKind, Result},
};

/// A connection for administration; every call ends within its timeout.
pub(crate) struct Admin {
    /// Taken on drop only: dropping the client joins a thread that may sleep.
    client: Option<Arc<AdminClient<ClientLog>>>,
    servers: String,
    timeout: Duration,
}

/// What became of one topic of a request: its name, and the broker's reason if it refused.
pub(crate) type Answers = Vec<(String, Option<Refusal>)>;

/// Why a broker did not do what was asked for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    AlreadyExists,
    Other(String),
}

impl Admin {
    /// # Errors
    /// librdkafka refuses a property.
    pub(crate) fn create(properties: &BTreeMap<String, String>, timeout: Duration) -> Result<Self> {
        let config: ClientConfig = properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let servers = properties.get("bootstrap.servers").cloned().unwrap_or_default();
        let client = config.create_with_context(ClientLog::new("admin", servers.clone())).map_err(|error| {
            Error::new(ErrorKind::Config, "the admin client cannot be created from its properties").with_source(error)
        })?;
        Ok(Self { client: Some(Arc::new(client)), servers, timeout })
    }

    fn client(&self) -> &Arc<AdminClient<ClientLog>> {
        match &self.client {
            Some(client) => client,
            None => unreachable!("the client is taken on drop only"),
        }
    }

    /// Every topic with its number of partitions; creates none.
    pub(crate) async fn topics(&self) -> Result<BTreeMap<String, usize>> {
        let (client, servers, timeout) = (Arc::clone(self.client()), self.servers.clone(), self.timeout);
        let topics = blocking(move || all_topics(client.inner(), timeout, &servers)).await??;
        Ok(topics.into_iter().collect())
    }

    pub(crate) async fn create_topics(&self, topics: &[&NewTopic]) -> Result<Answers> {
        let native: Vec<_> = topics.iter().map(|topic| native(topic)).collect();
        let answers = self.client().create_topics(&native, &self.options()).await;
        answers.map(to_answers).map_err(|e| self.failed("creating topics", e))
    }

    /// Grows topics to a number of partitions.
    pub(crate) async fn create_partitions(&self, topics: &[(&str, usize)]) -> Result<Answers> {
        let native: Vec<_> = topics.iter().map(|(topic, total)| NewPartitions::new(topic, *total)).collect();
        let answers = self.client().create_partitions(&native, &self.options()).await;
        answers.map(to_answers).map_err(|e| self.failed("adding partitions", e))
    }

    /// The configs of topics, key by key; what is sensitive has no value.
    pub(crate) async fn configs(&self, topics: &[&str]) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
        let resources: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
        let described = self.client().describe_configs(&resources, &self.options()).await;
        let described = described.map_err(|e| self.failed("reading the configs of topics", e))?;
        topics
            .iter()
            .zip(described)
            .map(|(topic, described)| {
                let entries = described
                    .map_err(|code| {
                        self.failed(&format!("reading the configs of `{topic}`"), KafkaError::AdminOp(code))
                    })?
                    .entries;
                let configs = entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect();
                Ok(((*topic).to_owned(), configs))
            })
            .collect()
    }

    /// Sets single configs and leaves the others of their topics as they are; a line for each topic that refused.
    pub(crate) async fn set_configs(&self, differences: &[ConfigDifference]) -> Result<Vec<(String, String)>> {
        let (client, timeout, differences) = (Arc::clone(self.client()), self.timeout, differences.to_vec());
        let set = blocking(move || {
            let mut changes: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
            for difference in &differences {
                changes.entry(&difference.topic).or_default().push((&difference.key, &difference.declared));
            }
            let changes: Vec<_> = changes.into_iter().collect();
            incremental_alter_configs(client.inner(), &changes, timeout)
        });
        set.await?.map_err(|e| self.failed("changing the configs of topics", e))
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.timeout)).operation_timeout(Some(self.timeout))
    }

    fn failed(&self, what: &str, error: KafkaError) -> Error {
        match error.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown,
            ) => unreachable_broker(error, &self.servers, self.timeout),
            _ => Error::new(ErrorKind::Refused, format!("{what} failed at {}", self.servers)).with_source(error),
        }
    }
}

impl Drop for Admin {
    /// The client goes on a thread of its own, since its own thread looks at the stop flag every 100 ms only.
    fn drop(&mut self) {
        let client = self.client.take();
        let spawned = std::thread::Builder::new().name("kafka-admin-close".to_owned()).spawn(move || drop(client));
        if let Err(error) = spawned {
            tracing::warn!(%error, "the admin client was closed in place");
        }
    }
}

fn native(topic: &NewTopic) -> admin::NewTopic<'_> {
    // -1 leaves it to the broker's `num.partitions` and `default.replication.factor`.
    let n_partitions = topic.n_partitions().and_then(|n| i32::try_from(n).ok()).unwrap_or(-1);
    let n_replicas = topic.n_replicas().map_or(-1, i32::from);
    let native = admin::NewTopic::new(topic.name(), n_partitions, TopicReplication::Fixed(n_replicas));
    topic.configs().fold(native, |native, (key, value)| native.set(key, value))
}

fn to_answers(results: Vec<TopicResult>) -> Answers {
    let refusal = |code| match code {
        RDKafkaErrorCode::TopicAlreadyExists => Refusal::AlreadyExists,
        code => Refusal::Other(code.to_string()),
    };
    results
        .into_iter()
        .map(|result| match result {
            Ok(topic) => (topic, None),
            Err((topic, code)) => (topic, Some(refusal(code))),
        })
        .collect()
}
