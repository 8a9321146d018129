//! From what is declared to what runs, in this order: check, each cluster's broker, topics and
//! producer, then listeners.

use std::{collections::BTreeMap, sync::Arc};

use tracing::Instrument as _;

use super::{
    KafkaApp, RunningApp,
    clusters::{Cluster, Clusters},
    failures::Failures,
    plan::{Plan, Planned, plan},
    topics::prepare,
};
use crate::{
    admin::NewTopic,
    client::{Brokers, ConsumerClient, Find, Inquirer, Inquiry, Producer, Signal, connect, read_by_hand},
    config::{
        self, DEFAULT_CLUSTER, Delivery, KafkaProperties, Properties, ResolvedListener, Subscription, listener_key,
    },
    error::{Error, ErrorKind, Result},
    handler::{HandlerEnv, States},
    listener::{
        Container, ContainerSpec, EventBus, Guards, HANGS_AFTER, Handler, Listener, ListenerMetrics, ListenerRegistry,
        OpenProducerOf, Policy, TurnProducer,
    },
    producer::Interceptors,
    schema::SchemaPort,
    topology::Topology,
};

pub(super) async fn start(app: KafkaApp) -> Result<RunningApp> {
    let listeners = all(&app);
    let KafkaApp { configuration, mut states, topics, events, interceptors, .. } = app;
    let properties = configuration.read();
    let Plan { listeners: planned, topology } = plan(&properties, listeners, &states, &topics)?;
    let mut failures = Failures::default();
    let schemas = failures.note(schemas(&properties)).flatten();
    let mut named = BTreeMap::new();
    for (name, properties) in properties.clusters.clone() {
        let opened = open(properties, &topics, &planned, &interceptors);
        let in_cluster = tracing::info_span!("cluster", name);
        let failed = |e: Error| Error::new(e.kind(), format!("cluster `{name}`")).with_source(e);
        let opened = failures.note(opened.instrument(in_cluster).await.map_err(failed));
        named.extend(opened.map(|opened| (name, opened)));
    }
    let unnamed = failures.unless_any(open(properties, &topics, &planned, &interceptors).await)?;
    let clusters = Clusters::new(unnamed, named);
    states.insert(Arc::new(clusters.templates(schemas.as_ref())));
    let shared = Shared { states, events, interceptors, schemas };
    let containers: Vec<_> = planned
        .into_iter()
        .map(|planned| container(clusters.of(planned.resolved.cluster.as_deref()), planned, &shared, None))
        .collect();
    let listeners = ListenerRegistry::new(containers);
    let app = RunningApp::new(clusters, topology, listeners, shared);
    for listener in app.listeners().iter().filter(|listener| listener.is_auto_startup()) {
        match &listener.resolved().start_after {
            None => listener.start()?,
            // Those of its retry topics start with it.
            Some(_) if listener.is_of_retry_topic() => {}
            Some(first) => listener.start_after(&app.listener(first)?),
        }
    }
    Ok(app)
}

/// What the application would run, without running it.
pub(super) fn topology(app: &KafkaApp) -> Result<Topology> {
    Ok(plan(&app.configuration.clone().read(), all(app), &app.states, &app.topics)?.topology)
}

/// What sends to a cluster, once its topics are there.
async fn open(
    properties: KafkaProperties,
    topics: &[NewTopic],
    planned: &[Planned],
    interceptors: &Interceptors,
) -> Result<Cluster> {
    let is_here = |cluster: Option<&str>| cluster == properties.cluster_name();
    let planned: Vec<_> = planned.iter().filter(|one| is_here(one.resolved.cluster.as_deref())).collect();
    let declared_here = |topic: &&NewTopic| {
        is_here(topic.cluster().map(listener_key).as_deref().filter(|name| *name != DEFAULT_CLUSTER))
    };
    let topics: Vec<_> = topics.iter().filter(declared_here).cloned().collect();
    let (properties, broker) = Embedded::start_if_asked(properties)?;
    prepare(&properties, &topics, &planned).await?;
    Cluster::open(properties, broker, interceptors)
}

/// The registry of schemas, if the configuration names one; nothing connects before it is asked.
fn schemas(properties: &KafkaProperties) -> Result<Option<Arc<dyn SchemaPort>>> {
    if properties.schema_registry.url.is_empty() {
        return Ok(None);
    }
    #[cfg(feature = "schema-registry")]
    return Ok(Some(Arc::new(crate::schema::SchemaRegistry::new(&properties.schema_registry)?)));
    #[cfg(not(feature = "schema-registry"))]
    Err(Error::new(ErrorKind::Config, NO_REGISTRY_FEATURE))
}

#[cfg(not(feature = "schema-registry"))]
const NO_REGISTRY_FEATURE: &str =
    "`kafka.schema-registry.url` needs one of the features `avro`, `protobuf` and `json-schema` of kafka-app";

/// Every listener in its layers.
fn all(app: &KafkaApp) -> Vec<Listener> {
    let discovered = if app.discover { discovered() } else { Vec::new() };
    app.listeners.iter().cloned().chain(discovered).map(|listener| app.layers.around(listener)).collect()
}

/// Every listener linked into the program, by id, since link order means nothing.
fn discovered() -> Vec<Listener> {
    #[cfg(feature = "discover")]
    {
        let found = inventory::iter::<crate::__private::Discovered>.into_iter();
        let mut listeners = found.map(|discovered| (discovered.listener)()).collect::<Vec<_>>();
        listeners.sort_by(|left, right| left.id().cmp(right.id()));
        listeners
    }
    #[cfg(not(feature = "discover"))]
    Vec::new()
}

/// What all clusters share.
pub(super) struct Shared {
    pub(super) states: States,
    /// Of all listeners.
    pub(super) events: EventBus,
    /// Of all producers.
    pub(super) interceptors: Interceptors,
    /// Of payloads.
    pub(super) schemas: Option<Arc<dyn SchemaPort>>,
}

fn container(cluster: &Cluster, planned: Planned, shared: &Shared, of_its_listener: Option<&Guards>) -> Arc<Container> {
    let (producer, properties) = (&cluster.producer, &cluster.properties);
    let resolved = Arc::new(planned.resolved);
    let surroundings = surroundings(&resolved, cluster, shared);
    let (metrics, events) = (Arc::<ListenerMetrics>::default(), shared.events.sink(&resolved.id));
    let guards = of_its_listener.cloned().unwrap_or_else(|| Guards::new(&resolved, &metrics, &events));
    let stage = |stage| container(cluster, stage, shared, Some(&guards));
    let stages = planned.stages.into_iter().map(stage).collect();
    let policy = Policy {
        env: Arc::new(surroundings(producer.clone())),
        listener: Arc::clone(&resolved),
        filter: planned.listener.filter,
        metrics: Arc::clone(&metrics),
        events: events.clone(),
        guards: guards.clone(),
        takes_template: planned.listener.declaration().takes_template,
    };
    let (takes_batches, runner) = match planned.listener.handler {
        Handler::Record(handler) => (false, handler.runner(policy)),
        Handler::Batch(handler) => (true, handler.runner(policy)),
    };
    let open_producer = (resolved.delivery == Delivery::ExactlyOnce)
        .then(|| producer_opener(cluster, shared, Arc::clone(&resolved), surroundings));
    let consumer = config::consumer_properties(properties, &resolved, 0);
    let inquiry = Inquirer::new(consumer, properties.admin.operation_timeout);
    let find = find(&resolved, Arc::clone(&inquiry) as _);
    let connect = Arc::new(connector(Arc::clone(properties), Arc::clone(&resolved), find));
    Container::new(ContainerSpec {
        listener: resolved,
        takes_batches,
        runner,
        metrics,
        events,
        guards,
        connect,
        inquiry,
        open_producer,
        stages,
        hangs_after: HANGS_AFTER,
    })
}

/// What surrounds a listener's handlers, with a producer that takes what they send.
fn surroundings(
    listener: &ResolvedListener,
    cluster: &Cluster,
    shared: &Shared,
) -> impl Fn(Producer) -> HandlerEnv + Clone + Send + Sync + 'static + use<> {
    let (listener_id, states, schemas) = (listener.id.clone(), shared.states.clone(), shared.schemas.clone());
    let template_through = cluster.templates(shared.schemas.clone());
    move |producer| HandlerEnv {
        listener_id: listener_id.clone(),
        states: states.clone(),
        producer: Some(Arc::new(producer.clone())),
        template: Some(template_through(producer)),
        schemas: schemas.clone(),
    }
}

/// Makes the transactional producers of a listener's consumers.
fn producer_opener(
    cluster: &Cluster,
    shared: &Shared,
    listener: Arc<ResolvedListener>,
    surroundings: impl Fn(Producer) -> HandlerEnv + Clone + Send + Sync + 'static,
) -> OpenProducerOf {
    let (properties, ids) = (Arc::clone(&cluster.properties), cluster.ids.clone());
    let interceptors = shared.interceptors.clone();
    Arc::new(move |name, brokers| {
        let id = ids.of_listener(&properties, &listener, (name.instance, name.turn), name.n_lost);
        let properties = config::transactional_properties(&properties, &id);
        let producer = Producer::create(&properties, interceptors.clone(), brokers)?;
        Ok(TurnProducer::of(producer, surroundings.clone()))
    })
}

/// Makes the clients of a listener's consumers, the first time and after a fatal error.
fn connector(
    properties: Arc<KafkaProperties>,
    listener: Arc<ResolvedListener>,
    find: Option<Arc<Find>>,
) -> impl Fn(u32, &Brokers, Arc<dyn Signal>) -> Result<Box<dyn ConsumerClient>> + Send + Sync {
    move |instance, brokers, signal| {
        let properties = Properties::from(config::consumer_properties(&properties, &listener, instance));
        match &find {
            Some(find) => read_by_hand(&properties, Arc::clone(find), instance, brokers, signal),
            None => connect(&properties, brokers, signal),
        }
    }
}

/// Of a listener that takes partitions by itself.
fn find(listener: &ResolvedListener, inquiry: Arc<dyn Inquiry>) -> Option<Arc<Find>> {
    let Subscription::Topics(topics) = &listener.subscription else { return None };
    let by_hand = listener.by_hand.clone()?;
    Some(Arc::new(Find::new(topics.clone(), by_hand, listener.concurrency, inquiry)))
}

/// The broker in this process, if the configuration asks for one.
#[derive(Debug, Default)]
pub(super) struct Embedded {
    #[cfg(feature = "embedded")]
    broker: Option<embedded_broker::EmbeddedBroker>,
}

impl Embedded {
    #[cfg(feature = "embedded")]
    fn start_if_asked(properties: KafkaProperties) -> Result<(KafkaProperties, Self)> {
        if !properties.is_embedded() {
            return Ok((properties, Self::default()));
        }
        let broker = embedded_broker::EmbeddedBroker::builder()
            .start()
            .map_err(|e| Error::new(ErrorKind::Unavailable, "the embedded broker cannot be started").with_source(e))?;
        tracing::info!(bootstrap_servers = broker.bootstrap_servers(), "embedded broker started");
        let properties = properties.with_bootstrap_servers(broker.bootstrap_servers());
        Ok((properties, Self { broker: Some(broker) }))
    }

    #[cfg(not(feature = "embedded"))]
    fn start_if_asked(properties: KafkaProperties) -> Result<(KafkaProperties, Self)> {
        if properties.is_embedded() {
            let text = "`kafka.bootstrap-servers = \"embedded\"` needs the feature `embedded` of kafka-app";
            return Err(Error::new(ErrorKind::Config, text));
        }
        Ok((properties, Self::default()))
    }

    /// Stops the broker, if there is one: its threads are joined, so this belongs on a thread that may block.
    #[cfg_attr(
        not(feature = "embedded"),
        expect(clippy::unused_self, reason = "without the feature there is no broker")
    )]
    pub(super) fn stop(self) {
        #[cfg(feature = "embedded")]
        drop(self.broker);
    }
}
