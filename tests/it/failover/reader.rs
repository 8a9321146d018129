//! [`Reader`]: a plain client that reads a topic all the time, and holds each record against the high watermark.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use embedded_broker::TopicView;
use kafka_app_tests::{PATIENCE, Record, TestCluster};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use tokio::sync::watch;

use super::PARTITIONS;

/// Reads until it is told to end.
pub(super) struct Reader {
    seen: watch::Receiver<Vec<Record>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Reader {
    /// Reads all partitions from their start; a position that there is none of is an error to it.
    pub(super) fn start(cluster: &TestCluster, topic: &str) -> Result<Self> {
        let config = [
            ("group.id", "nobody"),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_uncommitted"),
            ("auto.offset.reset", "error"),
            ("reconnect.backoff.ms", "10"),
            ("reconnect.backoff.max.ms", "100"),
            ("topic.metadata.refresh.fast.interval.ms", "20"),
        ];
        let consumer: BaseConsumer = config
            .iter()
            .fold(&mut cluster.broker().config(), |all: &mut ClientConfig, (key, value)| all.set(*key, *value))
            .create()?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            assignment.add_partition_offset(topic, partition, Offset::Offset(0))?;
        }
        consumer.assign(&assignment)?;
        let (seeing, seen) = watch::channel(Vec::new());
        let (ended, view) = (Arc::new(AtomicBool::new(false)), cluster.as_embedded().map(|broker| broker.topic(topic)));
        let until = Arc::clone(&ended);
        let thread = std::thread::spawn(move || read(&consumer, view.as_ref(), &seeing, &until));
        Ok(Self { seen, ended, thread: Some(thread) })
    }

    /// Waits until it has read so many records, and returns what it has.
    pub(super) async fn has(mut self, n: usize) -> Result<Vec<Record>> {
        let enough = tokio::time::timeout(PATIENCE, self.seen.wait_for(|seen| seen.len() >= n)).await;
        let is_enough = matches!(enough, Ok(Ok(_)));
        drop(enough);
        let seen = self.seen.borrow().clone();
        self.ended.store(true, SeqCst);
        let thread = self.thread.take().context("it has one")?;
        thread.join().map_err(|_| anyhow!("the reader panicked"))??;
        ensure!(is_enough, "it read {} of {n} records", seen.len());
        Ok(seen)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.ended.store(true, SeqCst);
    }
}

fn read(
    consumer: &BaseConsumer,
    view: Option<&TopicView>,
    seeing: &watch::Sender<Vec<Record>>,
    ended: &AtomicBool,
) -> Result<()> {
    while !ended.load(SeqCst) {
        let message = match consumer.poll(Duration::from_millis(100)) {
            None => continue,
            Some(Err(error)) if is_about_nodes(&error) => continue,
            Some(message) => message?,
        };
        let (partition, offset) = (message.partition(), message.offset());
        if let Some(view) = view {
            // It never goes back, so what is beyond it now was beyond it when it was read.
            let high_watermark = view.high_watermarks()?[usize::try_from(partition)?];
            ensure!(offset < high_watermark, "{partition}-{offset} is not before {high_watermark}");
        }
        let payload = message.payload().map(<[u8]>::to_vec);
        let record = Record { partition: Some(partition), offset, payload, ..Record::default() };
        seeing.send_modify(|seen| seen.push(record));
    }
    Ok(())
}

/// Of what an application is told and need not do anything about: a node is gone.
fn is_about_nodes(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| {
        matches!(
            code,
            RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
        )
    })
}
