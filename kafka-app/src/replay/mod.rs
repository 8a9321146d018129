//! [`Replay`]: dead letters back to where they came from, through the same handlers, with a guard against going in circles.

mod letter;

use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::Mutex;

pub use letter::WhyLeft;

use crate::{
    client::{PendingSend, RecordSink, Scan, blocking},
    config::{self, KafkaProperties, ResolvedListener},
    error::{Error, ErrorKind, Result},
    record::{ProducerRecord, RawRecord, TopicPartition},
};
use letter::{Verdict, judge};

/// Letters that are on their way at a time.
const BATCH: usize = 500;
/// Of the letters that are left, at most so many are named.
const NAMED: usize = 1_000;

/// Sends the dead letters of a topic back to where they came from; [`RunningApp::replay`](crate::RunningApp::replay) makes
/// one.
///
/// ```no_run
/// # async fn example(app: kafka_app::RunningApp) -> kafka_app::Result<()> {
/// let report = app.replay("orders-dlt").max_replays(2).run().await?;
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is replayed before `run`"]
pub struct Replay {
    properties: Arc<KafkaProperties>,
    sink: Arc<dyn RecordSink>,
    topic: String,
    group: String,
    max_replays: u32,
    from_beginning: bool,
}

impl Replay {
    pub(crate) fn new(properties: Arc<KafkaProperties>, sink: Arc<dyn RecordSink>, topic: String) -> Self {
        let group = format!("{topic}-replay");
        Self { properties, sink, topic, group, max_replays: 3, from_beginning: false }
    }

    /// How often a record may be replayed over all runs; default 3. One that is among the dead letters again after that
    /// is left there and reported.
    pub fn max_replays(self, max_replays: u32) -> Self {
        Self { max_replays, ..self }
    }

    /// The group that remembers which letters were looked at; default `<topic>-replay`.
    pub fn group(self, group: impl Into<String>) -> Self {
        Self { group: group.into(), ..self }
    }

    /// Looks at every letter there is, also at those an earlier run has replayed or left.
    pub fn from_beginning(self) -> Self {
        Self { from_beginning: true, ..self }
    }

    /// Reads the topic from where the last run ended to where it ends now, and sends each letter back: to the topic and
    /// partition that its headers name, without the headers of its failure, with one that counts replays
    /// (`kafka_app-replays`). All groups that read that topic see it again. It is acknowledged before the letter counts as
    /// looked at, so a run that is broken off loses none, and the next one may send some again.
    ///
    /// # Errors
    /// The topic does not exist, no broker answered in time, or a letter could not be sent; what was sent until then counts.
    pub async fn run(self) -> Result<ReplayReport> {
        let timeout = self.properties.admin.operation_timeout;
        let reader = ResolvedListener::new("replay", self.topic.as_str(), self.group.as_str());
        let properties = config::replay_properties(&self.properties, &reader);
        let (topic, from_beginning) = (self.topic.clone(), self.from_beginning);
        let begun = blocking(move || Scan::begin(&properties, &topic, from_beginning, timeout));
        let scan = Arc::new(Mutex::new(begun.await??));
        let report = self.replay_all(&scan).await;
        // Closing a client takes a moment of its thread; it is closed whether or not anybody hears of it.
        let _closed = blocking(move || drop(scan)).await;
        report
    }

    async fn replay_all(&self, scan: &Arc<Mutex<Scan>>) -> Result<ReplayReport> {
        let timeout = self.properties.admin.operation_timeout;
        let mut report = ReplayReport { topic: self.topic.clone(), n_replayed: 0, n_left: 0, left: Vec::new() };
        loop {
            let reading = Arc::clone(scan);
            let letters = blocking(move || reading.lock().next(BATCH, timeout)).await??;
            if letters.is_empty() {
                return Ok(report);
            }
            let behind = self.replay_some(letters, &mut report).await?;
            let committing = Arc::clone(scan);
            blocking(move || committing.lock().commit(&behind)).await??;
        }
    }

    /// Returns the last offset of each partition.
    async fn replay_some(
        &self,
        letters: Vec<(i32, RawRecord)>,
        report: &mut ReplayReport,
    ) -> Result<BTreeMap<i32, i64>> {
        let mut behind = BTreeMap::new();
        let mut sends = Vec::with_capacity(letters.len());
        for (partition, letter) in letters {
            match judge(&letter, self.max_replays) {
                Verdict::Replay(record) => sends.push(self.send(record).await?),
                Verdict::Leave(why) => report.leave(partition, letter.offset(), why),
            }
            behind.insert(partition, letter.offset());
        }
        for send in sends {
            send.await.map_err(|failed| not_sent(&self.topic, failed.into()))?;
            report.n_replayed += 1;
        }
        Ok(behind)
    }

    async fn send(&self, mut record: ProducerRecord) -> Result<PendingSend> {
        if let (Some(topic), Some(partition)) = (&record.topic, record.partition) {
            let n_partitions = self.sink.n_partitions(topic).await.map_err(|error| not_sent(&self.topic, error))?;
            record.partition = Some(partition).filter(|partition| *partition < n_partitions);
        }
        self.sink.enqueue(record).await.map_err(|failed| not_sent(&self.topic, failed.into()))
    }
}

fn not_sent(topic: &str, error: Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("a dead letter of `{topic}` could not be sent back")).with_source(error)
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("topic", &self.topic)
            .field("group", &self.group)
            .field("max_replays", &self.max_replays)
            .finish_non_exhaustive()
    }
}

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayReport {
    /// The dead letter topic.
    pub topic: String,
    /// Letters that are back where they came from.
    pub n_replayed: u64,
    /// Letters that were left.
    pub n_left: u64,
    /// The first thousand of those, with their offsets, and why.
    pub left: Vec<(TopicPartition, i64, WhyLeft)>,
}

impl ReplayReport {
    fn leave(&mut self, partition: i32, offset: i64, why: WhyLeft) {
        tracing::warn!(topic = self.topic, partition, offset, "a dead letter is left: {why}");
        self.n_left += 1;
        if self.left.len() < NAMED {
            self.left.push((TopicPartition::new(self.topic.as_str(), partition), offset, why));
        }
    }
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} dead letters of `{}` replayed, {} left", self.n_replayed, self.topic, self.n_left)?;
        self.left.iter().try_for_each(|(at, offset, why)| write!(f, "; {at} at offset {offset}: {why}"))
    }
}
