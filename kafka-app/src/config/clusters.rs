//! `kafka.clusters.<name>.*`: further clusters, each said over what `kafka.*` says.

use config::{Map, Value, ValueKind};

use crate::config::{
    AdminProperties, ClientProperties, ConsumerProperties, KafkaProperties, ProducerProperties, TemplateProperties,
    layer::listener_key,
    mistake::{Mistakes, did_you_mean},
    section::{Section, first_origin},
};

/// The name of the cluster that `kafka.*` itself is about.
pub(crate) const DEFAULT_CLUSTER: &str = "default";

/// What makes a [`KafkaProperties`] that of a further cluster. Its fields hold the tables laid over one another; which
/// librdkafka property wins is decided where the order is known, layer by layer, and needs both by themselves.
#[derive(Debug, Clone)]
pub(crate) struct Laid {
    pub(crate) name: String,
    /// `kafka.clusters.<name>`.
    pub(crate) section: String,
    /// What was said of this cluster.
    pub(crate) own: KafkaProperties,
    /// What was said of all of them.
    pub(crate) base: KafkaProperties,
}

/// The tables of `kafka.*` that a cluster may have of its own.
const TABLES: [&str; 8] = ["security", "ssl", "properties", "consumer", "producer", "admin", "template", "client-id"];

const OF_ALL: &str = "is of all clusters: say it under kafka";

const ANSWERS: &[(&str, &str)] = &[
    ("listener", OF_ALL),
    ("listeners", "listeners are under kafka.listeners: each chooses its cluster there, as `cluster`"),
    ("schema-registry", OF_ALL),
    ("retry", OF_ALL),
    ("clusters", "a cluster has none: say it under kafka.clusters"),
    ("group-id", "say consumer.group-id"),
    ("sasl", "use \"sasl.mechanism\", \"sasl.username\" and \"sasl.password\" under properties of the cluster"),
];

impl KafkaProperties {
    /// The section this is said in, and what is said there alone.
    pub(crate) fn own(&self) -> (&str, &Self) {
        match &self.laid {
            None => ("kafka", self),
            Some(laid) => (&laid.section, &laid.own),
        }
    }

    /// The name of this cluster, if it is a further one.
    pub(crate) fn cluster_name(&self) -> Option<&str> {
        self.laid.as_ref().map(|laid| laid.name.as_str())
    }

    /// The path at which a key of this cluster was said: its own, or that of all clusters.
    pub(crate) fn path_of(&self, key: &str) -> String {
        let own = self.laid.as_ref().map(|laid| format!("{}.{key}", laid.section));
        own.filter(|path| self.is_said(path)).unwrap_or_else(|| format!("kafka.{key}"))
    }

    /// The name that a cluster is known by, whichever way it is spelt; `None`: the one of `kafka.*` itself.
    ///
    /// # Errors
    /// There is no such cluster; the text has the nearest name.
    pub(crate) fn find_cluster(&self, name: &str) -> Result<Option<&str>, String> {
        if name == DEFAULT_CLUSTER {
            return Ok(None);
        }
        match self.clusters.get_key_value(&listener_key(name)) {
            Some((known, _)) => Ok(Some(known)),
            None => {
                let known = self.clusters.keys().map(String::as_str).chain([DEFAULT_CLUSTER]);
                let hint = did_you_mean(name, known);
                Err(format!("there is no cluster `{name}`{hint} (clusters are under kafka.clusters)"))
            }
        }
    }

    /// What is said of one cluster; of one that is not there, what is said of all.
    pub(crate) fn of_cluster(&self, name: Option<&str>) -> &Self {
        name.and_then(|name| self.clusters.get(name)).unwrap_or(self)
    }

    /// Reads the clusters of a tree whose `kafka.*` was read into `self`; mistakes in what they share are told there.
    pub(crate) fn read_clusters(&self, kafka: &Map<String, Value>, mistakes: &Mistakes) -> Vec<(String, Self)> {
        let Some(ValueKind::Table(clusters)) = kafka.get("clusters").map(|clusters| &clusters.kind) else {
            return Vec::new();
        };
        let read =
            |(name, said): (&String, &Value)| Some((name.clone(), self.read_cluster(kafka, name, said, mistakes)?));
        clusters.iter().filter_map(read).collect()
    }

    fn read_cluster(&self, kafka: &Map<String, Value>, name: &str, said: &Value, mistakes: &Mistakes) -> Option<Self> {
        let section = format!("kafka.clusters.{name}");
        let ValueKind::Table(own) = &said.kind else {
            mistakes.add(first_origin(said), section, "expected a table");
            return None;
        };
        if name == DEFAULT_CLUSTER {
            mistakes.add(first_origin(said), &section, "the cluster `default` is kafka.* itself: give it another name");
        }
        let told_elsewhere = Mistakes::default();
        let own_only = read_connection(&Section::new(&section, Some(said), &told_elsewhere));
        if own_only.client.bootstrap_servers.is_none() {
            let text = "names no brokers: say bootstrap-servers, since those of kafka.* are of the cluster `default`";
            mistakes.add(first_origin(said), &section, text);
        }
        let found = Mistakes::default();
        let whole = Value::new(None, laid_over(kafka, own));
        let whole = Section::new(&section, Some(&whole), &found);
        let mut read = read_connection(&whole);
        whole.finish(ANSWERS);
        for mistake in found.into_vec() {
            // What another section said is told of that one.
            if is_said(own, mistake.key.strip_prefix(&format!("{section}.")).unwrap_or_default()) {
                mistakes.add(mistake.source, mistake.key, mistake.text);
            }
        }
        let Self { schema_registry, listener, listeners, said, .. } = self.clone();
        read = Self { schema_registry, listener, listeners, said, ..read };
        read.laid = Some(Box::new(Laid { name: name.to_owned(), section, own: own_only, base: self.clone() }));
        Some(read)
    }
}

/// What a cluster may say.
fn read_connection(section: &Section<'_>) -> KafkaProperties {
    KafkaProperties {
        client: ClientProperties::read(section),
        consumer: ConsumerProperties::read(&section.child("consumer")),
        producer: ProducerProperties::read(&section.child("producer")),
        admin: AdminProperties::read(&section.child("admin")),
        template: TemplateProperties::read(&section.child("template")),
        ..KafkaProperties::default()
    }
}

/// What `kafka.*` says with what a cluster says over it.
fn laid_over(kafka: &Map<String, Value>, own: &Map<String, Value>) -> Map<String, Value> {
    let mut whole: Map<String, Value> =
        TABLES.iter().filter_map(|key| Some(((*key).to_owned(), kafka.get(*key)?.clone()))).collect();
    if own.contains_key("client-id") {
        // What is said of a cluster is more than what is said of one kind of client of all clusters.
        for kind in ["consumer", "producer", "admin"] {
            if let Some(ValueKind::Table(table)) = whole.get_mut(kind).map(|value| &mut value.kind) {
                table.remove("client-id");
            }
        }
    }
    lay(&mut whole, own);
    whole
}

fn lay(table: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (table.get_mut(key).map(|below| &mut below.kind), &value.kind) {
            (Some(ValueKind::Table(below)), ValueKind::Table(over)) => lay(below, over),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Whether there is a value at a path; names of properties have dots of their own.
fn is_said(table: &Map<String, Value>, path: &str) -> bool {
    if table.contains_key(path) {
        return true;
    }
    let Some((key, rest)) = path.split_once('.') else { return false };
    match table.get(key).map(|value| &value.kind) {
        Some(ValueKind::Table(deeper)) => is_said(deeper, rest),
        _ => false,
    }
}
