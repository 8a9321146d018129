//! A double of the client, a runner with a gate, and a pump that a test turns by hand under a clock of its own.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use crate::{
    client::{
        Committed, ConsumerClient, ConsumerEvent, Fault, FaultKind, GroupMetadata, Lease, RecordQueue, Scope, Signal,
        StoredOffset, Taken, TransactionFault, TransactionFaultKind,
    },
    config::{Delivery, ResolvedListener, Subscription},
    error::{Error, Result},
    handler::{HandlerEnv, States},
    listener::{
        Ack,
        dispatch::{Chunk, ChunkRunner, Progress},
        lane::Lanes,
        mailbox::{Command, Mailbox},
        pauses::Pauses,
        pump::{ConsumerStatus, Exit, Pump, PumpConfig, StopReport, Turn},
        transaction::{Answer, Clerk, Ended, Job, OpenProducer, TransactionSpec, TurnProducer, Turns, What},
    },
    record::{OwnedRecord, RawRecord, TopicPartition},
    test_support::FakeTransactions,
};

/// What the client was told, in order: `assign 0`, `store 0@3`, `commit`, `commit 0@3`, `seek 0@2`, `unassign 0`, `close`.
#[derive(Default)]
pub(super) struct Cluster {
    calls: Vec<String>,
    events: VecDeque<ConsumerEvent>,
    records: HashMap<i32, VecDeque<RawRecord>>,
    signals: HashMap<i32, Arc<dyn Signal>>,
    stored: BTreeMap<i32, i64>,
    committed: BTreeMap<i32, i64>,
    /// What the commit under way is of.
    in_commit: Vec<(i32, i64)>,
    last_token: u64,
    is_closed: bool,
    closes_at_once: bool,
    refuses_assignments: bool,
}

/// A client with these events, which leaves its group at once.
pub(super) fn client_with(events: impl IntoIterator<Item = ConsumerEvent>) -> Box<dyn ConsumerClient> {
    let events = events.into_iter().collect();
    let cluster = Cluster { events, closes_at_once: true, ..Cluster::default() };
    Box::new(FakeClient(Arc::new(Mutex::new(cluster))))
}

struct FakeClient(Arc<Mutex<Cluster>>);

struct FakeQueue(Arc<Mutex<Cluster>>, i32);

impl ConsumerClient for FakeClient {
    fn subscribe(&mut self, _subscription: &Subscription) -> Result<()> {
        Ok(())
    }

    fn poll_event(&mut self) -> Option<ConsumerEvent> {
        self.0.lock().events.pop_front()
    }

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
            if let Some(stored) = cluster.stored.remove(partition) {
                cluster.committed.insert(*partition, stored);
            }
        }
        drop(cluster);
        self.call("unassign", partitions)
    }

    fn store(&mut self, offsets: &[StoredOffset]) -> Vec<(TopicPartition, Fault)> {
        let mut cluster = self.0.lock();
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
        cluster.last_token = token;
        Ok(())
    }

    fn commit_exactly(&mut self, offsets: &[StoredOffset], token: u64) -> Result<()> {
        let places: Vec<_> = offsets.iter().map(place).collect();
        let names: String = places.iter().map(|(partition, offset)| format!(" {partition}@{offset}")).collect();
        let mut cluster = self.0.lock();
        cluster.calls.push(format!("commit{names}"));
        cluster.in_commit = places;
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

/// Notes what a turn is told: `open 0`, `flush 0`, `commit 0: 0@3 1@5`, `abort 0`, `ask`.
struct FakeClerk(Arc<Mutex<Cluster>>, usize);

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

impl Cluster {
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
        self.committed.extend(places);
        self.events.push_back(ConsumerEvent::Committed { token, result, partitions });
    }

    /// Commits by itself what goes forward. Whether there was anything.
    fn commit_what_went_forward(&mut self) -> bool {
        let places = self.forward();
        let is_any = !places.is_empty();
        if is_any {
            self.commit(None, places);
        }
        is_any
    }

    /// Ends the commit under way, well or not.
    fn end_commit(&mut self, is_ok: bool) {
        let (token, places) = (Some(self.last_token), std::mem::take(&mut self.in_commit));
        if is_ok {
            return self.commit(token, places);
        }
        let fault = Fault { kind: FaultKind::Other, text: "the coordinator moves".to_owned() };
        self.events.push_back(ConsumerEvent::Committed { token, result: Err(fault), partitions: Vec::new() });
    }
}

fn place(stored: &StoredOffset) -> (i32, i64) {
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
        Taken { more: n_records == max, faults: Vec::new() }
    }
}

/// What the handler does with a record's `Ack`, where it gets one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Acks {
    Acknowledge,
    Nack(Duration),
    Drop,
}

/// Handles a record for each permit; `*` starts, `.` ends.
pub(super) struct Gate {
    permits: Semaphore,
    log: Mutex<Vec<String>>,
    acks: Mutex<VecDeque<Acks>>,
    /// Results of acknowledgments awaited by handlers.
    confirmed: Mutex<Vec<bool>>,
    fails_at: Mutex<Option<i64>>,
    /// Fails in a way that spoils the transaction, once.
    taints_at: Mutex<Option<i64>>,
}

impl ChunkRunner for Gate {
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<(), Error>> + Send + 'a>> {
        Box::pin(async move {
            for record in chunk.records {
                if progress.is_revoked() {
                    break;
                }
                let place = format!("{}@{}", chunk.partition, record.record.offset());
                self.log.lock().push(format!("*{place}"));
                let permit = self.permits.acquire().await.expect("never closed");
                permit.forget();
                self.log.lock().push(format!(".{place}"));
                if *self.fails_at.lock() == Some(record.record.offset()) {
                    return Err(Error::new(crate::ErrorKind::Listener, "spent"));
                }
                if self.taints_at.lock().take_if(|at| *at == record.record.offset()).is_some() {
                    if let Some(transaction) = chunk.transaction {
                        transaction.taint();
                    }
                    break;
                }
                match progress.ack(record.seq) {
                    None => progress.done(record.seq),
                    Some(source) => {
                        let ack = Ack::new(source);
                        let what = self.acks.lock().pop_front().unwrap_or(Acks::Acknowledge);
                        match what {
                            Acks::Acknowledge => {
                                let acked = ack.ack().await;
                                self.confirmed.lock().push(acked.is_ok());
                            }
                            Acks::Nack(delay) => ack.nack(delay),
                            Acks::Drop => drop(ack),
                        }
                        progress.left_to_ack(record.seq);
                    }
                }
            }
            Ok(())
        })
    }
}

/// A pump with its doubles. Handlers run on the test's own thread whenever it awaits.
pub(super) struct Rig {
    pub(super) now: Instant,
    pump: Pump,
    cluster: Arc<Mutex<Cluster>>,
    gate: Arc<Gate>,
    mailbox: Arc<Mailbox>,
    pub(super) status: watch::Receiver<ConsumerStatus>,
    commits_by_itself: bool,
    exit: Option<Exit>,
}

impl Rig {
    pub(super) fn new(listener: &ResolvedListener, takes_batches: bool) -> Self {
        let cluster = Arc::<Mutex<Cluster>>::default();
        let gate = Arc::new(Gate {
            permits: Semaphore::new(0),
            log: Mutex::default(),
            acks: Mutex::default(),
            confirmed: Mutex::default(),
            fails_at: Mutex::default(),
            taints_at: Mutex::default(),
        });
        let n_workers = usize::try_from(listener.workers).expect("it fits");
        let lanes = Lanes::new(Handle::current(), Arc::clone(&gate) as _, listener.ordering, n_workers);
        let (sender, status) = watch::channel(ConsumerStatus::default());
        let mailbox = Arc::<Mailbox>::default();
        let (client, now) = (Box::new(FakeClient(Arc::clone(&cluster))), Instant::now());
        let config = PumpConfig::new(listener, takes_batches);
        let transactions = (listener.delivery == Delivery::ExactlyOnce).then(|| {
            let open: OpenProducer = Arc::new(|_| Err(Error::new(crate::ErrorKind::Config, "a double")));
            let (listener_id, limits) = (listener.id.as_str().into(), listener.transaction);
            let spec = TransactionSpec { listener_id, instance: 0, limits, open, metrics: Arc::default() };
            let clerk = |turn| -> Box<dyn Clerk> { Box::new(FakeClerk(Arc::clone(&cluster), turn)) };
            Turns::with(spec, &mailbox, [clerk(0), clerk(1)])
        });
        let pump = Pump::new(config, client, lanes, Arc::clone(&mailbox), sender, Pauses::default(), now)
            .with_transactions(transactions);
        let commits_by_itself = listener.delivery == Delivery::AtLeastOnce;
        Self { now, pump, cluster, gate, mailbox, status, commits_by_itself, exit: None }
    }

    /// Assigned to partitions 0 to `n_partitions`.
    pub(super) async fn assigned(listener: ResolvedListener, n_partitions: i32) -> Self {
        Self::new(&listener, false).with_assigned(n_partitions).await
    }

    pub(super) async fn with_assigned(mut self, n_partitions: i32) -> Self {
        self.event(ConsumerEvent::Assign((0..n_partitions).map(orders).collect())).await;
        self.cluster.lock().calls.clear();
        self
    }

    /// Exactly once: both producers are open.
    pub(super) async fn opened(mut self) -> Self {
        self.settle().await;
        for turn in 0..2 {
            let env = |_: &Scope| HandlerEnv {
                listener_id: "bill".to_owned(),
                states: States::default(),
                producer: None,
                template: None,
            };
            let producer = Arc::new(TurnProducer::new(FakeTransactions::default(), env));
            self.mailbox.send(Command::Transaction(Answer { turn, what: What::Opened(producer) }));
            self.ends(turn, Ended::Open, Ok(())).await;
        }
        self.cluster.lock().calls.clear();
        self
    }

    /// What a turn was told has ended.
    pub(super) async fn ends(
        &mut self,
        turn: usize,
        ended: Ended,
        outcome: std::result::Result<(), TransactionFaultKind>,
    ) {
        let outcome = outcome.map_err(|kind| TransactionFault { kind, text: "as told".to_owned() });
        self.tell(Command::Transaction(Answer { turn, what: What::Ended(ended, outcome) })).await;
    }

    /// The broker says what is committed.
    pub(super) async fn positions(&mut self, positions: &[(i32, Option<i64>)]) {
        let positions = positions.iter().map(|(partition, offset)| (orders(*partition), *offset)).collect();
        self.tell(Command::Transaction(Answer { turn: 0, what: What::Positions(Ok(positions)) })).await;
    }

    pub(super) fn taint_at(&self, offset: i64) {
        *self.gate.taints_at.lock() = Some(offset);
    }

    /// Turns the pump and runs handlers until neither has more to do.
    pub(super) async fn settle(&mut self) {
        for _ in 0..8 {
            if self.exit.is_none()
                && let Turn::Ended(exit) = self.pump.turn(self.now)
            {
                self.exit = Some(exit);
            }
            for _ in 0..64 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Lets time pass, then settles. Longer than the fallback, every queue is looked at. The client commits by itself.
    pub(super) async fn pass(&mut self, time: Duration) {
        self.now += time;
        self.settle().await;
        if self.commits_by_itself && self.cluster.lock().commit_what_went_forward() {
            self.settle().await;
        }
    }

    pub(super) async fn event(&mut self, event: ConsumerEvent) {
        self.cluster.lock().events.push_back(event);
        self.settle().await;
    }

    pub(super) async fn revoke(&mut self, partition: i32, lost: bool) {
        self.event(ConsumerEvent::Revoke { partitions: vec![orders(partition)], lost }).await;
    }

    /// The commit under way ends.
    pub(super) async fn commit_ends(&mut self, is_ok: bool) {
        self.cluster.lock().end_commit(is_ok);
        self.settle().await;
    }

    /// What somebody committed before this consumer came.
    pub(super) fn committed_before(self, partition: i32, offset: i64) -> Self {
        self.cluster.lock().committed.insert(partition, offset);
        self
    }

    /// Records with these offsets arrive; the key is that of the offset's parity.
    pub(super) async fn arrive(&mut self, partition: i32, offsets: impl IntoIterator<Item = i64>) {
        let records = offsets.into_iter().map(|offset| {
            let key = Some(vec![b'0' + u8::from(offset % 2 == 1)]);
            OwnedRecord { offset, key, payload: Some(vec![0; 100]), ..OwnedRecord::default() }.into()
        });
        {
            let mut cluster = self.cluster.lock();
            cluster.records.entry(partition).or_default().extend(records);
            if let Some(signal) = cluster.signals.get(&partition) {
                signal.signal();
            }
        }
        self.pass(Duration::from_secs(1)).await;
    }

    /// Lets `n` handlers end.
    pub(super) async fn release(&mut self, n: usize) {
        self.gate.permits.add_permits(n);
        self.settle().await;
    }

    pub(super) async fn tell(&mut self, command: Command) {
        self.mailbox.send(command);
        self.settle().await;
    }

    pub(super) async fn stop(&mut self, within: Duration) {
        self.tell(Command::Stop { deadline: self.now + within }).await;
    }

    pub(super) fn leave_closed(&mut self) {
        self.cluster.lock().is_closed = true;
    }

    /// From now on the client does not take what the group assigns.
    pub(super) fn refuse_assignments(&self) {
        self.cluster.lock().refuses_assignments = true;
    }

    pub(super) fn acks(&self, acks: impl IntoIterator<Item = Acks>) {
        self.gate.acks.lock().extend(acks);
    }

    pub(super) fn fail_at(&self, offset: i64) {
        *self.gate.fails_at.lock() = Some(offset);
    }

    /// What handlers did since the last look: `*0@3` started, `.0@3` ended.
    pub(super) fn handled(&self) -> Vec<String> {
        std::mem::take(&mut self.gate.log.lock())
    }

    /// What the client was told since the last look.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.cluster.lock().calls)
    }

    pub(super) fn confirmed(&self) -> Vec<bool> {
        self.gate.confirmed.lock().clone()
    }

    /// Records still with the client.
    pub(super) fn n_waiting(&self, partition: i32) -> usize {
        self.cluster.lock().records.get(&partition).map_or(0, VecDeque::len)
    }

    pub(super) fn stopped(&self) -> Option<&StopReport> {
        match &self.exit {
            Some(Exit::Stopped(report)) => Some(report),
            _ => None,
        }
    }

    pub(super) fn failure(&self) -> Option<String> {
        match &self.exit {
            Some(Exit::Failed(error)) => Some(error.to_string()),
            _ => None,
        }
    }

    pub(super) fn is_fatal(&self) -> bool {
        matches!(self.exit, Some(Exit::Fatal(_)))
    }
}

pub(super) fn orders(partition: i32) -> TopicPartition {
    TopicPartition::new("orders", partition)
}
