//! The reader of the topic of replies: a container as a listener's, whose records go to the inbox.
//!
//! It joins no group. Its positions are where the topic ends before the first request is sent, so that no reply is missed,
//! none of before is read, and nothing is waited for; after a fault it goes on where it was.

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
use tokio::{runtime::Handle, sync::OnceCell};

use crate::{
    client::{self, Brokers, Inquirer, Inquiry, RecordSink},
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
    container: OnceCell<Arc<Container>>,
    /// It reads no more. Held while it is started, so that none starts after the stop, which would see nothing of it.
    has_stopped: Mutex<bool>,
    /// The container was ready once: since then its positions are kept, also while it is made anew.
    was_ready: AtomicBool,
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
            container: OnceCell::new(),
            has_stopped: Mutex::new(false),
            was_ready: AtomicBool::new(false),
        })
    }

    /// Finds out where the topic ends. Nothing runs yet, so whoever asks may give up.
    async fn open(&self, timeout: Duration) -> Result<Arc<Container>> {
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
        Ok(self.container_at(ends.and_then(|ends| ends).map_err(cannot)?, inquirer))
    }

    /// Of these positions.
    fn container_at(&self, positions: Vec<(TopicPartition, i64)>, inquirer: Arc<Inquirer>) -> Arc<Container> {
        let positions: Positions = Arc::new(Mutex::new(positions.into_iter().collect()));
        let properties = Properties::from(config::reply_properties(&self.properties, &self.listener));
        let runner = Runner { inbox: Arc::clone(&self.inbox), positions: Arc::clone(&positions) };
        let connect = move |_: u32, brokers: &Brokers, signal| {
            let positions = positions.lock().iter().map(|(at, offset)| (at.clone(), *offset)).collect();
            client::read_from(&properties, positions, brokers, signal)
        };
        let (metrics, events) = (Arc::default(), EventBus::default().sink(&self.listener.id));
        Container::new(ContainerSpec {
            listener: Arc::clone(&self.listener),
            takes_batches: false,
            runner: Arc::new(runner),
            guards: Guards::new(&self.listener, &metrics, &events),
            metrics,
            events,
            connect: Arc::new(connect),
            inquiry: inquirer,
            open_producer: None,
            stages: Vec::new(),
            hangs_after: HANGS_AFTER,
        })
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

    fn start(&self, container: &Arc<Container>) -> Result<()> {
        let has_stopped = self.has_stopped.lock();
        if *has_stopped {
            let text = format!("the topic of replies `{}` is not read any more: the application stops", self.topic);
            return Err(Error::new(ErrorKind::Stopped, text));
        }
        let _on_its_runtime = self.runtime.enter();
        container.start()
    }

    async fn make_ready(&self, timeout: Duration) -> Result<()> {
        let started = Instant::now();
        let container = self.container.get_or_try_init(|| self.open(timeout)).await?;
        self.start(container)?;
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
            && self.container.get().is_some_and(|container| matches!(container.state(), ListenerState::Running))
        {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.make_ready(timeout))
    }

    fn stop(&self, timeout: Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async move {
            *self.has_stopped.lock() = true;
            match self.container.get() {
                Some(container) => container.stop(timeout).await.into_result(container.id()),
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
        let container = reader.container.get_or_init(async || reader.container_at(Vec::new(), inquirer)).await;
        let error = reader.ready(TIMEOUT).await.expect_err("it has stopped");
        assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
        assert!(matches!(container.state(), ListenerState::Stopped), "{container:?}");
    }
}
