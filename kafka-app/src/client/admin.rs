//! [`Admin`]: a connection for administration, by plain requests and answers.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    client_log::ClientLog,
    ffi::{NativeAdmin, Outcome, Request},
    metadata::unreachable_broker,
    producer::blocking,
    refusal::Refusal,
};
use crate::{
    admin::{BrokerError, TopicListing},
    error::{Error, ErrorKind, Result},
};

/// librdkafka answers within the time it is given, if only that no broker did; an answer that is lost is not waited for
/// longer than this beyond it.
const GRACE: Duration = Duration::from_secs(1);
/// How often it is looked, while it waits, whether it knows a broker.
const LOOK: Duration = Duration::from_secs(1);

/// A connection for administration; every call ends within its timeout.
pub(crate) struct Admin {
    native: Arc<NativeAdmin>,
    servers: String,
    refusal: Arc<Refusal>,
}

impl Admin {
    /// Nothing connects before it is asked for something.
    ///
    /// # Errors
    /// librdkafka refuses a property.
    pub(crate) fn create(properties: &BTreeMap<String, String>) -> Result<Self> {
        let servers = properties.get("bootstrap.servers").cloned().unwrap_or_default();
        let log = ClientLog::new("admin", servers.clone());
        let refusal = log.refusal();
        Ok(Self { native: Arc::new(NativeAdmin::new(properties, log)?), servers, refusal })
    }

    pub(crate) fn servers(&self) -> &str {
        &self.servers
    }

    /// Asks; an error of the call as a whole is a value.
    ///
    /// # Errors
    /// The client does not take the request, or no answer can be read; or no broker lets it in.
    pub(crate) async fn ask<R: Request>(&self, request: &R, timeout: Duration) -> Result<Outcome<R::Answer>> {
        let asked = self.native.ask(request, timeout)?;
        let answer = tokio::time::timeout(timeout.saturating_add(GRACE), asked.answer());
        match self.unless_refused(answer).await? {
            Ok(outcome) => outcome,
            Err(_) => Ok(Err(BrokerError::timed_out())),
        }
    }

    /// The answer, or why none will come. The next question is tried again.
    async fn unless_refused<T>(&self, answer: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            refused = self.refusal.told(&self.servers) => {
                self.refusal.clear();
                Err(refused)
            }
            never = self.keep_brokers() => match never {},
        }
    }

    async fn keep_brokers(&self) -> Infallible {
        loop {
            self.native.keep_brokers(Instant::now());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Every topic; creates none.
    pub(crate) async fn topics(&self, timeout: Duration) -> Result<Vec<TopicListing>> {
        let native = Arc::clone(&self.native);
        let topics = self.unless_refused(blocking(move || native.topics(timeout))).await??;
        topics.map_err(|error| self.failed("listing topics", error, timeout))
    }

    /// An error of a call as a whole, said as ours.
    pub(crate) fn failed(&self, what: &str, error: BrokerError, timeout: Duration) -> Error {
        if error.is_of_connection() {
            return unreachable_broker(error, &self.servers, timeout);
        }
        // What librdkafka itself takes for wrong never left the client.
        let kind = if error.name() == "_INVALID_ARG" { ErrorKind::Config } else { ErrorKind::Refused };
        Error::new(kind, format!("{what} failed at {}", self.servers)).with_source(error)
    }
}
