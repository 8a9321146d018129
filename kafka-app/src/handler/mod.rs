//! What a listener's function is to the runtime: a record in, an outcome out.
//!
//! `#[kafka_listener]` implements [`RecordHandler`] or [`BatchHandler`] for the hidden struct it declares; nothing here
//! knows where records come from or what is done about failures.

mod batch_function;
mod function;
mod layer;
mod outgoing;
mod returns;

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    error::Error as StdError,
    fmt,
    future::Future,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;

use crate::{
    convert::{PayloadContext, ToPayload},
    extract::KeyedState,
    listener::{AckSource, KeyStates},
    record::{ProducerRecord, RawRecord},
    schema::{SchemaPort, Unstamped, Wanted},
};

pub use batch_function::batch_handler_fn;
pub use function::{HandlerFn, handler_fn};
pub(crate) use layer::Layered;
pub use layer::{BoxBatchHandler, BoxRecordHandler, HandlerFuture, around};
pub use outgoing::Outgoing;
pub use returns::{BatchResult, Each, IntoOutputs, batch_outcome, outcome};

/// A function that takes one record at a time.
///
/// Implemented by `#[kafka_listener]`; by hand only where a macro cannot be used.
pub trait RecordHandler: Send + Sync + 'static {
    /// Says what the function needs (state, manual acknowledgment, payload type), so that a start can fail early.
    fn declare(&self, declaration: &mut Declaration);

    /// Extracts the arguments, calls the function and turns what it returns into an outcome.
    fn call<'r>(&'r self, cx: RecordContext<'r>) -> impl Future<Output = Outcome> + Send + 'r;
}

/// A function that takes many records at a time.
pub trait BatchHandler: Send + Sync + 'static {
    /// As [`RecordHandler::declare`].
    fn declare(&self, declaration: &mut Declaration);

    /// Calls the function with the records that could be decoded; each record gets an outcome of its own.
    fn call<'r>(&'r self, cx: BatchContext<'r>) -> impl Future<Output = BatchOutcome> + Send + 'r;
}

/// One record and what surrounds it: what extractors see.
#[derive(Clone, Copy)]
pub struct RecordContext<'r> {
    pub(crate) record: &'r RawRecord,
    pub(crate) topic: &'r Arc<str>,
    pub(crate) partition: i32,
    pub(crate) attempt: u32,
    pub(crate) env: &'r HandlerEnv,
    pub(crate) ack: Option<AckSource<'r>>,
    /// Of its partition.
    pub(crate) key_states: &'r KeyStates,
    /// Where schemas are noted that are not known yet.
    pub(crate) wanted: &'r Wanted,
}

impl<'r> RecordContext<'r> {
    /// The undecoded record.
    #[must_use]
    pub fn record(&self) -> &'r RawRecord {
        self.record
    }

    /// What surrounds the payload, for [`FromPayload::from_payload_of`](crate::FromPayload::from_payload_of).
    #[must_use]
    pub fn payload_context(&self) -> PayloadContext<'r> {
        PayloadContext::payload(self.record, self.schemas())
    }

    /// What surrounds the key.
    #[must_use]
    pub fn key_context(&self) -> PayloadContext<'r> {
        PayloadContext::key(self.record, self.schemas())
    }

    fn schemas(&self) -> Option<(&'r dyn SchemaPort, &'r Wanted)> {
        Some((self.env.schemas.as_deref()?, self.wanted))
    }

    /// The topic it came from.
    #[must_use]
    pub fn topic(&self) -> &'r Arc<str> {
        self.topic
    }

    /// The partition it came from, from 0.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Which delivery of this record it is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The listener's id.
    #[must_use]
    pub fn listener_id(&self) -> &'r str {
        &self.env.listener_id
    }

    /// Application state of type `T`, as given to `KafkaApp::state`.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.env.states.get()
    }
}

impl fmt::Debug for RecordContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordContext")
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .field("record", &self.record)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// Many records of one listener, of one or several partitions, in order within each.
#[derive(Clone, Copy)]
pub struct BatchContext<'r> {
    pub(crate) records: &'r [RecordContext<'r>],
    /// Records that could not be decoded, by their dispatch sequence: the batch's `Ack` leaves them alone.
    pub(crate) rejected: &'r Arc<Mutex<Vec<u64>>>,
}

impl<'r> BatchContext<'r> {
    /// The records with their contexts, in the order they arrived.
    #[must_use]
    pub fn records(&self) -> &'r [RecordContext<'r>] {
        self.records
    }

    /// Whether some records could not be decoded for want of a schema that is not known yet.
    pub(crate) fn misses_schemas(&self) -> bool {
        self.records.first().is_some_and(|record| !record.wanted.is_empty())
    }
}

impl fmt::Debug for BatchContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchContext").field("n_records", &self.records.len()).finish_non_exhaustive()
    }
}

/// What a listener's records share.
pub(crate) struct HandlerEnv {
    pub(crate) listener_id: String,
    pub(crate) states: States,
    /// Where dead letters go and what handlers return.
    pub(crate) producer: Option<Arc<dyn crate::client::RecordSink>>,
    /// What [`Template`](crate::Template) arguments are made of; of the same producer.
    pub(crate) template: Option<crate::producer::KafkaTemplate<(), ()>>,
    /// The schemas of payloads, where there is a registry.
    pub(crate) schemas: Option<Arc<dyn SchemaPort>>,
}

/// Application state by type.
#[derive(Clone, Default)]
pub(crate) struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl States {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, state: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), state);
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).and_then(|state| Arc::clone(state).downcast().ok())
    }

    pub(crate) fn contains(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }
}

/// What became of one call.
#[derive(Debug)]
pub enum Outcome {
    /// The record is handled; these records are to be sent before it counts as done.
    Done(Outputs),
    /// An argument could not be made of the record: retrying cannot help.
    Rejected(Rejection),
    /// The function returned an error.
    Failed(Failure),
}

/// What became of a batch.
#[derive(Debug)]
pub enum BatchOutcome {
    /// The whole batch succeeded or failed as one; records that could not be decoded are listed by their index.
    Whole {
        /// Indexes into the batch with the reason; the function never saw them.
        rejected: Vec<(usize, Rejection)>,
        /// What the function said of the rest.
        result: Result<Outputs, Failure>,
    },
    /// One result per record, in order.
    PerRecord(Vec<Outcome>),
}

/// Records a handler returned, still without their default topic and key.
#[derive(Debug, Default)]
pub enum Outputs {
    /// Nothing to send.
    #[default]
    None,
    /// One record, without an allocation for the list.
    One(Box<Output>),
    /// Several records, sent in this order.
    Many(Vec<Output>),
}

impl Outputs {
    /// The records in their order.
    pub(crate) fn into_vec(self) -> Vec<Output> {
        match self {
            Self::None => Vec::new(),
            Self::One(output) => vec![*output],
            Self::Many(outputs) => outputs,
        }
    }
}

/// A record a handler returned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The record; without a topic it goes to the listener's `send_to`.
    pub record: ProducerRecord,
    /// Whether it takes the key of the record that was handled instead of its own.
    pub inherits_key: bool,
    /// The schemas of its parts, whose ids are still to be set.
    pub(crate) unstamped: Unstamped,
}

impl Output {
    /// Its key, which may be that of the record that was handled.
    pub(crate) fn key<'k>(&'k self, handled_key: Option<&'k [u8]>) -> Option<&'k [u8]> {
        if self.inherits_key { handled_key } else { self.record.key.as_deref() }
    }

    /// The record with its key, which may be that of the record that was handled.
    pub(crate) fn into_record(self, handled_key: Option<&[u8]>) -> ProducerRecord {
        let key = match self.inherits_key {
            true => handled_key.map(bytes::Bytes::copy_from_slice),
            false => self.record.key,
        };
        ProducerRecord { key, ..self.record }
    }
}

/// An error of a handler with what is to be done about it.
#[derive(Debug)]
pub struct Failure {
    /// What to do.
    pub class: ErrorClass,
    /// The error's type as the program wrote it; a dead letter carries it, as Java's carry their class.
    pub type_name: &'static str,
    /// Where its record goes when it is given up, instead of the listener's dead letter topic; see
    /// [`KafkaError::dead_letter_topic`].
    pub dead_letter_topic: Option<String>,
    /// What the handler said.
    pub error: Box<dyn StdError + Send + Sync>,
}

impl Failure {
    /// An error with what is to be done about it.
    pub fn new<E: Into<Box<dyn StdError + Send + Sync>>>(class: ErrorClass, error: E) -> Self {
        Self { class, type_name: type_name::<E>(), dead_letter_topic: None, error: error.into() }
    }

    /// An error that knows what is to be done about it.
    pub fn of<E: KafkaError>(error: E) -> Self {
        let dead_letter_topic = error.dead_letter_topic().map(str::to_owned);
        Self { dead_letter_topic, ..Self::new(error.class(), error) }
    }

    /// An error that another delivery may mend.
    pub fn retry<E: Into<Box<dyn StdError + Send + Sync>>>(error: E) -> Self {
        Self::new(ErrorClass::Retry, error)
    }

    /// An error of something that is not there now and may be after so long; see [`ErrorClass::NotNow`].
    pub fn not_now<E: Into<Box<dyn StdError + Send + Sync>>>(after: Duration, error: E) -> Self {
        Self::new(ErrorClass::NotNow(after), error)
    }

    /// An error that nothing mends but a change of the program.
    pub fn stop<E: Into<Box<dyn StdError + Send + Sync>>>(error: E) -> Self {
        Self::new(ErrorClass::Stop, error)
    }
}

/// What `#[derive(KafkaError)]` says of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorClass {
    /// Deliver again, by the listener's retry policy; then the dead letter topic. Any other error is this.
    #[default]
    Retry,
    /// Straight to the dead letter topic.
    DeadLetter,
    /// Log, count and go on.
    Skip,
    /// Stop the listener; the record stays uncommitted.
    Stop,
    /// Not now, again after so long: no record of the listener is handled until then, and this delivery does not count.
    /// Then one record tries, and the others follow it. At most once, the record is skipped all the same.
    NotNow(Duration),
}

/// Errors that know what is to be done about them; derive it.
pub trait KafkaError: StdError + Send + Sync + 'static {
    /// What is to be done about this error.
    fn class(&self) -> ErrorClass;

    /// Where a record goes that is given up for this error, instead of the listener's dead letter topic: a topic, or
    /// `*-fraud` for the record's topic with `-fraud`. The attributes say it as `#[dead_letter(topic = "..")]` and
    /// `#[retry(dead_letter = "..")]`. The topic is not created.
    fn dead_letter_topic(&self) -> Option<&str> {
        None
    }
}

/// Why an argument could not be made of a record.
#[derive(Debug)]
pub struct Rejection {
    /// The argument's type as the user writes it, for the message.
    pub argument: &'static str,
    /// The type of the error, as the program wrote it.
    pub type_name: &'static str,
    /// What was wrong.
    pub error: Box<dyn StdError + Send + Sync>,
}

impl Rejection {
    /// Says that no `argument` can be made of a record, and why; never with what the record holds, since it is logged.
    pub fn new<E: Into<Box<dyn StdError + Send + Sync>>>(argument: &'static str, error: E) -> Self {
        Self { argument, type_name: type_name::<E>(), error: error.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot make {} of the record: {}", self.argument, self.error)
    }
}

impl StdError for Rejection {}

/// What a handler's arguments need, asked once before start.
#[derive(Debug, Default)]
pub struct Declaration {
    pub(crate) states: Vec<(TypeId, &'static str)>,
    pub(crate) takes_ack: bool,
    pub(crate) takes_template: bool,
    /// Clusters that it sends to through templates of theirs.
    pub(crate) clusters: Vec<&'static str>,
    /// Types of values that are kept for each key.
    pub(crate) key_states: Vec<&'static str>,
    pub(crate) payload: Option<&'static str>,
    /// Types that cannot be made without a registry of schemas.
    pub(crate) with_schemas: Vec<&'static str>,
    pub(crate) returns_nothing: bool,
    /// A payload, which goes where the listener says; `None`: nothing, or records that may name their topics.
    pub(crate) returns: Option<Returned>,
}

/// A payload that a handler returns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Returned {
    pub(crate) type_name: &'static str,
    /// It cannot be written without a registry of schemas.
    pub(crate) needs_registry: bool,
}

impl Declaration {
    /// The handler takes application state of type `T`.
    pub fn needs_state<T: Send + Sync + 'static>(&mut self) {
        let state = (TypeId::of::<T>(), type_name::<T>());
        if !self.states.contains(&state) {
            self.states.push(state);
        }
    }

    /// The handler keeps a value of type `S` for each key.
    pub fn keeps_state<S: KeyedState>(&mut self) {
        self.key_states.push(type_name::<S>());
    }

    /// The handler acknowledges by itself.
    pub fn takes_ack(&mut self) {
        self.takes_ack = true;
    }

    /// The handler sends through a template.
    pub fn takes_template(&mut self) {
        self.takes_template = true;
    }

    /// The handler sends to this cluster of the configuration, through a template of that one.
    pub fn sends_to_cluster(&mut self, name: &'static str) {
        self.clusters.push(name);
    }

    /// The handler never returns anything to send.
    pub fn returns_nothing(&mut self) {
        self.returns_nothing = true;
    }

    /// The handler returns payloads of type `P`, which go where the listener says.
    pub fn returns<P: ToPayload>(&mut self) {
        self.returns = Some(Returned { type_name: P::sent_type(), needs_registry: P::needs_registry() });
    }

    /// The handler takes a payload or a key of this type, whose schemas a registry keeps.
    pub fn needs_registry(&mut self, type_name: &'static str) {
        self.with_schemas.push(type_name);
    }

    /// The payload's type, for the topology.
    pub fn payload(&mut self, type_name: &'static str) {
        self.payload = Some(type_name);
    }
}
