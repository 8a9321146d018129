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
    to: Option<String>,
    most: u64,
    filter: Option<Filter>,
    is_dry: bool,
}

/// Which letters are meant.
type Filter = Arc<dyn Fn(&RawRecord) -> bool + Send + Sync>;

impl Replay {
    pub(crate) fn new(properties: Arc<KafkaProperties>, sink: Arc<dyn RecordSink>, topic: String) -> Self {
        let group = format!("{topic}-replay");
        Self {
            properties,
            sink,
            topic,
            group,
            max_replays: 3,
            from_beginning: false,
            to: None,
            most: u64::MAX,
            filter: None,
            is_dry: false,
        }
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

    /// Sends all letters to this topic, to whichever partition, and those too that do not say where they came from.
    pub fn to(self, topic: impl Into<String>) -> Self {
        Self { to: Some(topic.into()), ..self }
    }

    /// Stops before more than so many letters are sent; the next run goes on there.
    pub fn at_most(self, n_letters: u64) -> Self {
        Self { most: n_letters, ..self }
    }

    /// Sends only letters that this function takes. How far it has looked is then not remembered, as the others are still to
    /// be replayed: another run with the same filter sends the same letters again.
    pub fn filter(self, filter: impl Fn(&RawRecord) -> bool + Send + Sync + 'static) -> Self {
        Self { filter: Some(Arc::new(filter)), ..self }
    }

    /// Only looks: the report tells what would be sent and what would be left, and nothing is remembered.
    pub fn dry_run(self) -> Self {
        Self { is_dry: true, ..self }
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
        let mut report = ReplayReport {
            topic: self.topic.clone(),
            n_replayed: 0,
            replayed_to: BTreeMap::new(),
            n_left: 0,
            left: Vec::new(),
        };
        loop {
            let reading = Arc::clone(scan);
            let letters = blocking(move || reading.lock().next(BATCH, timeout)).await??;
            if letters.is_empty() || report.n_replayed >= self.most {
                return Ok(report);
            }
            let behind = self.replay_some(letters, &mut report).await?;
            if self.is_dry || self.filter.is_some() {
                continue;
            }
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
        let mut n_more = self.most - report.n_replayed;
        for (partition, letter) in letters {
            if n_more == 0 {
                break;
            }
            behind.insert(partition, letter.offset());
            if self.filter.as_ref().is_some_and(|takes| !takes(&letter)) {
                continue;
            }
            match judge(&letter, self.max_replays, self.to.as_deref()) {
                Verdict::Replay(record) => {
                    n_more -= 1;
                    let to = record.topic.as_deref().unwrap_or_default().to_owned();
                    let send = if self.is_dry { None } else { Some(self.send(record).await?) };
                    sends.push((to, send));
                }
                Verdict::Leave(why) => report.leave(partition, letter.offset(), why),
            }
        }
        for (to, send) in sends {
            if let Some(send) = send {
                send.await.map_err(|failed| not_sent(&self.topic, failed.into()))?;
            }
            report.n_replayed += 1;
            *report.replayed_to.entry(to).or_default() += 1;
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
            .field("is_dry", &self.is_dry)
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
    /// How many of them went to which topic.
    pub replayed_to: BTreeMap<String, u64>,
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
