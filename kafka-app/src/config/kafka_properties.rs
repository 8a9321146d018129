//! [`KafkaProperties`]: the typed tree under `kafka.*`.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use config::{Map, Value, ValueKind};

use crate::{
    Error, ErrorKind, Result,
    config::{
        AdminProperties, ClientProperties, ConsumerProperties, ListenerSettings, ProducerProperties,
        RetryTopicSettings, SchemaRegistryProperties, TemplateProperties,
        clusters::Laid,
        listener::LISTENER_ANSWERS,
        mistake::{Mistake, Mistakes, nearest},
        placeholder::Lookup,
        property_rules,
        section::{Section, first_origin},
        source::Sources,
    },
};

/// Everything under `kafka.*`, read from files, the environment and code, with its defaults.
///
/// All mistakes are found before anything connects and are reported in one error, each with the file and line, the
/// environment variable or `code` it comes from. See the [module](crate::config) for the layers and every key.
///
/// ```
/// use kafka_app::config::KafkaProperties;
///
/// # fn main() -> kafka_app::Result<()> {
/// let properties = KafkaProperties::builder()
///     .set("kafka.bootstrap-servers", "localhost:9092")
///     .environment([("KAFKA_APP__KAFKA__CONSUMER__GROUP_ID", "billing")])
///     .load()?;
/// assert_eq!(properties.consumer.group_id.as_deref(), Some("billing"));
///
/// let error = KafkaProperties::builder().set("kafka.consumer.grup-id", "billing").load().unwrap_err();
/// assert!(error.to_string().contains("code: kafka.consumer.grup-id: unknown key; did you mean `group-id`?"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct KafkaProperties {
    /// `kafka.*` itself: what all clients share.
    pub client: ClientProperties,
    /// `kafka.consumer.*`.
    pub consumer: ConsumerProperties,
    /// `kafka.producer.*`.
    pub producer: ProducerProperties,
    /// `kafka.admin.*`.
    pub admin: AdminProperties,
    /// `kafka.template.*`.
    pub template: TemplateProperties,
    /// `kafka.schema-registry.*`.
    pub schema_registry: SchemaRegistryProperties,
    /// `kafka.listener.*`: what holds for every listener that does not say otherwise.
    pub listener: ListenerDefaults,
    /// `kafka.listeners.<id>.*`: what overrides a listener's declaration.
    pub listeners: BTreeMap<String, ListenerSettings>,
    /// `kafka.clusters.<name>.*`: further clusters, each laid over what stands above; names are in lower case with
    /// underscores, as the environment writes them.
    pub clusters: BTreeMap<String, Self>,
    pub(super) laid: Option<Box<Laid>>,
    pub(super) said: Arc<Said>,
    /// What was wrong when it was read.
    pub(super) mistakes: Vec<Mistake>,
}

/// `kafka.listener.*`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ListenerDefaults {
    /// Settings that a declaration can override.
    pub settings: ListenerSettings,
    /// Whether a listener's topic that does not exist fails the start; default false.
    pub missing_topics_fatal: bool,
    /// Whether listeners that read one topic as different payload types are an error.
    pub mixed_payloads_fatal: bool,
    /// How long a stop and a revoke wait for running handlers; default 30 s.
    pub shutdown_timeout: Duration,
}

impl Default for ListenerDefaults {
    fn default() -> Self {
        Self {
            settings: ListenerSettings::default(),
            missing_topics_fatal: false,
            mixed_payloads_fatal: true,
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// What is remembered of the reading: where each key was said, and what placeholders may name.
#[derive(Debug, Default)]
pub(super) struct Said {
    origins: BTreeMap<String, String>,
    lookup: Lookup,
}

/// Chooses what a [`KafkaProperties`] is read from; nothing is read that is not named here.
#[derive(Clone, Default)]
#[must_use]
pub struct KafkaPropertiesBuilder(Sources);

impl KafkaProperties {
    /// The defaults with these brokers: a list with commas of `host:port`, or `embedded`.
    #[must_use]
    pub fn new(bootstrap_servers: &str) -> Self {
        Self::default().with_bootstrap_servers(bootstrap_servers)
    }

    /// Reads `kafka-app.toml` and its companions in the working directory or its subfolder `config`, and the
    /// environment.
    ///
    /// # Errors
    ///
    /// All mistakes, together.
    pub fn load() -> Result<Self> {
        Self::from_process().into_result()
    }

    /// What to read, said in full: for tests, and for programs with a place of their own for files.
    pub fn builder() -> KafkaPropertiesBuilder {
        KafkaPropertiesBuilder::default()
    }

    /// As [`KafkaProperties::load`], but mistakes are kept until the listeners are resolved, to be reported with theirs.
    pub(crate) fn from_process() -> Self {
        Self::builder().directory(".").process_environment().read()
    }

    /// The text with its `${key:default}` placeholders replaced, as in the strings of attributes.
    ///
    /// # Errors
    ///
    /// A placeholder that is not closed, goes in a circle, or names nothing and has no default.
    pub fn resolve_placeholders(&self, text: &str) -> Result<String> {
        self.expand(text).map_err(|error| Error::new(ErrorKind::Config, error))
    }

    /// Replaces the brokers of all clients that name no others.
    #[must_use]
    pub fn with_bootstrap_servers(mut self, bootstrap_servers: &str) -> Self {
        let servers = super::section::split_list(bootstrap_servers);
        if let Some(laid) = &mut self.laid {
            laid.own.client.bootstrap_servers = Some(servers.clone());
        }
        self.client.bootstrap_servers = Some(servers);
        self
    }

    /// The brokers, as librdkafka takes them: a list with commas.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        match &self.client.bootstrap_servers {
            Some(servers) => servers.join(","),
            None => DEFAULT_SERVERS.to_owned(),
        }
    }

    /// Whether a broker in this process is asked for (`bootstrap-servers = "embedded"`).
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.client.bootstrap_servers.as_deref().is_some_and(|servers| servers == ["embedded"])
    }

    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        self.said.lookup.resolve(text)
    }

    /// Where a key was said: file and line, variable, or `code`.
    pub(crate) fn origin(&self, path: &str) -> &str {
        self.said.origins.get(path).map_or("code", String::as_str)
    }

    pub(crate) fn is_said(&self, path: &str) -> bool {
        self.said.origins.contains_key(path)
    }

    /// What was wrong when it was read.
    pub(crate) fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    fn into_result(self) -> Result<Self> {
        match self.mistakes.as_slice() {
            [] => Ok(self),
            mistakes => Err(Error::config_list(&mistakes.iter().map(ToString::to_string).collect::<Vec<_>>())),
        }
    }

    fn read(tree: &Map<String, Value>, mistakes: &Mistakes) -> Self {
        let kafka = Section::new("kafka", tree.get("kafka"), mistakes);
        let listener = kafka.child("listener");
        let read = Self {
            client: ClientProperties::read(&kafka),
            consumer: ConsumerProperties::read(&kafka.child("consumer")),
            producer: ProducerProperties::read(&kafka.child("producer")),
            admin: AdminProperties::read(&kafka.child("admin")),
            template: TemplateProperties::read(&kafka.child("template")),
            schema_registry: SchemaRegistryProperties::read(&kafka.child("schema-registry")),
            listener: ListenerDefaults::read(&listener, read_boots_retry_topics(&kafka)),
            listeners: kafka.children("listeners").iter().map(|(id, section)| read_listener(id, section)).collect(),
            ..Self::default()
        };
        kafka.child("clusters");
        kafka.finish(ANSWERS);
        read
    }
}

/// `kafka.retry.topic.*`.
fn read_boots_retry_topics(kafka: &Section<'_>) -> RetryTopicSettings {
    let retry = kafka.child("retry");
    let topic = retry.child("topic");
    let read = RetryTopicSettings::read_boot(&topic);
    let in_place = "retries in place are kafka.listener.retry";
    retry.finish(&[("attempts", in_place), ("backoff", in_place), ("multiplier", in_place), ("max-backoff", in_place)]);
    read
}

fn read_listener(id: &str, section: &Section<'_>) -> (String, ListenerSettings) {
    let settings = ListenerSettings::read(section);
    section.finish(LISTENER_ANSWERS);
    (id.to_owned(), settings)
}

/// Spring's default too.
pub(crate) const DEFAULT_SERVERS: &str = "localhost:9092";

const ANSWERS: &[(&str, &str)] = &[
    ("sasl", "use \"sasl.mechanism\", \"sasl.username\" and \"sasl.password\" under [kafka.properties]"),
    (
        "jaas",
        "there is no JAAS here; use \"sasl.mechanism\", \"sasl.username\" and \"sasl.password\" under [kafka.properties]",
    ),
    ("streams", "there are no streams here; a listener with send-to transforms records"),
    ("group-id", "say kafka.consumer.group-id"),
];

impl ListenerDefaults {
    fn read(section: &Section<'_>, boots_retry_topics: RetryTopicSettings) -> Self {
        let default = Self::default();
        let mut settings = ListenerSettings::read(section);
        settings.retry_topics = settings.retry_topics.or(boots_retry_topics);
        let read = Self {
            settings,
            missing_topics_fatal: section.get("missing-topics-fatal").unwrap_or(default.missing_topics_fatal),
            mixed_payloads_fatal: section.get("mixed-payloads-fatal").unwrap_or(default.mixed_payloads_fatal),
            shutdown_timeout: section.get("shutdown-timeout").unwrap_or(default.shutdown_timeout),
        };
        section.finish(LISTENER_ANSWERS);
        read
    }
}

impl KafkaPropertiesBuilder {
    /// Where files are searched, with its subfolder `config`, unless `KAFKA_APP_CONFIG` names another place.
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.0.directory = Some(PathBuf::from(directory.as_ref()));
        self
    }

    /// Environment variables; those without our prefix serve `${env:…}` only.
    pub fn environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.0.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// The variables of this process.
    pub fn process_environment(self) -> Self {
        // Variables that are not UTF-8 cannot be ours.
        let is_text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        self.environment(env::vars_os().filter_map(is_text))
    }

    /// A profile for when neither code nor `KAFKA_APP_PROFILE` names one.
    pub fn default_profile(mut self, profile: impl Into<String>) -> Self {
        self.0.default_profile = Some(profile.into());
        self
    }

    /// Profiles in the order they are laid on; they take the place of `KAFKA_APP_PROFILE`.
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.0.profiles = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    /// Sets a key of the last layer: `kafka.consumer.group-id`, or a key of your own for placeholders.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.code.push((key.into(), value.into()));
        self
    }

    /// Reads and merges the layers.
    ///
    /// # Errors
    ///
    /// All mistakes, together.
    pub fn load(&self) -> Result<KafkaProperties> {
        self.read().into_result()
    }

    pub(crate) fn read(&self) -> KafkaProperties {
        let mistakes = Mistakes::default();
        let merged = self.0.merge(&mistakes);
        check_top_level(&merged.tree, &mistakes);
        let mut properties = KafkaProperties::read(&merged.tree, &mistakes);
        let mut origins = BTreeMap::new();
        note_origins("", &merged.tree, &mut origins);
        properties.said = Arc::new(Said { origins, lookup: merged.lookup });
        if let Some(ValueKind::Table(kafka)) = merged.tree.get("kafka").map(|kafka| &kafka.kind) {
            properties.clusters = properties.read_clusters(kafka, &mistakes).into_iter().collect();
        }
        property_rules::check(&properties, &mistakes);
        properties.mistakes = mistakes.into_vec();
        properties
    }
}

impl std::fmt::Debug for KafkaPropertiesBuilder {
    /// No values: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaPropertiesBuilder")
            .field("directory", &self.0.directory)
            .field("profiles", &self.0.profiles)
            .finish_non_exhaustive()
    }
}

/// Tables beside `kafka` are the user's, for placeholders; but one that was meant for `kafka` must not be lost.
fn check_top_level(tree: &Map<String, Value>, mistakes: &Mistakes) {
    const SECTIONS: [&str; 8] = [
        "bootstrap-servers",
        "clusters",
        "consumer",
        "producer",
        "listener",
        "listeners",
        "template",
        "schema-registry",
    ];
    for (key, value) in tree {
        let origin = first_origin(value);
        if SECTIONS.contains(&key.as_str()) {
            mistakes.add(origin, key, format!("belongs under kafka: kafka.{key}"));
        } else if key == "spring" {
            mistakes.add(origin, key, "leave spring out: spring.kafka.* is kafka.* here");
        } else if key != "kafka" && key.len().abs_diff(5) <= 1 && nearest(key, ["kafka"]).is_some() {
            mistakes.add(origin, key, "did you mean `kafka`?");
        }
    }
}

fn note_origins(prefix: &str, table: &Map<String, Value>, origins: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = format!("{prefix}{key}");
        if let ValueKind::Table(deeper) = &value.kind {
            note_origins(&format!("{path}."), deeper, origins);
        }
        origins.insert(path, first_origin(value).to_owned());
    }
}
