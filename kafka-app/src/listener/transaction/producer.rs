//! [`TurnProducer`]: the producer of a turn, and what handlers see of it.

use std::{fmt, sync::Arc};

use crate::{
    client::{Brokers, Producer, Scope, TransactionalClient},
    error::Result,
    handler::HandlerEnv,
};

/// Which producer of which consumer it is: what its `transactional.id` is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProducerName {
    /// The consumer's number in this process, from 0.
    pub(crate) instance: u32,
    pub(crate) turn: usize,
    /// After the producer was lost: how often. Under its old id it and the one that fenced it would fence each other for
    /// ever.
    pub(crate) n_lost: u64,
}

/// Makes the producer of a name; it waits for no network.
pub(crate) type OpenProducer = Arc<dyn Fn(&ProducerName) -> Result<TurnProducer> + Send + Sync>;

/// The same for a listener, whose consumers say which brokers theirs cannot reach.
pub(crate) type OpenProducerOf = Arc<dyn Fn(&ProducerName, &Arc<Brokers>) -> Result<TurnProducer> + Send + Sync>;

/// A turn's producer.
pub(crate) struct TurnProducer {
    client: Box<dyn TransactionalClient>,
    env: Box<dyn Fn(&Scope) -> HandlerEnv + Send + Sync>,
}

impl TurnProducer {
    /// Of a client, and of what makes the surroundings of handlers for one transaction of it.
    pub(crate) fn new(
        client: impl TransactionalClient + 'static,
        env: impl Fn(&Scope) -> HandlerEnv + Send + Sync + 'static,
    ) -> Self {
        Self { client: Box::new(client), env: Box::new(env) }
    }

    /// Of the native producer.
    pub(crate) fn of(producer: Producer, env: impl Fn(Producer) -> HandlerEnv + Send + Sync + 'static) -> Self {
        let client = producer.clone();
        Self::new(client, move |scope| env(producer.scoped(scope)))
    }

    pub(crate) fn client(&self) -> &dyn TransactionalClient {
        &*self.client
    }

    /// What handlers of one transaction see.
    pub(crate) fn env(&self, scope: &Scope) -> HandlerEnv {
        (self.env)(scope)
    }
}

impl fmt::Debug for TurnProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnProducer").finish_non_exhaustive()
    }
}
