//! Waiting for records of a topic.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::awaiting::{Awaited, Waiting};
use super::record::Record;
use super::topic::TopicView;
use crate::clock::Waiter;
use crate::cluster::Cluster;
use crate::data_wait::{DataWait, Watch};
use crate::error::{Error, ErrorCode};
use crate::partition::Isolation;

/// How long [`TopicView::await_records`] waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// Records that are waited for: await it, or call [`wait`](Self::wait).
#[derive(Debug, Clone)]
#[must_use = "nothing is waited for until it is awaited or `wait` is called"]
pub struct AwaitRecords {
    topic: TopicView,
    n: usize,
    patience: Duration,
}

impl AwaitRecords {
    pub(super) fn new(topic: &TopicView, n: usize) -> Self {
        Self { topic: topic.clone(), n, patience: PATIENCE }
    }

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
        let patience = self.patience;
        Waiting::begin(self, patience).wait()
    }
}

impl IntoFuture for AwaitRecords {
    type Output = Result<Vec<Record>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let patience = self.patience;
        Box::pin(Waiting::begin(self, patience))
    }
}

impl Awaited for AwaitRecords {
    type Output = Vec<Record>;
    type Watch = Option<Watch>;

    fn cluster(&self) -> &Arc<Cluster> {
        &self.topic.cluster
    }

    /// The topic may be made, or deleted, while it is waited for.
    fn watch(&self, number: u64, waiter: &Arc<Waiter>) {
        self.cluster().watch_topics(number, waiter);
    }

    fn unwatch(&self, number: u64) {
        self.cluster().unwatch_topics(number);
    }

    /// Wakes with the next record of any partition.
    fn watch_next(&self, waiter: &Arc<Waiter>) -> Self::Watch {
        let topic = self.topic.topic().ok()?;
        let wait = DataWait::new(Arc::clone(waiter), 1, Isolation::ReadUncommitted);
        let ends = topic.partitions.iter().map(|one| (Arc::clone(one), one.offsets().high_watermark));
        Some(Watch::start(wait, ends))
    }

    fn look(&self) -> Option<Result<Vec<Record>, Error>> {
        let Self { topic, n, .. } = self;
        if self.cluster().is_stopping() {
            let message = format!("the broker stopped before topic {} had {n} records", topic.name());
            return Some(Err(Error::new(message)));
        }
        let Ok(found) = topic.topic() else { return (*n == 0).then(|| Ok(Vec::new())) };
        let offsets = found.partitions.iter().map(|one| one.offsets());
        let there: i64 = offsets.map(|offsets| offsets.high_watermark - offsets.log_start).sum();
        if usize::try_from(there).unwrap_or(0) < *n {
            return None;
        }
        Some(topic.records()).filter(|records| records.as_ref().map_or(true, |records| records.len() >= *n))
    }

    fn too_late(&self) -> Error {
        let Self { topic, n, patience } = self;
        let there = match topic.records() {
            Ok(records) => format!("{} are there", records.len()),
            Err(error) => error.to_string(),
        };
        let message = format!("topic {} did not have {n} records within {patience:?}: {there}", topic.name());
        Error::with_code(ErrorCode::RequestTimedOut, message)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Wake};

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
        // The records are of 1970.
        let (builder, hand) = EmbeddedBroker::builder().config("log.retention.ms", -1).topic("t", 1).manual_clock();
        let broker = builder.start().unwrap();
        append(&broker, "t", &["a"]);
        let expected = "topic t did not have 2 records within 10s: 1 are there";
        let mut blocked = None;
        let mut awaited = None;
        std::thread::scope(|scope| {
            // Both waits have begun before the time goes on, however late the threads come to them.
            let begin = || Waiting::begin(broker.topic("t").await_records(2), PATIENCE);
            let (waiting, future) = (begin(), begin());
            let one = scope.spawn(|| waiting.wait().unwrap_err().to_string());
            let two = scope.spawn(|| block_on(future).unwrap_err().to_string());
            hand.advance(PATIENCE);
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
