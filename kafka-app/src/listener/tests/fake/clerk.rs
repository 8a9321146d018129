//! Doubles of a transaction's threads: a test answers by hand.

use std::sync::Arc;

use parking_lot::Mutex;

use super::client::{Cluster, place};
use crate::{
    client::Committed,
    listener::transaction::{Ask, Clerk, Job, Question, Why},
};

/// Notes what a turn is told: `open 0`, `flush 0`, `commit 0: 0@3 1@5`, `abort 0`.
pub(super) struct FakeClerk(pub(super) Arc<Mutex<Cluster>>, pub(super) usize);

impl Clerk for FakeClerk {
    fn tell(&self, job: Job) {
        let turn = self.1;
        let call = match job {
            Job::Open(name) => format!("open {turn} {}", name.n_lost),
            Job::Begin => format!("begin {turn}"),
            Job::Flush => format!("flush {turn}"),
            Job::Commit { offsets, .. } => {
                let mut places: Vec<_> = offsets.iter().map(place).collect();
                places.sort_unstable();
                let names: String = places.iter().map(|(partition, at)| format!(" {partition}@{at}")).collect();
                format!("commit {turn}:{names}")
            }
            Job::Abort => format!("abort {turn}"),
        };
        self.0.lock().calls.push(call);
    }
}

/// Notes that it was asked: `ask 0 1` from where partitions are to be read, `ask again 0` what became of a transaction.
pub(super) struct FakeAsker(pub(super) Arc<Mutex<Cluster>>);

impl Ask for FakeAsker {
    fn ask(&self, _committed: Arc<dyn Committed>, question: Question) {
        let of =
            question.assignments.iter().map(|(_, partition)| format!(" {}", partition.partition)).collect::<String>();
        let mut cluster = self.0.lock();
        cluster.calls.push(match question.why {
            Why::Start => format!("ask{of}"),
            Why::Resume => format!("ask again{of}"),
        });
        cluster.questions.push_back(question);
    }
}
