//! [`connect`]: the port's implementation over librdkafka.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    brokers::Brokers,
    ffi::{Entry, EventQueue, GroupMetadata, NativeConsumer, PartitionQueue},
    port::{
        Committed, ConsumerClient, ConsumerEvent, Fault, FaultKind, Lease, RecordQueue, Signal, StoredOffset, Taken,
    },
};
use crate::{
    config::{Properties, Subscription},
    error::Result,
    record::{RawRecord, TopicPartition},
};

/// Makes a consumer of these librdkafka properties; `signal` is called when events arrive. Nothing is awaited: an
/// unreachable broker shows as events, and in `brokers`.
pub(crate) fn connect(
    properties: &Properties,
    brokers: &Brokers,
    signal: Arc<dyn Signal>,
) -> Result<Box<dyn ConsumerClient>> {
    let pairs = properties.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let client = Arc::new(NativeConsumer::new(pairs, brokers.add_client())?);
    let mut events = client.event_queue()?;
    events.on_events(Arc::clone(&signal));
    let mut commits = client.new_queue()?;
    commits.on_events(signal);
    let has = |key: &str, value: Option<&str>| {
        properties.iter().any(|(k, v)| k.as_str() == key && value.is_none_or(|value| v.eq_ignore_ascii_case(value)))
    };
    // A static member stays in its group; KIP-848 leaves by a way of its own.
    let must_unsubscribe = !has("group.instance.id", None) && !has("group.protocol", Some("consumer"));
    Ok(Box::new(Consumer { events, commits, client, must_unsubscribe, n_assigned: 0, is_leaving: false }))
}

/// Queues are declared, and so dropped, before the client they belong to.
struct Consumer {
    events: EventQueue,
    /// Results of our own commits.
    commits: EventQueue,
    client: Arc<NativeConsumer>,
    /// See [`NativeConsumer::unsubscribe`].
    must_unsubscribe: bool,
    n_assigned: usize,
    /// It unsubscribed, and is closed once that has made it leave.
    is_leaving: bool,
}

impl Consumer {
    /// Closes the client, unless it has unsubscribed and is still a member: one that is closed while it waits for the end
    /// of a rebalance forgets to leave.
    fn close_once_left(&mut self) -> Result<()> {
        if self.is_leaving && self.client.is_member() {
            return Ok(());
        }
        self.is_leaving = false;
        self.client.close(&self.events)
    }
}

impl ConsumerClient for Consumer {
    fn subscribe(&mut self, subscription: &Subscription) -> Result<()> {
        match subscription {
            Subscription::Topics(topics) => self.client.subscribe(topics.iter().map(String::as_str)),
            // librdkafka takes a name that starts with `^` for a regular expression.
            Subscription::Pattern(pattern) => self.client.subscribe(std::iter::once(pattern.as_str())),
        }
    }

    fn poll_event(&mut self) -> Option<ConsumerEvent> {
        if self.is_leaving
            && let Err(error) = self.close_once_left()
        {
            return Some(ConsumerEvent::Fatal(Fault { kind: FaultKind::Other, text: error.to_string() }));
        }
        self.events.poll().or_else(|| self.commits.poll())
    }

    fn keep_brokers(&self, now: Instant) {
        self.client.keep_brokers(now);
    }

    fn split(&mut self, partition: &TopicPartition, signal: Arc<dyn Signal>) -> Result<Box<dyn RecordQueue>> {
        Ok(Box::new(self.client.partition_queue(partition, signal)?))
    }

    fn assign(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.client.assign(partitions)?;
        self.n_assigned += partitions.len();
        Ok(())
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.n_assigned = self.n_assigned.saturating_sub(partitions.len());
        self.client.unassign(partitions)
    }

    fn store(&mut self, offsets: &[StoredOffset]) -> Vec<(TopicPartition, Fault)> {
        self.client.store(offsets)
    }

    fn commit_stored(&mut self, token: u64) -> Result<()> {
        self.client.commit_stored(&self.commits, token)
    }

    fn commit_exactly(&mut self, offsets: &[StoredOffset], token: u64) -> Result<()> {
        self.client.commit_exactly(offsets, &self.commits, token)
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<()> {
        self.client.seek(partition, offset)
    }

    fn close(&mut self) -> Result<()> {
        self.is_leaving = self.must_unsubscribe && self.n_assigned == 0 && self.client.unsubscribe()?;
        self.close_once_left()
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    fn group_metadata(&self) -> Result<GroupMetadata> {
        self.client.group_metadata()
    }

    fn committed(&self) -> Arc<dyn Committed> {
        Arc::<NativeConsumer>::clone(&self.client)
    }

    fn lease(&self) -> Lease {
        Arc::<NativeConsumer>::clone(&self.client)
    }
}

/// How long one look at committed positions may take; a transaction that holds some ends within its own timeout.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(10);

impl Committed for NativeConsumer {
    fn read(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Option<i64>)>> {
        Self::committed(self, partitions, COMMITTED_TIMEOUT)
    }
}

impl RecordQueue for PartitionQueue {
    fn take(&mut self, max: usize, records: &mut Vec<RawRecord>) -> Taken {
        let mut taken = Taken::default();
        let n_entries = Self::take(self, max, |entry| match entry {
            Entry::Record(record) => records.push(RawRecord::native(record)),
            Entry::End(offset) => taken.end = Some(offset),
            Entry::Fault(fault) => taken.faults.push(fault),
        });
        Taken { more: n_entries == max, ..taken }
    }
}
