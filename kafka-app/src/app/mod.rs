//! [`KafkaApp`]: collect what is declared, check all of it, run it, stop it.

mod clusters;
mod failures;
mod given;
mod layers;
mod plan;
#[cfg(all(test, feature = "json"))]
mod plan_tests;
mod replies;
mod report;
mod running;
mod start;
mod topics;
mod topology_request;

use std::{fmt, sync::Arc};

use tower_layer::Layer;

pub use report::StopReport;
pub use running::RunningApp;

use self::layers::Layers;
use crate::{
    admin::NewTopic,
    config::{KafkaProperties, KafkaPropertiesBuilder},
    error::Result,
    handler::{BatchHandler, BoxBatchHandler, BoxRecordHandler, RecordHandler, States},
    listener::{EventBus, Listener, ListenerEvents},
    producer::{Interceptors, ProducerInterceptor},
    topology::Topology,
};

/// An application before its start: its configuration, listeners, state and topics.
///
/// ```no_run
/// use kafka_app::{Json, KafkaApp, kafka_listener, listeners};
///
/// #[kafka_listener(topic = "numbers", group = "adders", send_to = "sums")]
/// async fn add(Json(numbers): Json<Vec<i64>>) -> Json<i64> {
///     Json(numbers.iter().sum())
/// }
///
/// #[tokio::main]
/// async fn main() -> kafka_app::Result<()> {
///     KafkaApp::from_env().listeners(listeners![add]).run().await
/// }
/// ```
#[must_use = "an application does nothing until it is started or run"]
pub struct KafkaApp {
    configuration: KafkaPropertiesBuilder,
    listeners: Vec<Listener>,
    discover: bool,
    states: States,
    topics: Vec<NewTopic>,
    events: EventBus,
    layers: Layers,
    interceptors: Interceptors,
}

impl KafkaApp {
    /// An application on these brokers, `host:port` with commas between them or `embedded`, and nothing read from files or
    /// the environment: for tests and small programs.
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self::with_configuration(KafkaProperties::builder().set("kafka.bootstrap-servers", bootstrap_servers))
    }

    /// An application configured by `kafka-app.toml`, its profiles and the environment; see [`crate::config`].
    pub fn from_env() -> Self {
        Self::with_configuration(KafkaProperties::builder().directory(".").process_environment())
    }

    /// An application configured by the layers that the builder names. Mistakes are reported at start, with all others.
    pub fn with_configuration(configuration: KafkaPropertiesBuilder) -> Self {
        Self {
            configuration,
            listeners: Vec::new(),
            discover: false,
            states: States::default(),
            topics: Vec::new(),
            events: EventBus::default(),
            layers: Layers::default(),
            interceptors: Interceptors::default(),
        }
    }

    /// Sets a key of the last layer: `kafka.consumer.group-id`, or a key of your own for `${placeholders}`.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.configuration = self.configuration.set(key, value);
        self
    }

    /// Adds listeners, usually `listeners![..]`.
    pub fn listeners(mut self, listeners: impl IntoIterator<Item = Listener>) -> Self {
        self.listeners.extend(listeners);
        self
    }

    /// Adds every listener that is linked into the program, sorted by id.
    #[cfg(feature = "discover")]
    pub fn discover(mut self) -> Self {
        self.discover = true;
        self
    }

    /// Gives handlers a value as `State<T>`; the last one of a type counts.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.shared_state(Arc::new(state))
    }

    /// As [`KafkaApp::state`], with a value that others hold too.
    pub fn shared_state<T: Send + Sync + 'static>(mut self, state: Arc<T>) -> Self {
        self.states.insert(state);
        self
    }

    /// Puts a layer around every listener that takes one record at a time, also those that are added later; of several, the
    /// last goes around the others. See [`BoxRecordHandler`].
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxRecordHandler, Service: RecordHandler> + Send + Sync + 'static,
    {
        self.layers.add(layer);
        self
    }

    /// As [`KafkaApp::layer`], around every listener that takes many records at a time.
    pub fn batch_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxBatchHandler, Service: BatchHandler> + Send + Sync + 'static,
    {
        self.layers.add_batch(layer);
        self
    }

    /// Has an interceptor see every record that the application sends, to whichever cluster.
    pub fn producer_interceptor(mut self, interceptor: impl ProducerInterceptor) -> Self {
        self.interceptors.add(interceptor);
        self
    }

    /// Declares topics: created at start, or grown to their number of partitions, each on the cluster that it names.
    pub fn topics(mut self, topics: impl IntoIterator<Item = NewTopic>) -> Self {
        self.topics.extend(topics);
        self
    }

    /// What happens to its listeners, from their start on.
    #[must_use]
    pub fn events(&self) -> ListenerEvents {
        self.events.events()
    }

    /// What its listeners read and send, from the configuration and the declarations alone: nothing connects.
    ///
    /// # Errors
    /// All mistakes together, as those that [`KafkaApp::start`] finds before it connects.
    pub fn topology(&self) -> Result<Topology> {
        start::topology(self)
    }

    /// Starts the listeners and returns; [`RunningApp::ready`] resolves when each of them has its partitions.
    ///
    /// # Errors
    /// All mistakes of the configuration and the declarations together, before anything connects; then, of all clusters
    /// together, topics that cannot be created with `kafka.admin.fail-fast`, or are missing with
    /// `kafka.listener.missing-topics-fatal`. With the environment
    /// variable `KAFKA_APP_TOPOLOGY` it always fails, once it has written its topology: see [`KafkaApp::run`].
    pub async fn start(self) -> Result<RunningApp> {
        if topology_request::answer(|| self.topology())? {
            return Err(topology_request::not_started());
        }
        // On the heap: all that is read for all clusters would be in the future of whoever starts an application.
        Box::pin(start::start(self)).await
    }

    /// Starts, runs until Ctrl-C or SIGTERM, or until every listener has finished or failed, and stops: the whole life of a
    /// program.
    ///
    /// If the environment variable `KAFKA_APP_TOPOLOGY` names a file, as `kafka-app topology PROGRAM` does, its
    /// [topology](Self::topology) is written there instead, and nothing connects.
    ///
    /// # Errors
    /// As [`KafkaApp::start`]; and when a listener has failed, or the stop cut something off.
    pub async fn run(self) -> Result<()> {
        if topology_request::answer(|| self.topology())? {
            return Ok(());
        }
        self.start().await?.wait().await
    }
}

impl fmt::Debug for KafkaApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaApp")
            .field("listeners", &self.listeners)
            .field("topics", &self.topics)
            .finish_non_exhaustive()
    }
}
