//! [`Worker`]: the thread that makes a turn's blocking calls, one after the other, and says in the mailbox what came of
//! each.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use super::{
    producer::{OpenProducer, ProducerName, TurnProducer},
    quit::Quit,
    step::Ended,
};
use crate::{
    client::{GroupMetadata, StoredOffset, TransactionFault, TransactionFaultKind, TransactionalClient},
    error::{Error, ErrorKind, Result},
    listener::mailbox::{Command, Mailbox},
};

/// Before a call that could not be finished is made again. Most of them have waited themselves.
const AGAIN: Duration = Duration::from_millis(50);

/// What a worker is told.
pub(crate) enum Job {
    /// Make a producer of this name, and begin.
    Open(ProducerName),
    Begin,
    Flush,
    /// Send these positions, commit, and begin the next.
    Commit {
        offsets: Vec<StoredOffset>,
        group: GroupMetadata,
    },
    Abort,
}

/// What a worker says.
pub(crate) struct Answer {
    pub(crate) turn: usize,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// The producer that was made.
    Opened(Arc<TurnProducer>),
    Ended(Ended, std::result::Result<(), TransactionFault>),
}

/// Does what a turn is told, and answers in the mailbox.
pub(crate) trait Clerk: Send {
    fn tell(&self, job: Job);
}

/// A turn's thread, from its pump's side. Dropped, it ends with what it is doing.
pub(crate) struct Worker {
    jobs: mpsc::Sender<Job>,
    quit: Arc<Quit>,
    /// A flush that cannot be finished gives way to an abort.
    gives_way: Arc<AtomicBool>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start(turn: usize, name: String, open: OpenProducer, mailbox: Arc<Mailbox>) -> Result<Self> {
        let (jobs, received) = mpsc::channel();
        let (quit, gives_way) = (Arc::<Quit>::default(), Arc::<AtomicBool>::default());
        let mut hand =
            Hand { turn, open, mailbox, quit: Arc::clone(&quit), gives_way: Arc::clone(&gives_way), producer: None };
        std::thread::Builder::new().name(name).spawn(move || hand.run(&received)).map_err(|e| {
            Error::new(ErrorKind::Unavailable, "no thread for the transactions of a consumer").with_source(e)
        })?;
        Ok(Self { jobs, quit, gives_way })
    }
}

impl Clerk for Worker {
    fn tell(&self, job: Job) {
        self.gives_way.store(matches!(job, Job::Abort), Ordering::Release);
        // It is gone only if it panicked, which the cycle sees as a step that never ends; the panic is in the log.
        let _ = self.jobs.send(job);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.quit.say();
    }
}

/// The thread's own side.
struct Hand {
    turn: usize,
    open: OpenProducer,
    mailbox: Arc<Mailbox>,
    quit: Arc<Quit>,
    gives_way: Arc<AtomicBool>,
    producer: Option<Arc<TurnProducer>>,
}

type Outcome = std::result::Result<(), TransactionFault>;

impl Hand {
    fn run(&mut self, jobs: &mpsc::Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Open(name) => self.open(&name),
                Job::Begin => {
                    let begun = self.call(|client| client.begin());
                    self.say(Ended::Begin, begun);
                }
                Job::Flush => {
                    let flushed = self.call_until(&self.gives_way, |client| client.flush());
                    self.say(Ended::Flush, flushed);
                }
                Job::Commit { offsets, group } => self.commit(&offsets, &group),
                Job::Abort => {
                    let aborted = self.call(|client| client.abort());
                    self.say(Ended::Abort, aborted);
                }
            }
        }
    }

    fn open(&mut self, name: &ProducerName) {
        // The earlier one goes first: it was fenced, or has lost its place.
        self.producer = None;
        let opened = (self.open)(name)
            .map_err(|error| TransactionFault { kind: TransactionFaultKind::Fatal, text: error.to_string() });
        let begun = opened.and_then(|producer| {
            let producer = Arc::new(producer);
            self.producer = Some(Arc::clone(&producer));
            self.call(|client| client.init())?;
            self.call(|client| client.begin())?;
            self.answer(What::Opened(producer));
            Ok(())
        });
        self.say(Ended::Open, begun);
    }

    fn commit(&self, offsets: &[StoredOffset], group: &GroupMetadata) {
        let committed = match offsets {
            [] => Ok(()),
            offsets => self.call(|client| client.send_offsets(offsets, group)),
        };
        let committed = committed.and_then(|()| self.call(|client| client.commit()));
        // The next begins before the pump hears of it: the turn takes records from then on, and what is sent outside a
        // transaction is refused. It waits for no network.
        let begun = if committed.is_ok() { self.call(|client| client.begin()) } else { Ok(()) };
        self.say(Ended::Commit, committed);
        if let Err(fault) = begun {
            self.say(Ended::Begin, Err(fault));
        }
    }

    fn call(&self, call: impl Fn(&dyn TransactionalClient) -> Outcome) -> Outcome {
        self.call_until(&AtomicBool::new(false), call)
    }

    /// Makes the call again as long as the client says that only that can help, or until it is not wanted any more.
    fn call_until(&self, gives_way: &AtomicBool, call: impl Fn(&dyn TransactionalClient) -> Outcome) -> Outcome {
        let gone = |text: &str| TransactionFault { kind: TransactionFaultKind::Fatal, text: text.to_owned() };
        let Some(producer) = &self.producer else { return Err(gone("there is no producer")) };
        let mut n_tries = 0_u32;
        loop {
            match call(producer.client()) {
                Err(fault) if fault.kind == TransactionFaultKind::Retry => {
                    if gives_way.load(Ordering::Acquire) {
                        return Err(TransactionFault { kind: TransactionFaultKind::Abort, ..fault });
                    }
                    if n_tries.is_power_of_two() {
                        tracing::warn!(n_tries, "a call of a transaction is made again: {fault}");
                    }
                    n_tries = n_tries.saturating_add(1);
                    if self.quit.is_said_within(AGAIN) {
                        return Err(gone("its consumer has ended"));
                    }
                }
                ended => return ended,
            }
        }
    }

    fn say(&self, ended: Ended, outcome: Outcome) {
        self.answer(What::Ended(ended, outcome));
    }

    fn answer(&self, what: What) {
        self.quit.unless_said(|| self.mailbox.send(Command::Transaction(Answer { turn: self.turn, what })));
    }
}
