//! A pump that a test turns by hand, under a clock of its own.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
};

use super::{
    clerk::{FakeAsker, FakeClerk},
    client::{Cluster, FakeClient, orders},
    gate::{Acks, Gate},
};
use crate::{
    client::{Brokers, ConsumerEvent, Scope, TransactionFault, TransactionFaultKind, Undelivered},
    clock::wall_clock,
    config::{Delivery, ResolvedListener},
    error::{Error, Result},
    error_handler::due_after,
    handler::{HandlerEnv, States},
    listener::{
        Ack, Breaker, EventBus, Guards, ListenerEvents,
        dispatch::ChunkRunner,
        lane::{LaneSpec, Lanes},
        mailbox::{Command, Mailbox},
        pump::{ConsumerStatus, Exit, Legacy, Pump, PumpConfig, StopReport, Turn},
        transaction::{
            Answer, Clerk, Ended, OpenProducer, Positions, Question, TransactionSpec, TurnProducer, Turns, What,
        },
    },
    record::{Headers, OwnedRecord, RawRecord},
    test_support::FakeTransactions,
};

/// A pump with its doubles. Handlers run on the test's own thread whenever it awaits.
pub(crate) struct Rig {
    pub(crate) now: Instant,
    pump: Pump,
    cluster: Arc<Mutex<Cluster>>,
    gate: Arc<Gate>,
    mailbox: Arc<Mailbox>,
    pub(crate) status: watch::Receiver<ConsumerStatus>,
    /// Why an output of the transactions is not delivered.
    undelivered: Arc<Mutex<Option<Undelivered>>>,
    exit: Option<Exit>,
    pub(crate) events: ListenerEvents,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) brokers: Arc<Brokers>,
}

impl Rig {
    pub(crate) fn new(listener: &ResolvedListener, takes_batches: bool) -> Self {
        Self::over(listener, takes_batches, Arc::default(), None)
    }

    /// With another runner than the gate.
    pub(super) fn over(
        listener: &ResolvedListener,
        takes_batches: bool,
        cluster: Arc<Mutex<Cluster>>,
        runner: Option<Arc<dyn ChunkRunner>>,
    ) -> Self {
        cluster.lock().commits_by_itself = listener.delivery == Delivery::AtLeastOnce;
        let gate = Arc::new(Gate::closed());
        let runner = runner.unwrap_or_else(|| Arc::clone(&gate) as _);
        let lanes = Lanes::new(Handle::current(), runner, LaneSpec::of(listener, takes_batches));
        let (sender, status) = watch::channel(ConsumerStatus::default());
        let mailbox = Arc::<Mailbox>::default();
        let (client, now) = (Box::new(FakeClient(Arc::clone(&cluster))), Instant::now());
        let bus = EventBus::default();
        let events = bus.events();
        let guards = Guards::new(listener, &Arc::default(), &bus.sink(&listener.id));
        let breaker = Arc::clone(&guards.breaker);
        let config = PumpConfig::new(listener, takes_batches, 0, bus.sink(&listener.id), guards);
        let brokers = Arc::clone(&config.brokers);
        let transactions = (listener.delivery == Delivery::ExactlyOnce).then(|| {
            let open: OpenProducer = Arc::new(|_| Err(Error::new(crate::ErrorKind::Config, "a double")));
            let (listener_id, limits) = (listener.id.as_str().into(), listener.transaction);
            let spec = TransactionSpec { listener_id, instance: 0, limits, open, metrics: Arc::default() };
            let clerk = |turn| -> Box<dyn Clerk> { Box::new(FakeClerk(Arc::clone(&cluster), turn)) };
            Turns::with(spec, &mailbox, [clerk(0), clerk(1)], Box::new(FakeAsker(Arc::clone(&cluster))))
        });
        let pump = Pump::new(config, client, lanes, Arc::clone(&mailbox), sender, Legacy::default(), now)
            .with_transactions(transactions);
        let undelivered = Arc::default();
        Self { now, pump, cluster, gate, mailbox, status, undelivered, exit: None, events, breaker, brokers }
    }

    /// Assigned to partitions 0 to `n_partitions`.
    pub(crate) async fn assigned(listener: ResolvedListener, n_partitions: i32) -> Self {
        Self::new(&listener, false).with_assigned(n_partitions).await
    }

    pub(crate) async fn with_assigned(mut self, n_partitions: i32) -> Self {
        self.event(ConsumerEvent::Assign((0..n_partitions).map(orders).collect())).await;
        self.cluster.lock().calls.clear();
        self
    }

    /// Exactly once: both producers are open, and nothing is committed yet.
    pub(crate) async fn opened(self) -> Self {
        let mut rig = self.with_producers().await;
        rig.positions(&[]).await;
        rig.cluster.lock().calls.clear();
        rig
    }

    /// Exactly once: both producers are open.
    pub(crate) async fn with_producers(mut self) -> Self {
        self.settle().await;
        for turn in 0..2 {
            let env = |_: &Scope| HandlerEnv {
                listener_id: "bill".to_owned(),
                states: States::default(),
                producer: None,
                template: None,
                schemas: None,
            };
            let failure = Arc::clone(&self.undelivered);
            let client = FakeTransactions { failure, ..FakeTransactions::default() };
            let producer = Arc::new(TurnProducer::new(client, env));
            self.mailbox.send(Command::Transaction(Answer { turn, what: What::Opened(producer) }));
            self.ends(turn, Ended::Open, Ok(())).await;
        }
        self.cluster.lock().calls.clear();
        self
    }

    /// What a turn was told has ended.
    pub(crate) async fn ends(&mut self, turn: usize, ended: Ended, outcome: Result<(), TransactionFaultKind>) {
        let outcome = outcome.map_err(|kind| TransactionFault { kind, text: "as told".to_owned() });
        self.tell(Command::Transaction(Answer { turn, what: What::Ended(ended, outcome) })).await;
    }

    /// The broker says to whom asked first what is committed; of other partitions nothing is.
    pub(crate) async fn positions(&mut self, positions: &[(i32, i64)]) {
        let Some(Question { why, assignments }) = self.cluster.lock().questions.pop_front() else { return };
        let at = |of: i32| positions.iter().find(|(partition, _)| *partition == of).map(|(_, offset)| *offset);
        let by_epoch = Ok(assignments.iter().map(|(epoch, of)| (*epoch, at(of.partition))).collect());
        self.tell(Command::Positions(Positions { why, by_epoch })).await;
    }

    /// The broker does not say it.
    pub(crate) async fn no_positions(&mut self) {
        let Some(Question { why, .. }) = self.cluster.lock().questions.pop_front() else { return };
        let by_epoch = Err(Error::new(crate::ErrorKind::Unavailable, "it is away"));
        self.tell(Command::Positions(Positions { why, by_epoch })).await;
    }

    /// The outputs of a turn are not all delivered: of its records' own fault, or since who takes them is away.
    pub(crate) async fn undelivered(&mut self, turn: usize, is_its_own: bool) {
        *self.undelivered.lock() = Some(Undelivered { text: "as told".to_owned(), is_its_own });
        self.ends(turn, Ended::Flush, Err(TransactionFaultKind::Abort)).await;
        self.undelivered.lock().take();
    }

    /// How often outputs of a record were not delivered that were sent with no others.
    pub(crate) fn n_undelivered(&self, partition: i32, offset: i64) -> u32 {
        let prior = self.gate.ledger.lock().prior(&orders(partition), offset);
        prior.map_or(0, |prior| prior.n_undelivered)
    }

    pub(crate) fn taint_at(&self, offset: i64) {
        *self.gate.taints_at.lock() = Some(offset);
    }

    /// Turns the pump and runs handlers until neither has more to do.
    pub(crate) async fn settle(&mut self) {
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

    /// When the pump wants its next turn, after one more now; `None`: it has ended.
    pub(crate) fn next_turn(&mut self) -> Option<Instant> {
        match self.pump.turn(self.now) {
            Turn::Again(at) => Some(at),
            Turn::Ended(_) => None,
        }
    }

    /// Lets time pass, then settles. Longer than the fallback, every queue is looked at. The client commits by itself.
    pub(crate) async fn pass(&mut self, time: Duration) {
        self.now += time;
        self.settle().await;
        let commits = {
            let mut cluster = self.cluster.lock();
            cluster.commits_by_itself && cluster.commit_what_went_forward()
        };
        if commits {
            self.settle().await;
        }
    }

    pub(crate) async fn event(&mut self, event: ConsumerEvent) {
        self.cluster.lock().events.push_back(event);
        self.settle().await;
    }

    pub(crate) async fn revoke(&mut self, partition: i32, lost: bool) {
        self.event(ConsumerEvent::Revoke { partitions: vec![orders(partition)], lost }).await;
    }

    /// The commit under way ends.
    pub(crate) async fn commit_ends(&mut self, is_ok: bool) {
        self.cluster.lock().end_commit(is_ok);
        self.settle().await;
    }

    /// What somebody committed before this consumer came.
    pub(crate) fn committed_before(self, partition: i32, offset: i64) -> Self {
        self.cluster.lock().committed.insert(partition, offset);
        self
    }

    /// Records with these offsets arrive; the key is that of the offset's parity.
    pub(crate) async fn arrive(&mut self, partition: i32, offsets: impl IntoIterator<Item = i64>) {
        self.arrive_due(partition, offsets.into_iter().map(|offset| (offset, None))).await;
    }

    /// As [`Rig::arrive`], of a retry topic: each is due so long after it arrived.
    pub(crate) async fn arrive_due(
        &mut self,
        partition: i32,
        records: impl IntoIterator<Item = (i64, Option<Duration>)>,
    ) {
        let records = records.into_iter().map(|(offset, due)| {
            let key = Some(vec![b'0' + u8::from(offset % 2 == 1)]);
            let mut headers = Headers::new();
            if let Some(due) = due {
                let due = due_after(wall_clock(), due).to_be_bytes();
                headers.push("retry_topic-backoff-timestamp", Some(Bytes::copy_from_slice(&due)));
            }
            OwnedRecord { offset, key, payload: Some(vec![0; 100]), headers, ..OwnedRecord::default() }.into()
        });
        self.put(partition, records).await;
    }

    /// As [`Rig::arrive`], with payloads of a size.
    pub(crate) async fn arrive_of_size(&mut self, n_bytes: usize, partition: i32, offsets: impl Iterator<Item = i64>) {
        let records = offsets
            .map(|offset| OwnedRecord { offset, payload: Some(vec![0; n_bytes]), ..OwnedRecord::default() }.into());
        self.put(partition, records).await;
    }

    async fn put(&mut self, partition: i32, records: impl Iterator<Item = RawRecord>) {
        self.cluster.lock().arrive(partition, records);
        self.pass(Duration::from_secs(1)).await;
    }

    /// Lets `n` handlers end.
    pub(crate) async fn release(&mut self, n: usize) {
        self.gate.permits.add_permits(n);
        self.settle().await;
    }

    /// Lets `n` handlers end between a pump's look at what they say and its look whether they have ended.
    pub(crate) async fn release_late(&mut self, n: usize) {
        self.gate.permits.add_permits(n);
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
        self.pump.note_drained(self.now);
        self.pump.take_steps(self.now);
        self.settle().await;
    }

    pub(crate) async fn tell(&mut self, command: Command) {
        self.mailbox.send(command);
        self.settle().await;
    }

    /// Has a partition go on at this offset.
    pub(crate) async fn seek(&mut self, partition: i32, offset: i64) -> oneshot::Receiver<Result<()>> {
        let (reply, done) = self.mailbox.promises.make();
        self.tell(Command::Seek { partition: orders(partition), offset, reply }).await;
        done
    }

    pub(crate) async fn stop(&mut self, within: Duration) {
        self.tell(Command::Stop { deadline: self.now + within }).await;
    }

    pub(crate) fn leave_closed(&mut self) {
        self.cluster.lock().is_closed = true;
    }

    /// Whether the pump goes on.
    pub(crate) fn is_alive(&self) -> bool {
        self.exit.is_none()
    }

    /// From now on the client does not take what the group assigns.
    pub(crate) fn refuse_assignments(&self) {
        self.cluster.lock().refuses_assignments = true;
    }

    /// Whether the client takes no position to store.
    pub(crate) fn refuse_stores(&self, refuses: bool) {
        self.cluster.lock().refuses_stores = refuses;
    }

    pub(crate) fn acks(&self, acks: impl IntoIterator<Item = Acks>) {
        self.gate.acks.lock().extend(acks);
    }

    /// The `Ack` that was kept first.
    pub(crate) fn kept(&self) -> Ack {
        self.gate.kept.lock().remove(0)
    }

    /// The handler of this offset takes until [`Rig::release_slow`].
    pub(crate) fn slow_at(&self, offset: i64) {
        *self.gate.slow_at.lock() = Some(offset);
    }

    pub(crate) async fn release_slow(&mut self) {
        self.gate.slow.add_permits(1);
        self.settle().await;
    }

    /// Handlers count the records of each key, and keep that for it.
    pub(crate) fn keep_counts(&self) {
        *self.gate.counts.lock() = true;
    }

    pub(crate) fn fail_at(&self, offset: i64) {
        *self.gate.fails_at.lock() = Some(offset);
    }

    /// What handlers did since the last look: `*0@3` started, `.0@3` ended, `+0/1@2` the count of key 1 has left.
    pub(crate) fn handled(&self) -> Vec<String> {
        std::mem::take(&mut self.gate.log.lock())
    }

    /// What the client was told since the last look.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.cluster.lock().calls)
    }

    pub(crate) fn confirmed(&self) -> Vec<bool> {
        self.gate.confirmed.lock().clone()
    }

    /// Records still with the client.
    pub(crate) fn n_waiting(&self, partition: i32) -> usize {
        self.cluster.lock().records.get(&partition).map_or(0, VecDeque::len)
    }

    /// The next event, in short.
    pub(crate) async fn told(&mut self) -> String {
        let event = tokio::time::timeout(Duration::from_secs(5), self.events.next()).await.expect("something is told");
        in_short(&format!("{:?}", event.expect("the pump lives")))
    }

    pub(crate) fn stopped(&self) -> Option<&StopReport> {
        match &self.exit {
            Some(Exit::Stopped(report)) => Some(report),
            _ => None,
        }
    }

    pub(crate) fn failure(&self) -> Option<String> {
        match &self.exit {
            Some(Exit::Failed(error)) => Some(error.to_string()),
            _ => None,
        }
    }

    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self.exit, Some(Exit::Fatal(_)))
    }
}

/// With partitions as `orders-0`.
fn in_short(event: &str) -> String {
    let short = event.replace("TopicPartition { topic: \"orders\", partition: ", "orders-");
    short.replace(" }, orders-", " orders-").replace("[orders-", "orders-").replace(" }]", "").replace(" }, ", ", ")
}
