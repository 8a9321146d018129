//! Somebody who waits until enough bytes were appended to any of several partitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::Waiter;
use crate::partition::{Isolation, Partition, Unacknowledged};

/// Counts appended bytes down and wakes its waiter once there are enough.
#[derive(Debug)]
pub(crate) struct DataWait {
    waiter: Arc<Waiter>,
    missing: AtomicI64,
    isolation: Isolation,
    node: Option<i32>,
}

impl DataWait {
    /// Waits for `missing` bytes that a reader of this isolation can be shown, by whichever node leads.
    pub(crate) fn new(waiter: Arc<Waiter>, missing: usize, isolation: Isolation) -> Arc<Self> {
        Self::at(None, waiter, missing, isolation)
    }

    /// As [`new`](Self::new), of what this node can show.
    pub(crate) fn at(node: Option<i32>, waiter: Arc<Waiter>, missing: usize, isolation: Isolation) -> Arc<Self> {
        let missing = AtomicI64::new(i64::try_from(missing).unwrap_or(i64::MAX));
        Arc::new(Self { waiter, missing, isolation, node })
    }

    /// Of what it knows; whichever leads, if there is none.
    pub(crate) fn node(&self) -> Option<i32> {
        self.node
    }

    pub(crate) fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Counts `len` bytes; whether the wait is over.
    pub(crate) fn appended(&self, len: usize) -> bool {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        self.missing.fetch_sub(len, Ordering::Relaxed) <= len
    }

    /// Ends the wait, whatever is missing: the partition has changed in another way.
    pub(crate) fn wake(&self) {
        self.waiter.wake();
    }
}

/// A wait that is registered with partitions, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    wait: Arc<DataWait>,
    partitions: Vec<Arc<Partition>>,
}

impl Watch {
    /// Registers with each partition; one whose log does not end any more where `seen` says wakes the waiter at once.
    pub(crate) fn start(wait: Arc<DataWait>, seen: impl Iterator<Item = (Arc<Partition>, i64)>) -> Self {
        let partitions = seen
            .map(|(partition, end_offset)| {
                partition.watch(&wait, end_offset);
                partition
            })
            .collect();
        Self { wait, partitions }
    }
}

impl Watch {
    /// Registers with the partitions that have not acknowledged what was appended.
    pub(crate) fn appends<'a>(
        wait: Arc<DataWait>,
        appends: impl Iterator<Item = (&'a Arc<Partition>, Unacknowledged)>,
    ) -> Self {
        let partitions = appends.map(|(partition, append)| {
            partition.watch_append(&wait, append);
            Arc::clone(partition)
        });
        let partitions = partitions.collect();
        Self { wait, partitions }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for partition in &self.partitions {
            partition.unwatch(&self.wait);
        }
    }
}
