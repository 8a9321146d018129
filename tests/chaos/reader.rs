//! The independent reader: a plain consumer without a group that reads what is committed in a topic, from its start.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use tokio::sync::watch;

use crate::{
    numbers::Number,
    verdict::{Place, Seen},
};

/// How long it waits for one more record when it is to end.
const SILENCE: Duration = Duration::from_secs(3);
/// The same where it has not been told that this is the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads on a thread of its own.
pub(crate) struct Reader {
    thread: JoinHandle<Result<Seen>>,
    is_ending: Arc<AtomicBool>,
    /// How many different records came so far.
    pub(crate) n_seen: watch::Receiver<usize>,
}

impl Reader {
    pub(crate) fn start(servers: &str, topic: &str, n_partitions: i32) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", servers)
            .set("group.id", format!("{topic}-reader"))
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .create()?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..n_partitions {
            assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&assignment)?;
        let (seen, n_seen) = watch::channel(0);
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&is_ending);
        let thread = std::thread::spawn(move || read(&consumer, n_partitions, &ending, &seen));
        Ok(Self { thread, is_ending, n_seen })
    }

    /// Reads what is there still, and says what came.
    pub(crate) async fn finish(self) -> Result<Seen> {
        self.is_ending.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("the reader panicked")).and_then(|seen| seen).context("the reader")
    }
}

fn read(
    consumer: &BaseConsumer,
    n_partitions: i32,
    is_ending: &AtomicBool,
    seen: &watch::Sender<usize>,
) -> Result<Seen> {
    let (mut topic, mut at_end, mut last) = (Seen::default(), BTreeSet::new(), Instant::now());
    loop {
        let is_ending = is_ending.load(Ordering::Relaxed);
        match consumer.poll(if is_ending { SILENCE } else { Duration::from_millis(100) }) {
            Some(Ok(message)) => {
                let payload = message.payload_view::<str>().transpose()?.unwrap_or_default();
                let place = Place { partition: message.partition(), offset: message.offset() };
                topic.note(payload.parse::<Number>()?, place);
                at_end.remove(&place.partition);
                last = Instant::now();
                seen.send_if_modified(|n| std::mem::replace(n, topic.len()) != topic.len());
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                at_end.insert(partition);
            }
            // The broker is away; the client tries again by itself.
            Some(Err(KafkaError::MessageConsumption(_) | KafkaError::Global(_))) => {}
            Some(Err(error)) => return Err(error.into()),
            None if is_ending && at_end.len() == usize::try_from(n_partitions)? => return Ok(topic),
            None if is_ending && last.elapsed() > PATIENCE => return Ok(topic),
            None => {}
        }
    }
}
