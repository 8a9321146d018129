//! [`KafkaConsumer`]: a consumer without a listener, for tools that read records by themselves.

mod builder;
mod wake;

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

pub use builder::KafkaConsumerBuilder;
use wake::{Ready, Wake};

use crate::{
    client::{ConsumerClient, ConsumerEvent, Fault, FaultKind, RecordQueue, StoredOffset},
    config::KafkaProperties,
    error::{Error, ErrorKind, Result},
    record::{RawRecord, TopicPartition},
};

/// Without a wake the client is looked at after this long, should a signal ever be missed.
const FALLBACK: Duration = Duration::from_secs(1);
/// While the group is left the client is asked this often: its last step makes no event.
const CLOSE_LOOK: Duration = Duration::from_millis(2);
/// So long it is waited at the end for where partitions begin that nothing was read of.
const BEGINNINGS: Duration = Duration::from_secs(1);

/// Reads records one by one or by the chunk, commits what it is told to, and is polled by its owner: Kafka's own consumer,
/// under a listener's client. Applications want a [`Listener`](crate::Listener), which retries, keeps order and never loses
/// a record; this one is for programs that are tools: they print, count or copy, and stop after as many as they like.
///
/// Nothing is read while nobody asks for [`KafkaConsumer::next`], beyond what the client fetches ahead. A rebalance is
/// answered there too: whoever asks for nothing for `max.poll.interval.ms` loses its partitions.
///
/// ```no_run
/// # async fn example() -> kafka_app::Result<()> {
/// use kafka_app::{KafkaConsumer, Polled, config::KafkaProperties};
///
/// let properties = KafkaProperties::new("localhost:9092");
/// let mut consumer = KafkaConsumer::builder(&properties).topics(["orders"]).group("tool").open().await?;
/// let mut n_records = 0;
/// while n_records < 1000 {
///     match consumer.next().await {
///         Polled::Records { partition, records, .. } => {
///             n_records += records.len();
///             let last = records.last().map_or(-1, |record| record.offset());
///             consumer.store(&partition, last + 1, None);
///         }
///         Polled::Failed(error) => return Err(error),
///         _ => {}
///     }
/// }
/// consumer.close(std::time::Duration::from_secs(10)).await
/// # }
/// ```
pub struct KafkaConsumer {
    /// Queues are declared, and so dropped, before the client they belong to.
    queues: Vec<Queue>,
    client: Box<dyn ConsumerClient>,
    wake: Arc<Wake>,
    told: VecDeque<Polled>,
    max_records: usize,
    /// Its owner wants to know where partitions end.
    tells_ends: bool,
    /// Whose turn it is, so that no partition starves the others.
    turn: usize,
    commits_by_itself: bool,
    /// Positions were marked since the last commit that was asked for.
    has_stored: bool,
    n_commits: u64,
    committed: Option<(u64, Result<()>)>,
}

struct Queue {
    partition: TopicPartition,
    records: Box<dyn RecordQueue>,
    ready: Arc<Ready>,
    /// The position that was marked last; none as long as it is not known where reading begins.
    stored: Option<i64>,
}

/// What [`KafkaConsumer::next`] found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Polled {
    /// The next records of a partition, in their order; at least one.
    #[non_exhaustive]
    Records {
        /// Where they are.
        partition: TopicPartition,
        /// The records.
        records: Vec<RawRecord>,
    },
    /// There are no more records of a partition for now; only if [asked for](KafkaConsumerBuilder::tell_ends).
    #[non_exhaustive]
    End {
        /// The partition that is read up to there.
        partition: TopicPartition,
        /// The offset that is read next.
        offset: i64,
    },
    /// The group has given these partitions, which may be none.
    Assigned(Vec<TopicPartition>),
    /// The group has taken these partitions back; `lost`: they were others' before.
    #[non_exhaustive]
    Revoked {
        /// Those that are read no more.
        partitions: Vec<TopicPartition>,
        /// Positions of them could not be committed any more.
        lost: bool,
    },
    /// Something is wrong. [`ErrorKind::Unavailable`]: the client tries again by itself. Any other kind does not mend by
    /// itself: a right is missing, a login is refused, a partition has no position.
    Trouble(Error),
    /// The consumer is of no more use.
    Failed(Error),
}

impl KafkaConsumer {
    /// A consumer of these brokers; nothing connects before [`KafkaConsumerBuilder::open`].
    pub fn builder(properties: &KafkaProperties) -> KafkaConsumerBuilder {
        KafkaConsumerBuilder::new(properties)
    }

    /// Waits for what comes next. A call that is given up loses nothing.
    pub async fn next(&mut self) -> Polled {
        loop {
            if let Some(polled) = self.poll() {
                return polled;
            }
            self.wake.wait(FALLBACK).await;
        }
    }

    /// What is there now, without waiting.
    pub fn poll(&mut self) -> Option<Polled> {
        self.serve_events();
        if let Some(told) = self.told.pop_front() {
            return Some(told);
        }
        self.take_records().or_else(|| self.told.pop_front())
    }

    /// The partitions that are read now.
    pub fn assignment(&self) -> impl Iterator<Item = &TopicPartition> {
        self.queues.iter().map(|queue| &queue.partition)
    }

    /// Marks a position to be committed: the offset of the next record to be read, with the leader epoch of the last one
    /// where it is known. It is committed in time, before the partition is given back and by [`KafkaConsumer::close`], or by
    /// [`KafkaConsumer::commit`]; without a [group](KafkaConsumerBuilder::group), never. Of a partition that is not read any
    /// more it does nothing.
    pub fn store(&mut self, partition: &TopicPartition, offset: i64, leader_epoch: Option<i32>) {
        let Some(queue) = self.queues.iter_mut().find(|queue| queue.partition == *partition) else { return };
        if queue.stored.replace(offset) == Some(offset) {
            return;
        }
        let refused = self.client.store(&[StoredOffset { partition: partition.clone(), offset, leader_epoch }]);
        self.has_stored |= refused.is_empty();
        for (partition, fault) in refused {
            tracing::debug!("the position of {partition} is not taken: {fault}");
        }
    }

    /// Commits the positions that were marked, and waits until the broker has them. What happens meanwhile is told by
    /// [`KafkaConsumer::next`].
    ///
    /// # Errors
    /// The broker does not take them: another member has the partitions, or the group is in the middle of a rebalance.
    pub async fn commit(&mut self) -> Result<()> {
        self.n_commits += 1;
        let token = self.n_commits;
        self.client.commit_stored(token)?;
        self.has_stored = false;
        loop {
            self.serve_events();
            match self.committed.take() {
                Some((of, result)) if of == token => return result,
                _ => {}
            }
            if self.told.iter().any(|told| matches!(told, Polled::Failed(_))) {
                return Err(Error::new(ErrorKind::Unavailable, "the consumer has failed"));
            }
            self.wake.wait(FALLBACK).await;
        }
    }

    /// Stops: positions that were marked are committed if it commits by itself, and those of partitions of which nothing was
    /// read; and the group is left. What was given back
    /// for that is told by [`KafkaConsumer::poll`] afterwards; no more is read.
    ///
    /// # Errors
    /// That did not end in time, or the positions could not be committed.
    pub async fn close(&mut self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        let mut committed = Ok(());
        if self.commits_by_itself {
            self.find_beginnings(deadline.min(Instant::now() + BEGINNINGS)).await;
        }
        if self.commits_by_itself && self.has_stored {
            let late = |_| Err(Error::new(ErrorKind::Unavailable, "the last positions were not committed in time"));
            committed = tokio::time::timeout(timeout, self.commit()).await.unwrap_or_else(late);
        }
        self.client.close()?;
        loop {
            self.serve_events();
            if self.client.is_closed() {
                return committed;
            }
            if Instant::now() >= deadline {
                // That positions are not committed counts for more.
                return committed.and(Err(Error::new(ErrorKind::Unavailable, "the group could not be left in time")));
            }
            self.wake.wait(CLOSE_LOOK).await;
        }
    }

    /// Records that come meanwhile tell where their partitions begin, and are read by nobody.
    async fn find_beginnings(&mut self, deadline: Instant) {
        while self.queues.iter().any(|queue| queue.stored.is_none()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let unknown = self.queues.iter().filter(|queue| queue.stored.is_none());
                let unknown = unknown.map(|queue| queue.partition.to_string()).collect::<Vec<_>>().join(", ");
                tracing::warn!("no position is committed of {unknown}: no broker told in time where reading begins");
                return;
            }
            self.serve_events();
            if self.take_records().is_none() {
                self.wake.wait(left.min(FALLBACK)).await;
            }
        }
    }

    fn serve_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            if let Err(error) = self.serve(event) {
                self.told.push_back(Polled::Failed(error));
            }
        }
        self.client.keep_brokers(Instant::now());
    }

    fn serve(&mut self, event: ConsumerEvent) -> Result<()> {
        match event {
            ConsumerEvent::Assign(partitions) => {
                for partition in &partitions {
                    let ready = Ready::new(&self.wake);
                    let records = self.client.split(partition, Arc::clone(&ready) as _)?;
                    self.queues.push(Queue { partition: partition.clone(), records, ready, stored: None });
                }
                self.client.assign(&partitions)?;
                self.told.push_back(Polled::Assigned(partitions));
            }
            ConsumerEvent::Revoke { partitions, lost } => {
                self.queues.retain(|queue| !partitions.contains(&queue.partition));
                self.client.unassign(&partitions)?;
                self.told.push_back(Polled::Revoked { partitions, lost });
            }
            ConsumerEvent::Committed { token: Some(token), result, .. } => {
                let failed = result.err().filter(|fault| fault.kind != FaultKind::NothingToCommit);
                let result = failed.map_or(Ok(()), |fault| Err(fault.to_error("the positions are not committed")));
                self.committed = Some((token, result));
            }
            ConsumerEvent::Committed { token: None, result, .. } => match result {
                Err(fault) if fault.kind != FaultKind::NothingToCommit => self.told.push_back(trouble(&fault)),
                _ => {}
            },
            ConsumerEvent::Fault(fault) => self.told.push_back(trouble(&fault)),
            ConsumerEvent::Fatal(fault) => return Err(fault.to_error("the consumer has failed")),
        }
        Ok(())
    }

    /// The next chunk, from the partition after the one that had its turn.
    fn take_records(&mut self) -> Option<Polled> {
        let n_queues = self.queues.len();
        for step in 0..n_queues {
            let at = (self.turn + step) % n_queues;
            let queue = &mut self.queues[at];
            if !queue.ready.take() {
                continue;
            }
            let mut records = Vec::with_capacity(self.max_records);
            let taken = queue.records.take(self.max_records, &mut records);
            if taken.more {
                queue.ready.set();
            }
            let (partition, is_begun) = (queue.partition.clone(), queue.stored.is_some());
            self.told.extend(taken.faults.iter().map(trouble));
            if let Some(offset) = taken.end.filter(|_| self.tells_ends) {
                // Behind the records, which are handed over before anything that is told.
                self.told.push_back(Polled::End { partition: partition.clone(), offset });
            }
            let begins = records.first().map(RawRecord::offset).or(taken.end);
            if let Some(begins) = begins.filter(|_| self.commits_by_itself && !is_begun) {
                self.store(&partition, begins, None);
            }
            if !records.is_empty() {
                self.turn = at + 1;
                return Some(Polled::Records { partition, records });
            }
        }
        None
    }
}

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let assignment = self.assignment().collect::<Vec<_>>();
        f.debug_struct("KafkaConsumer").field("assignment", &assignment).finish_non_exhaustive()
    }
}

fn trouble(fault: &Fault) -> Polled {
    let kind = match fault.kind {
        // It may come.
        FaultKind::UnknownTopic => ErrorKind::Unavailable,
        kind => kind.error_kind(),
    };
    Polled::Trouble(Error::new(kind, fault.text.clone()))
}
