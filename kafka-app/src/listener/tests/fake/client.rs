//! A double of the client: it notes what it is told, and gives out the events and records that a test put in.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Instant,
};

use parking_lot::Mutex;

use crate::{
    client::{
        Committed, ConsumerClient, ConsumerEvent, Fault, FaultKind, GroupMetadata, Lease, RecordQueue, Signal,
        StoredOffset, Taken,
    },
    config::Subscription,
    error::{Error, Result},
    listener::transaction::Question,
    record::{RawRecord, TopicPartition},
};

/// What the client was told, in order: `assign 0`, `store 0@3`, `commit`, `commit 0@3`, `seek 0@2`, `unassign 0`, `close`.
#[derive(Default)]
pub(super) struct Cluster {
    pub(super) calls: Vec<String>,
    /// Asked, and not answered yet.
    pub(super) questions: VecDeque<Question>,
    pub(super) events: VecDeque<ConsumerEvent>,
    pub(super) records: HashMap<i32, VecDeque<RawRecord>>,
    pub(super) signals: HashMap<i32, Arc<dyn Signal>>,
    stored: BTreeMap<i32, i64>,
    pub(super) committed: BTreeMap<i32, i64>,
    /// Commits what is stored every now and then, and where it is given back.
    pub(super) commits_by_itself: bool,
    /// What the commit under way is of.
    in_commit: Vec<(i32, i64)>,
    /// Of these the broker has it already, and perhaps a later one.
    overtaken: BTreeSet<i32>,
    last_token: u64,
    pub(super) is_closed: bool,
    closes_at_once: bool,
    pub(super) refuses_assignments: bool,
    pub(super) refuses_stores: bool,
    /// The next look for an event does not return before this is closed.
    pub(super) hangs_until: Option<Receiver<()>>,
    /// No look before it has its partitions hangs.
    hangs_when_assigned: bool,
}

/// A client with these events, which leaves its group at once.
pub(crate) fn client_with(events: impl IntoIterator<Item = ConsumerEvent>) -> Box<dyn ConsumerClient> {
    let events = events.into_iter().collect();
    let cluster = Cluster { events, closes_at_once: true, ..Cluster::default() };
    Box::new(FakeClient(Arc::new(Mutex::new(cluster))))
}

/// The same, which hangs once the events are given out, until the sender is dropped.
pub(crate) fn client_that_hangs(
    events: impl IntoIterator<Item = ConsumerEvent>,
) -> (Box<dyn ConsumerClient>, Sender<()>) {
    let (until, hangs_until) = channel();
    let events = events.into_iter().collect();
    let cluster = Cluster { events, closes_at_once: true, hangs_until: Some(hangs_until), ..Cluster::default() };
    (Box::new(FakeClient(Arc::new(Mutex::new(cluster)))), until)
}

/// The same, which hangs when it has told of its partitions and was given them.
pub(crate) fn client_that_hangs_when_assigned(
    events: impl IntoIterator<Item = ConsumerEvent>,
) -> (Box<dyn ConsumerClient>, Sender<()>) {
    let (until, hangs_until) = channel();
    let events = events.into_iter().collect();
    let cluster = Cluster {
        events,
        closes_at_once: true,
        hangs_until: Some(hangs_until),
        hangs_when_assigned: true,
        ..Cluster::default()
    };
    (Box::new(FakeClient(Arc::new(Mutex::new(cluster)))), until)
}

pub(crate) fn orders(partition: i32) -> TopicPartition {
    TopicPartition::new("orders", partition)
}

pub(super) struct FakeClient(pub(super) Arc<Mutex<Cluster>>);

struct FakeQueue(Arc<Mutex<Cluster>>, i32);

impl ConsumerClient for FakeClient {
    fn subscribe(&mut self, _subscription: &Subscription) -> Result<()> {
        Ok(())
    }

    fn poll_event(&mut self) -> Option<ConsumerEvent> {
        let mut cluster = self.0.lock();
        let hangs = cluster.events.is_empty() && (!cluster.hangs_when_assigned || cluster.is_assigned());
        let hangs_until = if hangs { cluster.hangs_until.take() } else { None };
        let event = cluster.events.pop_front();
        drop(cluster);
        if let Some(until) = hangs_until {
            // An error is the end of it.
            let _closed = until.recv();
        }
        event
    }

    fn keep_brokers(&self, _now: Instant) {}

    fn split(&mut self, partition: &TopicPartition, signal: Arc<dyn Signal>) -> Result<Box<dyn RecordQueue>> {
        self.0.lock().signals.insert(partition.partition, signal);
        Ok(Box::new(FakeQueue(Arc::clone(&self.0), partition.partition)))
    }

    fn assign(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        if self.0.lock().refuses_assignments {
            return Err(Error::new(crate::ErrorKind::Unavailable, "in another state"));
        }
        self.call("assign", partitions)
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let mut cluster = self.0.lock();
        for TopicPartition { partition, .. } in partitions {
            cluster.overtake(*partition);
            if let Some(stored) = cluster.stored.remove(partition)
                && cluster.commits_by_itself
            {
                cluster.committed.insert(*partition, stored);
            }
        }
        drop(cluster);
        self.call("unassign", partitions)
    }

    fn store(&mut self, offsets: &[StoredOffset]) -> Vec<(TopicPartition, Fault)> {
        let mut cluster = self.0.lock();
        if cluster.refuses_stores {
            let fault = Fault { kind: FaultKind::Other, text: "it is not assigned".to_owned() };
            return offsets.iter().map(|stored| (stored.partition.clone(), fault.clone())).collect();
        }
        for (partition, offset) in offsets.iter().map(place) {
            cluster.calls.push(format!("store {partition}@{offset}"));
            cluster.stored.insert(partition, offset);
        }
        Vec::new()
    }

    fn commit_stored(&mut self, token: u64) -> Result<()> {
        let mut cluster = self.0.lock();
        cluster.calls.push("commit".to_owned());
        cluster.in_commit = cluster.forward();
        cluster.overtaken.clear();
        cluster.last_token = token;
        Ok(())
    }

    fn commit_exactly(&mut self, offsets: &[StoredOffset], token: u64) -> Result<()> {
        let places: Vec<_> = offsets.iter().map(place).collect();
        let names: String = places.iter().map(|(partition, offset)| format!(" {partition}@{offset}")).collect();
        let mut cluster = self.0.lock();
        cluster.calls.push(format!("commit{names}"));
        cluster.in_commit = places;
        cluster.overtaken.clear();
        cluster.last_token = token;
        Ok(())
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<()> {
        let mut cluster = self.0.lock();
        cluster.calls.push(format!("seek {}@{offset}", partition.partition));
        cluster.records.entry(partition.partition).or_default().clear();
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let mut cluster = self.0.lock();
        cluster.calls.push("close".to_owned());
        cluster.is_closed |= cluster.closes_at_once;
        Ok(())
    }

    fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }

    fn group_metadata(&self) -> Result<GroupMetadata> {
        Ok(GroupMetadata::of_group("billing"))
    }

    fn committed(&self) -> Arc<dyn Committed> {
        Arc::new(NobodyAsks)
    }

    fn lease(&self) -> Lease {
        Arc::new(())
    }
}

/// The double of the worker answers by hand.
struct NobodyAsks;

impl Committed for NobodyAsks {
    fn read(&self, _: &[TopicPartition]) -> Result<Vec<(TopicPartition, Option<i64>)>> {
        Err(Error::new(crate::ErrorKind::Unavailable, "a double"))
    }
}

impl Cluster {
    fn is_assigned(&self) -> bool {
        self.calls.iter().any(|call| call.starts_with("assign"))
    }

    /// What the client commits by itself: what is stored and goes forward.
    fn forward(&self) -> Vec<(i32, i64)> {
        let is_forward = |(partition, offset): &(i32, i64)| self.committed.get(partition).is_none_or(|c| c < offset);
        self.stored.iter().map(|(&partition, &offset)| (partition, offset)).filter(is_forward).collect()
    }

    /// A commit of these ended well.
    fn commit(&mut self, token: Option<u64>, places: Vec<(i32, i64)>) {
        let nothing = Fault { kind: FaultKind::NothingToCommit, text: "nothing is stored".to_owned() };
        let result = if places.is_empty() { Err(nothing) } else { Ok(()) };
        let stored = |&(partition, offset): &(i32, i64)| {
            (StoredOffset { partition: orders(partition), offset, leader_epoch: None }, None)
        };
        let partitions = places.iter().map(stored).collect();
        for (partition, offset) in places {
            if token.is_none() {
                self.overtake(partition);
                self.committed.insert(partition, offset);
            } else if !self.overtaken.contains(&partition) {
                self.committed.insert(partition, offset);
            }
        }
        self.events.push_back(ConsumerEvent::Committed { token, result, partitions });
    }

    /// Commits by itself what goes forward. Whether there was anything.
    pub(super) fn commit_what_went_forward(&mut self) -> bool {
        let places = self.forward();
        let is_any = !places.is_empty();
        if is_any {
            self.commit(None, places);
        }
        is_any
    }

    /// Records come to the queue of their partition.
    pub(super) fn arrive(&mut self, partition: i32, records: impl IntoIterator<Item = RawRecord>) {
        self.records.entry(partition).or_default().extend(records);
        if let Some(signal) = self.signals.get(&partition) {
            signal.signal();
        }
    }

    /// It is somebody else's: the broker takes no more commits of it.
    pub(super) fn lose(&mut self, partition: i32) {
        self.stored.remove(&partition);
        self.overtake(partition);
    }

    /// The broker has the commit under way before whatever follows, though its answer is still to come.
    fn overtake(&mut self, partition: i32) {
        let offset = self.in_commit.iter().find(|(of, _)| *of == partition).map(|(_, offset)| *offset);
        if self.overtaken.insert(partition)
            && let Some(offset) = offset
        {
            self.committed.insert(partition, offset);
        }
    }

    /// Ends the commit under way, well or not.
    pub(super) fn end_commit(&mut self, is_ok: bool) {
        let (token, places) = (Some(self.last_token), std::mem::take(&mut self.in_commit));
        if is_ok {
            return self.commit(token, places);
        }
        let fault = Fault { kind: FaultKind::Other, text: "the coordinator moves".to_owned() };
        self.events.push_back(ConsumerEvent::Committed { token, result: Err(fault), partitions: Vec::new() });
    }
}

pub(super) fn place(stored: &StoredOffset) -> (i32, i64) {
    (stored.partition.partition, stored.offset)
}

impl FakeClient {
    fn call(&self, what: &str, partitions: &[TopicPartition]) -> Result<()> {
        let partitions: String = partitions.iter().map(|p| format!(" {}", p.partition)).collect();
        self.0.lock().calls.push(format!("{what}{partitions}"));
        Ok(())
    }
}

impl RecordQueue for FakeQueue {
    fn take(&mut self, max: usize, records: &mut Vec<RawRecord>) -> Taken {
        let mut cluster = self.0.lock();
        let queue = cluster.records.entry(self.1).or_default();
        let n_records = max.min(queue.len());
        records.extend(queue.drain(..n_records));
        Taken { more: n_records == max, end: None, faults: Vec::new() }
    }
}
