//! Configs of topics, brokers and groups.

use std::{collections::BTreeMap, fmt};

use super::{AdminClient, PerItem};
use crate::{
    client::{AlterConfigs, DescribeConfigs, Request},
    error::{Error, ErrorKind, Result},
};

/// What has configs; Kafka's `ConfigResource`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConfigResource {
    /// A topic, by name.
    Topic(String),
    /// A broker, by id.
    Broker(i32),
    /// A group, by name.
    Group(String),
}

impl ConfigResource {
    /// A topic.
    pub fn topic(name: impl Into<String>) -> Self {
        Self::Topic(name.into())
    }

    fn is_broker(&self) -> bool {
        matches!(self, Self::Broker(_))
    }

    /// A group.
    pub fn group(name: impl Into<String>) -> Self {
        Self::Group(name.into())
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(name) => write!(f, "topic `{name}`"),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::Group(name) => write!(f, "group `{name}`"),
        }
    }
}

/// A config as a broker has it; Kafka's `ConfigEntry`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigEntry {
    /// Kafka's name of it: `retention.ms`.
    pub name: String,
    /// `None` where it is sensitive, or there is none.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it is Kafka's own default.
    pub is_default: bool,
    /// Whether the value is kept back.
    pub is_sensitive: bool,
    /// Whether it can be changed only by a restart of the broker.
    pub is_read_only: bool,
    /// All that is said for it, the one that counts first.
    pub synonyms: Vec<ConfigSynonym>,
}

/// One of the things that are said for a config.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigSynonym {
    /// The name it is said under: `log.retention.hours` for `retention.ms`.
    pub name: String,
    /// `None` where it is sensitive, or there is none.
    pub value: Option<String>,
    /// Where it is said.
    pub source: ConfigSource,
}

/// Where a config is said; shown by Kafka's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigSource {
    /// For the topic.
    DynamicTopic,
    /// For the broker, while it runs.
    DynamicBroker,
    /// For all brokers, while they run.
    DynamicDefaultBroker,
    /// In the broker's file.
    StaticBroker,
    /// Kafka's own default.
    Default,
    /// For the group.
    Group,
    /// Elsewhere: Kafka's number of it.
    Other(i32),
}

impl ConfigSource {
    /// By Kafka's number.
    pub(crate) fn of(number: i32) -> Self {
        match number {
            1 => Self::DynamicTopic,
            2 => Self::DynamicBroker,
            3 => Self::DynamicDefaultBroker,
            4 => Self::StaticBroker,
            5 => Self::Default,
            8 => Self::Group,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamicTopic => "DYNAMIC_TOPIC_CONFIG",
            Self::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
            Self::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            Self::StaticBroker => "STATIC_BROKER_CONFIG",
            Self::Default => "DEFAULT_CONFIG",
            Self::Group => "GROUP_CONFIG",
            Self::Other(6) => "DYNAMIC_BROKER_LOGGER_CONFIG",
            Self::Other(7) => "DYNAMIC_CLIENT_METRICS_CONFIG",
            Self::Other(_) => "UNKNOWN",
        })
    }
}

/// A change of one config; Kafka's `AlterConfigOp`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlterConfigOp {
    /// To this value.
    Set(String),
    /// Back to what holds without it.
    Delete,
    /// One more value of a list.
    Append(String),
    /// One value less of a list.
    Subtract(String),
}

impl AlterConfigOp {
    /// To this value.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and literals read best by value")]
    pub fn set(value: impl ToString) -> Self {
        Self::Set(value.to_string())
    }
}

impl AdminClient {
    /// All configs of topics, brokers and groups, by name.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// use kafka_app::admin::{AdminClient, ConfigResource};
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let admin = AdminClient::connect(broker.bootstrap_servers())?;
    /// let orders = ConfigResource::topic("orders");
    /// let configs = admin.describe_configs([orders.clone()]).await?;
    /// let retention = &configs[&orders].as_ref().unwrap()["retention.ms"];
    /// assert_eq!((retention.value.as_deref(), retention.is_default), (Some("604800000"), true));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time. A broker is asked for its own configs, and one that is not there is answered for with
    /// `_TIMED_OUT`.
    pub async fn describe_configs(
        &self,
        resources: impl IntoIterator<Item = ConfigResource>,
    ) -> Result<PerItem<ConfigResource, BTreeMap<String, ConfigEntry>>> {
        let requests = per_broker(resources.into_iter().map(|resource| (resource, ())));
        let request = |resources: BTreeMap<_, ()>| DescribeConfigs(resources.into_keys().collect());
        self.ask_each("describing configs", requests, request).await
    }

    /// Changes single configs, and leaves the others as they are. All changes of a resource are made, or none.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// use kafka_app::admin::{AdminClient, AlterConfigOp, ConfigResource};
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let admin = AdminClient::connect(broker.bootstrap_servers())?;
    /// let orders = ConfigResource::topic("orders");
    /// let changes = vec![
    ///     ("retention.ms".to_owned(), AlterConfigOp::set(86_400_000)),
    ///     ("cleanup.policy".to_owned(), AlterConfigOp::Append("compact".to_owned())),
    /// ];
    /// let changed = admin.alter_configs_incrementally([(orders.clone(), changes)]).await?;
    /// assert!(changed[&orders].is_ok());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time, or the client refuses what was asked for.
    pub async fn alter_configs_incrementally(
        &self,
        changes: impl IntoIterator<Item = (ConfigResource, Vec<(String, AlterConfigOp)>)>,
    ) -> Result<PerItem<ConfigResource, ()>> {
        self.ask_each("changing configs", per_broker(changes), AlterConfigs).await
    }

    /// All requests at once. What goes wrong with that of a broker is said of the broker.
    async fn ask_each<T, U, R>(
        &self,
        what: &str,
        requests: Vec<BTreeMap<ConfigResource, T>>,
        request: impl Fn(BTreeMap<ConfigResource, T>) -> R,
    ) -> Result<PerItem<ConfigResource, U>>
    where
        U: Send + 'static,
        R: Request<Answer = PerItem<ConfigResource, U>> + 'static,
    {
        let ask = |resources: BTreeMap<ConfigResource, T>| {
            let broker =
                resources.first_key_value().map(|(resource, _)| resource).filter(|one| one.is_broker()).cloned();
            let (admin, request) = (self.clone(), request(resources));
            (broker, tokio::spawn(async move { admin.outcome(&request).await }))
        };
        let asked: Vec<_> = requests.into_iter().map(ask).collect();
        let mut all = PerItem::new();
        for (broker, outcome) in asked {
            let ended = |e| Error::new(ErrorKind::Stopped, format!("{what} was cut off")).with_source(e);
            match (outcome.await.map_err(ended)??, broker) {
                (Ok(answer), _) => all.extend(answer),
                (Err(error), Some(broker)) => {
                    all.insert(broker, Err(error));
                }
                (Err(error), None) => return Err(self.failed(what, error)),
            }
        }
        Ok(all)
    }
}

/// Requests with at most one broker each, since each is asked by itself; what is no broker's goes in one.
fn per_broker<T>(items: impl IntoIterator<Item = (ConfigResource, T)>) -> Vec<BTreeMap<ConfigResource, T>> {
    let all: BTreeMap<_, _> = items.into_iter().collect();
    let (brokers, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        all.into_iter().partition(|(resource, _)| resource.is_broker());
    let each = brokers.into_iter().map(|broker| BTreeMap::from([broker]));
    std::iter::once(others).filter(|others| !others.is_empty()).chain(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broker_is_asked_by_itself() {
        let resources = [ConfigResource::topic("a"), ConfigResource::Broker(1), ConfigResource::Broker(2)];
        let requests = per_broker(resources.into_iter().chain([ConfigResource::group("g")]).map(|one| (one, ())));
        let requests: Vec<Vec<_>> = requests.into_iter().map(|one| one.into_keys().collect()).collect();
        let expected = [
            vec![ConfigResource::topic("a"), ConfigResource::group("g")],
            vec![ConfigResource::Broker(1)],
            vec![ConfigResource::Broker(2)],
        ];
        assert_eq!(requests, expected);
        assert!(per_broker::<()>([]).is_empty());
    }

    #[test]
    fn sources_are_shown_by_kafkas_names() {
        let shown: Vec<_> = (0..9).map(|number| ConfigSource::of(number).to_string()).collect();
        assert_eq!(shown[1..6].join(" ").matches("_CONFIG").count(), 5);
        assert_eq!((shown[0].as_str(), shown[8].as_str()), ("UNKNOWN", "GROUP_CONFIG"));
    }
}
