//! [`World`]: a group, a broker and handlers around a pump, in which anything may happen; what must never happen is
//! asserted where it would.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    client::{Cluster, orders},
    handlers::{Fate, Handlers},
    rig::Rig,
};
use crate::{
    client::ConsumerEvent,
    config::{AckMode, Delivery, Ordering, ResolvedListener},
    record::{OwnedRecord, RawRecord},
};

pub(crate) const N_PARTITIONS: usize = 2;

/// What may happen next. With nothing to happen to, an event is none.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    Assign(usize),
    Revoke(usize),
    /// It is another's already.
    Lose(usize),
    /// Another, who owns it meanwhile, commits so many records more.
    Others(usize, usize),
    /// So many records come.
    Arrive(usize, usize),
    /// Chunks that begin are handled already, or not, and what handlers return is not acknowledged.
    OnlyWait(bool),
    /// One of the handlers that run ends.
    End(usize, Fate),
    /// An `Ack` that was kept is used, be its assignment over or not.
    Use(usize, Fate),
    /// To the record with this index.
    Seek(usize, usize),
    /// The commit under way.
    EndCommit(IsOk),
    Pass(Duration),
}

type IsOk = bool;

pub(crate) struct World {
    rig: Rig,
    cluster: Arc<Mutex<Cluster>>,
    handlers: Arc<Handlers>,
    delivery: Delivery,
    ordering: Ordering,
    ack_mode: AckMode,
    partitions: [Partition; N_PARTITIONS],
    is_commit_under_way: bool,
}

/// One partition, as the group and the broker see it. Its records have the offsets of [`offset`].
#[derive(Debug, Default)]
struct Partition {
    /// The group has given it to the consumer, which may not know yet.
    is_granted: bool,
    /// Assignments and revokes it was told of, and has answered.
    n_told: usize,
    n_answered: usize,
    n_epochs: u64,
    /// While the consumer's client reads it.
    epoch: Option<Epoch>,
    /// The last position that was stored since it was assigned.
    stored: Option<i64>,
    /// Where a seek of the user that is not done yet leads to.
    sought: Option<i64>,
    /// Offsets that need no handling any more: handled under the epoch of their time, by others, or passed over by the user.
    settled: BTreeSet<i64>,
    /// Behind the last record of interest.
    end: usize,
}

/// From an assignment or a seek to the next.
#[derive(Debug)]
struct Epoch {
    number: u64,
    /// Indexes of the first record, and of the next that is to come.
    start: usize,
    next: usize,
    finished: BTreeSet<i64>,
    /// What was finished under the one before it, which is stored right behind its seek.
    before: Option<i64>,
    /// Of each key the last record that a handler began.
    started: [Option<i64>; 2],
}

/// Of the record with this index: every fourth offset is a gap, as compaction leaves it.
fn offset(index: usize) -> i64 {
    i64::try_from(index + index / 3).expect("small")
}

/// Of the first record from this offset on.
fn index(at: i64) -> usize {
    (0..).find(|index| offset(*index) >= at).expect("there is no last one")
}

impl Epoch {
    fn new(number: u64, start: usize, before: Option<i64>) -> Self {
        Self { number, start, next: start, finished: BTreeSet::new(), before, started: [None; 2] }
    }

    /// Index of the first unfinished record, or of the next that is to come.
    fn front(&self) -> usize {
        let mut records = self.start..self.next;
        records.find(|index| !self.finished.contains(&offset(*index))).unwrap_or(self.next)
    }

    /// The end of the finished prefix.
    fn watermark(&self) -> Option<i64> {
        (self.front() > self.start).then(|| offset(self.front() - 1) + 1)
    }
}

impl Partition {
    fn is_in_rebalance(&self) -> bool {
        self.n_told > self.n_answered
    }
}

impl World {
    pub(crate) fn new(listener: &ResolvedListener) -> Self {
        let cluster = Arc::<Mutex<Cluster>>::default();
        let handlers = Handlers::new(&cluster);
        let runner = Arc::clone(&handlers) as _;
        let mut rig = Rig::over(listener, true, Arc::clone(&cluster), Some(runner));
        rig.now += Duration::from_secs(1); // Behind what `Ack`s take for now.
        let ResolvedListener { delivery, ordering, ack_mode, .. } = *listener;
        let partitions = Default::default();
        Self { rig, cluster, handlers, delivery, ordering, ack_mode, partitions, is_commit_under_way: false }
    }

    pub(crate) async fn happen(&mut self, event: Event) {
        match event {
            Event::Assign(p) if !self.partitions[p].is_granted => {
                self.partitions[p].is_granted = true;
                self.partitions[p].n_told += 1;
                self.rig.event(ConsumerEvent::Assign(vec![orders(number(p))])).await;
            }
            Event::Revoke(p) if self.partitions[p].is_granted => self.take_away(p, false).await,
            Event::Lose(p) if self.partitions[p].is_granted => {
                self.cluster.lock().lose(number(p));
                self.take_away(p, true).await;
            }
            Event::Others(p, n_records) => self.others_commit(p, n_records),
            Event::Arrive(p, n_records) => self.arrive(p, n_records).await,
            Event::OnlyWait(only_waits) => self.handlers.only_wait(only_waits),
            Event::End(which, fate) => {
                self.handlers.end(which, self.by_the_clock(fate));
                self.rig.settle().await;
            }
            Event::Use(which, fate) => self.use_kept(which, fate).await,
            Event::Seek(p, to) if self.partitions[p].epoch.is_some() => {
                self.partitions[p].sought = Some(offset(to));
                let _moved = self.rig.seek(number(p), offset(to)).await;
            }
            Event::EndCommit(is_ok) if self.is_commit_under_way => {
                self.is_commit_under_way = false;
                self.rig.commit_ends(is_ok).await;
            }
            Event::Pass(time) => self.rig.pass(time).await,
            _ => {}
        }
        self.check();
    }

    /// `Ack`s go by the clock of the machine. At most once, nothing is read again.
    fn by_the_clock(&self, fate: Fate) -> Fate {
        match fate {
            Fate::Again if self.delivery == Delivery::AtMostOnce => Fate::Done,
            Fate::Nack(delay) if !delay.is_zero() => Fate::Nack(self.rig.now + delay - Instant::now()),
            fate => fate,
        }
    }

    async fn take_away(&mut self, p: usize, lost: bool) {
        let waits = self.partitions.iter().any(Partition::is_in_rebalance);
        self.partitions[p].is_granted = false;
        self.partitions[p].n_told += 1;
        self.cluster.lock().records.remove(&number(p));
        self.rig.revoke(number(p), lost).await;
        if lost && !waits {
            let calls = self.cluster.lock().calls.clone();
            let is_of_it = |call: &String| call.starts_with(&format!("store {p}@"));
            assert!(!calls.iter().any(is_of_it), "{calls:?}, and {p} is another's");
        }
    }

    fn others_commit(&mut self, p: usize, n_records: usize) {
        let at = self.committed(p);
        let partition = &mut self.partitions[p];
        if partition.is_granted || partition.epoch.is_some() {
            return;
        }
        let (from, to) = (index(at), index(at) + n_records);
        partition.settled.extend((from..to).map(offset));
        partition.end = partition.end.max(to);
        self.cluster.lock().committed.insert(number(p), offset(to));
    }

    async fn arrive(&mut self, p: usize, n_records: usize) {
        let partition = &mut self.partitions[p];
        if !partition.is_granted || partition.is_in_rebalance() {
            return;
        }
        let Some(epoch) = &mut partition.epoch else { return };
        let records = (epoch.next..epoch.next + n_records).map(|index| record(index, epoch.number));
        self.cluster.lock().arrive(number(p), records);
        epoch.next += n_records;
        partition.end = partition.end.max(epoch.next);
        self.rig.settle().await;
    }

    async fn use_kept(&mut self, which: usize, fate: Fate) {
        let Some((place, ack)) = self.handlers.kept(which) else { return };
        let owner = self.partitions[usize::try_from(place.partition).expect("small")].epoch.as_ref();
        let is_late = owner.is_none_or(|epoch| epoch.number != place.epoch);
        match self.by_the_clock(fate) {
            Fate::Nack(delay) => ack.nack(delay),
            Fate::Drop => drop(ack),
            _ => {
                self.handlers.note("end", place);
                drop(ack.ack());
            }
        }
        self.rig.settle().await;
        if is_late {
            let calls: Vec<_> = self.rig.calls().into_iter().filter(|call| !call.starts_with("end")).collect();
            assert!(calls.is_empty(), "an `Ack` of an assignment that is over makes the client do {calls:?}");
        }
    }

    fn committed(&self, p: usize) -> i64 {
        self.cluster.lock().committed.get(&number(p)).copied().unwrap_or_default()
    }

    /// Goes through what happened since the last time.
    fn check(&mut self) {
        for call in self.rig.calls() {
            let mut words = call.split(' ');
            let verb = words.next().expect("a call");
            for (p, at, epoch) in words.map(place) {
                self.check_place(&call, verb, p, at, epoch);
            }
            if verb == "commit" {
                assert!(!self.is_commit_under_way, "two commits are under way");
                self.is_commit_under_way = true;
            }
        }
        for p in 0..N_PARTITIONS {
            let (committed, partition) = (self.committed(p), &mut self.partitions[p]);
            if let Some(epoch) = &mut partition.epoch {
                epoch.before = None;
            }
            let mut behind = (0..index(committed)).map(offset);
            if self.delivery == Delivery::AtLeastOnce {
                let lost = behind.find(|at| !partition.settled.contains(at));
                assert_eq!(lost, None, "of {p}, {committed} is committed, past unfinished work");
            }
        }
        assert!(self.rig.is_alive());
    }

    fn check_place(&mut self, call: &str, verb: &str, p: usize, at: i64, number: u64) {
        let committed = self.committed(p);
        let partition = &mut self.partitions[p];
        if verb == "assign" {
            partition.n_answered += 1;
            partition.n_epochs += 1;
            let start = index(committed);
            partition.end = partition.end.max(start + 2);
            partition.epoch = Some(Epoch::new(partition.n_epochs, start, None));
            return;
        }
        if verb == "end" && partition.epoch.as_ref().is_none_or(|epoch| epoch.number != number) {
            return; // Too late: it counts for nothing.
        }
        let Some(epoch) = &mut partition.epoch else { panic!("{call}, of a partition that is not owned") };
        match verb {
            "unassign" => {
                partition.n_answered += 1;
                (partition.epoch, partition.stored, partition.sought) = (None, None, None);
            }
            "seek" => {
                let is_sought = partition.sought.take_if(|sought| *sought == at).is_some();
                if is_sought {
                    partition.settled.extend((0..index(at)).map(offset));
                } else {
                    assert_eq!(at, offset(epoch.front()), "{call}, not from the first unfinished record on");
                }
                partition.n_epochs += 1;
                partition.end = partition.end.max(index(at) + 2);
                *epoch = Epoch::new(partition.n_epochs, index(at), epoch.watermark());
            }
            "start" => {
                assert_eq!(epoch.number, number, "{call}: a handler begins under an assignment that is over");
                let lane = match self.ordering {
                    Ordering::Partition => Some(0),
                    Ordering::Key => Some(usize::from(at % 2 == 1)),
                    Ordering::None => None,
                };
                if let Some(lane) = lane {
                    let before = epoch.started[lane].replace(at);
                    assert!(before < Some(at), "{call}, behind {before:?}");
                }
                if self.delivery == Delivery::AtMostOnce {
                    let read_upto = offset(epoch.next - 1) + 1;
                    assert!((at + 1..=read_upto).contains(&committed), "{call}, and {committed} is committed");
                }
            }
            "end" => {
                epoch.finished.insert(at);
                partition.settled.insert(at);
            }
            "store" if self.delivery == Delivery::AtMostOnce => {
                assert!(at <= offset(epoch.next - 1) + 1, "{call}: it has not come");
                partition.stored = Some(at);
            }
            "store" => {
                let finished = [epoch.watermark(), epoch.before];
                assert!(finished.contains(&Some(at)), "{call}, and finished is {finished:?}");
                partition.stored = Some(at);
            }
            "commit" => assert_eq!(partition.stored, Some(at), "{call}"),
            "confirmed" => {}
            // Only those who wait for the commit are told more than that it is marked.
            "denied" if self.ack_mode != AckMode::ManualImmediate => {}
            _ => panic!("{call}"),
        }
    }

    /// Lets everything end well, and all records come of what is owned: then all of them are committed.
    pub(crate) async fn finish(&mut self) {
        self.happen(Event::Pass(Duration::from_secs(31))).await; // Revokes wait no longer.
        for partition in &mut self.partitions {
            partition.end += 2;
        }
        for _ in 0..40 {
            for p in 0..N_PARTITIONS {
                let partition = &self.partitions[p];
                let n_missing = partition.epoch.as_ref().map_or(0, |epoch| partition.end.saturating_sub(epoch.next));
                self.happen(Event::Arrive(p, n_missing)).await;
            }
            while self.handlers.n_running() > 0 {
                self.happen(Event::End(0, Fate::Done)).await;
                self.happen(Event::EndCommit(true)).await;
            }
            for _ in 0..100 {
                self.happen(Event::Use(0, Fate::Done)).await;
            }
            self.happen(Event::Pass(Duration::from_secs(1))).await;
            self.happen(Event::EndCommit(true)).await;
            if !self.is_commit_under_way && (0..N_PARTITIONS).all(|p| self.is_done(p)) {
                return;
            }
        }
        panic!("it does not come to rest: {:?}, committed {:?}", self.partitions, self.cluster.lock().committed);
    }

    fn is_done(&self, p: usize) -> bool {
        let partition = &self.partitions[p];
        match &partition.epoch {
            None => !partition.is_granted,
            Some(_) => partition.is_granted && self.committed(p) == offset(partition.end - 1) + 1,
        }
    }
}

fn number(p: usize) -> i32 {
    i32::try_from(p).expect("small")
}

fn record(index: usize, epoch: u64) -> RawRecord {
    let offset = offset(index);
    let key = Some(vec![b'0' + u8::from(offset % 2 == 1)]);
    let payload = Some(epoch.to_be_bytes().to_vec());
    // A new leader now and then.
    let leader_epoch = i32::try_from(index / 5).ok();
    OwnedRecord { offset, key, payload, leader_epoch, ..OwnedRecord::default() }.into()
}

/// `0`, `0@3` or `0@3#1`.
fn place(word: &str) -> (usize, i64, u64) {
    let (word, epoch) = word.split_once('#').unwrap_or((word, "0"));
    let (partition, offset) = word.split_once('@').unwrap_or((word, "0"));
    let parsed = (partition.parse(), offset.parse(), epoch.parse());
    (parsed.0.expect("a partition"), parsed.1.expect("an offset"), parsed.2.expect("an epoch"))
}
