//! [`Turns`]: the transactions of one consumer on its pump's side: the cycle, its workers, and what each turn holds.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use super::{
    asker::{Ask, Asker, Question},
    cycle::{Cycle, N_TURNS},
    known::KnownPositions,
    ledger::Ledger,
    open::Transaction,
    producer::{OpenProducer, ProducerName, TurnProducer},
    step::{Drained, Ended, Step},
    worker::{Answer, Clerk, Job, What, Worker},
};
use crate::{
    client::{Committed, GroupMetadata, StoredOffset, TransactionFaultKind},
    config::TransactionLimits,
    error::Result,
    listener::{mailbox::Mailbox, metrics::ListenerMetrics},
};

/// What a consumer's transactions are made of.
#[derive(Clone)]
pub(crate) struct TransactionSpec {
    pub(crate) listener_id: Arc<str>,
    pub(crate) instance: u32,
    pub(crate) limits: TransactionLimits,
    pub(crate) open: OpenProducer,
    pub(crate) metrics: Arc<ListenerMetrics>,
}

/// The transactions of one consumer.
pub(crate) struct Turns {
    pub(crate) cycle: Cycle,
    spec: TransactionSpec,
    mailbox: Arc<Mailbox>,
    turns: [Turn; N_TURNS],
    asker: Box<dyn Ask>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) known: KnownPositions,
}

struct Turn {
    worker: Box<dyn Clerk>,
    producer: Option<Arc<TurnProducer>>,
    /// What lanes work in; of the turn that takes records, and of those whose records are under way.
    transaction: Option<Arc<Transaction>>,
    /// Where its partitions stand with all of its records finished.
    positions: Vec<Position>,
    n_opened: u64,
}

/// Where a partition is to go on once a turn is committed.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    /// Of the assignment the records were of.
    pub(crate) epoch: u64,
    pub(crate) offset: StoredOffset,
}

/// What an answer of a worker means to the pump.
pub(crate) enum News {
    /// These positions are committed.
    Committed(usize, Vec<Position>),
    /// What the one record of this turn was to send was not delivered, and why.
    Undelivered(usize, String),
}

impl Turns {
    pub(crate) fn new(spec: TransactionSpec, mailbox: &Arc<Mailbox>) -> Result<Self> {
        let start = |turn| -> Result<Box<dyn Clerk>> {
            let name = format!("kafka-{}-{}-tx{turn}", spec.listener_id, spec.instance);
            Ok(Box::new(Worker::start(turn, name, Arc::clone(&spec.open), Arc::clone(mailbox))?))
        };
        let workers = [start(0)?, start(1)?];
        let name = format!("kafka-{}-{}-ask", spec.listener_id, spec.instance);
        let asker = Asker::start(name, Arc::clone(mailbox))?;
        Ok(Self::with(spec, mailbox, workers, Box::new(asker)))
    }

    /// With workers that run already.
    pub(crate) fn with(
        spec: TransactionSpec,
        mailbox: &Arc<Mailbox>,
        workers: [Box<dyn Clerk>; N_TURNS],
        asker: Box<dyn Ask>,
    ) -> Self {
        let turns = workers.map(|worker| Turn {
            worker,
            producer: None,
            transaction: None,
            positions: Vec::new(),
            n_opened: 0,
        });
        let (cycle, mailbox) = (Cycle::new(spec.limits), Arc::clone(mailbox));
        Self { cycle, spec, mailbox, turns, asker, ledger: Arc::default(), known: KnownPositions::default() }
    }

    /// The transaction that takes records now, and how many more.
    pub(crate) fn takes(&mut self, now: Instant) -> Option<(usize, u32, Arc<Transaction>)> {
        let (index, room) = self.cycle.takes(now)?;
        let turn = &mut self.turns[index];
        if turn.transaction.is_none() {
            let producer = turn.producer.as_ref()?;
            let longest_wait = self.spec.limits.max_wait;
            turn.transaction = Some(Transaction::new(producer, &self.ledger, &self.mailbox, longest_wait));
        }
        Some((index, room, Arc::clone(turn.transaction.as_ref()?)))
    }

    /// Gives up the transaction that handlers work in, if something was sent in it that must not be committed, or if it
    /// has failed under them. Tells of the output that was not delivered, if it was of a record alone.
    pub(crate) fn note_taints(&mut self, now: Instant) -> Option<News> {
        // At most one turn is at work; of those that are given up already, nothing counts.
        let index = self.cycle.at_work()?;
        let transaction = self.turns[index].transaction.as_ref()?;
        if !transaction.is_tainted() {
            return None;
        }
        if !transaction.is_broken() {
            self.cycle.taint();
            return None;
        }
        let undelivered = self.undelivered(index);
        let is_alone = self.cycle.is_alone(index);
        self.cycle.broken(undelivered.is_some(), now);
        undelivered.filter(|_| is_alone).map(|text| News::Undelivered(index, text))
    }

    /// Whether something was sent in the turn's transaction that must not be committed.
    pub(crate) fn is_tainted(&self, index: usize) -> bool {
        self.turns[index].transaction.as_ref().is_some_and(|transaction| transaction.is_tainted())
    }

    /// Why an output of the turn was not delivered that would not be at another time either.
    fn undelivered(&self, index: usize) -> Option<String> {
        let failure = self.turns[index].transaction.as_ref()?.failure()?;
        failure.is_its_own.then_some(failure.text)
    }

    /// All that the turn took has come to its end.
    pub(crate) fn drained(&mut self, how: Drained, positions: Vec<Position>, n_finished: u32, now: Instant) {
        if let Some(index) = self.cycle.draining() {
            self.turns[index].positions = positions;
            self.cycle.drained(how, n_finished, now);
        }
    }

    /// Has a worker do a step that needs nothing of the pump.
    pub(crate) fn start(&mut self, step: Step) {
        match step {
            Step::Open(index) => {
                let turn = &mut self.turns[index];
                turn.transaction = None;
                let (instance, n_lost) = (self.spec.instance, turn.n_opened);
                turn.n_opened += 1;
                turn.worker.tell(Job::Open(ProducerName { instance, turn: index, n_lost }));
            }
            Step::Begin(index) => self.turns[index].worker.tell(Job::Begin),
            Step::Flush(index) => self.turns[index].worker.tell(Job::Flush),
            Step::Abort(index) => {
                let turn = &mut self.turns[index];
                turn.positions.clear();
                if let Some(transaction) = turn.transaction.take() {
                    // Whatever it is for: records that are handled twice must not be so in silence.
                    let listener = &*self.spec.listener_id;
                    let failure = transaction.failure().map(|failure| failure.text);
                    tracing::warn!(
                        listener,
                        turn = index,
                        failure,
                        "a transaction is given up, its records come again"
                    );
                    transaction.end();
                }
                turn.worker.tell(Job::Abort);
            }
            Step::Commit(_) | Step::AskPositions | Step::Rewind => {}
        }
    }

    /// The positions that are to be committed.
    pub(crate) fn positions(&self, index: usize) -> &[Position] {
        &self.turns[index].positions
    }

    pub(crate) fn commit(&mut self, index: usize, group: GroupMetadata) {
        let turn = &mut self.turns[index];
        if let Some(transaction) = turn.transaction.take() {
            transaction.end();
        }
        let offsets = turn.positions.iter().map(|position| position.offset.clone()).collect::<Vec<_>>();
        tracing::debug!(listener = &*self.spec.listener_id, turn = index, ?offsets, "a transaction is committed");
        turn.worker.tell(Job::Commit { offsets, group });
    }

    /// The turn that was to be committed cannot be.
    pub(crate) fn refuse(&mut self, index: usize, now: Instant) {
        self.cycle.ended(index, Ended::Commit, Err(TransactionFaultKind::Abort), now);
    }

    /// Asks the broker what is committed.
    pub(crate) fn ask(&self, committed: Arc<dyn Committed>, question: Question) {
        self.asker.ask(committed, question);
    }

    /// Takes note of what a worker says.
    pub(crate) fn note(&mut self, answer: Answer, now: Instant) -> Option<News> {
        let Answer { turn: index, what } = answer;
        match what {
            What::Opened(producer) => self.turns[index].producer = Some(producer),
            What::Ended(ended, outcome) => {
                if let Err(fault) = &outcome {
                    let (listener, turn) = (&*self.spec.listener_id, index);
                    tracing::error!(listener, turn, ?ended, kind = ?fault.kind, "a transaction failed: {fault}");
                }
                let is_ok = outcome.is_ok();
                let asks_for_an_abort = outcome.as_ref().is_err_and(|fault| fault.kind == TransactionFaultKind::Abort);
                let undelivered = self.undelivered(index).filter(|_| ended == Ended::Flush && asks_for_an_abort);
                if undelivered.is_some() {
                    self.cycle.single_out(index);
                }
                let undelivered = undelivered.filter(|_| self.cycle.is_alone(index));
                let undelivered = undelivered.map(|text| News::Undelivered(index, text));
                self.cycle.ended(index, ended, outcome.map_err(|fault| fault.kind), now);
                match ended {
                    Ended::Commit if is_ok => {
                        self.spec.metrics.committed.fetch_add(1, Relaxed);
                        return Some(News::Committed(index, std::mem::take(&mut self.turns[index].positions)));
                    }
                    Ended::Abort if is_ok => {
                        self.spec.metrics.aborted.fetch_add(1, Relaxed);
                    }
                    _ => return undelivered,
                }
            }
        }
        None
    }
}

impl Drop for Turns {
    /// What is open is given up, so that readers need not wait until its time is up.
    fn drop(&mut self) {
        if self.cycle.is_quiet() {
            return;
        }
        for turn in &self.turns {
            turn.worker.tell(Job::Abort);
        }
    }
}
