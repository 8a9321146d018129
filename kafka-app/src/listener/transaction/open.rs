//! [`Transaction`]: one open transaction, as its pump and the lanes that work in it share it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{ledger::Ledger, producer::TurnProducer};
use crate::{
    client::{Scope, Undelivered},
    handler::HandlerEnv,
    listener::mailbox::Mailbox,
};

/// What lanes need to work in a transaction.
pub(crate) struct Transaction {
    env: HandlerEnv,
    scope: Scope,
    ledger: Arc<Ledger>,
    mailbox: Arc<Mailbox>,
    producer: Arc<TurnProducer>,
    /// Delays of retries longer than this are waited out outside of it.
    longest_wait: Duration,
    is_tainted: AtomicBool,
}

impl Transaction {
    pub(super) fn new(
        producer: &Arc<TurnProducer>,
        ledger: &Arc<Ledger>,
        mailbox: &Arc<Mailbox>,
        longest_wait: Duration,
    ) -> Arc<Self> {
        let scope = Scope::default();
        Arc::new(Self {
            env: producer.env(&scope),
            scope,
            producer: Arc::clone(producer),
            ledger: Arc::clone(ledger),
            mailbox: Arc::clone(mailbox),
            longest_wait,
            is_tainted: AtomicBool::new(false),
        })
    }

    /// One whose pump is nobody.
    #[cfg(test)]
    pub(crate) fn for_tests(producer: &Arc<TurnProducer>, ledger: &Arc<Ledger>) -> Arc<Self> {
        Self::new(producer, ledger, &Arc::default(), Duration::from_millis(100))
    }

    #[cfg(test)]
    pub(crate) fn shared_ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// What surrounds handlers that work in it.
    pub(crate) fn env(&self) -> &HandlerEnv {
        &self.env
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether it has failed under its handlers: what fails in it does for that reason.
    pub(crate) fn is_broken(&self) -> bool {
        self.producer.client().is_broken()
    }

    /// Why an output of it was not delivered.
    pub(super) fn failure(&self) -> Option<Undelivered> {
        self.producer.client().failure()
    }

    pub(crate) fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    /// Something was sent that must not be committed: the transaction is given up, and its records come again.
    pub(crate) fn taint(&self) {
        self.is_tainted.store(true, Ordering::Release);
        self.mailbox.wake();
    }

    pub(crate) fn is_tainted(&self) -> bool {
        self.is_tainted.load(Ordering::Acquire)
    }

    /// Nothing more is sent into it.
    pub(crate) fn end(&self) {
        self.scope.end();
    }

    /// Whether what fails now may do so since nothing more is sent into it.
    pub(crate) fn has_ended(&self) -> bool {
        self.scope.has_ended()
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("is_tainted", &self.is_tainted).finish_non_exhaustive()
    }
}
