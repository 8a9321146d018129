//! The reader of the topic of replies: a container as a listener's, whose records go to the inbox.
//!
//! It joins no group. Its positions are where the topic ends before the first request is sent, so that no reply is missed,
//! none of before is read, and nothing is waited for; after a fault it goes on where it was. Partitions that the topic gets
//! later nobody tells it of: it looks for them when a request had no answer in time, since they may have it.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, OnceCell},
};

use crate::{
    client::{self, Brokers, Inquirer, Inquiry, RecordSink, begins_at},
    config::{self, KafkaProperties, Properties, ResolvedListener},
    error::{Error, ErrorKind, Result},
    listener::{
        Chunk, ChunkRunner, Container, ContainerSpec, EventBus, Guards, HANGS_AFTER, ListenerState, Progress, later,
    },
    offset_spec::OffsetSpec,
    producer::{CorrelationId, Inbox, ReplyReader, Requests},
    record::TopicPartition,
};

/// How an application asks, if it has a topic for replies. Called on the runtime that is to read them.
pub(super) fn requests(properties: &Arc<KafkaProperties>, sink: Arc<dyn RecordSink>) -> Option<Arc<Requests>> {
    let inbox = Arc::<Inbox>::default();
    let reader = Reader::new(properties, Arc::clone(&sink), Arc::clone(&inbox))?;
    let (topic, partition) = (Arc::clone(&reader.topic), reader.partition);
    Some(Arc::new(Requests::new(sink, &topic, partition, Box::new(reader), inbox)))
}

/// Where the reader goes on, by partition.
type Positions = Arc<Mutex<BTreeMap<TopicPartition, i64>>>;

struct Reader {
    properties: Arc<KafkaProperties>,
    listener: Arc<ResolvedListener>,
    topic: Arc<str>,
    partition: Option<i32>,
    sink: Arc<dyn RecordSink>,
    inbox: Arc<Inbox>,
    runtime: Handle,
    opened: OnceCell<Arc<Opened>>,
    /// It reads no more. Held while what reads is started, or made anew, so that none starts after the stop, which would see
    /// nothing of it.
    is_over: Arc<AsyncMutex<bool>>,
    /// The container was ready once: since then its positions are kept, also while it is made anew.
    was_ready: AtomicBool,
}

/// What reads, and where.
struct Opened {
    container: Arc<Container>,
    positions: Positions,
    inquiry: Arc<dyn Inquiry>,
    /// When it was looked for new partitions.
    looked_at: Mutex<Option<Instant>>,
    /// The reader's.
    is_over: Arc<AsyncMutex<bool>>,
}

/// Requests without an answer have it looked for new partitions this often at most.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Opened {
    /// Looks for partitions that the topic has got, and takes them from their beginnings.
    async fn look_for_new_partitions(self: Arc<Self>, topic: Arc<str>) {
        if !self.is_to_look_now(Instant::now()) {
            return;
        }
        let (inquiry, topics) = (Arc::clone(&self.inquiry), [topic.to_string()]);
        let all = client::blocking(move || inquiry.partitions(&topics)).await.and_then(|asked| asked);
        let taken = match all {
            Ok(all) => self.take(all).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(0) => {}
            Ok(n_new) => tracing::warn!(
                topic = &*topic,
                n_new,
                "the topic of replies has got more partitions: what came there was missed, and is read from now on"
            ),
            Err(error) => {
                tracing::warn!(topic = &*topic, %error, "it is not known whether the topic of replies has got more partitions");
            }
        }
    }

    fn is_to_look_now(&self, now: Instant) -> bool {
        let mut looked_at = self.looked_at.lock();
        let is_due = looked_at.is_none_or(|at| now.duration_since(at) >= LOOK_AGAIN);
        if is_due {
            *looked_at = Some(now);
        }
        is_due
    }

    /// Reads those that are new, too. How many that are.
    async fn take(&self, all: Vec<TopicPartition>) -> Result<usize> {
        let is_over = self.is_over.lock().await;
        let is_new = |at: &TopicPartition| !self.positions.lock().contains_key(at);
        let new: Vec<_> = all.into_iter().filter(is_new).collect();
        let Some(beginning) = begins_at(OffsetSpec::Earliest).filter(|_| !new.is_empty() && !*is_over) else {
            return Ok(0);
        };
        // Its positions are kept.
        let _report = self.container.stop(self.container.listener().shutdown_timeout).await;
        let n_new = new.len();
        self.positions.lock().extend(new.into_iter().map(|at| (at, beginning)));
        self.container.start().map(|()| n_new)
    }
}

impl Reader {
    fn new(properties: &Arc<KafkaProperties>, sink: Arc<dyn RecordSink>, inbox: Arc<Inbox>) -> Option<Self> {
        let partition = properties.template.reply_partition;
        Some(Self {
            listener: Arc::new(properties.reply_reader(&CorrelationId::random().to_string())?),
            topic: properties.template.reply_topic.as_deref()?.into(),
            partition: partition.map(|partition| i32::try_from(partition).unwrap_or(i32::MAX)),
            properties: Arc::clone(properties),
            sink,
            inbox,
            runtime: Handle::current(),
            opened: OnceCell::new(),
            is_over: Arc::default(),
            was_ready: AtomicBool::new(false),
        })
    }

    /// Finds out where the topic ends. Nothing runs yet, so whoever asks may give up.
    async fn open(&self, timeout: Duration) -> Result<Arc<Opened>> {
        let deadline = later(Instant::now(), timeout);
        let cannot = |error: Error| {
            let text = format!("the topic of replies `{}` cannot be read", self.topic);
            Error::new(error.kind(), text).with_source(error)
        };
        let partitions = tokio::time::timeout(timeout, self.partitions()).await;
        let late = |_| Error::new(ErrorKind::Unavailable, format!("no broker answered within {timeout:?}"));
        let partitions = partitions.map_err(late).and_then(|asked| asked).map_err(cannot)?;
        let properties = config::reply_properties(&self.properties, &self.listener);
        let inquirer = Inquirer::new(properties, deadline.saturating_duration_since(Instant::now()));
        let asking = Arc::clone(&inquirer);
        let ends = partitions.into_iter().map(|at| (at, OffsetSpec::Latest)).collect::<Vec<_>>();
        let ends = client::blocking(move || asking.offsets(&ends)).await;
        Ok(self.opened_at(ends.and_then(|ends| ends).map_err(cannot)?, inquirer))
    }

    /// Of these positions.
    fn opened_at(&self, positions: Vec<(TopicPartition, i64)>, inquirer: Arc<Inquirer>) -> Arc<Opened> {
        let positions: Positions = Arc::new(Mutex::new(positions.into_iter().collect()));
        let properties = Properties::from(config::reply_properties(&self.properties, &self.listener));
        let runner = Runner { inbox: Arc::clone(&self.inbox), positions: Arc::clone(&positions) };
        let read_from = Arc::clone(&positions);
        let connect = move |_: u32, brokers: &Brokers, signal| {
            let positions = read_from.lock().iter().map(|(at, offset)| (at.clone(), *offset)).collect();
            client::read_from(&properties, positions, brokers, signal)
        };
        let (metrics, events) = (Arc::default(), EventBus::default().sink(&self.listener.id));
        let inquiry: Arc<dyn Inquiry> = inquirer;
        let container = Container::new(ContainerSpec {
            listener: Arc::clone(&self.listener),
            takes_batches: false,
            runner: Arc::new(runner),
            guards: Guards::new(&self.listener, &metrics, &events),
            metrics,
            events,
            connect: Arc::new(connect),
            inquiry: Arc::clone(&inquiry),
            open_producer: None,
            stages: Vec::new(),
            hangs_after: HANGS_AFTER,
        });
        let is_over = Arc::clone(&self.is_over);
        Arc::new(Opened { container, positions, inquiry, looked_at: Mutex::default(), is_over })
    }

    /// The one that is configured, or all there are.
    async fn partitions(&self) -> Result<Vec<TopicPartition>> {
        let n_partitions = self.sink.n_partitions(&self.topic).await?;
        let numbers = match self.partition {
            Some(partition) if partition >= n_partitions => {
                let text =
                    format!("it has {n_partitions} partitions, and no {partition} (`kafka.template.reply-partition`)");
                return Err(Error::new(ErrorKind::Config, text));
            }
            Some(partition) => partition..partition.saturating_add(1),
            None => 0..n_partitions,
        };
        Ok(numbers.map(|number| TopicPartition::new(Arc::clone(&self.topic), number)).collect())
    }

    async fn start(&self, container: &Arc<Container>) -> Result<()> {
        let is_over = self.is_over.lock().await;
        if *is_over {
            let text = format!("the topic of replies `{}` is not read any more: the application stops", self.topic);
            return Err(Error::new(ErrorKind::Stopped, text));
        }
        let _on_its_runtime = self.runtime.enter();
        container.start()
    }

    async fn make_ready(&self, timeout: Duration) -> Result<()> {
        let started = Instant::now();
        let opened = self.opened.get_or_try_init(|| self.open(timeout)).await?;
        let container = &opened.container;
        self.start(container).await?;
        if !self.was_ready.load(Ordering::Acquire) {
            container.ready(timeout.saturating_sub(started.elapsed())).await?;
            self.was_ready.store(true, Ordering::Release);
        }
        Ok(())
    }
}

impl ReplyReader for Reader {
    fn ready(&self, timeout: Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        if self.was_ready.load(Ordering::Acquire)
            && self.opened.get().is_some_and(|opened| matches!(opened.container.state(), ListenerState::Running))
        {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.make_ready(timeout))
    }

    fn timed_out(&self) {
        if let Some(opened) = self.opened.get().filter(|_| self.partition.is_none()) {
            self.runtime.spawn(Arc::clone(opened).look_for_new_partitions(Arc::clone(&self.topic)));
        }
    }

    fn stop(&self, timeout: Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async move {
            *self.is_over.lock().await = true;
            match self.opened.get() {
                Some(opened) => opened.container.stop(timeout).await.into_result(opened.container.id()),
                None => Ok(()),
            }
        })
    }
}

/// Puts a chunk of replies into the inbox.
struct Runner {
    inbox: Arc<Inbox>,
    positions: Positions,
}

impl ChunkRunner for Runner {
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
        Box::pin(async move {
            for delivered in chunk.records {
                self.inbox.take(chunk.topic, chunk.partition, &delivered.record);
                progress.done(delivered.seq);
            }
            if let Some(last) = chunk.records.last() {
                let at = TopicPartition::new(Arc::clone(chunk.topic), chunk.partition);
                self.positions.lock().insert(at, last.record.offset() + 1);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::FakeSink;

    const TIMEOUT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_stop_while_it_is_being_opened_leaves_nothing_running() {
        let mut properties = KafkaProperties::default();
        properties.template.reply_topic = Some("replies".to_owned());
        let reader = Reader::new(&Arc::new(properties), FakeSink::new([]), Arc::default()).expect("it has a topic");
        reader.stop(TIMEOUT).await.expect("there is nothing to stop");
        // The broker answers late.
        let inquirer = Inquirer::new(config::reply_properties(&reader.properties, &reader.listener), TIMEOUT);
        let Opened { container, .. } =
            &**reader.opened.get_or_init(async || reader.opened_at(Vec::new(), inquirer)).await;
        let error = reader.ready(TIMEOUT).await.expect_err("it has stopped");
        assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
        assert!(matches!(container.state(), ListenerState::Stopped), "{container:?}");
    }
}
