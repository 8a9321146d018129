//! [`SchemaRegistry`]: schemas by id and ids by schema, asked for once.

mod answer;
mod names;
mod rest;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, RwLock};

use self::{
    answer::{Registered, Stored},
    rest::{Refusal, Rest},
};
use super::{
    Schema, SchemaFormat,
    port::{Asking, Known, SchemaPort, WriterSchema, Writing},
};
use crate::{
    config::{SchemaRegistryProperties, SubjectNameStrategy},
    error::{Error, ErrorKind, Result},
};

/// For how long an id counts as unknown that the registry did not know: one that lags behind its leader learns of it meanwhile.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);

/// Ids remembered as unknown, at most: whoever writes garbage makes them.
const MOST_UNKNOWN: usize = 1_000;

/// How deep schemas may refer to others.
const DEEPEST: usize = 32;

/// A client of a schema registry that asks each thing once.
pub(crate) struct SchemaRegistry {
    rest: Rest,
    settings: SchemaRegistryProperties,
    writers: RwLock<HashMap<u32, Arc<WriterSchema>>>,
    unknown: RwLock<HashMap<u32, (Arc<str>, Instant)>>,
    /// By schema and part, then by topic. Schemas live for ever, so that their addresses name them.
    writings: RwLock<HashMap<(usize, bool), HashMap<String, Writing>>>,
    flights: Mutex<HashMap<Flight, Arc<tokio::sync::Mutex<()>>>>,
}

/// What is asked for, so that nobody else asks the same meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Flight {
    Id(u32),
    Schema(usize, bool, String),
}

impl SchemaRegistry {
    /// Nothing connects before it is asked.
    ///
    /// # Errors
    /// A URL or a file of certificates that cannot be used.
    pub(crate) fn new(settings: &SchemaRegistryProperties) -> Result<Self> {
        Ok(Self {
            rest: Rest::new(settings)?,
            settings: settings.clone(),
            writers: RwLock::default(),
            unknown: RwLock::default(),
            writings: RwLock::default(),
            flights: Mutex::default(),
        })
    }

    /// Does `ask` alone among those who ask for the same; `known` tells whether somebody did meanwhile.
    async fn once<T>(
        &self,
        flight: Flight,
        known: impl Fn() -> Option<T>,
        ask: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let turn = Arc::clone(self.flights.lock().entry(flight.clone()).or_default());
        let _turn = turn.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        let answer = ask.await;
        self.flights.lock().remove(&flight);
        answer
    }

    async fn fetch(&self, id: u32) -> Result<()> {
        match self.rest.schema(id).await {
            Ok(stored) => match self.writer_of(id, stored).await {
                Ok(writer) => {
                    self.writers.write().insert(id, Arc::new(writer));
                    Ok(())
                }
                Err(Refusal::NoAnswer(error)) => Err(error),
                Err(Refusal::Refused(error)) => {
                    self.note_unknown(id, &error.to_string());
                    Ok(())
                }
            },
            Err(Refusal::NoAnswer(error)) => Err(error),
            Err(Refusal::Refused(error)) => {
                self.note_unknown(id, &error.to_string());
                Ok(())
            }
        }
    }

    fn note_unknown(&self, id: u32, reason: &str) {
        let mut unknown = self.unknown.write();
        if unknown.len() >= MOST_UNKNOWN {
            unknown.clear();
        }
        unknown.insert(id, (reason.into(), Instant::now() + UNKNOWN_FOR));
    }

    /// A schema with those it refers to, each after those it refers to itself.
    async fn writer_of(&self, id: u32, stored: Stored) -> Result<WriterSchema, Refusal> {
        let format = stored.format().map_err(Refusal::refused)?;
        let mut texts: Vec<(String, String)> = Vec::new();
        // Each reference twice on the way: to be asked for, then to be put behind its own.
        let mut open: Vec<(usize, String, u32, Option<Stored>)> =
            stored.references.iter().rev().map(|r| (1, r.subject.clone(), r.version, None)).collect();
        while let Some((depth, subject, version, asked)) = open.pop() {
            let place = format!("{subject}/{version}");
            if texts.iter().any(|(known, _)| *known == place) {
                continue;
            }
            if depth > DEEPEST {
                return Err(Refusal::refused(format!("schemas refer to one another more than {DEEPEST} deep")));
            }
            match asked {
                Some(stored) => texts.push((place, stored.schema)),
                None => {
                    let stored = self.rest.version(&subject, version).await?;
                    let deeper: Vec<_> = stored
                        .references
                        .iter()
                        .rev()
                        .map(|r| (depth + 1, r.subject.clone(), r.version, None))
                        .collect();
                    open.push((depth, subject, version, Some(stored)));
                    open.extend(deeper);
                }
            }
        }
        Ok(WriterSchema::new(id, format, stored.schema, texts.into_iter().map(|(_, text)| text).collect()))
    }

    fn subject(&self, topic: &str, is_key: bool, schema: &Schema) -> String {
        let strategy = match is_key {
            true => self.settings.key_subject_name_strategy,
            false => self.settings.value_subject_name_strategy,
        };
        match strategy {
            SubjectNameStrategy::TopicName => format!("{topic}-{}", if is_key { "key" } else { "value" }),
            SubjectNameStrategy::RecordName => schema.name.clone(),
            SubjectNameStrategy::TopicRecordName => format!("{topic}-{}", schema.name),
        }
    }

    /// Registers the schema, looks it up, or takes the latest of its subject, as configured.
    async fn ask_writing(&self, topic: &str, is_key: bool, schema: &'static Schema) -> Result<Writing> {
        let subject = self.subject(topic, is_key, schema);
        let answer = match (self.settings.auto_register_schemas, self.settings.use_latest_version) {
            (true, _) => {
                self.rest.register(&subject, schema).await.map(|Registered { id }| Writing { id, latest: None })
            }
            (false, false) => {
                self.rest.lookup(&subject, schema).await.map(|Registered { id }| Writing { id, latest: None })
            }
            (false, true) => self.latest(&subject, schema).await,
        };
        answer.map_err(|refusal| refusal.of_subject(&subject, schema))
    }

    async fn latest(&self, subject: &str, schema: &'static Schema) -> Result<Writing, Refusal> {
        let stored = self.rest.latest(subject).await?;
        let id = stored.id.ok_or_else(|| Refusal::refused("the answer has no id"))?;
        let latest = self.writer_of(id, stored).await?;
        if latest.format != schema.format {
            let text = format!("the latest schema is {}, and not {}", latest.format, schema.format);
            return Err(Refusal::refused(text));
        }
        // Of formats whose bodies do not depend on it the id alone counts.
        let is_rewritten = schema.rewrite.is_some() && latest.text != schema.text;
        Ok(Writing { id, latest: is_rewritten.then(|| Arc::new(latest)) })
    }
}

fn address(schema: &'static Schema) -> usize {
    std::ptr::from_ref(schema).addr()
}

impl SchemaPort for SchemaRegistry {
    fn writer(&self, id: u32) -> Known {
        if let Some(writer) = self.writers.read().get(&id) {
            return Known::Schema(Arc::clone(writer));
        }
        match self.unknown.read().get(&id) {
            Some((reason, until)) if Instant::now() < *until => Known::Nothing(Arc::clone(reason)),
            _ => Known::NotYet,
        }
    }

    fn load(&self, id: u32) -> Asking<'_, ()> {
        let known = move || (!matches!(self.writer(id), Known::NotYet)).then_some(());
        Box::pin(self.once(Flight::Id(id), known, self.fetch(id)))
    }

    fn writing(&self, topic: &str, is_key: bool, schema: &'static Schema) -> Option<Writing> {
        self.writings.read().get(&(address(schema), is_key))?.get(topic).cloned()
    }

    fn learn<'a>(&'a self, topic: &'a str, is_key: bool, schema: &'static Schema) -> Asking<'a, Writing> {
        let ask = async move {
            let writing = self.ask_writing(topic, is_key, schema).await?;
            let mut writings = self.writings.write();
            writings.entry((address(schema), is_key)).or_default().insert(topic.to_owned(), writing.clone());
            Ok(writing)
        };
        let flight = Flight::Schema(address(schema), is_key, topic.to_owned());
        Box::pin(self.once(flight, move || self.writing(topic, is_key, schema), ask))
    }
}

impl Refusal {
    fn refused(text: impl Into<String>) -> Self {
        Self::Refused(Error::new(ErrorKind::Refused, text))
    }

    /// With the subject that it is about.
    fn of_subject(self, subject: &str, schema: &Schema) -> Error {
        match self {
            Self::NoAnswer(error) => error,
            Self::Refused(error) => {
                let text = format!("the schema `{}` cannot be used for subject `{subject}`", schema.name);
                Error::new(ErrorKind::Refused, text).with_source(error)
            }
        }
    }
}

impl Stored {
    fn format(&self) -> Result<SchemaFormat, String> {
        match self.schema_type.as_deref() {
            None | Some("AVRO") => Ok(SchemaFormat::Avro),
            Some("PROTOBUF") => Ok(SchemaFormat::Protobuf),
            Some("JSON") => Ok(SchemaFormat::Json),
            Some(other) => Err(format!("its format `{other}` is not known")),
        }
    }
}
