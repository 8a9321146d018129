//! A double of a transaction's worker: a test answers by hand.

use std::sync::Arc;

use parking_lot::Mutex;

use super::client::{Cluster, place};
use crate::listener::transaction::{Clerk, Job};

/// Notes what a turn is told: `open 0`, `flush 0`, `commit 0: 0@3 1@5`, `abort 0`, `ask`.
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
            Job::AskPositions(..) => "ask".to_owned(),
        };
        self.0.lock().calls.push(call);
    }
}
