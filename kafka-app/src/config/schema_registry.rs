//! [`SchemaRegistryProperties`]: `kafka.schema-registry.*`.

use std::time::Duration;

use crate::config::{
    Secret,
    from_text::{FromText, one_of},
    section::Section,
};

/// `kafka.schema-registry.*`: where schemas are and how they are used. Names are Confluent's, with dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaRegistryProperties {
    /// URLs of the registry; one that does not answer is passed over. None: there is no registry.
    pub url: Vec<String>,
    /// `user:password` (`basic.auth.user.info`).
    pub basic_auth: Option<Secret>,
    /// A token (`bearer.auth.token`).
    pub bearer_token: Option<Secret>,
    /// A PEM file with authorities to trust beside those of the system.
    pub trust_store_location: Option<String>,
    /// Whether a schema that is not there yet is registered by the first send; default true.
    pub auto_register_schemas: bool,
    /// Whether values are written by the latest schema of their subject, instead of that of their type; default false.
    pub use_latest_version: bool,
    /// Whether the registry compares schemas without what means nothing; default false.
    pub normalize_schemas: bool,
    /// What the subject of keys is called after; default the topic.
    pub key_subject_name_strategy: SubjectNameStrategy,
    /// What the subject of payloads is called after; default the topic.
    pub value_subject_name_strategy: SubjectNameStrategy,
    /// Longest time for a connection; default 5 s.
    pub connect_timeout: Duration,
    /// Longest time for an answer; default 10 s.
    pub read_timeout: Duration,
    /// How often all URLs are tried again before the registry counts as not answering; default 3.
    pub max_retries: u32,
    /// Wait before the first of these; it doubles; default 1 s.
    pub retries_wait: Duration,
    /// Longest of these waits; default 20 s.
    pub retries_max_wait: Duration,
}

/// What a subject of the registry is called after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SubjectNameStrategy {
    /// `<topic>-value` and `<topic>-key`: one type a topic, evolved.
    #[default]
    TopicName,
    /// The full name of the record or message: many types a topic, each the same everywhere.
    RecordName,
    /// `<topic>-<name>`: many types a topic, each on its own.
    TopicRecordName,
}

impl FromText for SubjectNameStrategy {
    fn from_text(text: &str) -> Result<Self, String> {
        // Confluent's names of classes, with or without their package.
        let name = text.trim().rsplit('.').next().unwrap_or_default();
        match name {
            "TopicNameStrategy" => Ok(Self::TopicName),
            "RecordNameStrategy" => Ok(Self::RecordName),
            "TopicRecordNameStrategy" => Ok(Self::TopicRecordName),
            name => one_of(
                name,
                &[
                    ("topic-name", Self::TopicName),
                    ("record-name", Self::RecordName),
                    ("topic-record-name", Self::TopicRecordName),
                ],
            ),
        }
    }
}

impl Default for SchemaRegistryProperties {
    fn default() -> Self {
        Self {
            url: Vec::new(),
            basic_auth: None,
            bearer_token: None,
            trust_store_location: None,
            auto_register_schemas: true,
            use_latest_version: false,
            normalize_schemas: false,
            key_subject_name_strategy: SubjectNameStrategy::default(),
            value_subject_name_strategy: SubjectNameStrategy::default(),
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            max_retries: 3,
            retries_wait: Duration::from_secs(1),
            retries_max_wait: Duration::from_secs(20),
        }
    }
}

impl SchemaRegistryProperties {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let (basic, bearer, ssl) = (section.child("basic-auth"), section.child("bearer-auth"), section.child("ssl"));
        let read = Self {
            url: section.list("url").unwrap_or_default(),
            basic_auth: basic.get("user-info"),
            bearer_token: bearer.get("token"),
            trust_store_location: ssl.get("trust-store-location"),
            auto_register_schemas: section.get("auto-register-schemas").unwrap_or(default.auto_register_schemas),
            use_latest_version: section.get("use-latest-version").unwrap_or(default.use_latest_version),
            normalize_schemas: section.get("normalize-schemas").unwrap_or(default.normalize_schemas),
            key_subject_name_strategy: section.get("key-subject-name-strategy").unwrap_or_default(),
            value_subject_name_strategy: section.get("value-subject-name-strategy").unwrap_or_default(),
            connect_timeout: section.get("http-connect-timeout").unwrap_or(default.connect_timeout),
            read_timeout: section.get("http-read-timeout").unwrap_or(default.read_timeout),
            max_retries: section.get("max-retries").unwrap_or(default.max_retries),
            retries_wait: section.get("retries-wait").unwrap_or(default.retries_wait),
            retries_max_wait: section.get("retries-max-wait").unwrap_or(default.retries_max_wait),
        };
        read.check(section, &basic);
        basic.finish(&[("credentials", "say basic-auth.user-info = \"user:password\"")]);
        bearer.finish(&[]);
        ssl.finish(&[]);
        section.finish(ANSWERS);
        read
    }

    fn check(&self, section: &Section<'_>, basic: &Section<'_>) {
        if self.url.iter().any(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            section.mistake("url", "expected URLs such as \"http://localhost:8081\", with commas between them");
        }
        if self.basic_auth.as_ref().is_some_and(|user_info| !user_info.expose().contains(':')) {
            basic.mistake("user-info", "expected \"user:password\"");
        }
        if self.basic_auth.is_some() && self.bearer_token.is_some() {
            basic.mistake("user-info", "contradicts bearer-auth.token: say one of them");
        }
        if self.use_latest_version && self.auto_register_schemas {
            section
                .mistake("use-latest-version", "has no effect while auto-register-schemas is true: set that to false");
        }
    }
}

const ANSWERS: &[(&str, &str)] = &[
    ("urls", "say url; it takes several, with commas"),
    ("specific-avro-reader", "not needed: the type of the argument decides"),
    ("use-schema-id", "not supported: the type that is sent has its schema"),
    ("avro-compatibility-level", "compatibility is set in the registry, by subject"),
];
