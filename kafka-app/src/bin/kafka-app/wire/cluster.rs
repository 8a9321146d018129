//! [`Cluster`]: whom to ask for what.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kafka_protocol::{
    messages::{
        BrokerId, DescribeClusterResponse, FindCoordinatorRequest, MetadataRequest, MetadataResponse, TopicName,
    },
    protocol::{Request, StrBytes},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout_at},
};

use super::{
    ClientSettings, KafkaError, WireError,
    connection::Connection,
    endpoint::Endpoint,
    picture::{Node, Picture},
};
use crate::say;

const GROUP_AUTHORIZATION_FAILED: i16 = 30;
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: i16 = 53;

/// The node that has to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'t> {
    /// Whichever answers.
    Any,
    /// The controller, or a node that passes on to it what it is asked.
    Controller,
    /// This one, by its id.
    Node(i32),
    /// The coordinator of a consumer group.
    Group(&'t str),
    /// The coordinator of a transactional id.
    Transaction(&'t str),
}

/// A cluster, and the connections to those of its nodes that were asked.
pub(crate) struct Cluster {
    settings: ClientSettings,
    /// The node that was reached first, of those that were named.
    first: Mutex<Arc<Connection>>,
    nodes: Mutex<HashMap<i32, Arc<Connection>>>,
    picture: Mutex<Picture>,
}

impl Cluster {
    /// Connects to one of the servers, trying until the time for a call is over, as Java clients do.
    ///
    /// `call` is the name of the first call, which Java's message of a time-out has.
    ///
    /// # Errors
    /// None can be reached, or one refuses the login.
    pub(crate) async fn connect(settings: ClientSettings, call: &str) -> Result<Self, WireError> {
        let deadline = Instant::now() + settings.api_timeout;
        let first = Arc::new(reach(&settings, call, deadline).await?);
        let cluster = Self { settings, first: Mutex::new(first), nodes: Mutex::default(), picture: Mutex::default() };
        cluster.look_around().await?;
        Ok(cluster)
    }

    /// How long a call may take with all its requests.
    pub(crate) fn api_timeout(&self) -> Duration {
        self.settings.api_timeout
    }

    /// Whether it is controllers that are spoken to.
    pub(super) fn is_of_controllers(&self) -> bool {
        self.settings.endpoint == Endpoint::Controller
    }

    /// How long one request may take.
    pub(super) fn request_timeout(&self) -> Duration {
        self.settings.request_timeout
    }

    /// How long to wait before something is asked again.
    pub(crate) fn retry_backoff(&self) -> Duration {
        self.settings.retry_backoff
    }

    /// Every broker that is up, by id; every controller of the quorum where controllers are spoken to.
    pub(crate) async fn nodes(&self) -> Vec<Node> {
        self.picture.lock().await.nodes.values().cloned().collect()
    }

    /// Asks which nodes there are, anew.
    async fn look_around(&self) -> Result<(), WireError> {
        let first = self.first_connection().await?;
        let picture = match self.settings.endpoint {
            Endpoint::Broker => Picture::of_brokers(&first).await?,
            Endpoint::Controller => Picture::of_controllers(&first).await?,
        };
        *self.picture.lock().await = picture;
        Ok(())
    }

    /// Metadata of these topics, or of all; none is made by asking.
    ///
    /// # Errors
    /// No node answers. Errors of single topics are in the answer.
    pub(crate) async fn metadata(&self, topics: Option<&[String]>) -> Result<MetadataResponse, WireError> {
        self.metadata_from(Target::Any, topics).await
    }

    /// As [`metadata`](Self::metadata), as one node knows it.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) async fn metadata_from(
        &self,
        target: Target<'_>,
        topics: Option<&[String]>,
    ) -> Result<MetadataResponse, WireError> {
        let topic = |name: &String| {
            kafka_protocol::messages::metadata_request::MetadataRequestTopic::default()
                .with_name(Some(TopicName(StrBytes::from_string(name.clone()))))
        };
        let topics: Option<Vec<_>> = topics.map(|topics| topics.iter().map(topic).collect());
        let request = |_| MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false);
        self.send(target, request).await
    }

    /// The cluster's id.
    ///
    /// # Errors
    /// No node answers.
    pub(crate) async fn id(&self) -> Result<String, WireError> {
        Ok(self.describe(false).await?.cluster_id.as_str().to_owned())
    }

    /// The cluster's id and nodes, on demand with brokers that are fenced.
    ///
    /// # Errors
    /// No node answers.
    pub(crate) async fn describe(&self, with_fenced: bool) -> Result<DescribeClusterResponse, WireError> {
        let request = self.settings.endpoint.describe_cluster().with_include_fenced_brokers(with_fenced);
        let answer = self.send(Target::Any, |_| request).await?;
        KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
        Ok(answer)
    }

    /// Sends what `build` makes for the newest version that both sides know.
    ///
    /// # Errors
    /// The node cannot be found or does not answer. Errors in the answer are for the caller; [`retrying`](Self::retrying)
    /// asks again where that may help.
    pub(crate) async fn send<Q: Request>(
        &self,
        target: Target<'_>,
        build: impl FnOnce(i16) -> Q,
    ) -> Result<Q::Response, WireError> {
        self.settings.endpoint.admit(Q::KEY)?;
        self.connection(target).await?.send(build).await
    }

    /// The connection to a node.
    ///
    /// # Errors
    /// It cannot be found or reached.
    pub(crate) async fn connection(&self, target: Target<'_>) -> Result<Arc<Connection>, WireError> {
        match target {
            Target::Any if !self.is_of_controllers() => self.first_connection().await,
            // Of controllers, only the one that leads answers all.
            Target::Any | Target::Controller => {
                let controller = self.picture.lock().await.controller;
                match controller {
                    Some(id) => self.node(id).await,
                    None => self.first_connection().await,
                }
            }
            Target::Node(id) => self.node(id).await,
            Target::Group(group) => self.coordinator(0, group).await,
            Target::Transaction(id) => self.coordinator(1, id).await,
        }
    }

    /// Which node coordinates a group.
    ///
    /// # Errors
    /// No node answers, or none of them does.
    pub(crate) async fn group_coordinator(&self, group: &str) -> Result<Node, WireError> {
        let id = self.find_coordinator(0, group).await?;
        self.picture.lock().await.nodes.get(&id).cloned().ok_or_else(|| coordinator_is_gone(id))
    }

    /// Which node coordinates a transactional id.
    ///
    /// # Errors
    /// No node answers, or none of them does.
    pub(crate) async fn transaction_coordinator(&self, id: &str) -> Result<i32, WireError> {
        self.find_coordinator(1, id).await
    }

    async fn coordinator(&self, kind: i8, key: &str) -> Result<Arc<Connection>, WireError> {
        let id = self.find_coordinator(kind, key).await?;
        self.node(id).await
    }

    async fn find_coordinator(&self, kind: i8, key: &str) -> Result<i32, WireError> {
        let name = StrBytes::from_string(key.to_owned());
        // Before version 4 it is one key a request.
        let build = |version| match version {
            ..4 => FindCoordinatorRequest::default().with_key(name).with_key_type(kind),
            _ => FindCoordinatorRequest::default().with_coordinator_keys(vec![name]).with_key_type(kind),
        };
        let answer = self.first_connection().await?.send(build).await?;
        let (BrokerId(id), code) = match answer.coordinators.first() {
            Some(found) => (found.node_id, found.error_code),
            None => (answer.node_id, answer.error_code),
        };
        KafkaError::check(code, None).map_err(|error| no_coordinator(error, kind, key))?;
        Ok(id)
    }

    async fn first_connection(&self) -> Result<Arc<Connection>, WireError> {
        let mut first = self.first.lock().await;
        if first.is_broken().await {
            let deadline = Instant::now() + self.settings.api_timeout;
            *first = Arc::new(reach(&self.settings, "fetchMetadata", deadline).await?);
        }
        Ok(Arc::clone(&first))
    }

    async fn node(&self, id: i32) -> Result<Arc<Connection>, WireError> {
        let known = self.picture.lock().await.nodes.get(&id).cloned();
        let node = match known {
            Some(node) => node,
            None => {
                self.look_around().await?;
                let picture = self.picture.lock().await;
                picture.nodes.get(&id).cloned().ok_or_else(|| coordinator_is_gone(id))?
            }
        };
        let mut nodes = self.nodes.lock().await;
        if let Some(connection) = nodes.get(&id)
            && !connection.is_broken().await
        {
            return Ok(Arc::clone(connection));
        }
        let address = address(&node.host, node.port);
        let connection = Arc::new(Connection::open(&address, &self.settings).await?);
        nodes.insert(id, Arc::clone(&connection));
        Ok(connection)
    }

    /// Does what `ask` does, again and again while it ends with an error that may pass, until the time for a call is over.
    ///
    /// # Errors
    /// The last error; a call that takes too long is a time-out with the call's name.
    pub(crate) async fn retrying<T>(
        &self,
        call: &str,
        ask: impl AsyncFn() -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let deadline = Instant::now() + self.settings.api_timeout;
        let mut last = None;
        loop {
            let Ok(done) = timeout_at(deadline, ask()).await else {
                return Err(timed_out(call, self.settings.api_timeout, last));
            };
            match done {
                Err(error) if error.is_retriable() => last = Some(error.message()),
                other => return other,
            }
            let again = Instant::now() + self.settings.retry_backoff;
            if again >= deadline {
                return Err(timed_out(call, self.settings.api_timeout, last));
            }
            sleep(self.settings.retry_backoff).await;
            // Leaders, coordinators and the controller may be others meanwhile.
            if let Err(error) = self.look_around().await {
                last = Some(error.message());
            }
        }
    }
}

/// Connects to the first of the servers that lets itself be reached, in turn, until the deadline.
async fn reach(settings: &ClientSettings, call: &str, deadline: Instant) -> Result<Connection, WireError> {
    let mut last: Option<WireError> = None;
    loop {
        for server in &settings.servers {
            match timeout_at(deadline, Connection::open(server, settings)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) if error.is_retriable() => {
                    if last.is_none() {
                        warn(&error, settings.api_timeout);
                    }
                    last = Some(error);
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(timed_out(call, settings.api_timeout, last.map(|last| last.message()))),
            }
        }
        if Instant::now() + settings.retry_backoff >= deadline {
            return Err(timed_out(call, settings.api_timeout, last.map(|last| last.message())));
        }
        sleep(settings.retry_backoff).await;
    }
}

/// Once: what is wrong can be mended while it goes on trying.
fn warn(error: &WireError, within: Duration) {
    say::warning(format_args!("{}; trying for {} s", error.message(), within.as_secs()));
}

fn timed_out(call: &str, within: Duration, last: Option<String>) -> WireError {
    WireError::TimedOut { call: call.to_owned(), within, last }
}

/// In the words of Java clients, which say none of the broker's.
fn no_coordinator(error: KafkaError, kind: i8, key: &str) -> KafkaError {
    let (key_name, kind) = if kind == 0 { ("groupId", "GROUP") } else { ("transactionalId", "TRANSACTION") };
    let key = format!("CoordinatorKey(idValue='{key}', type={kind})");
    let words = match error.code() {
        GROUP_AUTHORIZATION_FAILED | TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
            format!("FindCoordinator request for {key_name} `{key}` failed due to authorization failure")
        }
        _ => format!("FindCoordinator request for key `{key}` failed due to an unexpected error"),
    };
    error.in_words(words)
}

fn coordinator_is_gone(id: i32) -> WireError {
    WireError::Broken { node: format!("node {id}"), problem: "is not up".to_owned() }
}

fn address(host: &str, port: i32) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
