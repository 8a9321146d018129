//! The worker against a double of the client: what is done about each error that librdkafka tells apart.

use std::{
    collections::VecDeque,
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    client::{GroupMetadata, StoredOffset, TransactionFault, TransactionFaultKind, TransactionalClient, Undelivered},
    handler::{HandlerEnv, States},
    listener::{
        mailbox::{Command, Mailbox},
        transaction::{
            producer::{OpenProducer, ProducerName, TurnProducer},
            step::Ended,
            worker::{Answer, Clerk, Job, What, Worker},
        },
    },
    record::TopicPartition,
};

type Outcome = Result<(), TransactionFault>;

/// A client that answers by its script, and then that all is well.
#[derive(Default)]
struct Script {
    calls: Mutex<Vec<String>>,
    answers: Mutex<VecDeque<(&'static str, TransactionFaultKind)>>,
    /// Where `begin` waits, as it comes and before it goes.
    held: Mutex<Option<Arc<Barrier>>>,
}

struct Scripted(Arc<Script>);

impl Scripted {
    fn answer(&self, call: &'static str) -> Outcome {
        self.0.calls.lock().push(call.to_owned());
        let mut answers = self.0.answers.lock();
        match answers.front() {
            Some((of, kind)) if *of == call => {
                let fault = TransactionFault { kind: *kind, text: format!("{call} failed") };
                answers.pop_front();
                Err(fault)
            }
            _ => Ok(()),
        }
    }
}

impl TransactionalClient for Scripted {
    fn init(&self) -> Outcome {
        self.answer("init")
    }

    fn begin(&self) -> Outcome {
        let held = self.0.held.lock().take();
        if let Some(held) = held {
            held.wait();
            held.wait();
        }
        self.answer("begin")
    }

    fn flush(&self) -> Outcome {
        self.answer("flush")
    }

    fn failure(&self) -> Option<Undelivered> {
        None
    }

    fn is_broken(&self) -> bool {
        false
    }

    fn send_offsets(&self, offsets: &[StoredOffset], _: &GroupMetadata) -> Outcome {
        assert_eq!(offsets.len(), 1);
        self.answer("offsets")
    }

    fn commit(&self) -> Outcome {
        self.answer("commit")
    }

    fn abort(&self) -> Outcome {
        self.answer("abort")
    }
}

struct Bench {
    script: Arc<Script>,
    mailbox: Arc<Mailbox>,
    /// Answers that were taken out of the mailbox and not looked at.
    left: Mutex<VecDeque<Command>>,
    worker: Worker,
}

fn env() -> HandlerEnv {
    HandlerEnv {
        listener_id: "bill".to_owned(),
        states: States::default(),
        producer: None,
        template: None,
        schemas: None,
    }
}

impl Bench {
    fn new(answers: &[(&'static str, TransactionFaultKind)]) -> Self {
        let script = Arc::new(Script { answers: Mutex::new(answers.iter().copied().collect()), ..Script::default() });
        let mailbox = Arc::<Mailbox>::default();
        let made = Arc::clone(&script);
        let open: OpenProducer = Arc::new(move |_| Ok(TurnProducer::new(Scripted(Arc::clone(&made)), |_| env())));
        let worker = Worker::start(0, "tx".to_owned(), open, Arc::clone(&mailbox)).expect("a thread");
        Self { script, mailbox, left: Mutex::default(), worker }
    }

    /// Does a job and returns the end that it is told of.
    fn run(&self, job: Job) -> (Ended, Option<TransactionFaultKind>) {
        self.worker.tell(job);
        self.next()
    }

    fn next(&self) -> (Ended, Option<TransactionFaultKind>) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.left.lock().extend(self.mailbox.take());
            while let Some(command) = self.left.lock().pop_front() {
                if let Command::Transaction(Answer { what: What::Ended(ended, outcome), .. }) = command {
                    return (ended, outcome.err().map(|fault| fault.kind));
                }
            }
            assert!(Instant::now() < deadline, "no answer");
            self.mailbox.wait_until(deadline);
        }
    }

    fn opened(answers: &[(&'static str, TransactionFaultKind)]) -> Self {
        let bench = Self::new(answers);
        assert_eq!(bench.run(open()), (Ended::Open, None));
        bench.calls();
        bench
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.script.calls.lock())
    }
}

fn open() -> Job {
    Job::Open(ProducerName { instance: 0, turn: 0, n_lost: 0 })
}

fn commit() -> Job {
    let offset = StoredOffset { partition: TopicPartition::new("orders", 0), offset: 3, leader_epoch: None };
    Job::Commit { offsets: vec![offset], group: GroupMetadata::of_group("billing") }
}

use TransactionFaultKind::{Abort, Fatal, Retry};

#[test]
fn a_producer_is_made_initialised_and_begun() {
    let bench = Bench::new(&[("init", Retry), ("init", Retry)]);
    assert_eq!(bench.run(open()), (Ended::Open, None));
    assert_eq!(bench.calls(), ["init", "init", "init", "begin"], "an unreachable coordinator is asked again");
}

#[test]
fn a_producer_that_is_refused_is_told() {
    let bench = Bench::new(&[("init", Fatal)]);
    assert_eq!(bench.run(open()), (Ended::Open, Some(Fatal)));
    assert_eq!(bench.calls(), ["init"]);
}

#[test]
fn a_commit_sends_offsets_commits_and_begins_the_next() {
    let bench = Bench::opened(&[]);
    assert_eq!(bench.run(commit()), (Ended::Commit, None));
    assert_eq!(bench.run(Job::Flush), (Ended::Flush, None));
    assert_eq!(bench.calls(), ["offsets", "commit", "begin", "flush"]);
}

#[test]
fn a_commit_is_told_once_the_next_transaction_has_begun() {
    // Whoever hears of it sends into the next, and what is sent outside a transaction is refused.
    let bench = Bench::opened(&[]);
    let held = Arc::new(Barrier::new(2));
    *bench.script.held.lock() = Some(Arc::clone(&held));
    bench.worker.tell(commit());
    held.wait();
    let told = bench.mailbox.take();
    held.wait();
    assert!(told.is_empty(), "told while the next transaction had not begun");
    assert_eq!(bench.next(), (Ended::Commit, None));
    assert_eq!(bench.calls(), ["offsets", "commit", "begin"]);
}

#[test]
fn a_transaction_without_positions_is_committed_without_offsets() {
    let bench = Bench::opened(&[]);
    let group = GroupMetadata::of_group("billing");
    assert_eq!(bench.run(Job::Commit { offsets: Vec::new(), group }), (Ended::Commit, None));
    assert_eq!(bench.run(Job::Flush), (Ended::Flush, None));
    assert_eq!(bench.calls(), ["commit", "begin", "flush"]);
}

#[test]
fn a_call_that_timed_out_is_the_next_call_again() {
    // A coordinator or a leader is down longer than a call waits.
    for (call, job, ended, calls) in [
        ("offsets", commit(), Ended::Commit, vec!["offsets", "offsets", "commit"]),
        ("commit", commit(), Ended::Commit, vec!["offsets", "commit", "commit"]),
        ("flush", Job::Flush, Ended::Flush, vec!["flush", "flush"]),
        ("abort", Job::Abort, Ended::Abort, vec!["abort", "abort"]),
        ("begin", Job::Begin, Ended::Begin, vec!["begin", "begin"]),
    ] {
        let bench = Bench::opened(&[]);
        bench.script.answers.lock().push_back((call, Retry));
        assert_eq!(bench.run(job), (ended, None), "{call}");
        assert!(bench.calls().starts_with(&calls.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()), "{call}");
    }
}

#[test]
fn what_requires_an_abort_ends_the_commit_and_nothing_else_is_called() {
    // Thrown out of the group, a rebalance that ended, a coordinator that moves; records that expired or are too large.
    for (call, calls) in [("offsets", vec!["offsets"]), ("commit", vec!["offsets", "commit"])] {
        let bench = Bench::opened(&[(call, Abort)]);
        assert_eq!(bench.run(commit()), (Ended::Commit, Some(Abort)), "{call}");
        assert_eq!(bench.calls(), calls);
        assert_eq!(bench.run(Job::Abort), (Ended::Abort, None));
        assert_eq!(bench.run(Job::Begin), (Ended::Begin, None), "it goes on with the same producer");
    }
}

#[test]
fn a_fenced_producer_is_told_from_whatever_call_comes_next() {
    for (call, job, ended) in [
        ("begin", Job::Begin, Ended::Begin),
        ("flush", Job::Flush, Ended::Flush),
        ("offsets", commit(), Ended::Commit),
        ("commit", commit(), Ended::Commit),
        ("abort", Job::Abort, Ended::Abort),
    ] {
        let bench = Bench::opened(&[]);
        bench.script.answers.lock().push_back((call, Fatal));
        assert_eq!(bench.run(job), (ended, Some(Fatal)), "{call}");
    }
}

#[test]
fn a_flush_that_cannot_end_gives_way_to_an_abort() {
    let bench = Bench::opened(&[("flush", Retry); 100_000]);
    bench.worker.tell(Job::Flush);
    bench.worker.tell(Job::Abort);
    assert_eq!(bench.next(), (Ended::Flush, Some(Abort)));
    assert_eq!(bench.next(), (Ended::Abort, None));
}
