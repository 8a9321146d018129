//! Schemas that a delivery needs and nobody has asked the registry for yet.
//!
//! A record names its schema by an id; what was written by one that is not known yet is decoded again when the registry has
//! answered, and its handler was not called before. That is no attempt of the record: a registry that is down is a reason to
//! wait, with back-off, and for nothing else. What handlers return waits for the ids of its schemas in the same way; a
//! handler that fails in a call in which a template could not get one is called again, and that counts for nothing either. What
//! others ask meanwhile does not matter.
//!
//! Only the last of these opens the listener's circuit, as every handler does that says "not now". The registry is needed for
//! records whose schemas are not known yet, and a circuit would hold up all the others.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use super::run::{Fault, Next, Run};
use crate::{
    config::Retry,
    error::{Error, ErrorKind},
    error_handler::{BackOff, random},
    handler::{ErrorClass, Failure, Output},
    listener::later::later,
    observe,
    record::ProducerRecord,
    schema::{SchemaPort, Unstamped, Writing, no_registry},
};

/// How often the registry is asked: for as long as the partition is ours.
const ASK: Retry = Retry {
    attempts: u32::MAX,
    backoff: Duration::from_millis(250),
    multiplier: 2.0,
    max_backoff: Duration::from_secs(30),
    jitter: 0.2,
};

/// After which time a transaction that was left for the registry's sake comes again.
const TRANSACTION_COMES_AGAIN: Duration = Duration::from_secs(1);

/// After which time a handler is called again whose template got no answer of the registry.
const HANDLER_COMES_AGAIN: Duration = Duration::from_secs(1);

/// What came of asking.
enum Asked<T> {
    Answered(T),
    Refused(Error),
    Revoked,
}

impl Run<'_> {
    /// Whether the last delivery missed schemas.
    pub(super) fn misses_schemas(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Asks for the schemas that the last delivery missed; `Again` when they are there.
    pub(super) async fn load_schemas(&self, index: usize, attempt: u32) -> Next {
        let ids = self.wanted.take();
        let Some(schemas) = self.schemas() else { return Next::Again };
        for id in ids {
            match self.ask(index, attempt, || schemas.load(id)).await {
                // Told when it is decoded.
                Asked::Answered(()) | Asked::Refused(_) => {}
                Asked::Revoked => return Next::Revoked,
            }
        }
        Next::Again
    }

    /// Sets the ids that a record which was returned still lacks; its topic is known by now.
    pub(super) async fn stamped(
        &self,
        index: usize,
        attempt: u32,
        mut record: ProducerRecord,
        unstamped: Unstamped,
    ) -> Result<ProducerRecord, Fault> {
        let Some(topic) = record.topic.clone().filter(|_| !unstamped.is_none()) else { return Ok(record) };
        let schemas = self.schemas().ok_or_else(|| Fault::Failed(Failure::stop(no_registry())))?;
        for (is_key, schema) in [(true, unstamped.key), (false, unstamped.payload)] {
            let Some(schema) = schema else { continue };
            let part = if is_key { &mut record.key } else { &mut record.payload };
            let Some(bytes) = part.take() else { continue };
            let writing = match schemas.writing(&topic, is_key, schema) {
                Some(writing) => writing,
                None => self.learned(index, attempt, || schemas.learn(&topic, is_key, schema)).await?,
            };
            *part = Some(writing.stamp(bytes, schema).map_err(|error| Fault::Failed(Failure::stop(error)))?);
        }
        Ok(record)
    }

    /// A schema that the registry refuses is a mistake of the program, which no record mends: the listener stops.
    async fn learned<F: Future<Output = Result<Writing, Error>>>(
        &self,
        index: usize,
        attempt: u32,
        learn: impl Fn() -> F,
    ) -> Result<Writing, Fault> {
        match self.ask(index, attempt, learn).await {
            Asked::Answered(writing) => Ok(writing),
            Asked::Refused(error) => Err(Fault::Failed(Failure::stop(error))),
            Asked::Revoked => Err(Fault::Revoked),
        }
    }

    /// Asks until there is an answer or the partition goes. In a transaction, which must not stay open for that, once: its
    /// records come again.
    async fn ask<T, F: Future<Output = Result<T, Error>>>(
        &self,
        index: usize,
        attempt: u32,
        ask: impl Fn() -> F,
    ) -> Asked<T> {
        let mut delays = BackOff::new(&ASK, random);
        loop {
            let answer = tokio::select! {
                biased;
                () = self.progress.revoked() => return Asked::Revoked,
                answer = ask() => answer,
            };
            let error = match answer {
                Ok(answer) => return Asked::Answered(answer),
                Err(error) if error.kind() != ErrorKind::Unavailable => return Asked::Refused(error),
                Err(error) => error,
            };
            let delay = delays.next_delay();
            observe::without_registry(self.place(index, attempt), &error.to_string(), delay);
            if let Some(transaction) = self.transaction() {
                if self.shared.policy.takes_template {
                    transaction.taint();
                }
                self.progress.rewind(later(Instant::now(), TRANSACTION_COMES_AGAIN));
                return Asked::Revoked;
            }
            if !self.waited(delay).await {
                return Asked::Revoked;
            }
        }
    }

    /// Whether there is a registry that handlers may ask.
    pub(super) fn has_registry(&self) -> bool {
        self.schemas().is_some()
    }

    fn schemas(&self) -> Option<&dyn SchemaPort> {
        self.env().schemas.as_deref()
    }
}

/// The registry did not answer the handler, and what a template could not send for that is not the fault of its record: it
/// is delivered again, which does not count.
pub(super) fn acquit(failure: &mut Failure) {
    if failure.class == ErrorClass::Retry {
        failure.class = ErrorClass::NotNow(HANDLER_COMES_AGAIN);
    }
}

/// A record that was returned, apart from what it still lacks.
pub(super) fn apart(output: Output, handled_key: Option<&[u8]>) -> (ProducerRecord, Unstamped) {
    let unstamped = output.unstamped;
    (output.into_record(handled_key), unstamped)
}
