//! A topic as a test looks at it: its records, its offsets, and waiting for more of them.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use crate::clock::{Timestamp, Waiter, Woken};
use crate::cluster::Cluster;
use crate::coordinator::TimerKey;
use crate::data_wait::{DataWait, Watch};
use crate::error::{Error, ErrorCode};
use crate::log::for_each_record;
use crate::partition::{Isolation, Partition, ReadFrom};
use crate::topic::Topic;

/// How long [`TopicView::await_records`] waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A topic of an embedded broker, by name. The topic need not exist yet.
#[derive(Clone)]
pub struct TopicView {
    pub(crate) cluster: Arc<Cluster>,
    name: String,
}

/// A record as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The partition it lies in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970; whose time it is the topic's `message.timestamp.type` says.
    pub timestamp: i64,
    /// The key, if it has one.
    pub key: Option<Bytes>,
    /// The value; `None` of a tombstone.
    pub value: Option<Bytes>,
    /// The headers in their order; a name may come more than once.
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl Record {
    /// The key as text, if it is there and UTF-8.
    #[must_use]
    pub fn key_str(&self) -> Option<&str> {
        std::str::from_utf8(self.key.as_ref()?).ok()
    }

    /// The value as text, if it is there and UTF-8.
    #[must_use]
    pub fn value_str(&self) -> Option<&str> {
        std::str::from_utf8(self.value.as_ref()?).ok()
    }

    /// The last value of a header, as Kafka's clients read it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().rev().find(|(known, _)| known == name)?.1.as_deref()
    }
}

impl TopicView {
    pub(crate) fn new(cluster: Arc<Cluster>, name: String) -> Self {
        Self { cluster, name }
    }

    /// Waits until the topic holds at least `n` records and returns all it holds then, by partition and offset.
    ///
    /// Await it in an async test, or call [`wait`](AwaitRecords::wait) in one that is not; it needs no runtime. It gives up
    /// after 10 s, or what [`within`](AwaitRecords::within) says, with an error that says how many records were there. The
    /// topic may be made while it waits.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let none = broker.topic("orders").await_records(0).wait()?;
    /// assert!(none.is_empty());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn await_records(&self, n: usize) -> AwaitRecords {
        AwaitRecords { topic: self.clone(), n, patience: PATIENCE }
    }

    /// All records the topic holds now, by partition and offset.
    ///
    /// # Errors
    ///
    /// If there is no such topic, or a compressed batch cannot be unpacked.
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        let topic = self.topic()?;
        let mut records = Vec::new();
        for (partition, index) in topic.partitions.iter().zip(0..) {
            read_partition(partition, index, &mut records)
                .map_err(|error| Error::io(format!("cannot read partition {index} of topic {}", self.name), error))?;
        }
        Ok(records)
    }

    /// The offset the next record of each partition will get.
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn end_offsets(&self) -> Result<Vec<i64>, Error> {
        let topic = self.topic()?;
        Ok(topic.partitions.iter().map(|partition| partition.offsets().high_watermark).collect())
    }

    /// The first offset of each partition that can still be read.
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn start_offsets(&self) -> Result<Vec<i64>, Error> {
        let topic = self.topic()?;
        Ok(topic.partitions.iter().map(|partition| partition.offsets().log_start).collect())
    }

    /// Lets what transactions have decided come true: see [`Transactions::settle`](crate::transactions::Transactions::settle).
    pub(crate) fn settle_transactions(&self) {
        self.cluster.transactions.settle(&self.cluster);
    }

    pub(crate) fn topic(&self) -> Result<Arc<Topic>, Error> {
        self.cluster.topics().by_name(&self.name).cloned().ok_or_else(|| {
            let message = format!("there is no topic {}", self.name);
            Error::with_code(ErrorCode::UnknownTopicOrPartition, message)
        })
    }
}

impl fmt::Debug for TopicView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicView").field(&self.name).finish()
    }
}

fn read_partition(partition: &Partition, index: i32, records: &mut Vec<Record>) -> std::io::Result<()> {
    let offset = partition.offsets().log_start;
    let mut pieces = Vec::new();
    let everything = ReadFrom::everything(offset, Isolation::ReadUncommitted);
    if partition.read(everything, &mut pieces).is_err() {
        // Deleted in this moment.
        return Ok(());
    }
    for piece in pieces {
        let mut malformed = false;
        for_each_record(&piece, |at| {
            let headers = at.record.headers();
            malformed |= headers.is_none();
            if at.offset >= offset {
                records.push(Record {
                    partition: index,
                    offset: at.offset,
                    timestamp: at.timestamp,
                    key: at.record.key.map(Bytes::copy_from_slice),
                    value: at.record.value.map(Bytes::copy_from_slice),
                    headers: headers.unwrap_or_default().into_iter().map(owned).collect(),
                });
            }
            true
        })?;
        if malformed {
            return Err(std::io::Error::other("the headers of a record are malformed"));
        }
    }
    Ok(())
}

fn owned((name, value): (&str, Option<&[u8]>)) -> (String, Option<Bytes>) {
    (name.to_owned(), value.map(Bytes::copy_from_slice))
}

/// Records that are waited for: await it, or call [`wait`](Self::wait).
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for until it is awaited or `wait` is called"]
pub struct AwaitRecords {
    topic: TopicView,
    n: usize,
    patience: Duration,
}

impl AwaitRecords {
    /// Gives up after `patience` of the broker's clock instead of 10 s.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Blocks this thread until the records are there.
    ///
    /// # Errors
    ///
    /// If they are not there in time, or the broker stops.
    pub fn wait(self) -> Result<Vec<Record>, Error> {
        let mut waiting = Waiting::new(self);
        loop {
            if let Some(done) = waiting.look() {
                return done;
            }
            let clock = &waiting.asked.topic.cluster.clock;
            if waiting.waiter.wait(clock, Some(waiting.deadline)) == Woken::Deadline {
                return waiting.look().unwrap_or_else(|| Err(waiting.too_late()));
            }
        }
    }
}

impl IntoFuture for AwaitRecords {
    type Output = Result<Vec<Record>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(Waiting::new(self))
    }
}

/// A wait that has begun. The broker's threads wake it; no runtime's timers are needed.
struct Waiting {
    asked: AwaitRecords,
    deadline: Timestamp,
    number: u64,
    waiter: Arc<Waiter>,
    watch: Option<Watch>,
    timer_is_set: bool,
}

impl Waiting {
    fn new(asked: AwaitRecords) -> Self {
        let cluster = &asked.topic.cluster;
        let deadline = cluster.clock.now() + asked.patience;
        let (number, waiter) = cluster.register_waiter();
        cluster.watch_topics(number, &waiter);
        Self { asked, deadline, number, waiter, watch: None, timer_is_set: false }
    }

    /// The result, if there is one; else makes sure that the waiter is woken when there may be.
    fn look(&mut self) -> Option<Result<Vec<Record>, Error>> {
        if self.asked.topic.cluster.is_stopping() {
            let (name, n) = (&self.asked.topic.name, self.asked.n);
            return Some(Err(Error::new(format!("the broker stopped before topic {name} had {n} records"))));
        }
        self.watch = None;
        let Ok(topic) = self.asked.topic.topic() else {
            return (self.asked.n == 0).then(|| Ok(Vec::new()));
        };
        let ends: Vec<_> = topic.partitions.iter().map(|one| (Arc::clone(one), one.offsets())).collect();
        let there: i64 = ends.iter().map(|(_, offsets)| offsets.high_watermark - offsets.log_start).sum();
        if usize::try_from(there).unwrap_or(0) >= self.asked.n {
            match self.asked.topic.records() {
                Ok(records) if records.len() < self.asked.n => {}
                done => return Some(done),
            }
        }
        let wait = DataWait::new(Arc::clone(&self.waiter), 1, Isolation::ReadUncommitted);
        let seen = ends.into_iter().map(|(partition, offsets)| (partition, offsets.high_watermark));
        self.watch = Some(Watch::start(wait, seen));
        None
    }

    fn too_late(&self) -> Error {
        let AwaitRecords { topic, n, patience } = &self.asked;
        let there = match topic.records() {
            Ok(records) => format!("{} are there", records.len()),
            Err(error) => error.to_string(),
        };
        let message = format!("topic {} did not have {n} records within {patience:?}: {there}", topic.name);
        Error::with_code(ErrorCode::RequestTimedOut, message)
    }
}

impl Future for Waiting {
    type Output = Result<Vec<Record>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(done) = self.look() {
                return Poll::Ready(done);
            }
            if self.asked.topic.cluster.clock.now() >= self.deadline {
                return Poll::Ready(Err(self.too_late()));
            }
            if !self.timer_is_set {
                self.timer_is_set = true;
                self.asked.topic.cluster.timers.schedule(TimerKey::Await(self.number), self.deadline);
            }
            if !self.waiter.poll_wake(cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let cluster = &self.asked.topic.cluster;
        cluster.timers.cancel(&TimerKey::Await(self.number));
        cluster.unwatch_topics(self.number);
        cluster.unregister_waiter(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;
    use crate::EmbeddedBroker;
    use crate::log::tests::{TestBatch, valid};

    fn append(broker: &EmbeddedBroker, topic: &str, values: &[&str]) {
        let bytes = TestBatch::of(values).bytes();
        let topic = broker.cluster.topics().by_name(topic).cloned().unwrap();
        topic.partitions[0].append(&valid(&bytes)).unwrap();
    }

    /// The smallest runtime there is: one thread that sleeps until it is woken.
    fn block_on<F: Future>(future: F) -> F::Output {
        struct Unpark(std::thread::Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(std::thread::current())).into();
        let mut future = std::pin::pin!(future);
        loop {
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return done;
            }
            std::thread::park();
        }
    }

    #[test]
    fn records_that_come_later_are_waited_for() {
        let broker = EmbeddedBroker::builder().topic("t", 2).start().unwrap();
        append(&broker, "t", &["a"]);
        std::thread::scope(|scope| {
            let blocked = scope.spawn(|| broker.topic("t").await_records(3).wait().unwrap());
            let awaited = scope.spawn(|| block_on(broker.topic("t").await_records(3).into_future()).unwrap());
            append(&broker, "t", &["b"]);
            append(&broker, "t", &["c"]);
            for records in [blocked.join().unwrap(), awaited.join().unwrap()] {
                let values: Vec<_> = records.iter().map(|record| record.value_str().unwrap()).collect();
                assert_eq!(values, ["a", "b", "c"]);
            }
        });
        assert_eq!(broker.topic("t").end_offsets().unwrap(), [3, 0]);
    }

    #[test]
    fn a_topic_may_be_made_while_it_is_waited_for() {
        let broker = EmbeddedBroker::builder().start().unwrap();
        assert!(broker.topic("later").end_offsets().is_err());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| block_on(broker.topic("later").await_records(1).into_future()).unwrap());
            broker.create_topic("later", 1).unwrap();
            append(&broker, "later", &["a"]);
            assert_eq!(waiting.join().unwrap().len(), 1);
        });
    }

    #[test]
    fn giving_up_says_what_is_there() {
        // The records are of 1970, and time goes on for as long as it takes.
        let (builder, hand) = EmbeddedBroker::builder().config("log.retention.ms", -1).topic("t", 1).manual_clock();
        let broker = builder.start().unwrap();
        append(&broker, "t", &["a"]);
        let expected = "topic t did not have 2 records within 10s: 1 are there";
        let mut blocked = None;
        let mut awaited = None;
        std::thread::scope(|scope| {
            let one = scope.spawn(|| broker.topic("t").await_records(2).wait().unwrap_err().to_string());
            let two =
                scope.spawn(|| block_on(broker.topic("t").await_records(2).into_future()).unwrap_err().to_string());
            // However late the threads come to their wait, they see that time goes on.
            while !(one.is_finished() && two.is_finished()) {
                hand.advance(Duration::from_secs(5));
                std::thread::yield_now();
            }
            blocked = one.join().ok();
            awaited = two.join().ok();
        });
        assert_eq!((blocked.as_deref(), awaited.as_deref()), (Some(expected), Some(expected)));
    }

    #[test]
    fn a_broker_that_stops_ends_the_wait() {
        let broker = EmbeddedBroker::builder().topic("t", 1).start().unwrap();
        let topic = broker.topic("t");
        let waiting = std::thread::spawn(move || topic.await_records(1).wait().unwrap_err().to_string());
        broker.stop();
        assert_eq!(waiting.join().unwrap(), "the broker stopped before topic t had 1 records");
    }
}
