//! [`Clusters`]: what sends to each cluster, and how all of it is closed.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::{replies, start::Embedded};
use crate::{
    admin::AdminClient,
    client::{Brokers, Producer},
    config::{self, DEFAULT_CLUSTER, KafkaProperties, TransactionalIds},
    error::{Error, ErrorKind, Result},
    extract::ClusterTemplates,
    producer::{Interceptors, KafkaTemplate, Requests, TransactionPool},
    replay::Replay,
    schema::SchemaPort,
};

/// Every cluster of an application.
pub(super) struct Clusters {
    /// That of `kafka.*` itself.
    default: Cluster,
    named: BTreeMap<String, Cluster>,
}

/// One cluster's clients, but for those of listeners.
pub(super) struct Cluster {
    pub(super) properties: Arc<KafkaProperties>,
    pub(super) producer: Producer,
    /// Of templates.
    pub(super) transactions: Arc<TransactionPool>,
    /// Of templates that ask.
    pub(super) requests: Option<Arc<Requests>>,
    /// Of all transactional producers.
    pub(super) ids: TransactionalIds,
    /// Made when it is first asked for.
    admin: Mutex<Option<AdminClient>>,
    broker: Embedded,
}

impl Cluster {
    /// Called on the runtime that is to read replies.
    pub(super) fn open(properties: KafkaProperties, broker: Embedded, interceptors: &Interceptors) -> Result<Self> {
        let properties = Arc::new(properties);
        let brokers = Arc::<Brokers>::default();
        let producer = Producer::create(&config::producer_properties(&properties), interceptors.clone(), &brokers)?;
        let requests = replies::requests(&properties, Arc::new(producer.clone()));
        let ids = TransactionalIds::new(&properties);
        let transactions = transaction_pool(Arc::clone(&properties), ids.clone(), interceptors.clone(), brokers);
        Ok(Self { properties, producer, transactions, requests, ids, admin: Mutex::default(), broker })
    }

    /// Makes templates through a producer, which is this cluster's own or one of a transaction on it.
    pub(super) fn templates<K: ?Sized, V: ?Sized>(
        &self,
        schemas: Option<Arc<dyn SchemaPort>>,
    ) -> impl Fn(Producer) -> KafkaTemplate<K, V> + Clone + Send + Sync + 'static + use<K, V> {
        let (transactions, requests) = (Arc::clone(&self.transactions), self.requests.clone());
        let default_topic: Option<Arc<str>> = self.properties.template.default_topic.as_deref().map(Arc::from);
        move |producer| {
            KafkaTemplate::new(producer, default_topic.clone())
                .with_transactions(Arc::clone(&transactions))
                .with_requests(requests.clone())
                .with_schemas(schemas.clone())
        }
    }

    pub(super) fn template<K: ?Sized, V: ?Sized>(&self, schemas: Option<&Arc<dyn SchemaPort>>) -> KafkaTemplate<K, V> {
        self.templates(schemas.cloned())(self.producer.clone())
    }

    pub(super) fn bootstrap_servers(&self) -> String {
        self.properties.bootstrap_servers()
    }

    pub(super) fn admin(&self) -> Result<AdminClient> {
        let mut admin = self.admin.lock();
        match &*admin {
            Some(made) => Ok(made.clone()),
            None => Ok(admin.insert(AdminClient::new(&self.properties)?).clone()),
        }
    }

    pub(super) fn replay(&self, dead_letter_topic: String) -> Replay {
        Replay::new(Arc::clone(&self.properties), Arc::new(self.producer.clone()), dead_letter_topic)
    }

    /// What was cut off, a sentence for each, and the broker that may stop now.
    async fn close(self) -> (Vec<String>, Embedded) {
        let mut cut_off = Vec::new();
        if let Some(requests) = &self.requests
            && let Err(error) = requests.stop(self.properties.listener.shutdown_timeout).await
        {
            cut_off.push(error.to_string());
        }
        self.transactions.close();
        match self.producer.close(self.properties.template.close_timeout).await {
            Ok(closed) if closed.is_clean() => {}
            Ok(closed) => cut_off.push(closed.to_string()),
            Err(error) => cut_off.push(error.to_string()),
        }
        if let Some(name) = self.properties.cluster_name() {
            cut_off.iter_mut().for_each(|text| *text = format!("cluster {name}: {text}"));
        }
        (cut_off, self.broker)
    }
}

fn transaction_pool(
    properties: Arc<KafkaProperties>,
    ids: TransactionalIds,
    interceptors: Interceptors,
    brokers: Arc<Brokers>,
) -> Arc<TransactionPool> {
    let (patience, is_one) = (ids.timeout(), ids.is_one_for_templates());
    let make = move |n| {
        let properties = config::transactional_properties(&properties, &ids.of_template(n));
        Producer::create(&properties, interceptors.clone(), &brokers)
    };
    if is_one { TransactionPool::of_one(patience, make) } else { TransactionPool::new(patience, make) }
}

impl Clusters {
    pub(super) fn new(default: Cluster, named: BTreeMap<String, Cluster>) -> Self {
        Self { default, named }
    }

    /// That of `kafka.*` itself.
    pub(super) fn default(&self) -> &Cluster {
        &self.default
    }

    /// A listener's; one that is not there was refused before anything was opened.
    pub(super) fn of(&self, name: Option<&str>) -> &Cluster {
        name.and_then(|name| self.named.get(name)).unwrap_or(&self.default)
    }

    /// The one of this name, however it is spelt.
    pub(super) fn find(&self, name: &str) -> Result<&Cluster> {
        let found = self.default.properties.find_cluster(name).map_err(|text| Error::new(ErrorKind::Config, text))?;
        Ok(self.of(found))
    }

    /// For handlers that send to other clusters than their own.
    pub(super) fn templates(&self, schemas: Option<&Arc<dyn SchemaPort>>) -> ClusterTemplates {
        let named = self.named.iter().map(|(name, cluster)| (name.clone(), cluster.template(schemas)));
        ClusterTemplates::new(named.chain([(DEFAULT_CLUSTER.to_owned(), self.default.template(schemas))]))
    }

    /// Closes all of them at once, each with its own deadline, and tells what was cut off.
    pub(super) async fn close(self) -> (Vec<String>, Vec<Embedded>) {
        let all = std::iter::once(self.default).chain(self.named.into_values());
        let closing: Vec<_> = all.map(|cluster| tokio::spawn(cluster.close())).collect();
        let (mut all, mut brokers) = (Vec::new(), Vec::new());
        for closed in closing {
            match closed.await {
                Ok((cut_off, broker)) => {
                    all.extend(cut_off);
                    brokers.push(broker);
                }
                Err(panic) => all.push(format!("the stop of a producer ended early: {panic}")),
            }
        }
        (all, brokers)
    }
}
