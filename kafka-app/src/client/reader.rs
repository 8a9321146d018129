//! [`read_from`] and [`read_by_hand`]: the port over a client that joins no group.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use parking_lot::Mutex;

use super::{
    brokers::Brokers,
    ffi::{EventQueue, GroupMetadata, NativeConsumer},
    find::Find,
    port::{Committed, ConsumerClient, ConsumerEvent, Fault, FaultKind, Lease, RecordQueue, Signal, StoredOffset},
};
use crate::{
    config::{Properties, Subscription},
    error::{Error, ErrorKind, Result},
    record::TopicPartition,
};

/// Makes a consumer of these librdkafka properties that reads these partitions, each from its offset on, and commits
/// nothing.
pub(crate) fn read_from(
    properties: &Properties,
    positions: Vec<(TopicPartition, i64)>,
    brokers: &Brokers,
    signal: Arc<dyn Signal>,
) -> Result<Box<dyn ConsumerClient>> {
    Reader::open(properties, positions, None, brokers, signal)
}

/// Makes one that reads what `find` finds for consumer number `instance`, and commits if that says so.
pub(crate) fn read_by_hand(
    properties: &Properties,
    find: Arc<Find>,
    instance: u32,
    brokers: &Brokers,
    signal: Arc<dyn Signal>,
) -> Result<Box<dyn ConsumerClient>> {
    Reader::open(properties, Vec::new(), Some((find, instance)), brokers, signal)
}

/// The queues are declared, and so dropped, before the client they belong to.
struct Reader {
    events: EventQueue,
    /// Results of commits, if there are any.
    commits: Option<EventQueue>,
    client: Arc<NativeConsumer>,
    find: Option<(Arc<Find>, u32)>,
    said: Arc<Said>,
    is_closing: bool,
}

/// What a group would have said.
struct Said {
    events: Mutex<VecDeque<ConsumerEvent>>,
    positions: Mutex<Vec<(TopicPartition, i64)>>,
    signal: Arc<dyn Signal>,
}

impl Said {
    fn say(&self, event: ConsumerEvent) {
        self.events.lock().push_back(event);
        self.signal.signal();
    }

    fn say_assigned(&self) {
        let partitions = self.positions.lock().iter().map(|(partition, _)| partition.clone()).collect();
        self.say(ConsumerEvent::Assign(partitions));
    }

    fn say_committed(&self, token: u64) {
        self.say(ConsumerEvent::Committed { token: Some(token), result: Ok(()), partitions: Vec::new() });
    }

    fn say_found(&self, found: Result<Vec<(TopicPartition, i64)>>) {
        match found {
            Ok(positions) => {
                *self.positions.lock() = positions;
                self.say_assigned();
            }
            Err(error) => {
                let kind = if error.kind() == ErrorKind::Config { FaultKind::Config } else { FaultKind::Other };
                let text = format!("it does not find its partitions: {error}");
                self.say(ConsumerEvent::Fatal(Fault { kind, text }));
            }
        }
    }
}

impl Reader {
    fn open(
        properties: &Properties,
        positions: Vec<(TopicPartition, i64)>,
        find: Option<(Arc<Find>, u32)>,
        brokers: &Brokers,
        signal: Arc<dyn Signal>,
    ) -> Result<Box<dyn ConsumerClient>> {
        let pairs = properties.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let client = Arc::new(NativeConsumer::new(pairs, brokers.add_client())?);
        let mut events = client.event_queue()?;
        events.on_events(Arc::clone(&signal));
        let commits = match &find {
            Some((find, _)) if find.commits() => {
                let mut commits = client.new_queue()?;
                commits.on_events(Arc::clone(&signal));
                Some(commits)
            }
            _ => None,
        };
        let said = Arc::new(Said { events: Mutex::default(), positions: Mutex::new(positions), signal });
        Ok(Box::new(Self { events, commits, client, find, said, is_closing: false }))
    }
}

impl Reader {
    /// The next of what it says by itself. Partitions that nobody has taken up by the time of the close are given to nobody:
    /// librdkafka waits for ever for an answer to an assignment when it has closed already.
    fn next_own(&self) -> Option<ConsumerEvent> {
        let mut events = self.said.events.lock();
        if self.is_closing {
            events.retain(|event| !matches!(event, ConsumerEvent::Assign(_)));
        }
        events.pop_front()
    }
}

impl ConsumerClient for Reader {
    /// The partitions are given already, or are found on a thread of its own, since that waits for the network.
    fn subscribe(&mut self, _: &Subscription) -> Result<()> {
        let Some((find, instance)) = self.find.clone() else {
            self.said.say_assigned();
            return Ok(());
        };
        let said = Arc::clone(&self.said);
        let run = move || said.say_found(find.positions(instance));
        std::thread::Builder::new()
            .name("kafka-find".into())
            .spawn(run)
            .map(drop)
            .map_err(|e| Error::new(ErrorKind::Unavailable, "no thread to find the partitions on").with_source(e))
    }

    fn poll_event(&mut self) -> Option<ConsumerEvent> {
        let own = self.next_own();
        own.or_else(|| self.events.poll()).or_else(|| self.commits.as_ref()?.poll())
    }

    fn keep_brokers(&self, now: Instant) {
        self.client.keep_brokers(now);
    }

    fn split(&mut self, partition: &TopicPartition, signal: Arc<dyn Signal>) -> Result<Box<dyn RecordQueue>> {
        Ok(Box::new(self.client.partition_queue(partition, signal)?))
    }

    fn assign(&mut self, _: &[TopicPartition]) -> Result<()> {
        let positions = self.said.positions.lock().clone();
        let positions =
            positions.into_iter().map(|(partition, offset)| StoredOffset { partition, offset, leader_epoch: None });
        self.client.assign_at(&positions.collect::<Vec<_>>())
    }

    fn unassign(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.client.unassign(partitions)
    }

    fn store(&mut self, offsets: &[StoredOffset]) -> Vec<(TopicPartition, Fault)> {
        if let Some((find, _)) = &self.find {
            for stored in offsets {
                find.has_handled(&stored.partition, stored.offset);
            }
        }
        match &self.commits {
            Some(_) => self.client.store(offsets),
            None => Vec::new(),
        }
    }

    fn commit_stored(&mut self, token: u64) -> Result<()> {
        match &self.commits {
            Some(commits) => self.client.commit_stored(commits, token),
            None => {
                self.said.say_committed(token);
                Ok(())
            }
        }
    }

    fn commit_exactly(&mut self, offsets: &[StoredOffset], token: u64) -> Result<()> {
        match &self.commits {
            Some(commits) => self.client.commit_exactly(offsets, commits, token),
            None => {
                self.said.say_committed(token);
                Ok(())
            }
        }
    }

    fn seek(&mut self, partition: &TopicPartition, offset: i64) -> Result<()> {
        self.client.seek(partition, offset)
    }

    fn close(&mut self) -> Result<()> {
        if let Some((find, _)) = &self.find {
            find.forget(self.said.positions.lock().iter().map(|(partition, _)| partition.clone()));
        }
        self.is_closing = true;
        self.client.close(&self.events)
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
