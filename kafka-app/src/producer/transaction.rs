//! Transactions of templates: a pool of producers, each with a `transactional.id` of its own, that are used again; or one.

use std::{
    error::Error as StdError,
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    client::{Producer, Scope, TransactionFault, TransactionFaultKind, TransactionalClient, blocking},
    error::{Error, ErrorKind, Result},
};

/// Why a transaction of a template was not committed.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransactionError<E> {
    /// What was to be done in it failed with this error: it was given up.
    Aborted(E),
    /// Kafka did not commit it, and the text says why. Nothing of it is committed, unless the text says that this is not
    /// known.
    NotCommitted(Error),
}

impl<E: fmt::Display> fmt::Display for TransactionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aborted(error) => write!(f, "the transaction was given up: {error}"),
            Self::NotCommitted(error) => error.fmt(f),
        }
    }
}

impl<E: StdError + 'static> StdError for TransactionError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Aborted(error) => error.source(),
            Self::NotCommitted(error) => error.source(),
        }
    }
}

/// Before a call that could not be finished is made again.
const AGAIN: Duration = Duration::from_millis(50);

/// Makes the `n`th producer, with an id that no other has.
type Make = Box<dyn Fn(u64) -> Result<Producer> + Send + Sync>;

/// Producers that wait for a transaction, and the way to make more: there are as many as there were transactions at once.
pub(crate) struct TransactionPool {
    make: Make,
    /// How long a call is made again that only time can help: after it, the broker has given the transaction up.
    patience: Duration,
    /// Of one producer transactions take turns.
    turns: Option<Arc<Semaphore>>,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    producers: Vec<Producer>,
    n_made: u64,
    is_closed: bool,
}

impl TransactionPool {
    pub(crate) fn new(patience: Duration, make: impl Fn(u64) -> Result<Producer> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { make: Box::new(make), patience, turns: None, idle: Mutex::default() })
    }

    /// One whose transactions take turns, as all its producers have the same id and would fence each other.
    pub(crate) fn of_one(
        patience: Duration,
        make: impl Fn(u64) -> Result<Producer> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let turns = Some(Arc::new(Semaphore::new(1)));
        Arc::new(Self { make: Box::new(make), patience, turns, idle: Mutex::default() })
    }

    /// Makes no more, and lets those go that nobody uses.
    pub(crate) fn close(&self) {
        let mut idle = self.idle.lock();
        idle.is_closed = true;
        idle.producers.clear();
    }

    /// Does `work` in a transaction, and commits it if the work ends well.
    pub(crate) async fn run<T, E, W, F>(self: &Arc<Self>, work: W) -> Result<T, TransactionError<E>>
    where
        W: FnOnce(Producer) -> F,
        F: Future<Output = Result<T, E>>,
    {
        let open = self.begin().await.map_err(TransactionError::NotCommitted)?;
        let result = work(open.producer.scoped(&open.scope)).await;
        // What is still sent from elsewhere comes too late.
        open.scope.end();
        match result {
            Ok(value) => {
                to_its_end(open.commit()).await.flatten().map(|()| value).map_err(TransactionError::NotCommitted)
            }
            Err(error) => {
                // Without an answer the runtime ends, and what is open with it.
                let _ended = to_its_end(open.abort()).await;
                Err(TransactionError::Aborted(error))
            }
        }
    }

    async fn begin(self: &Arc<Self>) -> Result<OpenTransaction> {
        let turn = match &self.turns {
            // Nobody closes it.
            Some(turns) => Arc::clone(turns).acquire_owned().await.ok(),
            None => None,
        };
        to_its_end(Arc::clone(self).begin_in(turn)).await?
    }

    async fn begin_in(self: Arc<Self>, turn: Option<OwnedSemaphorePermit>) -> Result<OpenTransaction> {
        loop {
            let (producer, is_new) = match self.take()? {
                Taken::Idle(producer) => (producer, false),
                Taken::New(n) => (self.made(n).await?, true),
            };
            let Err(fault) = self.try_call(&producer, |client| client.begin()).await? else {
                let open = Open { pool: Arc::clone(&self), producer: producer.clone(), turn };
                return Ok(OpenTransaction { open: Some(open), producer, scope: Scope::default() });
            };
            if is_new || fault.kind != TransactionFaultKind::Fatal {
                return Err(error_of("a transaction cannot begin", &fault));
            }
            // It was fenced or has lost its place while nobody used it, and nothing was sent yet.
            tracing::warn!(
                "a template's transactional producer is of no more use, and another takes its place: {fault}"
            );
        }
    }

    async fn made(self: &Arc<Self>, n: u64) -> Result<Producer> {
        let pool = Arc::clone(self);
        let producer = blocking(move || (pool.make)(n)).await??;
        self.call(&producer, "cannot start a transactional producer", |client| client.init()).await?;
        Ok(producer)
    }

    fn take(&self) -> Result<Taken> {
        let mut idle = self.idle.lock();
        if idle.is_closed {
            return Err(Error::new(ErrorKind::Stopped, "no transaction can begin: the application has stopped"));
        }
        Ok(match idle.producers.pop() {
            Some(producer) => Taken::Idle(producer),
            None => {
                idle.n_made += 1;
                Taken::New(idle.n_made - 1)
            }
        })
    }

    fn give_back(&self, producer: Producer) {
        let mut idle = self.idle.lock();
        if !idle.is_closed {
            idle.producers.push(producer);
        }
    }

    /// Makes a call, and again as long as only that can help.
    async fn call(
        &self,
        producer: &Producer,
        what: &str,
        call: fn(&dyn TransactionalClient) -> std::result::Result<(), TransactionFault>,
    ) -> Result<()> {
        self.try_call(producer, call).await?.map_err(|fault| error_of(what, &fault))
    }

    async fn try_call(
        &self,
        producer: &Producer,
        call: fn(&dyn TransactionalClient) -> std::result::Result<(), TransactionFault>,
    ) -> Result<std::result::Result<(), TransactionFault>> {
        let until = Instant::now() + self.patience;
        loop {
            let client = producer.clone();
            match blocking(move || call(&client)).await? {
                Err(fault) if fault.kind == TransactionFaultKind::Retry && Instant::now() < until => {
                    tracing::warn!("a call of a template's transaction is made again: {fault}");
                    tokio::time::sleep(AGAIN).await;
                }
                ended => return Ok(ended),
            }
        }
    }
}

impl fmt::Debug for TransactionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionPool").finish_non_exhaustive()
    }
}

/// Does it in a task of its own, so that it ends in order also where nobody waits for it any more: a call of the client
/// goes on all the same, and who has the turn next would be in its way.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
    tokio::spawn(work)
        .await
        .map_err(|e| Error::new(ErrorKind::Stopped, "a transaction of a template was cut off").with_source(e))
}

enum Taken {
    Idle(Producer),
    New(u64),
}

fn error_of(what: &str, fault: &TransactionFault) -> Error {
    let kind = match fault.kind {
        TransactionFaultKind::Retry => ErrorKind::Unavailable,
        TransactionFaultKind::Abort | TransactionFaultKind::Fatal => ErrorKind::Refused,
    };
    Error::new(kind, format!("{what}: {fault}"))
}

/// A transaction that has begun. Dropped, as when the future is that works in it, it is given up.
struct OpenTransaction {
    open: Option<Open>,
    producer: Producer,
    scope: Scope,
}

struct Open {
    pool: Arc<TransactionPool>,
    producer: Producer,
    /// Given on when this is over, which is after the producer was given back.
    turn: Option<OwnedSemaphorePermit>,
}

impl OpenTransaction {
    async fn commit(mut self) -> Result<()> {
        let Some(Open { pool, producer, turn: _turn }) = self.open.take() else { return Ok(()) };
        let committed = match pool.try_call(&producer, |client| client.flush()).await? {
            Ok(()) => pool.try_call(&producer, |client| client.commit()).await?,
            failed => failed,
        };
        let Err(fault) = committed else {
            pool.give_back(producer);
            return Ok(());
        };
        if fault.kind == TransactionFaultKind::Abort {
            give_up(pool, producer).await;
            return Err(error_of("the transaction was not committed", &fault));
        }
        // The producer goes with what it knew.
        Err(error_of("the transaction failed, and whether it is committed is not known", &fault))
    }

    async fn abort(mut self) {
        if let Some(Open { pool, producer, turn: _turn }) = self.open.take() {
            give_up(pool, producer).await;
        }
    }
}

/// Aborts; a producer that cannot is of no more use.
async fn give_up(pool: Arc<TransactionPool>, producer: Producer) {
    match pool
        .call(&producer, "a transaction could not be aborted; the broker does it when its time is up", |client| {
            client.abort()
        })
        .await
    {
        Ok(()) => pool.give_back(producer),
        Err(error) => tracing::error!("{error}"),
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        self.scope.end();
        let Some(Open { pool, producer, turn }) = self.open.take() else { return };
        // Nobody is left to wait for it, and readers should not have to wait until its time is up.
        let abort = move || {
            let _turn = turn;
            match producer.abort() {
                Ok(()) => pool.give_back(producer),
                Err(fault) => tracing::error!("a transaction that was dropped could not be aborted: {fault}"),
            }
        };
        if let Err(error) = std::thread::Builder::new().name("kafka-abort".into()).spawn(abort) {
            tracing::error!(%error, "no thread to abort a transaction that was dropped; the broker does it when its time is up");
        }
    }
}
